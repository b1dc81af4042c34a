"""No message leaves outside nine to seven on the patient's own clock, whatever the zone and the season."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain import sending_hours
from survey.domain.sending_hours import CLOSES, OPENS

NEW_YORK = ZoneInfo("America/New_York")
ZONES = sorted(name for name in available_timezones() if name.startswith(("America/", "Europe/", "Pacific/", "US/")))
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
