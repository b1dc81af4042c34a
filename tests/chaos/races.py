"""Scenarios 13, 14, 15: many who take at once, takes against steps, links that machines open, and a storm."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx

from survey import clock
from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.local import clinic
from survey.services import alerts, pages
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import ENGINE, USUAL, scenario
from tests.chaos.scene import Scene
from tests.fakes import LINK
from tests.faults.load import FORM_TOKEN
from tests.faults.servers import until

EPOCH = re.compile(r'name="epoch"[^>]*value="(\d+)"')
BOTS = (
    {"Purpose": "prefetch", "Sec-Purpose": "prefetch"},
    {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)"},
    {"User-Agent": "WhatsApp/2.23", "Range": "bytes=0-1024"},
    {"User-Agent": "facebookexternalhit/1.1"},
)
STATE = """
SELECT md5((SELECT string_agg(a::text, '' ORDER BY id) FROM alert a)
  || (SELECT string_agg(p::text, '' ORDER BY id) FROM page p)
  || (SELECT string_agg(t::text, '' ORDER BY id) FROM page_attempt t)
  || (SELECT string_agg(e::text, '' ORDER BY id) FROM alert_event e)) AS sum"""


class Door:
    """The link of a page, opened in a browser. What the form said when it was opened is what is sent."""

    def __init__(self, scene: Scene, link: str) -> None:
        path = "/a/" + link.rpartition("/a/")[2]
        self._url, self._headers = f"{scene.stack.url}{path}", {"Origin": scene.stack.url}
        with httpx.Client(timeout=15, trust_env=False) as client:
            page, self._cookies = client.get(self._url), client.cookies
        token, epoch = FORM_TOKEN.search(page.text), EPOCH.search(page.text)
        assert token, f"the door has no button ({page.status_code})"
        assert epoch, f"the button knows no epoch ({page.status_code})"
        self._form = {"csrf_token": token[1], "epoch": epoch[1]}

    def press(self) -> int:
        """I'll take it."""
        with httpx.Client(cookies=self._cookies, timeout=15, trust_env=False) as client:
            return client.post(self._url, data=self._form, headers=self._headers).status_code


def link(scene: Scene, place: int = -1) -> str:
    """The link in that text on the wire."""
    found = LINK.search(scene.wire()[place].body)
    assert found, "the text has no link"
    return found[0]


def _links(scene: Scene) -> list[str]:
    return [found[0] for found in (LINK.search(entry.body) for entry in scene.wire()) if found]


@scenario(13, *USUAL, terms=Terms(late_s=5))
def twenty_take_at_once(scene: Scene) -> None:
    """Three people, twenty taps: one has it, the others read who."""
    scene.commit()
    scene.await_pages(1)
    scene.live(timedelta(minutes=14), every=timedelta(minutes=1))
    links = _links(scene)
    assert len({entry.to for entry in scene.wire()}) == 3, "not everybody was paged"
    doors = [Door(scene, links[number % len(links)]) for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(Door.press, doors))
    assert set(statuses) <= {200, 303}, f"taps were answered {statuses}"
    takes = scene.rows("SELECT FROM alert_event WHERE kind = 'taken'")
    assert len(takes) == 1, f"{len(takes)} takes are told"


@scenario(13, *USUAL, terms=Terms(late_s=10))
def takes_against_steps(scene: Scene) -> None:
    """Three alerts whose next step is due, and a tap on each at that moment."""
    scene.commit(3)
    scene.await_pages(3)
    scene.rest()
    doors = [Door(scene, one) for one in _links(scene)]
    with ThreadPoolExecutor(8) as pool:
        scene.forward(timedelta(minutes=3, seconds=1))
        list(pool.map(Door.press, doors))
    scene.rest()
    assert {one.state for one in scene.alerts()} == {"acknowledged"}


@scenario(13, *USUAL, terms=Terms(late_s=5), quick=True)
def a_tap_from_before(scene: Scene) -> None:
    """A button that was shown before the alert moved on takes nothing; a fresh one does; after the end none does."""
    scene.commit()
    scene.await_pages(1)
    scene.rest()
    old, riverside = Door(scene, link(scene)), scene.world.riverside
    ana = riverside.actor(clinic.ANA)
    (alert,) = scene.alerts()
    assert Door(scene, link(scene)).press() in (200, 303)
    alerts.pass_on(alert.id, by=ana, epoch=1, now=clock.now())
    old.press()
    assert scene.alerts()[0].state == "triggered", "a tap from the last epoch took the alert"
    Door(scene, link(scene)).press()
    assert scene.alerts()[0].state == "acknowledged"
    _close(scene, alert.id, ana)
    old.press()
    assert scene.alerts()[0].state == "resolved"


def _close(scene: Scene, alert_id: Any, by: Any) -> None:
    epoch = scene.alerts()[0].epoch
    alerts.record_contact(alert_id, result=ContactResult.REACHED, by=by, epoch=epoch, now=clock.now())
    words = {"outcome": Outcome.REASSURED, "usefulness": Usefulness.WORTH_IT}
    alerts.close(alert_id, **words, by=by, epoch=epoch, now=clock.now())


@scenario(13, *USUAL, terms=Terms(late_s=90, slack_s=30))
def a_take_puts_waiting_pages_away(scene: Scene) -> None:
    """The provider refuses for now, so the page waits; whoever got an earlier one takes it, and it waits no more."""
    scene.commit()
    scene.await_pages(1)
    scene.rest()
    scene.deal("503")
    scene.forward(timedelta(minutes=3, seconds=1))
    until(lambda: len(scene.wire()) >= 6, what="the repeat is refused some times", every_s=0.02)
    Door(scene, link(scene, 0)).press()
    scene.deal("200")
    waiting = "SELECT FROM page WHERE kind = 'call' AND state IN ('pending', 'leased')"
    until(lambda: not scene.rows(waiting), what="no page waits", patience_s=5)


@scenario(13, "scoring", terms=Terms(late_s=30, well=None))
def a_take_while_a_page_is_settled(scene: Scene) -> None:
    """The try ended in doubt, and its sender is about to write so: a take in that moment finds the page."""
    scene.deal("hang")
    scene.commit()
    (alert,) = scene.await_alerts(1)
    ana = scene.world.riverside.actor(clinic.ANA)
    with ThreadPoolExecutor(2) as pool, scene.servers.superuser(scene.database) as other:
        sender = pool.submit(pages.send_due, now=clock.now())
        scene.await_pages(1)
        with other.transaction():
            other.execute("SELECT FROM page FOR UPDATE")
            until(lambda: _blocked(scene) >= 1, what="the sender waits for its page", every_s=0.01)
            taker = pool.submit(alerts.take, alert.id, by=ana, epoch=1, now=clock.now())
            until(lambda: taker.done() or _blocked(scene) >= 2, what="the take waits or is done", every_s=0.01)
        sender.result()
        taker.result()
    assert scene.alerts()[0].state == "acknowledged"
    assert not scene.rows("SELECT FROM page WHERE state = 'pending'"), "a page waits although the alert is taken"


def _blocked(scene: Scene) -> int:
    waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    return int(scene.rows(waiting, scene.database)[0].n)


@scenario(14, *USUAL, terms=Terms(late_s=5))
def links_that_machines_open(scene: Scene) -> None:
    """HEAD and GET, fifty times, as scanners and previews do: no row changes."""
    scene.commit()
    scene.await_pages(1)
    until(lambda: _settled(scene), what="the receipts are in")
    address, before = link(scene), scene.rows(STATE)[0].sum
    with httpx.Client(timeout=10, trust_env=False, follow_redirects=True) as client:
        for number in range(50):
            for ask in (client.head, client.get):
                ask(address, headers=BOTS[number % len(BOTS)])
    assert scene.rows(STATE)[0].sum == before, "a machine that looked has changed something"


def _settled(scene: Scene) -> bool:
    """Nothing moved for a while: the receipt of the provider comes when it comes."""
    before = scene.rows(STATE)[0].sum
    time.sleep(0.7)
    return bool(scene.rows(STATE)[0].sum == before)


@scenario(15, *ENGINE, terms=Terms(late_s=15))
def three_hundred_at_once(scene: Scene) -> None:
    """A storm: the first page of none of them waits for another's repeat."""
    scene.commit(300)
    scene.await_alerts(300)
    until(lambda: _unpaged(scene) == 0, what="every alert has a page on the wire", every_s=0.2)


def _unpaged(scene: Scene) -> int:
    without = """SELECT count(*) AS n FROM alert a WHERE NOT EXISTS (SELECT FROM page p
      WHERE p.alert_id = a.id AND (p.state IN ('accepted', 'delivered') OR p.bundled_in IS NOT NULL))"""
    return int(scene.rows(without)[0].n)


@scenario(15, *USUAL, terms=Terms(late_s=5))
def one_patient_twenty_times(scene: Scene) -> None:
    """The same worry told again and again is one alert and one page."""
    token = next(scene._unused)
    first = scene.tell(token)
    again: Callable[[], object] = lambda: scene.tell(token)  # noqa: E731
    for _ in range(19):
        again()
    scene.worries.append(first)
    scene.rest()
    assert len(scene.alerts()) == 1
    assert len(scene.wire()) == 1, "the patient's repeats were paged"
