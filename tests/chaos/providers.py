"""Scenarios 4, 5, 6: providers that refuse, hang, are away or out of reach, and what they tell by themselves."""

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import urlencode

import httpx

from survey.local.carrier_journal import Entry
from survey.messaging import twilio_sms
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import ENGINE, USUAL, scenario
from tests.chaos.scene import PAGERS, Scene
from tests.faults.servers import until

FINE = "200"
CLEAN = ("429", "503", "401")
AMBIGUOUS = ("500", "hang", "reset_after_body", "reset_unsent")
PAUSE = timedelta(seconds=16)
"""The longest before a page is tried again."""
SECRET = "a secret of the tests"
CALLED = ("+12025550121", "+12025550122", "+12025550123")
NOWHERE = "http://127.0.0.1:9"


@scenario(4, *ENGINE, terms=Terms(late_s=30), quick=True)
def the_provider_fails_in_every_way(scene: Scene) -> None:
    """Refused for now, refused for good, in doubt, hung, cut off: each page arrives, and only doubt is counted."""
    for mode in (*CLEAN, *AMBIGUOUS, "400"):
        _fail_once(scene, mode)


def _fail_once(scene: Scene, mode: str) -> None:
    scene.deal(mode)
    scene.commit()
    until(lambda: any(one.mode == mode for one in scene.wire()), what=f"a page meets {mode}", every_s=0.02)
    scene.deal(FINE)
    alert = scene.alerts()[-1]
    until(lambda: not _in_hand(scene, alert.id), what="the try is over", every_s=0.02)
    scene.forward(PAUSE)
    until(lambda: _reached(scene, alert.id), what=f"a page arrives after {mode}", every_s=0.02)
    (counted,) = scene.rows("SELECT max(maybe_sent) AS n FROM page WHERE alert_id = %s", alert.id)
    assert mode not in CLEAN or counted.n == 1, f"{mode} certainly sent nothing, and is counted as if it had"


def _in_hand(scene: Scene, alert_id: object) -> bool:
    return bool(scene.rows("SELECT FROM page WHERE alert_id = %s AND state = 'leased'", alert_id))


def _reached(scene: Scene, alert_id: object) -> bool:
    return bool(scene.rows("SELECT FROM page WHERE alert_id = %s AND state IN ('accepted', 'delivered')", alert_id))


@scenario(4, *ENGINE, terms=Terms(late_s=5), prepare=Scene.two_providers)
def one_provider_is_down(scene: Scene) -> None:
    """The other carries the page, in the same breath."""
    scene.deal("503")
    scene.commit_each(6, every_s=0.3)
    scene.await_alerts(6)
    scene.rest()
    assert scene.other is not None
    scene.await_paged(6)
    assert len(scene.other.journal()) >= 3


@scenario(4, *ENGINE, terms=Terms(late_s=8), prepare=Scene.two_providers, environ={"TWILIO_BASE_URL": NOWHERE})
def one_provider_refuses_connections(scene: Scene) -> None:
    """Nobody listens at its address."""
    scene.commit_each(4, every_s=0.3)


@scenario(
    4,
    *ENGINE,
    terms=Terms(late_s=20),
    prepare=Scene.two_providers,
    environ={"TWILIO_BASE_URL": "https://carrier.invalid"},
)
def one_provider_has_no_address(scene: Scene) -> None:
    """Its name is not found in the DNS."""
    scene.commit_each(4, every_s=0.3)


@scenario(4, *USUAL, terms=Terms(late_s=8))
def a_call_where_no_text_leaves(scene: Scene) -> None:
    """No provider takes the text, so the phone rings at once, and a key that is pressed takes the alert."""
    for number, called in zip(PAGERS, CALLED, strict=True):
        scene.run(
            "INSERT INTO contact_method (id, user_id, kind, address, verified_at) "
            "SELECT gen_random_uuid(), user_id, 'voice', %s, verified_at FROM contact_method WHERE address = %s",
            called,
            number,
        )
    scene.deal("503")
    scene.deal("press:4", CALLED)
    scene.commit()
    until(lambda: any(one.to in CALLED for one in scene.wire()), what="a phone rings", patience_s=10, every_s=0.05)
    until(lambda: scene.alerts()[0].state == "acknowledged", what="the key has taken the alert", patience_s=20)
    scene.deal(FINE)


@scenario(4, *ENGINE, terms=Terms(late_s=40))
def four_clean_refusals(scene: Scene) -> None:
    """What stranded a page in the prototype: it was pending, and nobody could claim it."""
    for number in range(4):
        scene.deal("503")
        if not number:
            scene.commit()
        scene.await_pages(number + 1)
    until(lambda: len(scene.wire()) >= 5, what="a fifth try")
    scene.deal(FINE)
    until(lambda: any(one.arrived for one in scene.wire()), what="the page arrives")


@scenario(5, *ENGINE, terms=Terms(late_s=90))
def all_providers_are_down_for_20_minutes(scene: Scene) -> None:
    """Then all is well, and each phone gets one text for each alert in the first minute."""
    scene.deal("503")
    scene.commit(3)
    scene.await_alerts(3)
    scene.live(timedelta(minutes=20), every=timedelta(seconds=30))
    assert not any(one.arrived for one in scene.wire())
    scene.deal(FINE)
    before = len(scene.wire())
    scene.live(timedelta(minutes=1), every=timedelta(seconds=15))
    arrived = Counter((one.to, _number(one)) for one in scene.wire()[before:] if one.arrived)
    assert arrived, "nothing arrived in the first minute"
    assert max(arrived.values()) == 1, f"a phone got {max(arrived.values())} texts for one alert in a minute"
    scene.live(timedelta(minutes=6), every=timedelta(seconds=30))
    scene.await_paged(3)


def _number(entry: Entry) -> str:
    """What tells alerts apart in a text: all of it but its link."""
    return hashlib.sha256(entry.body.partition("http")[0].encode()).hexdigest()


@scenario(6, *USUAL, terms=Terms(late_s=5))
def receipts_in_every_order(scene: Scene) -> None:
    """Early, twice, backwards and forged: no receipt undoes what was told, and nobody is paged for one."""
    scene.deal("slow:500")  # the carrier's own receipt comes before its answer
    scene.commit()
    scene.await_pages(1)
    scene.rest()
    scene.deal(FINE)
    (entry,) = scene.wire()
    statuses = [_receipt(entry, status) for status in ("delivered", "delivered", "sent", "queued", "delivered")]
    assert set(statuses) <= {200, 204}, f"genuine receipts were answered {statuses}"
    assert _receipt(entry, "failed", signed_with="not the secret") == 403
    before = _delivery(scene)
    _receipt(entry, "queued")
    scene.rest()
    assert _delivery(scene) == before, "a receipt that came late moved a page backwards"
    assert len(scene.wire()) == 1, "a receipt made a page"
    told = [_inbound(scene, "SM" + "7" * 32) for _ in range(3)]
    assert set(told) == {200}
    assert len(scene.rows("SELECT FROM inbound")) == 1, "one text that was told three times is one text"
    assert _inbound(scene, "SM" + "8" * 32, signed_with="not the secret") == 403


def _receipt(entry: Entry, status: str, *, signed_with: str = SECRET) -> int:
    form = {"MessageSid": entry.sid, "MessageStatus": status, "To": entry.to, "From": entry.sender}
    return _signed(entry.callback, form, signed_with)


def _inbound(scene: Scene, sid: str, *, signed_with: str = SECRET, **form: str) -> int:
    told = {"MessageSid": sid, "From": "+12025550166", "To": "+12025550190", "Body": "Hello", **form}
    return _signed(f"{scene.stack.url}/inbound/sms", told, signed_with)


def _signed(url: str, form: dict[str, str], secret: str) -> int:
    mark = twilio_sms.signature(secret, url, form.items())
    headers = {"X-Twilio-Signature": mark, "Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(url, content=urlencode(form).encode(), headers=headers, timeout=10, trust_env=False).status_code


def _delivery(scene: Scene) -> tuple[str, int]:
    (row,) = scene.rows("SELECT p.state, t.delivery_rank AS rank FROM page p JOIN page_attempt t ON t.page_id = p.id")
    return row.state, row.rank


def stop_from(scene: Scene, number: str) -> int:
    """STOP, texted from that phone; how it was answered."""
    at = str(datetime.timestamp(scene.rows("SELECT clock_timestamp() AS at")[0].at))
    return _inbound(scene, "SM" + hashlib.sha256(at.encode()).hexdigest()[:32], From=number, Body="STOP")
