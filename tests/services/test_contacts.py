"""A number, an address or a consent is put right after the enrolment, and what waits goes out by the way that opens."""

from datetime import timedelta

import pytest

from survey.domain.errors import Refused
from survey.domain.invitations import CALL_AFTER
from survey.domain.messages import MessageState
from survey.domain.patients import ConsentHow, ContactKind
from survey.services import contacts
from survey.services.contacts import Correction, Mended
from survey.services.patients import Enrolled
from survey.store import invitations
from survey.store.session import transaction
from tests import desk
from tests.cast import SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, WEDNESDAY_TEN

NEW = "(202) 555-0177"
AGREED = ConsentHow.SPOKEN
LATER = AT_THE_DESK + timedelta(hours=3)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    desk.open_clinic()


def correct(enrolled: Enrolled, now=LATER, **typed: object) -> Mended:
    return contacts.correct(enrolled.procedure_id, Correction(**typed), by=SAM.actor, now=now)


def states(enrolled: Enrolled) -> list[tuple[str, str]]:
    """Where each message about the first survey goes, and how it stands."""
    found = desk.rows(
        """SELECT c.address, m.state FROM message m JOIN contact c ON c.id = m.contact_id
        WHERE m.invitation_id = :id ORDER BY m.state, c.address""",
        id=enrolled.invitation_id,
    )
    return [(row["address"], row["state"]) for row in found]


def test_a_number_that_was_missing_is_added_and_the_check_in_is_texted_at_its_time() -> None:
    enrolled = desk.enrol(desk.maria(mobile=None, consent=False))

    made = correct(enrolled, mobile=NEW, consent_how=AGREED)

    with transaction() as tx:
        survey = invitations.get(tx, enrolled.invitation_id)
    assert (made.channel, made.send_at, made.blocked) == (ContactKind.SMS, WEDNESDAY_TEN, None)
    assert (survey.state, survey.trouble, survey.call_at) == ("scheduled", None, WEDNESDAY_TEN + CALL_AFTER)
    assert states(enrolled) == [("+12025550177", MessageState.PENDING)]


def test_consent_that_was_missing_is_recorded_for_the_number_on_file() -> None:
    enrolled = desk.enrol(desk.maria(consent=False))

    made = correct(enrolled, consent_how=ConsentHow.WRITTEN)

    assert made.blocked is None
    assert states(enrolled) == [(desk.MARIAS_PHONE, MessageState.PENDING)]
    (kept,) = desk.rows("SELECT consent_how, consent_wording, consent_by FROM contact")
    assert tuple(kept.values()) == ("written", "1", SAM.id)


def test_a_wrong_number_gets_nothing_more_and_the_right_one_gets_the_link() -> None:
    enrolled = desk.enrol(desk.maria())

    correct(enrolled, mobile=NEW, consent_how=AGREED, replaces=True)

    assert states(enrolled) == [(desk.MARIAS_PHONE, MessageState.CANCELLED), ("+12025550177", MessageState.PENDING)]
    blocked = desk.rows("SELECT address, blocked_reason FROM contact WHERE blocked_at IS NOT NULL")
    assert [tuple(row.values()) for row in blocked] == [(desk.MARIAS_PHONE, "not_me")]


def test_a_number_is_kept_for_calls_when_no_text_can_go_there() -> None:
    enrolled = desk.enrol(desk.maria(mobile=None, consent=False))

    made = correct(enrolled, mobile="+44 20 7946 0123", consent_how=AGREED)

    assert made.blocked == "the number belongs to another country"
    assert states(enrolled) == []


def test_what_is_long_due_is_not_texted_any_more() -> None:
    enrolled = desk.enrol(desk.maria(mobile=None, consent=False))

    made = correct(enrolled, mobile=NEW, consent_how=AGREED, now=WEDNESDAY_TEN + timedelta(days=40))

    assert made.send_at is None
    assert states(enrolled) == []


def test_in_the_evening_the_text_waits_for_the_morning_and_is_marked_late() -> None:
    enrolled = desk.enrol(desk.maria(mobile=None, consent=False))

    made = correct(enrolled, mobile=NEW, consent_how=AGREED, now=WEDNESDAY_TEN + timedelta(hours=12))

    (late,) = desk.rows("SELECT late FROM message WHERE invitation_id = :id", id=enrolled.invitation_id)
    assert (made.send_at, late["late"]) == (WEDNESDAY_TEN + timedelta(hours=23), True)


@pytest.mark.parametrize(
    ("typed", "field"), [({}, "mobile"), ({"mobile": "12"}, "mobile"), ({"email": "nobody"}, "email")]
)
def test_what_cannot_be_right_is_refused_beside_its_field(typed: dict[str, str], field: str) -> None:
    enrolled = desk.enrol(desk.maria())

    with pytest.raises(Refused) as refused:
        correct(enrolled, **typed)

    assert refused.value.field == field


def test_saving_twice_sends_once() -> None:
    enrolled = desk.enrol(desk.maria(mobile=None, consent=False))

    correct(enrolled, mobile=NEW, consent_how=AGREED)
    correct(enrolled, mobile=NEW, consent_how=AGREED)

    assert [state for _, state in states(enrolled)].count(MessageState.PENDING) == 1


def sent_to_the_wrong_phone() -> Enrolled:
    enrolled = desk.enrol(desk.maria())
    with desk.texting():
        desk.send(WEDNESDAY_TEN)
    return enrolled


def test_a_link_that_went_to_the_wrong_phone_is_taken_back_and_the_right_one_gets_another() -> None:
    enrolled = sent_to_the_wrong_phone()

    correct(enrolled, mobile=NEW, consent_how=AGREED, replaces=True, now=WEDNESDAY_TEN + timedelta(minutes=30))

    (link,) = desk.rows("SELECT revoked_at FROM invitation_link WHERE invitation_id = :id", id=enrolled.invitation_id)
    (fresh,) = desk.rows(
        """SELECT c.address, m.kind FROM message m JOIN contact c ON c.id = m.contact_id
        WHERE m.invitation_id = :id AND m.state = 'pending'""",
        id=enrolled.invitation_id,
    )
    assert link["revoked_at"] is not None
    assert tuple(fresh.values()) == ("+12025550177", "fresh_link")


def test_a_link_that_went_to_the_right_phone_stays_when_an_address_is_added() -> None:
    enrolled = sent_to_the_wrong_phone()

    correct(enrolled, email="maria@example.org", consent_how=AGREED, now=WEDNESDAY_TEN + timedelta(minutes=30))

    (link,) = desk.rows("SELECT revoked_at FROM invitation_link WHERE invitation_id = :id", id=enrolled.invitation_id)
    assert link["revoked_at"] is None
    assert desk.rows("SELECT 1 FROM message WHERE kind = 'fresh_link'") == []


def test_a_wrong_phone_without_a_right_one_leaves_the_patient_to_a_call() -> None:
    enrolled = sent_to_the_wrong_phone()
    now = WEDNESDAY_TEN + timedelta(minutes=30)

    made = correct(enrolled, mobile="+44 20 7946 0123", consent_how=AGREED, replaces=True, now=now)

    with transaction() as tx:
        survey = invitations.get(tx, enrolled.invitation_id)
    assert made.blocked is not None
    assert (survey.state, survey.trouble, survey.call_at) == ("undeliverable", "not_me", WEDNESDAY_TEN)
