"""A sender and what happens behind its back: it sleeps, receipts overtake it, somebody else settles its text."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from survey.domain import messages as rules
from survey.domain.errors import Stale
from survey.domain.messages import LEASE, Delivery, MessageState
from survey.messaging import registry
from survey.messaging.outcomes import Attempt, Outcome
from survey.services import attempts, messages, receipts
from survey.services.attempts import Begun, Done, Wanted
from survey.store import attempts as store
from survey.store import messages as message_store
from survey.store.attempts import Start
from survey.store.session import transaction
from tests import desk
from tests.conftest import Database
from tests.desk import MARIAS_PHONE, WEDNESDAY_TEN, enrol, maria, send
from tests.fakes import FakeEmail, FakeSms

MINUTE = timedelta(minutes=1)
AWAKE = WEDNESDAY_TEN + LEASE + 2 * MINUTE


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """Its carriers and its mail server."""

    first: FakeSms
    second: FakeSms
    mailbox: FakeEmail
    database: Database


@pytest.fixture
def clinic(database: Database) -> Clinic:
    desk.open_clinic()
    made = Clinic(
        first=FakeSms(name="twilio"), second=FakeSms(name="sinch"), mailbox=FakeEmail(name="smtp"), database=database
    )
    wiring = registry.Wiring(public_url=desk.PUBLIC_URL, sms=made.first, others=(made.second,), email=made.mailbox)
    registry.wire(wiring)
    return made


def claimed() -> tuple[UUID, UUID]:
    """A sender's lease on Maria's text, and the text."""
    token, until = uuid4(), WEDNESDAY_TEN + LEASE
    with transaction() as tx:
        (message_id,) = message_store.claim(tx, token=token, until=until, now=WEDNESDAY_TEN, limit=1)
    return token, message_id


def about_to_call() -> Begun:
    """A sender whose attempt is noted, just before the call."""
    token, message_id = claimed()
    with transaction() as tx:
        (begun,) = attempts.begin(tx, [Wanted(message_id=message_id)], token=token, now=WEDNESDAY_TEN)
    return begun


def tell(begun: Begun, outcome: Outcome) -> list[Wanted]:
    """The sender wakes up, long after its lease, and notes how its call ended."""
    attempt = Attempt(outcome=outcome, provider="twilio", provider_ref="SM1", detail="late")
    with transaction() as tx:
        return attempts.finish(tx, [Done(begun, attempt)], now=AWAKE)


def state() -> str:
    (row,) = desk.rows("SELECT state FROM message WHERE attempts > 0")
    return str(row["state"])


def test_a_sender_that_wakes_up_takes_nothing_back_that_a_receipt_has_told(clinic: Clinic) -> None:
    enrol(maria())
    begun = about_to_call()
    send(WEDNESDAY_TEN + LEASE + MINUTE)
    receipts.record(begun.reference, Delivery.DELIVERED, now=AWAKE)

    again = [tell(begun, outcome) for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.TRY_LATER)]

    assert again == [[], [], []]
    assert state() == MessageState.DELIVERED
    assert clinic.first.wire == []


def test_the_late_end_of_a_first_try_says_nothing_of_the_second(clinic: Clinic) -> None:
    enrol(maria())
    begun = about_to_call()
    with transaction() as tx:  # the provider said twice that it never had the first
        current = message_store.get_for_update(tx, begun.message.id)
        message_store.swap(tx, current, rules.held(current, until=WEDNESDAY_TEN, reason="never_left"))
    clinic.first.answers(Outcome.UNKNOWN)
    send(WEDNESDAY_TEN + MINUTE)

    tell(begun, Outcome.TRY_LATER)
    desk.send_until(AWAKE + 60 * MINUTE, start=AWAKE)

    assert state() == MessageState.UNKNOWN
    assert [text.to for text in clinic.first.wire + clinic.second.wire] == [MARIAS_PHONE]


@pytest.mark.parametrize(
    ("late", "ends"), [(Delivery.FAILED, MessageState.ACCEPTED), (Delivery.DELIVERED, MessageState.DELIVERED)]
)
def test_what_is_told_late_of_a_first_try_is_believed_when_it_arrived_and_else_says_nothing_of_the_second(
    clinic: Clinic, late: Delivery, ends: MessageState
) -> None:
    enrol(maria())
    clinic.first.answers(Outcome.TRY_LATER)
    send(WEDNESDAY_TEN)
    desk.send_until(WEDNESDAY_TEN + 10 * MINUTE, start=WEDNESDAY_TEN, every=MINUTE)
    first, *_ = desk.rows("SELECT id FROM message_attempt ORDER BY attempt_no")

    receipts.record(first["id"], late, now=WEDNESDAY_TEN + 11 * MINUTE)

    assert state() == ends
    assert len(desk.rows("SELECT FROM message_attempt")) == 2


def test_a_sender_that_wakes_up_to_a_text_that_did_not_leave_hands_it_to_nobody_by_itself(clinic: Clinic) -> None:
    enrol(maria())
    begun = about_to_call()
    send(WEDNESDAY_TEN + LEASE + MINUTE)

    assert tell(begun, Outcome.TRY_LATER) == []

    assert state() == MessageState.PENDING
    desk.send_until(AWAKE + 10 * MINUTE, start=AWAKE, every=MINUTE)
    assert [text.to for text in clinic.first.wire + clinic.second.wire] == [MARIAS_PHONE]


def test_whoever_handed_a_text_over_holds_it_no_longer(clinic: Clinic) -> None:
    enrol(maria())

    send(WEDNESDAY_TEN)

    assert len(clinic.first.wire) == 1
    (left,) = desk.rows("SELECT state, lease_token, lease_until FROM message WHERE attempts > 0")
    assert (left["state"], left["lease_token"], left["lease_until"]) == (MessageState.ACCEPTED, None, None)


def test_a_receipt_that_overtakes_the_answer_leaves_the_day_taken(clinic: Clinic) -> None:
    assert clinic
    enrol(maria())
    begun = about_to_call()
    receipts.record(begun.reference, Delivery.DELIVERED, now=WEDNESDAY_TEN)

    tell(begun, Outcome.ACCEPTED)

    assert state() == MessageState.DELIVERED
    assert len(desk.rows("SELECT 1 FROM text_day")) == 1


def test_a_busy_mail_server_is_given_time_and_is_no_matter_for_the_carriers(clinic: Clinic) -> None:
    enrol(maria(mobile=None, email="maria@example.org"))
    clinic.mailbox.answers(Outcome.TRY_LATER)

    send(WEDNESDAY_TEN)

    assert len(clinic.mailbox.wire) == 1
    assert state() == MessageState.PENDING
    send(WEDNESDAY_TEN + MINUTE)
    assert [mail.outcome for mail in clinic.mailbox.wire] == [Outcome.TRY_LATER, Outcome.ACCEPTED]


@pytest.mark.parametrize(
    "meanwhile",
    [
        "state = 'pending', lease_token = NULL, lease_until = NULL",
        "lease_token = gen_random_uuid()",
        "attempts = attempts + 1",
    ],
    ids=["given back", "leased by another", "tried by another"],
)
def test_no_attempt_is_noted_of_a_text_that_somebody_else_has(clinic: Clinic, meanwhile: str) -> None:
    assert clinic
    enrol(maria())
    token, message_id = claimed()
    with transaction() as tx:
        message = message_store.get_for_update(tx, message_id)
    started = Start(
        message=rules.started(message), reference=uuid4(), provider="twilio", body_sha256=b"0" * 32, link=None
    )
    desk.change(f"UPDATE message SET {meanwhile} WHERE id = :id", id=message_id)

    with pytest.raises(Stale), transaction() as tx:
        store.start(tx, [started], token=token, now=WEDNESDAY_TEN)

    assert desk.rows("SELECT 1 FROM message_attempt") == []


def test_whoever_decides_about_a_text_or_notes_its_end_has_it_alone(clinic: Clinic) -> None:
    enrol(maria())
    token, message_id = claimed()

    with transaction() as tx:
        assert messages.decide(tx, [message_id], token=token, now=WEDNESDAY_TEN)
        assert is_locked(clinic.database, message_id)
    with transaction() as tx:
        assert store.lock(tx, [message_id])
        assert is_locked(clinic.database, message_id)
    assert not is_locked(clinic.database, message_id)


def is_locked(database: Database, message_id: UUID) -> bool:
    """Whether nobody else can change the message now."""
    with psycopg.connect(database.url.replace("+psycopg", "")) as other:
        try:
            other.execute("SELECT FROM message WHERE id = %s FOR NO KEY UPDATE NOWAIT", [message_id])
        except LockNotAvailable:
            return True
    return False
