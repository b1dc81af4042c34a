"""The text at the desk: it leaves at once, tells whether the number gets our texts, and never touches the survey."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from survey.domain.confirmations import Progress, Skipped
from survey.domain.errors import NotFound, Refused
from survey.domain.messages import Delivery
from survey.domain.patients import ContactKind, Enrolment
from survey.domain.suppressions import Scope, Source
from survey.local.carrier import Carrier
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import confirmations, patients, receipts, suppressions
from survey.services.patients import Enrolled
from survey.store.session import transaction
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, JUANS_PHONE, MARIAS_PHONE, MONDAY, SLUG, WEDNESDAY_TEN, juan, maria, send

RIGHT = "+12025550129"
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with desk.texting() as running:
        yield running


def enrol(enrolment: Enrolment | None = None, *, now: datetime = AT_THE_DESK) -> Enrolled:
    """Sam enrols somebody, Maria if nobody else, who waits at the desk for the text."""
    given = enrolment or maria()
    return patients.enrol(given, site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=now, confirm=True)


def progress(made: Enrolled) -> Progress:
    return confirmations.look(made.procedure_id).progress


def told(carrier: Carrier, delivery: Delivery) -> None:
    """The receipt of the newest text comes in."""
    receipts.record(UUID(carrier.journal.entries()[-1].reference), delivery, now=AT_THE_DESK + 5 * SECOND)


def again(made: Enrolled, number: str) -> None:
    confirmations.again(made.procedure_id, number, by=SAM.actor, now=AT_THE_DESK + 20 * SECOND)
    send(AT_THE_DESK + 21 * SECOND)


def test_the_text_leaves_at_once_and_names_the_day_of_the_check_in(carrier: Carrier) -> None:
    made = enrol()
    send(AT_THE_DESK)

    assert made.unconfirmed is None
    (text,) = carrier.journal.to(MARIAS_PHONE)
    assert text.body == (
        "Riverside Clinic: thanks for your visit. On Wednesday we text you a link to a short check-in,"
        " from this number. STOP to opt out. Help: (202) 555-0100"
    )
    assert progress(made) is Progress.SENT


def test_the_text_is_in_the_patients_language(carrier: Carrier) -> None:
    enrol(juan())
    send(AT_THE_DESK)

    (text,) = carrier.journal.to(JUANS_PHONE)
    assert text.body.startswith("Riverside Clinic: gracias por su visita. El miércoles le enviaremos un enlace")


def test_the_desk_sees_it_arrive(carrier: Carrier) -> None:
    made = enrol()
    before = progress(made)
    send(AT_THE_DESK)

    told(carrier, Delivery.DELIVERED)

    assert before is Progress.WAITING
    look = confirmations.look(made.procedure_id)
    assert (look.progress, look.name, look.address) == (Progress.ARRIVED, "Maria Lindqvist", MARIAS_PHONE)
    assert look.survey_at == WEDNESDAY_TEN


@pytest.mark.parametrize("ending", ["refused", "stopped", "undelivered", "delivered"])
def test_whatever_becomes_of_it_the_survey_waits_for_its_day(carrier: Carrier, ending: str) -> None:
    made = enrol()
    refusals = {"refused": "400", "stopped": "400:21610"}
    if ending in refusals:
        carrier.script.add("*", refusals[ending])
    send(AT_THE_DESK)
    if ending not in refusals:
        told(carrier, Delivery(ending))

    send(AT_THE_DESK + timedelta(hours=1))
    assert desk.invitation_state(made.invitation_id) == ("scheduled", None)
    assert len(carrier.journal.entries()) == 1
    assert progress(made) is (Progress.ARRIVED if ending == "delivered" else Progress.FAILED)


def test_a_confirmed_patient_is_asked_on_the_day(carrier: Carrier) -> None:
    enrol()
    send(AT_THE_DESK)
    told(carrier, Delivery.DELIVERED)

    send(WEDNESDAY_TEN)

    assert "2-minute check-in" in carrier.journal.to(MARIAS_PHONE)[-1].body


def test_a_wrong_number_is_put_right_while_the_patient_is_there(carrier: Carrier) -> None:
    made = enrol()
    send(AT_THE_DESK)
    told(carrier, Delivery.UNDELIVERED)

    again(made, "(202) 555-0129")
    told(carrier, Delivery.DELIVERED)
    send(WEDNESDAY_TEN)

    assert [one.to for one in carrier.journal.entries()] == [MARIAS_PHONE, RIGHT, RIGHT]
    assert confirmations.look(made.procedure_id).address == RIGHT
    assert [
        (row["address"], row["blocked_reason"], row["consent_how"], row["consent_by"])
        for row in desk.rows("SELECT * FROM contact ORDER BY address")
    ] == [(MARIAS_PHONE, "not_me", "spoken", SAM.id), (RIGHT, None, "spoken", SAM.id)]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("12", "is not a phone number"), ("(202) 555-0129 ext. 7", "cannot receive texts"), ("+442079460958", "another")],
)
def test_a_number_that_gets_no_texts_does_not_take_its_place(carrier: Carrier, typed: str, sentence: str) -> None:
    made = enrol()

    with pytest.raises(Refused, match=sentence) as refused:
        again(made, typed)

    assert refused.value.field == "mobile"
    assert [row["address"] for row in desk.rows("SELECT address FROM contact")] == [MARIAS_PHONE]
    assert carrier.journal.entries() == []


def test_a_number_that_opted_out_does_not_take_its_place(carrier: Carrier) -> None:
    made = enrol()
    with transaction() as tx:
        suppressions.suppress(tx, ContactKind.SMS, RIGHT, scope=Scope.ALL, source=Source.REPLY, now=AT_THE_DESK)

    with pytest.raises(Refused, match="opted out"):
        again(made, RIGHT)
    assert carrier.journal.entries() == []


def test_the_same_number_gets_one_text_a_day_and_the_desk_is_told(carrier: Carrier) -> None:
    made = enrol()
    send(AT_THE_DESK)
    told(carrier, Delivery.DELIVERED)

    again(made, MARIAS_PHONE)

    assert len(carrier.journal.entries()) == 1
    assert progress(made) is Progress.CAPPED


def test_two_patients_with_one_number_get_one_text(carrier: Carrier) -> None:
    first, second = enrol(), enrol(replace(juan(), mobile=MARIAS_PHONE))
    send(AT_THE_DESK)
    send(AT_THE_DESK + timedelta(minutes=2))

    assert len(carrier.journal.entries()) == 1
    assert {progress(first), progress(second)} == {Progress.SENT, Progress.CAPPED}


def test_a_number_that_texts_stop_before_the_text_leaves_gets_none(carrier: Carrier) -> None:
    made = enrol()
    with transaction() as tx:
        suppressions.suppress(
            tx, ContactKind.SMS, MARIAS_PHONE, scope=Scope.PROGRAM, source=Source.REPLY, now=AT_THE_DESK
        )

    send(AT_THE_DESK)

    assert carrier.journal.entries() == []
    assert progress(made) is Progress.DROPPED


def test_what_waits_for_a_provider_for_an_hour_is_not_sent_any_more(carrier: Carrier) -> None:
    made = enrol()

    send(AT_THE_DESK + timedelta(hours=2))

    assert carrier.journal.entries() == []
    assert progress(made) is Progress.DROPPED


@pytest.mark.parametrize(
    ("enrolment", "hours", "why"),
    [
        (maria(mobile=None, email="maria@example.org"), 0, Skipped.NO_MOBILE),
        (maria(consent=False), 0, Skipped.NO_MOBILE),
        (maria(mobile="(202) 555-0121 ext. 7"), 0, Skipped.NO_MOBILE),
        (maria(performed_on=MONDAY - timedelta(days=2)), 0, Skipped.TODAY),
        (maria(), 10, Skipped.NIGHT),
        (maria(), -3, None),
        (maria(place="CA"), -3, None),
        (maria(place="CA"), 9, None),
    ],
    ids=[
        "no mobile",
        "no consent",
        "a landline",
        "asked today",
        "22:00",
        "9:00",
        "6:00 there, we are open",
        "18:00 there",
    ],
)
def test_when_no_text_leaves(carrier: Carrier, enrolment: Enrolment, hours: int, why: Skipped | None) -> None:
    now = AT_THE_DESK + timedelta(hours=hours)

    made = enrol(enrolment, now=now)
    send(now)

    assert made.unconfirmed is why
    confirming = [one for one in carrier.journal.entries() if "thanks for your visit" in one.body]
    assert len(confirming) == (why is None)


def test_without_a_provider_nothing_is_queued_and_the_desk_is_told() -> None:
    registry.wire(Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))

    made = enrol()

    assert made.unconfirmed is Skipped.NO_PROVIDER
    with pytest.raises(NotFound):
        confirmations.look(made.procedure_id)


def test_an_import_texts_nobody_at_once(carrier: Carrier) -> None:
    desk.enrol(maria())
    send(AT_THE_DESK)

    assert carrier.journal.entries() == []


def test_the_trail_tells_of_a_corrected_number_without_the_number(carrier: Carrier) -> None:
    assert carrier
    made = enrol()

    again(made, RIGHT)

    (event,) = desk.rows("SELECT * FROM audit_event WHERE action = 'contact.corrected'")
    assert (event["actor_id"], event["object_id"]) == (SAM.id, made.procedure_id)
    assert "555" not in str(event["detail"])
