"""Calls to clinicians: signed, answered by a key and by no machine, and told in words what came of it."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from threading import Thread
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from survey.domain.alerts import Alert
from survey.domain.oncall import MethodKind
from survey.domain.pages import PageState
from survey.local import carrier as carriers
from survey.local.carrier_speech import action, said
from survey.messaging import registry, twilio_sms
from survey.messaging.registry import Wiring
from survey.messaging.twilio_voice import TwilioVoice
from survey.services import alerts, contact_methods, contact_proofs, escalation, pages
from survey.store.session import transaction
from survey.web import voice
from tests import factories
from tests.cast import ANA, BEN, NIGHT
from tests.conftest import Database
from tests.desk import SECRET, SECRETS
from tests.fakes import FakeVoice
from tests.night import PUBLIC_URL, Night

ANAS_LANDLINE = "+12025550161"


@pytest.fixture
def night(database: Database, monkeypatch: pytest.MonkeyPatch) -> Night:  # noqa: ARG001 (it stands behind every call)
    """Ana is paged by a call alone; the web lives at the night's time."""
    factories.clinic()
    (mobile,) = contact_methods.contact_methods(ANA.id)
    contact_methods.remove_contact_method(mobile.id, by=ANA.actor, now=NIGHT)
    with transaction() as tx:
        factories.method(tx, ANA, MethodKind.VOICE, ANAS_LANDLINE)
    quiet = Night()
    wire(quiet, FakeVoice())
    monkeypatch.setattr("survey.clock.now", lambda: quiet.now)
    return quiet


def wire(night: Night, provider: FakeVoice | TwilioVoice, *, public_url: str = PUBLIC_URL) -> None:
    registry.wire(Wiring(public_url=public_url, sms=night.sms, email=night.email, voice=provider, secrets=SECRETS))


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(voice.blueprint)
    return app.test_client()


def rung() -> str:
    """The reference of the latest call."""
    provider = registry.voice()
    assert isinstance(provider, FakeVoice)
    return str(provider.wire[-1].reference)


def post(client: FlaskClient, path: str, form: dict[str, str], *, signed: str | None = None):
    signature = twilio_sms.signature(SECRET, PUBLIC_URL + path, form.items()) if signed is None else signed
    return client.post(path, data=form, headers={"X-Twilio-Signature": signature})


def ask(client: FlaskClient, reference: str) -> str:
    """Pick the call up: the TwiML that is said."""
    return post(client, f"/voice/twilio/{reference}", {"CallSid": "CA0"}).text


def press(client: FlaskClient, twiml: str, key: str) -> list[str]:
    """Press a key when it is asked for: the sentences that follow."""
    asked = action(twiml)
    assert asked is not None, "no key is asked for"
    address = urlsplit(asked)
    path = address.path + (f"?{address.query}" if address.query else "")
    return said(post(client, path, {"CallSid": "CA0", "Digits": key}).text)


def worried(night: Night) -> Alert:
    alert = night.worry()
    assert [sent.to for sent in registry.voice().wire] == [ANAS_LANDLINE]  # type: ignore[union-attr]
    return alert


def test_the_call_says_the_number_of_the_alert_digit_by_digit_and_nothing_about_a_patient(
    night: Night, client: FlaskClient
) -> None:
    alert = worried(night)

    sentences = said(ask(client, rung()))

    number = " ".join(str(alert.short_no))
    question = f"Daytwo, urgent survey alert {number}. Press 4 to take it, 5 to pass it to the backup, star to repeat."
    assert sentences == [question] * 3 + ["No key was pressed. Goodbye."]


def test_four_takes_the_alert_and_says_by_when_to_call(night: Night, client: FlaskClient) -> None:
    alert = worried(night)

    words = press(client, ask(client, rung()), "4")

    assert words == ["You have it. Call the patient by 1:01 AM."]
    assert night.alert(alert).acked_by == ANA.id


def test_five_pages_the_backup_at_once(night: Night, client: FlaskClient) -> None:
    worried(night)

    words = press(client, ask(client, rung()), "5")
    night.settle()

    assert words == ["The backup is paged now."]
    assert night.minutes(BEN) == [0]


@pytest.mark.parametrize("key", ["*", "1", "#"])
def test_star_and_any_other_key_repeat_the_question(night: Night, client: FlaskClient, key: str) -> None:
    alert = worried(night)

    words = press(client, ask(client, rung()), key)

    assert words[0].startswith("Daytwo, urgent survey alert")
    assert night.alert(alert).acked_by is None


def test_a_machine_that_picks_up_takes_nothing(night: Night, client: FlaskClient) -> None:
    alert = worried(night)

    ask(client, rung())
    post(client, f"/voice/twilio/{rung()}/status", {"CallStatus": "completed"})
    night.forward(timedelta(minutes=5))

    assert night.alert(alert).acked_by is None
    assert night.minutes(BEN) != []


def test_whoever_comes_second_hears_who_has_it_since_when(night: Night, client: FlaskClient) -> None:
    alert = worried(night)
    asked = ask(client, rung())
    night.take(alert, BEN)

    words = press(client, asked, "4")

    assert words == ["Ben Okafor took this alert at 00:31."]
    assert night.alert(alert).acked_by == BEN.id
    assert said(ask(client, rung()))[0].startswith("Daytwo. Ben Okafor took survey alert")


def test_a_key_from_before_the_alert_moved_on_is_refused_and_asked_for_afresh(
    night: Night, client: FlaskClient
) -> None:
    alert = worried(night)
    asked = ask(client, rung())
    night.take(alert, BEN)
    alerts.pass_on(alert.id, by=BEN.actor, epoch=night.alert(alert).epoch, now=night.now)
    now = night.alert(alert)

    words = press(client, asked, "4")
    assert "moved on" in words[0]
    assert "Press 4 to take it" in words[0]
    assert night.alert(alert) == now

    press(client, ask(client, rung()), "4")
    assert night.alert(alert).acked_by == ANA.id


def test_a_key_pressed_twice_is_pressed_once(night: Night, client: FlaskClient) -> None:
    alert = worried(night)
    asked = ask(client, rung())

    assert press(client, asked, "4") == press(client, asked, "4")
    assert night.story(alert).count("taken") == 1


def test_a_call_is_led_for_a_day_and_for_nobody_who_has_left(night: Night, client: FlaskClient) -> None:
    worried(night)
    reference = rung()
    with transaction() as tx:
        tx.run(sa.text("UPDATE app_user SET active = false WHERE id = :id"), {"id": ANA.id})
    assert said(ask(client, reference)) == [voice_over()]
    with transaction() as tx:
        tx.run(sa.text("UPDATE app_user SET active = true"))
    night.now += timedelta(days=1)

    assert said(ask(client, reference)) == [voice_over()]
    assert said(ask(client, str(uuid4()))) == [voice_over()]


def voice_over() -> str:
    return "This call is over. Sign in to see what is open. Goodbye."


@pytest.mark.parametrize("signed", ["", "nonsense"])
@pytest.mark.parametrize("path", ["", "/status"])
def test_a_forged_request_is_refused_before_anything_is_read(
    night: Night, client: FlaskClient, signed: str, path: str
) -> None:
    alert = worried(night)

    forged = post(client, f"/voice/twilio/{rung()}{path}", {"Digits": "4", "CallStatus": "busy"}, signed=signed)

    assert forged.status_code == 403
    assert night.alert(alert).acked_by is None


def test_the_epoch_in_the_address_is_part_of_what_is_signed(night: Night, client: FlaskClient) -> None:
    worried(night)
    path, form = f"/voice/twilio/{rung()}", {"Digits": "4"}
    signed = twilio_sms.signature(SECRET, f"{PUBLIC_URL}{path}?epoch=1", form.items())

    assert post(client, f"{path}?epoch=2", form, signed=signed).status_code == 403


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["busy"], PageState.UNDELIVERED),
        (["no-answer"], PageState.UNDELIVERED),
        (["failed"], PageState.UNDELIVERED),
        (["ringing", "completed"], PageState.DELIVERED),
        (["completed", "ringing", "failed"], PageState.DELIVERED),
        (["exploded"], PageState.ACCEPTED),
    ],
)
def test_how_a_call_ended_is_noted_forward_only(
    night: Night, client: FlaskClient, statuses: list[str], state: PageState
) -> None:
    alert = worried(night)

    for status in statuses:
        assert post(client, f"/voice/twilio/{rung()}/status", {"CallStatus": status}).status_code == 204

    assert alerts.get(alert.id).pages[0].page.state is state


def test_four_confirms_a_test_page_and_a_mailbox_that_picks_up_does_not(night: Night, client: FlaskClient) -> None:
    (method,) = contact_methods.contact_methods(ANA.id)
    contact_methods.ask_test(method.id, by=ANA.actor, now=night.now)
    contact_proofs.send_due(now=night.now)
    asked = ask(client, rung())
    assert "There is no alert" in said(asked)[0]
    post(client, f"/voice/twilio/{rung()}/status", {"CallStatus": "completed"})
    assert contact_methods.contact_methods(ANA.id)[0].confirmed_at is None

    words = press(client, asked, "4")

    assert words == ["Thank you. Pages reach you here."]
    assert contact_methods.contact_methods(ANA.id)[0].confirmed_at == night.now


@pytest.fixture
def clinic_address(night: Night) -> Iterator[str]:
    """The clinic on a real socket, for a carrier that calls back."""
    app = Flask(__name__)
    app.register_blueprint(voice.blueprint)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    assert night


@pytest.mark.parametrize(
    ("mode", "taken", "state"),
    [
        ("press:*4", True, PageState.DELIVERED),
        ("200", False, PageState.DELIVERED),
        ("busy", False, PageState.UNDELIVERED),
    ],
)
def test_over_real_sockets_the_carrier_rings_is_told_what_to_say_and_somebody_presses(
    night: Night, clinic_address: str, mode: str, taken: bool, state: PageState
) -> None:
    with carriers.running(receipts=True) as carrier, closing(provider(carrier.url, clinic_address)) as twilio:
        wire(night, twilio, public_url=clinic_address)
        carrier.script.add(ANAS_LANDLINE, mode)
        alert = night.raised()
        escalation.advance_due(now=night.now)
        pages.send_due(now=night.now)
        assert carrier.operator
        carrier.operator.finish()

    assert [entry.to for entry in carrier.journal.entries()] == [ANAS_LANDLINE]
    assert (night.alert(alert).acked_by == ANA.id) is taken
    assert alerts.get(alert.id).pages[0].page.state is state
    heard = [sentence for call in carrier.operator.heard for sentence in call.sentences]
    assert not re.search("Maria|Lindqvist", " ".join(heard))


def provider(base_url: str, clinic: str) -> TwilioVoice:
    return TwilioVoice(
        base_url=base_url,
        account_sid="AC0",
        auth_token=SECRET,
        sender="+12025550100",
        webhook_url=f"{clinic}/voice/twilio",
        timeout_s=5.0,
    )


def test_no_provider_for_calls_fails_the_page_so_that_the_next_person_comes(night: Night) -> None:
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=night.sms, email=night.email))

    night.worry()
    night.forward(timedelta(seconds=1))

    assert night.minutes(BEN) == [0]
