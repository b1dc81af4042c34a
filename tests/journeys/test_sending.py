"""From the desk to the phone: what leaves when, and what becomes of it when something goes wrong.

The carrier's journal, not our own rows, is the judge of what was sent.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain.messages import LEASE, Delivery, MessageState
from survey.domain.patients import Block, ContactKind
from survey.local.carrier import Carrier
from survey.messaging import registry
from survey.services import attempts, links, messages, patients, receipts, sending
from survey.services.attempts import Done, Wanted
from survey.store import contacts, session
from survey.store import messages as message_store
from survey.store.session import transaction
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, JUANS_PHONE, MARIAS_PHONE, WEDNESDAY_TEN, enrol, invitation_state, juan, maria, send
from tests.fakes import FakeEmail

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
THURSDAY_NINE = datetime(2026, 3, 12, 13, 0, tzinfo=UTC)


@pytest.fixture
def mailbox() -> FakeEmail:
    return FakeEmail()


@pytest.fixture
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


@pytest.fixture
def carrier(clinic: Database, mailbox: FakeEmail) -> Iterator[Carrier]:
    assert clinic
    with desk.texting(mailbox, timeout_s=0.5) as carrier:
        yield carrier


def test_the_link_goes_out_on_day_2_at_ten_and_works(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN - MINUTE)
    early = carrier.journal.to(MARIAS_PHONE)

    send(WEDNESDAY_TEN)

    (text,) = carrier.journal.to(MARIAS_PHONE)
    assert early == []
    assert text.body.startswith("Riverside Clinic: 2-minute check-in https://chk.northgate.example/s/")
    assert "(202) 555-0100" in text.body
    assert "911" in text.body
    assert invitation_state(enrolled.invitation_id) == ("sent", None)
    token = re.search(r"/s/(\w{22})\b", text.body)
    assert token
    link = links.look(token[1])
    assert link
    assert link.invitation_id == enrolled.invitation_id


def test_a_text_carries_our_reference_and_ends_with_the_window(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    five_to_seven = WEDNESDAY_TEN + 9 * HOUR - 5 * MINUTE

    send(five_to_seven)

    (text,) = carrier.journal.entries()
    (attempt,) = desk.rows("SELECT id, outcome, provider_ref FROM message_attempt")
    assert UUID(text.reference) == attempt["id"]
    assert (attempt["outcome"], attempt["provider_ref"]) == ("accepted", text.sid)
    assert text.callback == f"{desk.PUBLIC_URL}/receipts/sms/{attempt['id']}"
    assert text.validity == "300"
    assert invitation_state(enrolled.invitation_id)[0] == "sent"


def test_a_spanish_patient_is_texted_in_spanish(carrier: Carrier) -> None:
    enrol(juan())

    send(WEDNESDAY_TEN)

    (text,) = carrier.journal.to(JUANS_PHONE)
    assert "control de 2 min" in text.body


def test_a_patient_in_another_zone_is_texted_at_their_own_ten(carrier: Carrier) -> None:
    enrol(maria(zone="America/Los_Angeles"))

    send(WEDNESDAY_TEN + 2 * HOUR)
    at_nine_there = len(carrier.journal.entries())
    send(WEDNESDAY_TEN + 3 * HOUR)

    assert at_nine_there == 0
    assert len(carrier.journal.entries()) == 1


def test_nothing_leaves_outside_the_hours_and_the_morning_text_is_marked_late(carrier: Carrier) -> None:
    enrol(maria())
    evening = WEDNESDAY_TEN + 9 * HOUR

    desk.send_until(THURSDAY_NINE - MINUTE, start=evening, every=HOUR)
    at_night = len(carrier.journal.entries())
    send(THURSDAY_NINE)

    assert at_night == 0
    assert len(carrier.journal.entries()) == 1
    message, *_ = desk.rows("SELECT late, reason FROM message ORDER BY due_at")
    assert message["late"]


def test_a_cancelled_procedure_takes_its_text_back(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    patients.cancel(enrolled.procedure_id, by=SAM.actor, now=AT_THE_DESK + HOUR)

    send(WEDNESDAY_TEN)

    assert carrier.journal.entries() == []
    assert invitation_state(enrolled.invitation_id)[0] == "stopped"


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ("UPDATE procedure SET cancelled_at = now()", "procedure_cancelled"),
        ("UPDATE invitation SET state = 'stopped', stopped_at = now(), stop_reason = 'Admitted'", "closed"),
        ("UPDATE invitation SET state = 'completed', completed_at = now()", "answered"),
        ("UPDATE invitation SET state = 'expired'", "expired"),
        ("UPDATE invitation SET state = 'opened'", "opened"),
    ],
)
def test_facts_that_changed_after_queuing_are_seen_at_send_time(carrier: Carrier, fact: str, reason: str) -> None:
    enrolled = enrol(maria())
    desk.change(fact)

    send(WEDNESDAY_TEN)

    assert carrier.journal.entries() == []
    assert desk.message_states(enrolled.invitation_id) == [("sms", MessageState.CANCELLED, reason)]


def test_a_number_that_was_blocked_after_queuing_gets_no_text_and_the_mailbox_is_used(
    carrier: Carrier, mailbox: FakeEmail
) -> None:
    enrolled = enrol(juan())
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'not_me' WHERE kind = 'sms'")

    send(WEDNESDAY_TEN)

    assert carrier.journal.entries() == []
    assert [mail.to for mail in mailbox.wire] == ["juan@example.org"]
    assert invitation_state(enrolled.invitation_id)[0] == "sent"


def test_stop_is_not_followed_into_the_mailbox(carrier: Carrier, mailbox: FakeEmail) -> None:
    enrolled = enrol(juan())
    with transaction() as tx:
        (phone,) = desk.rows("SELECT id FROM contact WHERE kind = 'sms'")
        contacts.block(tx, phone["id"], reason=Block.STOPPED, now=AT_THE_DESK)

    send(WEDNESDAY_TEN)

    assert carrier.journal.entries() == []
    assert mailbox.wire == []
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "stopped")


def test_consent_withdrawn_after_queuing_leaves_the_patient_to_a_call(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    desk.change("UPDATE contact SET consented_at = NULL, consent_how = NULL")

    send(WEDNESDAY_TEN)

    assert carrier.journal.entries() == []
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "no_consent")


def test_a_refused_text_turns_into_an_email(carrier: Carrier, mailbox: FakeEmail) -> None:
    enrolled = enrol(juan())
    carrier.script.add(JUANS_PHONE, "400")

    send(WEDNESDAY_TEN)

    (mail,) = mailbox.wire
    assert mail.subject == "Riverside Clinic: su control de 2 minutos"
    assert desk.PUBLIC_URL in mail.body
    assert invitation_state(enrolled.invitation_id)[0] == "sent"
    assert desk.message_states(enrolled.invitation_id)[0] == ("sms", MessageState.REFUSED, "21211")


def test_a_refused_text_without_a_mailbox_turns_into_a_call(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    carrier.script.add("*", "400")

    send(WEDNESDAY_TEN)
    send(WEDNESDAY_TEN + HOUR)

    assert len(carrier.journal.entries()) == 1
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "refused")


def test_a_refused_text_and_a_refused_email_end_in_a_call(carrier: Carrier, mailbox: FakeEmail) -> None:
    enrolled = enrol(juan())
    carrier.script.add("*", "400", times=None)
    mailbox.always = type(mailbox.always).REFUSED

    desk.send_until(THURSDAY_NINE, start=WEDNESDAY_TEN)

    assert len(carrier.journal.entries()) == 1
    assert len(mailbox.wire) == 1
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "refused")


@pytest.mark.parametrize("mode", ["429", "503", "401"])
def test_a_busy_provider_is_tried_again_later(carrier: Carrier, mode: str) -> None:
    enrol(maria())
    carrier.script.add("*", mode, times=2)

    desk.send_until(WEDNESDAY_TEN + HOUR, start=WEDNESDAY_TEN)

    assert [entry.mode for entry in carrier.journal.entries()] == [mode, mode, "200"]


def test_pauses_between_tries_grow(carrier: Carrier) -> None:
    enrol(maria())
    carrier.script.add("*", "503", times=3)
    tried = []

    for seconds in range(0, 400, 10):
        before = len(carrier.journal.entries())
        send(WEDNESDAY_TEN + timedelta(seconds=seconds))
        tried += [seconds] * (len(carrier.journal.entries()) - before)

    assert tried == [0, 30, 90, 210]


def test_a_provider_that_is_down_for_two_hours_delays_the_texts_and_loses_none(carrier: Carrier) -> None:
    for number in range(1, 6):
        enrol(maria(given_name=f"Maria {number}", mrn=None, mobile=f"+1202555014{number}"))
    carrier.script.add("*", "503", times=None)
    desk.send_until(WEDNESDAY_TEN + 2 * HOUR, start=WEDNESDAY_TEN)
    down = len(carrier.journal.entries())
    carrier.script.add("*", "200", times=None)

    desk.send_until(WEDNESDAY_TEN + 2 * HOUR + 20 * MINUTE, start=WEDNESDAY_TEN + 2 * HOUR)

    arrived = [entry.to for entry in carrier.journal.entries() if entry.arrived]
    assert down < 5 * 2 * 60
    assert sorted(arrived) == [f"+1202555014{number}" for number in range(1, 6)]


def test_a_provider_that_stays_down_ends_in_a_call_and_never_in_a_stale_text(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    carrier.script.add("*", "503", times=None)
    desk.send_until(THURSDAY_NINE + 11 * HOUR, start=WEDNESDAY_TEN, every=HOUR)
    tries = len(carrier.journal.entries())
    carrier.script.add("*", "200", times=None)

    send(THURSDAY_NINE + 24 * HOUR)

    assert len(carrier.journal.entries()) == tries
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "gave_up")


@pytest.mark.parametrize("mode", ["500", "502", "reset_after_body", "hang"])
def test_a_text_that_may_have_left_is_never_sent_again(carrier: Carrier, mode: str) -> None:
    enrolled = enrol(maria())
    carrier.script.add("*", mode)

    desk.send_until(WEDNESDAY_TEN + 48 * HOUR, start=WEDNESDAY_TEN, every=HOUR)

    assert len([entry for entry in carrier.journal.entries() if "2-minute check-in" in entry.body]) == 1
    ((kind, state, _reason),) = desk.message_states(enrolled.invitation_id)
    assert (kind, state) == ("sms", MessageState.UNKNOWN)
    assert invitation_state(enrolled.invitation_id)[0] == "sent"


def test_a_receipt_settles_an_unknown_outcome(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    carrier.script.add("*", "reset_after_body")
    send(WEDNESDAY_TEN)
    (text,) = carrier.journal.entries()

    receipts.record(UUID(text.reference), Delivery.DELIVERED, now=WEDNESDAY_TEN + MINUTE)

    assert desk.message_states(enrolled.invitation_id) == [("sms", MessageState.DELIVERED, None)]
    assert invitation_state(enrolled.invitation_id)[0] == "delivered"


def test_a_sender_that_died_before_the_call_costs_five_minutes_and_no_text(carrier: Carrier) -> None:
    enrol(maria())
    with transaction() as tx:
        claimed = message_store.claim(tx, token=uuid4(), until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=10)

    send(WEDNESDAY_TEN + MINUTE)
    meanwhile = len(carrier.journal.entries())
    send(WEDNESDAY_TEN + LEASE + MINUTE)

    assert len(claimed) == 1
    assert meanwhile == 0
    assert len(carrier.journal.entries()) == 1


def test_a_sender_that_died_in_the_call_leaves_an_unknown_outcome(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    token = uuid4()
    with transaction() as tx:
        (message_id,) = message_store.claim(tx, token=token, until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=10)
    with transaction() as tx:
        begun = attempts.begin(tx, [Wanted(message_id=message_id)], token=token, now=WEDNESDAY_TEN)
    assert begun

    desk.send_until(WEDNESDAY_TEN + 2 * HOUR, start=WEDNESDAY_TEN + LEASE + MINUTE)

    assert carrier.journal.entries() == []
    assert desk.message_states(enrolled.invitation_id) == [("sms", MessageState.UNKNOWN, "lease_expired")]


def test_a_sender_that_slept_through_its_lease_still_tells_how_the_call_ended(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    token = uuid4()
    with transaction() as tx:
        (message_id,) = message_store.claim(tx, token=token, until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=10)
    with transaction() as tx:
        begun = attempts.begin(tx, [Wanted(message_id=message_id)], token=token, now=WEDNESDAY_TEN)
    assert begun
    send(WEDNESDAY_TEN + LEASE + MINUTE)

    with transaction() as tx:
        attempts.finish(tx, [Done(begun[0], begun[0].call())], now=WEDNESDAY_TEN + LEASE + 2 * MINUTE)

    assert desk.message_states(enrolled.invitation_id) == [("sms", MessageState.ACCEPTED, None)]
    assert len(carrier.journal.entries()) == 1


def test_two_workers_at_once_send_each_text_once(carrier: Carrier) -> None:
    for number in range(40):
        enrol(maria(given_name=f"Maria {chr(65 + number % 26)}{number}", mrn=None, mobile=f"+120255501{number + 10}"))

    with ThreadPoolExecutor(4) as workers:
        looked = sum(workers.map(lambda _: send(WEDNESDAY_TEN), range(4)))

    sent = [entry.to for entry in carrier.journal.entries()]
    assert looked == 40
    assert len(sent) == len(set(sent)) == 40


def test_one_slow_number_does_not_hold_up_the_others(carrier: Carrier) -> None:
    enrol(maria(mobile="+12025550131"))
    for number in range(2, 10):
        enrol(maria(given_name=f"Maria {number}", mrn=None, mobile=f"+1202555013{number}"))
    carrier.script.add("+12025550131", "slow:400")

    send(WEDNESDAY_TEN)

    states = {row["state"] for row in desk.rows("SELECT state FROM message WHERE attempts > 0")}
    assert len(carrier.journal.entries()) == 9
    assert states == {"accepted"}


def test_slow_calls_hold_no_database_connection(clinic: Database) -> None:
    assert clinic
    for number in range(sending.THREADS):
        enrol(maria(given_name=f"Maria {chr(65 + number)}", mrn=None, mobile=f"+120255501{number + 10}"))
    with desk.texting() as carrier, ThreadPoolExecutor(1) as worker:
        carrier.script.add("*", "slow:1500", times=None)
        sent = worker.submit(send, WEDNESDAY_TEN)
        while len(carrier.journal.entries()) < sending.THREADS:
            wait([sent], timeout=0.02)
        held = session.engine().pool.checkedout()  # type: ignore[attr-defined]
        sent.result()

    assert held == 0


@pytest.mark.usefixtures("clinic")
def test_without_a_provider_messages_wait_and_the_reason_is_told() -> None:
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))
    enrolled = enrol(maria())

    send(WEDNESDAY_TEN)

    assert desk.message_states(enrolled.invitation_id) == [("sms", MessageState.PENDING, "no_provider")]
    with transaction() as tx:
        (sentence,) = messages.held_up(tx)
    assert sentence.startswith("1 messages wait because no provider is set up.")


@pytest.mark.usefixtures("clinic")
def test_texts_leave_by_themselves_once_a_provider_is_set_up() -> None:
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))
    enrol(maria())
    send(WEDNESDAY_TEN)

    with desk.texting() as carrier:
        desk.send_until(WEDNESDAY_TEN + 10 * MINUTE, start=WEDNESDAY_TEN + MINUTE)

        assert len(carrier.journal.entries()) == 1
    with transaction() as tx:
        assert messages.held_up(tx) == ()


def test_an_undelivered_text_turns_into_an_email(carrier: Carrier, mailbox: FakeEmail) -> None:
    enrolled = enrol(juan())
    send(WEDNESDAY_TEN)
    (text,) = carrier.journal.entries()

    receipts.record(UUID(text.reference), Delivery.UNDELIVERED, now=WEDNESDAY_TEN + MINUTE)
    send(WEDNESDAY_TEN + 2 * MINUTE)

    assert [mail.to for mail in mailbox.wire] == ["juan@example.org"]
    assert invitation_state(enrolled.invitation_id)[0] == "sent"


def test_an_undelivered_text_without_a_mailbox_turns_into_a_call(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)
    (text,) = carrier.journal.entries()

    receipts.record(UUID(text.reference), Delivery.FAILED, now=WEDNESDAY_TEN + MINUTE)

    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "undelivered")


@pytest.mark.usefixtures("carrier")
def test_who_has_no_phone_is_written_to(mailbox: FakeEmail) -> None:
    enrolled = enrol(maria(mobile=None, email="maria@example.org"))

    send(WEDNESDAY_TEN)

    assert enrolled.plan.channel is ContactKind.EMAIL
    assert [mail.to for mail in mailbox.wire] == ["maria@example.org"]


def test_a_language_without_words_is_left_to_a_call_and_blocks_nobody(carrier: Carrier) -> None:
    first = enrol(maria())
    desk.change("UPDATE patient SET language = 'fr'")
    enrol(juan())

    send(WEDNESDAY_TEN)

    assert [entry.to for entry in carrier.journal.entries()] == [JUANS_PHONE]
    assert invitation_state(first.invitation_id) == ("undeliverable", "refused")


@pytest.mark.parametrize(
    ("enrolled_at", "sent_at", "late"),
    [
        (datetime(2026, 3, 11, 13, 0, tzinfo=UTC), WEDNESDAY_TEN, False),
        (datetime(2026, 3, 12, 18, 0, tzinfo=UTC), datetime(2026, 3, 12, 18, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 13, 2, 0, tzinfo=UTC), datetime(2026, 3, 13, 13, 0, tzinfo=UTC), True),
    ],
    ids=["in time", "a day late", "late in the evening"],
)
def test_who_is_enrolled_late_is_texted_in_the_next_window(
    carrier: Carrier, enrolled_at: datetime, sent_at: datetime, late: bool
) -> None:
    enrolled = enrol(maria(), now=enrolled_at)

    send(sent_at - MINUTE)
    before = len(carrier.journal.entries())
    send(sent_at)

    assert (enrolled.plan.due_at, enrolled.plan.late) == (sent_at, late)
    assert before == 0
    assert len(carrier.journal.entries()) == 1


def test_who_is_enrolled_after_day_7_is_asked_the_three_questions_of_that_day_only(carrier: Carrier) -> None:
    day_9 = AT_THE_DESK + timedelta(days=9)

    enrolled = enrol(maria(), now=day_9)
    send(day_9)

    assert len(carrier.journal.entries()) == 1
    (survey,) = desk.rows("SELECT id, touch FROM invitation")
    assert (survey["id"], survey["touch"]) == (enrolled.invitation_id, "day7")


def test_who_is_enrolled_after_day_12_is_called_and_not_texted(carrier: Carrier) -> None:
    day_13 = AT_THE_DESK + timedelta(days=13)

    enrolled = enrol(maria(), now=day_13)
    send(day_13)

    assert carrier.journal.entries() == []
    assert enrolled.plan.blocked == "it is too late to text about this procedure"
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "too_late")


@pytest.mark.usefixtures("carrier")
def test_the_site_and_its_zone_stand_for_a_patient_without_one() -> None:
    enrolled = enrol(maria(zone=None))

    assert enrolled.plan.due_at == WEDNESDAY_TEN
    assert RIVERSIDE.local(enrolled.plan.due_at).hour == 10
