"""When messages leave: reminders, how many texts a number gets, and whom nothing is sent to any more.

The carrier's and the mail server's journals, not our own rows, say what was sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain.errors import Conflict
from survey.domain.messages import LEASE, Delivery, Kind
from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope, Source
from survey.local.carrier import Carrier
from survey.messaging.outcomes import Outcome
from survey.services import attempts, messages, patients, receipts, suppressions
from survey.services.attempts import Wanted
from survey.store import contacts, invitations, message_facts, text_days
from survey.store import messages as message_store
from survey.store.session import transaction
from survey.store.text_days import TextDay
from tests import desk, texting
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, JUANS_PHONE, MARIAS_PHONE, WEDNESDAY_TEN, enrol, juan, maria, send
from tests.fakes import FakeEmail

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
THURSDAY_NINE = datetime(2026, 3, 12, 13, 0, tzinfo=UTC)
FRIDAY_NINE = THURSDAY_NINE + DAY
NILS = {"given_name": "Nils", "mrn": None}


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A clinic that sends; `leave` tells what left when, in the order in which it did."""

    carrier: Carrier
    mailbox: FakeEmail

    def leave(self, until: datetime, *, start: datetime = WEDNESDAY_TEN, every: timedelta = HOUR) -> list[str]:
        """Look again and again; each message that leaves, as `Wed 10:00 sms`."""
        seen, now = [], start
        while now <= until:
            texts, mails = len(self.carrier.journal.entries()), len(self.mailbox.wire)
            send(now)
            on_the_wall = f"{RIVERSIDE.local(now):%a %H:%M}"
            seen += [f"{on_the_wall} sms"] * (len(self.carrier.journal.entries()) - texts)
            seen += [f"{on_the_wall} email"] * (len(self.mailbox.wire) - mails)
            now += every
        return seen


@pytest.fixture
def wire(database: Database) -> Iterator[Wire]:
    assert database
    desk.open_clinic()
    mailbox = FakeEmail()
    with desk.texting(mailbox, timeout_s=0.5) as carrier:
        yield Wire(carrier=carrier, mailbox=mailbox)


def suppress(kind: ContactKind = ContactKind.SMS, address: str = MARIAS_PHONE, scope: Scope = Scope.PROGRAM) -> None:
    with transaction() as tx:
        suppressions.suppress(tx, kind, address, scope=scope, source=Source.REPLY, now=WEDNESDAY_TEN)


def queue(invitation_id: UUID, kind: Kind, *, now: datetime) -> None:
    """One more text to Maria's phone."""
    with transaction() as tx:
        invitation = invitations.get(tx, invitation_id)
        (row,) = desk.rows("SELECT patient_id FROM contact WHERE address = :phone LIMIT 1", phone=MARIAS_PHONE)
        (phone,) = contacts.of_patient(tx, row["patient_id"])
        messages.queue(tx, invitation, phone, due_at=now, tz=RIVERSIDE.tz, kind=kind, touch_no=9)


def reason(kind: Kind) -> tuple[str, str | None]:
    """The state of the one message of that kind, and why."""
    (row,) = desk.rows("SELECT state, reason FROM message WHERE kind = :kind", kind=kind)
    return row["state"], row["reason"]


# ---- reminders


def test_who_does_not_answer_is_reminded_by_mail_in_the_evening_and_by_text_in_the_morning(wire: Wire) -> None:
    enrolled = enrol(juan())

    left = wire.leave(WEDNESDAY_TEN + 4 * DAY)

    assert left == ["Wed 10:00 sms", "Wed 18:00 email", "Thu 09:00 sms"]
    query = "SELECT contact_no FROM message WHERE invitation_id = :id ORDER BY sent_at"
    assert [row["contact_no"] for row in desk.rows(query, id=enrolled.invitation_id)] == [1, 2, 3]


def test_who_has_a_phone_only_is_reminded_the_next_morning_since_a_number_gets_one_text_a_day(wire: Wire) -> None:
    enrol(maria())

    left = wire.leave(WEDNESDAY_TEN + 4 * DAY)

    assert left == ["Wed 10:00 sms", "Thu 09:00 sms"]
    assert "check-in waiting" in wire.carrier.journal.entries()[1].body
    (late,) = desk.rows("SELECT late FROM message WHERE kind = 'reminder'")
    assert late["late"]


def test_who_has_a_mailbox_only_is_reminded_in_the_evening(wire: Wire) -> None:
    enrol(maria(mobile=None, email="maria@example.org"))

    assert wire.leave(WEDNESDAY_TEN + 4 * DAY) == ["Wed 10:00 email", "Wed 18:00 email"]


def test_the_three_questions_of_day_7_have_reminders_of_their_own(wire: Wire) -> None:
    enrol(juan())

    left = wire.leave(WEDNESDAY_TEN + 9 * DAY)

    # The phone has had three texts in seven days by Tuesday.
    assert left[3:] == ["Mon 10:00 sms", "Mon 18:00 email", "Tue 09:00 email"]


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ("UPDATE invitation SET state = 'opened', opened_at = now()", "opened"),
        ("UPDATE invitation SET state = 'completed', completed_at = now()", "answered"),
        ("UPDATE invitation SET state = 'reached', reached_at = now()", "reached"),
        ("UPDATE invitation SET state = 'stopped', stopped_at = now(), stop_reason = 'Admitted'", "closed"),
        ("UPDATE procedure SET cancelled_at = now()", "procedure_cancelled"),
    ],
)
def test_a_reminder_is_decided_about_when_its_time_comes(wire: Wire, fact: str, why: str) -> None:
    enrol(maria())
    send(WEDNESDAY_TEN)
    desk.change(fact)

    assert wire.leave(WEDNESDAY_TEN + 2 * DAY, start=WEDNESDAY_TEN + HOUR) == []
    assert reason(Kind.REMINDER) == ("cancelled", why)


def test_a_text_that_turned_into_a_mail_counts_among_the_three(wire: Wire) -> None:
    enrol(juan())
    send(WEDNESDAY_TEN)
    (text,) = wire.carrier.journal.entries()
    receipts.record(UUID(text.reference), Delivery.UNDELIVERED, now=WEDNESDAY_TEN + MINUTE)

    left = wire.leave(WEDNESDAY_TEN + 4 * DAY, start=WEDNESDAY_TEN + HOUR)

    assert left == ["Wed 11:00 email", "Wed 18:00 email"]


def test_no_two_messages_of_a_survey_take_the_same_place_among_its_three(wire: Wire) -> None:
    assert wire
    enrolled = enrol(maria())
    queue(enrolled.invitation_id, Kind.REMINDER, now=WEDNESDAY_TEN)
    first, other = desk.rows("SELECT id FROM message WHERE invitation_id = :id", id=enrolled.invitation_id)
    place = "UPDATE message SET contact_no = 1 WHERE id = :id"
    desk.change(place, id=first["id"])

    with pytest.raises(Conflict) as conflict:
        desk.change(place, id=other["id"])

    assert conflict.value.constraint == "message_contacts_thrice"


def test_a_reminder_that_cannot_leave_until_the_next_evening_never_leaves(wire: Wire) -> None:
    enrol(maria())
    send(WEDNESDAY_TEN)
    wire.carrier.script.add("*", "503", times=None)
    wire.leave(THURSDAY_NINE + 10 * HOUR, start=WEDNESDAY_TEN + HOUR)
    wire.carrier.script.add("*", "200", times=None)

    assert wire.leave(FRIDAY_NINE + 9 * HOUR, start=FRIDAY_NINE) == []
    assert reason(Kind.REMINDER) == ("cancelled", "gave_up")


# ---- how many texts a number gets


def test_two_patients_on_one_phone_are_texted_on_two_days(wire: Wire) -> None:
    enrol(maria())
    enrol(maria(**NILS))

    left = wire.leave(WEDNESDAY_TEN + 3 * DAY)

    assert left == ["Wed 10:00 sms", "Thu 09:00 sms", "Fri 09:00 sms"]
    invited = ["2-minute check-in" in entry.body for entry in wire.carrier.journal.entries()]
    assert invited == [True, True, False]


def test_a_number_gets_three_texts_in_any_seven_days(wire: Wire) -> None:
    for number, given in enumerate(("Ada", "Bea", "Cleo", "Dora")):
        enrol(maria(given_name=given, mrn=None, performed_on=desk.MONDAY - number * DAY))

    wire.leave(WEDNESDAY_TEN + 20 * DAY, every=6 * HOUR)

    days = [row["day"] for row in desk.rows("SELECT day FROM text_day ORDER BY day")]
    assert len(days) == len(set(days)) == len(wire.carrier.journal.entries())
    assert all(sum(first <= day < first + 7 * DAY for day in days) <= 3 for first in days)


def test_the_database_itself_refuses_a_fourth_text_in_seven_days(wire: Wire) -> None:
    assert wire
    enrol(maria())
    (row, *_) = desk.rows("SELECT id FROM message")
    days = [
        TextDay(address=MARIAS_PHONE, day=desk.MONDAY + later * DAY, message_id=row["id"]) for later in (0, 2, 4, 6)
    ]
    with transaction() as tx:
        text_days.take(tx, days[:3])

    with pytest.raises(Conflict) as conflict, transaction() as tx:
        text_days.take(tx, days[3:])

    assert conflict.value.constraint == "three_texts_a_week"


def test_a_text_that_surely_did_not_leave_gives_its_day_back(wire: Wire) -> None:
    enrol(maria())
    wire.carrier.script.add("*", "503")
    taken = "SELECT (SELECT count(*) FROM text_day) AS days, count(contact_no) AS places FROM message"

    send(WEDNESDAY_TEN)
    after_the_first_try = dict(desk.rows(taken)[0])
    send(WEDNESDAY_TEN + MINUTE)

    assert after_the_first_try == {"days": 0, "places": 0}
    assert [entry.arrived for entry in wire.carrier.journal.entries()] == [False, True]
    assert dict(desk.rows(taken)[0]) == {"days": 1, "places": 1}


def test_of_two_that_want_the_same_day_one_waits_and_looks_again(wire: Wire) -> None:
    assert wire
    enrol(maria())
    enrol(maria(**NILS))
    token = uuid4()
    with transaction() as tx:
        ids = message_store.claim(tx, token=token, until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=10)
        both = message_facts.read(tx, ids, token=token)
        taken = [messages.reserve(tx, [facts], now=WEDNESDAY_TEN) for facts in both]

    assert [len(one) for one in taken] == [1, 0]
    (waiting,) = desk.rows("SELECT due_at, reason FROM message WHERE reason IS NOT NULL")
    assert (waiting["due_at"], waiting["reason"]) == (WEDNESDAY_TEN + MINUTE, "day_taken")


def test_the_text_at_the_desk_takes_a_day_and_is_left_out_when_there_is_none(wire: Wire) -> None:
    enrolled = enrol(maria(performed_on=desk.MONDAY - 2 * DAY))
    send(AT_THE_DESK)
    queue(enrolled.invitation_id, Kind.CONFIRM, now=AT_THE_DESK + HOUR)

    assert wire.leave(AT_THE_DESK + 2 * HOUR, start=AT_THE_DESK + HOUR) == []
    assert reason(Kind.CONFIRM) == ("cancelled", "cap")


def test_the_text_at_the_desk_does_not_wait_for_the_opening(wire: Wire) -> None:
    enrolled = enrol(maria())
    early = AT_THE_DESK - 4 * HOUR
    queue(enrolled.invitation_id, Kind.CONFIRM, now=early)

    assert wire.leave(early, start=early) == ["Mon 08:00 sms"]
    assert [row["day"] for row in desk.rows("SELECT day FROM text_day")] == [desk.MONDAY]


def test_a_link_that_the_patient_asks_for_comes_at_once_whatever_left_before(wire: Wire) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)
    evening = WEDNESDAY_TEN + 10 * HOUR
    queue(enrolled.invitation_id, Kind.FRESH_LINK, now=evening)

    assert wire.leave(evening, start=evening) == ["Wed 20:00 sms"]
    assert len(desk.rows("SELECT 1 FROM text_day")) == 1


# ---- whom nothing is sent to any more


@pytest.mark.parametrize("scope", Scope)
def test_a_stop_between_queuing_and_sending_is_seen(wire: Wire, scope: Scope) -> None:
    enrolled = enrol(maria())
    suppress(scope=scope)

    assert wire.leave(WEDNESDAY_TEN + DAY) == []
    assert desk.invitation_state(enrolled.invitation_id) == ("undeliverable", "stopped")


def test_a_stop_that_comes_while_a_sender_holds_the_text_is_seen_too(wire: Wire) -> None:
    enrol(maria())
    token = uuid4()
    with transaction() as tx:
        (claimed,) = message_store.claim(tx, token=token, until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=10)
    suppress()

    with transaction() as tx:
        begun = attempts.begin(tx, [Wanted(message_id=claimed)], token=token, now=WEDNESDAY_TEN)

    assert begun == []
    assert wire.carrier.journal.entries() == []


def test_the_suppression_counts_even_where_a_contact_does_not_show_it(wire: Wire) -> None:
    enrol(maria())
    suppress()
    desk.change("UPDATE contact SET blocked_at = NULL, blocked_reason = NULL")

    assert wire.leave(WEDNESDAY_TEN + DAY) == []


def test_whoever_stopped_the_texts_is_not_reminded_by_mail(wire: Wire) -> None:
    enrol(juan())
    send(WEDNESDAY_TEN)
    suppress(address=JUANS_PHONE)

    assert wire.leave(WEDNESDAY_TEN + 8 * DAY, start=WEDNESDAY_TEN + HOUR) == []


def test_whoever_stopped_before_and_gives_a_mailbox_at_the_next_visit_is_written_to(wire: Wire) -> None:
    suppress(address=JUANS_PHONE)
    now = WEDNESDAY_TEN + HOUR
    enrol(juan(performed_on=RIVERSIDE.local(now).date()), now=now)

    assert wire.leave(now + 2 * DAY, start=now + 2 * DAY - HOUR) == ["Fri 10:00 email"]


def test_a_reply_leaves_at_night_to_whoever_texted(wire: Wire) -> None:
    night = WEDNESDAY_TEN - 8 * HOUR
    texting.reply("HELP", now=night, sender=texting.STRANGER)

    assert wire.leave(night, start=night) == ["Wed 02:00 sms"]
    (entry,) = wire.carrier.journal.entries()
    assert (entry.to, "/s/" in entry.body) == (texting.STRANGER, False)


@pytest.mark.parametrize(
    ("scope", "kind", "leaves"),
    [
        (Scope.ALL, Kind.STOPPED, True),
        (Scope.ALL, Kind.WRONG_NUMBER, True),
        (Scope.ALL, Kind.HELP, False),
        (Scope.ALL, Kind.CALL_BACK, False),
        (Scope.PROGRAM, Kind.HELP, True),
        (Scope.PROGRAM, Kind.NOT_WATCHED, True),
    ],
)
def test_what_is_still_answered_after_an_opt_out(wire: Wire, scope: Scope, kind: Kind, leaves: bool) -> None:
    texting.reply("HELP", now=WEDNESDAY_TEN)
    desk.change("UPDATE message SET state = 'cancelled' WHERE inbound_id IS NOT NULL AND kind <> :kind", kind=kind)
    (row,) = desk.rows("SELECT id FROM inbound")
    if kind is not Kind.HELP:
        with transaction() as tx:
            messages.queue_reply(tx, kind, inbound_id=row["id"], now=WEDNESDAY_TEN)
    suppress(scope=scope)

    assert wire.leave(WEDNESDAY_TEN) == (["Wed 10:00 sms"] if leaves else [])


def test_a_text_is_answered_once_in_each_way(wire: Wire) -> None:
    assert wire
    texting.reply("HELP", now=WEDNESDAY_TEN)
    (row,) = desk.rows("SELECT id FROM inbound")

    with pytest.raises(Conflict) as conflict, transaction() as tx:
        messages.queue_reply(tx, Kind.HELP, inbound_id=row["id"], now=WEDNESDAY_TEN)

    assert conflict.value.constraint == "message_answers_once"


# ---- what fails


def test_a_link_that_was_asked_for_and_is_refused_turns_into_a_call(wire: Wire) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)
    later = WEDNESDAY_TEN + HOUR
    queue(enrolled.invitation_id, Kind.FRESH_LINK, now=later)
    wire.carrier.script.add("*", "400")
    send(later)

    (row,) = desk.rows("SELECT state, call_at FROM invitation WHERE id = :id", id=enrolled.invitation_id)
    assert (row["state"], row["call_at"]) == ("sent", later)


def test_a_bounced_reminder_takes_nothing_from_the_text_that_arrived(wire: Wire) -> None:
    enrolled = enrol(juan())
    send(WEDNESDAY_TEN)
    wire.mailbox.always = Outcome.REFUSED

    wire.leave(WEDNESDAY_TEN + 8 * HOUR, start=WEDNESDAY_TEN + 8 * HOUR)

    assert len(wire.mailbox.wire) == 1
    assert desk.invitation_state(enrolled.invitation_id) == ("sent", None)


def test_a_reminder_puts_off_no_call_of_whom_nothing_reached(wire: Wire) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)
    (text,) = wire.carrier.journal.entries()
    undelivered_at = WEDNESDAY_TEN + MINUTE
    receipts.record(UUID(text.reference), Delivery.UNDELIVERED, now=undelivered_at)

    left = wire.leave(THURSDAY_NINE, start=WEDNESDAY_TEN + HOUR)

    (row,) = desk.rows("SELECT call_at FROM invitation WHERE id = :id", id=enrolled.invitation_id)
    assert left == ["Thu 09:00 sms"]
    assert row["call_at"] == WEDNESDAY_TEN, "from the time at which it was due"


def test_a_provider_that_is_down_for_two_hours_at_ten_delays_all_and_sends_each_once(wire: Wire) -> None:
    for number in range(1, 8):
        enrol(maria(given_name=f"Maria {number}", mrn=None, mobile=f"+1202555014{number}"))
    wire.carrier.script.add("*", "503", times=None)
    wire.leave(WEDNESDAY_TEN + 2 * HOUR, every=15 * MINUTE)
    wire.carrier.script.add("*", "200", times=None)

    left = wire.leave(WEDNESDAY_TEN + 4 * HOUR, start=WEDNESDAY_TEN + 2 * HOUR + MINUTE, every=5 * MINUTE)

    assert len(left) == 7
    arrived = [entry.to for entry in wire.carrier.journal.entries() if entry.arrived]
    assert len(arrived) == len(set(arrived)) == 7


# ---- clocks that jump


def test_a_clock_that_is_set_back_sends_nothing_twice(wire: Wire) -> None:
    enrol(juan())
    send(WEDNESDAY_TEN)

    back = wire.leave(WEDNESDAY_TEN - HOUR, start=WEDNESDAY_TEN - 3 * DAY, every=DAY)
    on = wire.leave(WEDNESDAY_TEN + 4 * DAY)

    assert (back, on) == ([], ["Wed 18:00 email", "Thu 09:00 sms"])


def test_a_text_that_was_claimed_by_a_clock_ahead_waits_for_its_time(wire: Wire) -> None:
    enrol(maria())
    token = uuid4()
    with transaction() as tx:
        (claimed,) = message_store.claim(tx, token=token, until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=10)
    yesterday = WEDNESDAY_TEN - DAY

    with transaction() as tx:
        assert messages.decide(tx, [claimed], token=token, now=yesterday) == []

    assert wire.leave(WEDNESDAY_TEN, start=yesterday) == ["Wed 10:00 sms"]


def test_a_sender_that_died_with_its_clock_ahead_holds_nothing_up(wire: Wire) -> None:
    enrol(maria())
    year_ahead = WEDNESDAY_TEN + 365 * DAY
    with transaction() as tx:
        message_store.claim(tx, token=uuid4(), until=year_ahead + LEASE, now=year_ahead, limit=10)

    assert wire.leave(WEDNESDAY_TEN) == ["Wed 10:00 sms"]


def test_two_hosts_whose_clocks_differ_by_a_minute_leave_each_other_alone(wire: Wire) -> None:
    enrol(maria())
    ahead = WEDNESDAY_TEN + MINUTE
    with transaction() as tx:
        message_store.claim(tx, token=uuid4(), until=ahead + LEASE, now=ahead, limit=10)

    assert wire.leave(WEDNESDAY_TEN) == []


def test_a_cancelled_procedure_takes_back_every_survey_that_has_not_left(wire: Wire) -> None:
    enrolled = enrol(juan())
    send(WEDNESDAY_TEN)
    patients.cancel(enrolled.procedure_id, by=SAM.actor, now=WEDNESDAY_TEN + HOUR)

    assert wire.leave(WEDNESDAY_TEN + 9 * DAY, start=WEDNESDAY_TEN + HOUR) == []
