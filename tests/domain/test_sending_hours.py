"""No message leaves outside nine to seven on the patient's own clock, whatever the zone, the season and the night."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain import invitations, messages, reminders, sending_hours
from survey.domain.messages import Act, Kind
from survey.domain.patients import ContactKind
from survey.domain.protocol import Reminder, ReminderBy, Touch
from survey.domain.reminders import Asked
from survey.domain.sending_hours import CLOSES, OPENS
from tests.domain.test_messages import facts, message

NEW_YORK = ZoneInfo("America/New_York")
REGIONS = ("America/", "Europe/", "Atlantic/", "Pacific/", "US/", "Canada/", "Mexico/", "Brazil/", "Chile/")
ZONES = sorted(name for name in available_timezones() if name.startswith(REGIONS))
SINCE, UNTIL = datetime(2025, 7, 1, tzinfo=UTC), datetime(2035, 7, 1, tzinfo=UTC)
A_DAY, A_WEEK = timedelta(days=1), timedelta(days=7)
"""No zone has its summer time for less than a week."""
INSTANTS = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001 (the strategy adds the zone)
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(INSTANTS, st.sampled_from(ZONES))
def test_the_next_opening_is_open_and_never_earlier(instant: datetime, zone: str) -> None:
    tz = ZoneInfo(zone)

    opening = sending_hours.next_open(instant, tz)

    assert opening >= instant
    assert OPENS <= opening.astimezone(tz).time() < CLOSES
    assert opening - instant <= timedelta(hours=16)


@given(INSTANTS, st.sampled_from(ZONES))
def test_an_open_instant_is_its_own_next_opening(instant: datetime, zone: str) -> None:
    tz = ZoneInfo(zone)

    waits = sending_hours.next_open(instant, tz) != instant

    assert waits is not sending_hours.is_open(instant, tz)


@pytest.mark.parametrize(
    ("utc_hour", "day"),
    [(15, date(2026, 3, 7)), (14, date(2026, 3, 8)), (14, date(2026, 10, 31)), (15, date(2026, 11, 1))],
    ids=["before spring", "the spring day", "before autumn", "the autumn day"],
)
def test_ten_o_clock_is_ten_o_clock_on_both_daylight_saving_days(utc_hour: int, day: date) -> None:
    instant = sending_hours.at_local(day, time(10), NEW_YORK)

    assert instant == datetime.combine(day, time(utc_hour), tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [("08:59:59", False), ("09:00:00", True), ("18:59:59", True), ("19:00:00", False)],
)
def test_the_window_opens_at_nine_and_is_closed_from_seven(wall: str, is_open: bool) -> None:
    instant = sending_hours.at_local(date(2026, 3, 11), time.fromisoformat(wall), NEW_YORK)

    assert sending_hours.is_open(instant, NEW_YORK) is is_open


def test_the_window_closes_on_the_same_local_day() -> None:
    morning = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)

    assert sending_hours.closing(morning, NEW_YORK) == datetime(2026, 3, 11, 23, 0, tzinfo=UTC)


# ---- every change of the clocks in ten years


@lru_cache(maxsize=1)
def changes() -> tuple[tuple[str, datetime], ...]:
    """Each zone with each instant at which its clocks jump, found in the tz data to the second."""
    return tuple((zone, found) for zone in ZONES for found in jumps(ZoneInfo(zone)))


def jumps(tz: ZoneInfo) -> list[datetime]:
    weeks = [SINCE + A_WEEK * number for number in range((UNTIL - SINCE) // A_WEEK)]
    return [found(tz, week, week + A_WEEK) for week in weeks if offset(tz, week) != offset(tz, week + A_WEEK)]


def unlike() -> tuple[tuple[str, datetime], ...]:
    """The changes without those that another zone has in the same second, to and from the same hour."""
    kinds = {
        (jump, offset(ZoneInfo(zone), jump), offset(ZoneInfo(zone), jump - A_DAY)): zone for zone, jump in changes()
    }
    return tuple((zone, jump) for (jump, *_), zone in kinds.items())


def found(tz: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the new offset."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if offset(tz, middle) == offset(tz, before) else (before, middle)
    return after


def offset(tz: ZoneInfo, instant: datetime) -> timedelta | None:
    return instant.astimezone(tz).utcoffset()


def wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))


def is_within(instant: datetime, zone: str) -> bool:
    return OPENS <= wall(instant, zone).time() < CLOSES


def test_the_data_knows_both_nights_of_ten_years() -> None:
    new_york = [wall(at, "America/New_York").date() for zone, at in changes() if zone == "America/New_York"]

    assert len({zone for zone, _ in changes()}) > 150
    assert len(new_york) == 20
    assert {date(2026, 3, 8), date(2026, 11, 1)} <= set(new_york)


@pytest.mark.parametrize(("day", "at"), [(2, time(10)), (7, time(10)), (1, time(9)), (3, time(18, 59))])
def test_around_every_change_each_touch_falls_on_its_own_day_and_hour_once(day: int, at: time) -> None:
    touch = Touch(key="touch", day=day, at=at)
    for zone, jump in changes():
        tz, middle = ZoneInfo(zone), wall(jump, zone).date()
        performed = [middle + A_DAY * (number - day) for number in range(-3, 4)]

        due = [invitations.due_at(one, touch, tz) for one in performed]

        assert [wall(one, zone).date() - A_DAY * day for one in due] == performed, zone
        assert {wall(one, zone).time() for one in due} == {at}, zone
        assert all(timedelta(hours=22) < later - one < timedelta(hours=26) for one, later in pairwise(due)), zone


def test_around_every_change_a_message_of_any_hour_leaves_once_within_the_window() -> None:
    for zone, jump in unlike():
        for hour in range(-36, 37, 2):
            due = jump + timedelta(minutes=59) * hour
            left = leaves(due, zone)
            assert is_within(left, zone), (zone, jump, due)
            assert due <= left <= due + timedelta(hours=16), (zone, jump, due)


AROUND = st.integers(-2 * 24 * 3600, 2 * 24 * 3600).map(lambda seconds: timedelta(seconds=seconds))
CHANGES = st.deferred(lambda: st.sampled_from(changes()))


@given(CHANGES, AROUND)
def test_a_message_of_any_second_around_any_change_leaves_once_within_the_window(
    change: tuple[str, datetime], apart: timedelta
) -> None:
    zone, jump = change

    left = leaves(jump + apart, zone)

    assert is_within(left, zone)
    assert leaves(left, zone) == left


@given(CHANGES, AROUND, st.integers(1, 48), st.sampled_from(ReminderBy))
def test_a_reminder_around_any_change_comes_after_the_text_and_within_the_window(
    change: tuple[str, datetime], apart: timedelta, hours: int, by: ReminderBy
) -> None:
    zone, jump = change
    first = leaves(jump + apart, zone)
    asked = Asked(first=ContactKind.SMS, first_at=first, last=ContactKind.SMS, last_at=first)

    due = reminders.due_at(Reminder(after_hours=hours, by=by), asked, ZoneInfo(zone))

    assert is_within(due, zone)
    assert first + reminders.APART <= due <= first + timedelta(hours=hours) + timedelta(hours=20)


def leaves(due: datetime, zone: str) -> datetime:
    """When a message that is due then is handed over, as the outbox decides each time it looks."""
    standing = replace(
        message(), due_at=due, give_up_at=messages.give_up_at(Kind.INVITATION, due, ZoneInfo(zone)), lease_until=due
    )
    now = due
    for _ in range(2):
        decision = messages.decide(facts(message=standing, zone=zone, expires_at=due + 28 * A_DAY), now=now)
        if decision.act is Act.SEND:
            return now
        assert decision.act is Act.HOLD, decision
        assert decision.due_at is not None
        assert decision.due_at > now
        now = decision.due_at
        standing = replace(standing, due_at=now)
    raise AssertionError(f"held for ever in {zone}: due {due}, now {now}")
