"""A text about many alerts and its door, and what each provider tells of a page that it took."""

import json
from uuid import UUID

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from survey import clock
from survey.domain.pages import PageState
from survey.messaging import registry, sinch_sms, twilio_sms
from survey.services import alerts
from survey.store.session import transaction
from tests import factories, staff
from tests.cast import ANA
from tests.conftest import Database
from tests.desk import SECRET, SECRETS
from tests.fakes import FakeVoice
from tests.night import PUBLIC_URL, Night
from tests.staff import Desk

FORM = {"MessageSid": "SM0", "CallSid": "CA0", "MessageStatus": "undelivered", "CallStatus": "no-answer"}
SINCH = {"type": "recipient_delivery_report_sms", "batch_id": "01", "status": "Failed", "code": 402}


@pytest.fixture
def desk(database: Database) -> Desk:
    factories.clinic(now=clock.now())
    return Desk(staff.application(database).test_client())


@pytest.fixture
def night(desk: Desk) -> Night:
    assert desk
    quiet = Night(now=clock.now())
    wiring = {"sms": quiet.sms, "email": None, "secrets": SECRETS}
    registry.wire(registry.Wiring(public_url=PUBLIC_URL, **wiring))
    return quiet


def test_the_door_of_many_lists_them_and_each_has_its_own_button(desk: Desk, night: Night) -> None:
    raised = [night.raised() for _ in range(5)]
    night.settle()
    door = f"/a/{night.sms.wire[0].token}"

    page = desk.get(door).text
    after = desk.follow(desk.post(door, {"epoch": 1, "alert": str(raised[3].id)}, of=door)).text

    assert all(f"A-{alert.short_no}" in page for alert in raised)
    assert page.count("I’ll take") == 5
    assert "Lindqvist" not in page
    assert [night.alert(alert).acked_by for alert in raised] == [None, None, None, ANA.id, None]
    assert f"</strong>: {ANA.name} has it." in after


def test_a_button_for_something_else_than_an_alert_takes_nothing(desk: Desk, night: Night) -> None:
    raised = [night.raised() for _ in range(5)]
    night.settle()
    door = f"/a/{night.sms.wire[0].token}"

    desk.follow(desk.post(door, {"epoch": 1, "alert": "all"}, of=door))

    assert {night.alert(alert).acked_by for alert in raised} == {None}


def test_a_call_about_many_says_how_many_and_its_key_takes_the_first(desk: Desk, night: Night) -> None:
    with transaction() as tx:
        tx.run(sa.text("UPDATE contact_method SET kind = 'voice' WHERE user_id = :id"), {"id": ANA.id})
    voice = FakeVoice()
    registry.wire(registry.Wiring(public_url=PUBLIC_URL, sms=None, email=None, voice=voice, secrets=SECRETS))
    raised = [night.raised() for _ in range(5)]
    night.settle()
    path = f"/voice/twilio/{voice.wire[0].reference}"

    said = post(desk, path, {"CallSid": "CA0"}).text
    after = post(desk, path, {"CallSid": "CA0", "Digits": "4"}).text

    assert len(voice.wire) == 1
    assert "5 urgent survey alerts" in said
    assert "You have it" in after
    assert [night.alert(alert).acked_by for alert in raised] == [ANA.id, None, None, None, None]


def post(desk: Desk, path: str, form: dict[str, str], *, secret: str = SECRET) -> TestResponse:
    """A request of the provider that Twilio signs."""
    signature = twilio_sms.signature(secret, PUBLIC_URL + path, form.items())
    return desk.client.post(path, data=form, headers={"X-Twilio-Signature": signature})


def tell(desk: Desk, kind: str, reference: UUID, *, secret: str = SECRET) -> int:
    """The provider says that it did not arrive."""
    if kind == "sinch":
        body = json.dumps(SINCH | {"client_reference": str(reference)}).encode()
        mark = "x-sinch-webhook-signature"
        signed = {mark: sinch_sms.signature(secret, body, nonce="n", timestamp="1")}
        headers = signed | {f"{mark}-nonce": "n", f"{mark}-timestamp": "1"}
        return desk.client.post("/receipts/sinch", data=body, headers=headers).status_code
    path = f"/receipts/sms/{reference}" if kind == "twilio" else f"/voice/twilio/{reference}/status"
    return post(desk, path, FORM, secret=secret).status_code


@pytest.mark.parametrize("kind", ["twilio", "sinch", "voice"])
def test_what_each_provider_says_of_a_page_brings_the_next_step_and_a_forged_word_nothing(
    desk: Desk, night: Night, kind: str
) -> None:
    alert = night.worry()
    reference = night.sms.wire[0].reference

    forged = tell(desk, kind, reference, secret="another")
    night.settle()
    before = len(night.sms.wire)
    genuine = tell(desk, kind, reference)
    night.now = clock.now()
    night.settle()

    assert (forged, before, genuine) == (403, 1, 204)
    assert alerts.get(alert.id).pages[0].page.state is PageState.UNDELIVERED
    assert len(night.sms.wire) == 2
