"""Which reminder comes next, when, and by which way; and how many texts a number gets."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain import caps, sending_hours
from survey.domain import reminders as rules
from survey.domain.patients import Contact, ContactKind
from survey.domain.protocol import Reminder, ReminderBy
from survey.domain.reminders import Asked
from tests.cast import RIVERSIDE

TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SAME = Reminder(after_hours=8, by=ReminderBy.SAME)
OTHER = Reminder(after_hours=24, by=ReminderBy.OTHER)
BOTH = (SAME, OTHER)
SMS, EMAIL = ContactKind.SMS, ContactKind.EMAIL


def contact(kind: ContactKind, *, blocked: bool = False) -> Contact:
    return Contact(
        id=uuid4(),
        patient_id=uuid4(),
        kind=kind,
        address="+12025550121" if kind is SMS else "maria@example.org",
        consented_at=TEN,
        blocked_at=TEN if blocked else None,
        blocked_reason=None,
    )


PHONE, MAILBOX = contact(SMS), contact(EMAIL)


def following(
    sent: int,
    *,
    contacts: Iterable[Contact] = (PHONE, MAILBOX),
    first: ContactKind = SMS,
    last: ContactKind = SMS,
    last_at: datetime = TEN,
) -> tuple[int, ContactKind, str] | None:
    """Number, channel and time of the next reminder, on Riverside's wall."""
    asked = Asked(first=first, first_at=TEN, last=last, last_at=last_at)
    coming = rules.following(BOTH, sent, contacts=contacts, asked=asked, tz=RIVERSIDE.tz)
    return (coming.number, coming.contact.kind, f"{RIVERSIDE.local(coming.due_at):%a %H:%M}") if coming else None


def test_the_first_reminder_comes_the_same_evening_on_the_same_channel() -> None:
    assert following(0) == (1, SMS, "Wed 18:00")


def test_the_second_one_comes_the_next_morning_on_the_other_channel() -> None:
    assert following(1, last_at=TEN + 8 * HOUR) == (2, EMAIL, "Thu 09:00")


def test_after_an_evening_mail_the_morning_reminder_is_a_text() -> None:
    assert following(1, last=EMAIL, last_at=TEN + 8 * HOUR) == (2, SMS, "Thu 09:00")


def test_who_has_one_channel_gets_no_reminder_by_the_other() -> None:
    assert following(1, contacts=(PHONE,), last_at=TEN + 23 * HOUR) is None


def test_whose_phone_may_not_be_used_any_more_is_reminded_by_mail() -> None:
    assert following(0, contacts=(contact(SMS, blocked=True), MAILBOX)) == (1, EMAIL, "Wed 18:00")


def test_who_cannot_be_reached_at_all_gets_none() -> None:
    assert following(0, contacts=(contact(SMS, blocked=True),)) is None


def test_a_reminder_that_was_held_up_pushes_the_next_one_back() -> None:
    nine = TEN + 23 * HOUR

    assert following(1, last=EMAIL, last_at=nine) == (2, SMS, "Thu 13:00")


def test_after_the_last_one_there_is_none() -> None:
    assert following(2, last_at=TEN + 23 * HOUR) is None


@pytest.mark.parametrize("by", ReminderBy)
@given(
    hours=st.integers(1, 72),
    first=st.integers(0, 24 * 400).map(lambda hours: TEN + hours * HOUR),
    wait=st.integers(0, 48),
    zone=st.sampled_from(["America/New_York", "America/Los_Angeles", "Europe/London", "America/Sao_Paulo"]),
)
def test_no_reminder_is_due_outside_the_hours_or_soon_after_the_last_message(
    by: ReminderBy, hours: int, first: datetime, wait: int, zone: str
) -> None:
    asked = Asked(first=SMS, first_at=first, last=SMS, last_at=first + wait * HOUR)

    due = rules.due_at(Reminder(after_hours=hours, by=by), asked, ZoneInfo(zone))

    assert sending_hours.is_open(due, ZoneInfo(zone))
    assert due >= asked.last_at + rules.APART


# ---- how many texts a number gets


def days(*numbers: int) -> list[date]:
    return [date(2026, 3, number) for number in numbers]


@pytest.mark.parametrize(
    ("taken", "day", "room"),
    [
        ((), 9, True),
        ((9,), 9, False),
        ((9, 10), 11, True),
        ((9, 10, 11), 15, False),
        ((9, 10, 11), 16, True),
        ((9, 12, 15), 13, False),
        ((1, 9, 20), 12, True),
    ],
)
def test_one_text_a_day_and_three_in_any_seven(taken: tuple[int, ...], day: int, room: bool) -> None:
    assert caps.has_room(days(*taken), date(2026, 3, day)) is room


def test_the_next_free_day_is_the_first_with_room() -> None:
    assert caps.next_free(days(9), date(2026, 3, 9)) == date(2026, 3, 10)
    assert caps.next_free(days(9, 10, 11), date(2026, 3, 11)) == date(2026, 3, 16)


@given(st.lists(st.integers(0, 20), max_size=60))
def test_no_week_ever_holds_more_than_three(wanted: list[int]) -> None:
    taken: list[date] = []
    for back in wanted:
        day = date(2026, 3, 1) + timedelta(days=back)
        if caps.has_room(taken, day):
            taken.append(day)

    ordinals = [day.toordinal() for day in taken]
    assert len(taken) == len(set(taken))
    assert all(sum(first <= one < first + 7 for one in ordinals) <= 3 for first in ordinals)
