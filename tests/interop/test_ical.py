"""Calendars as Outlook, Google and rota tools write them, both DST nights, and what is refused or skipped."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
import pytest

from survey.domain.rota_feeds import Event
from survey.interop import ical
from survey.interop.ical import Entry, Unreadable
from tests import rota_calendars
from tests.cast import RIVERSIDE

ZONE = ZoneInfo(RIVERSIDE.zone)
SINCE = datetime(2026, 3, 5, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=90)


def read(text: str, *, since: datetime = SINCE, until: datetime = UNTIL) -> ical.Calendar:
    return ical.read(text.encode(), zone=ZONE, since=since, until=until)


def told(events: tuple[Event, ...]) -> list[str]:
    """`Ana Reyes Sat 07 19:00–08 07:00`, on Riverside's wall."""
    return [
        f"{one.label} {RIVERSIDE.local(one.starts_at):%a %d %H:%M}–{RIVERSIDE.local(one.ends_at):%d %H:%M}"
        for one in events
    ]


def event(*lines: str, uid: str = "a") -> str:
    return rota_calendars.calendar(rota_calendars.event(*lines, uid=uid))


def test_outlooks_nights_keep_their_wall_clock_over_the_spring_change() -> None:
    found = read(rota_calendars.OUTLOOK, until=SINCE + timedelta(days=5))

    assert told(found.events) == [
        "Ana Reyes Wed 04 19:00–05 07:00",
        "Ben Okafor Fri 06 20:00–07 07:00",
        "Ana Reyes Sat 07 19:00–08 07:00",
        "Ana Reyes Sun 08 19:00–09 07:00",
        "Ana Reyes Mon 09 19:00–10 07:00",
    ]
    lengths = {one.ends_at - one.starts_at for one in found.events if one.label == "Ana Reyes"}
    assert lengths == {timedelta(hours=12), timedelta(hours=11)}
    assert found.unread == 0


def test_the_autumn_night_is_an_hour_longer() -> None:
    since = datetime(2026, 10, 31, 12, tzinfo=UTC)
    (first, *_) = read(rota_calendars.OUTLOOK, since=since, until=since + timedelta(days=1)).events

    assert first.ends_at - first.starts_at == timedelta(hours=13)


def test_googles_times_in_utc_and_whole_days_are_read_with_whoever_is_asked_to_come() -> None:
    found = read(rota_calendars.GOOGLE).events

    assert told(found)[:2] == ["On call: Ana Reyes Fri 06 19:00–07 07:00", "Ben Okafor Sat 07 00:00–09 00:00"]
    assert found[0].mailboxes == ("ana@example.org",)
    assert found[1].ends_at - found[1].starts_at == timedelta(hours=47)


def test_a_windows_zone_is_known_without_its_definition() -> None:
    text = event(
        "SUMMARY:Ana Reyes",
        "DTSTART;TZID=Pacific Standard Time:20260306T190000",
        "DTEND;TZID=Pacific Standard Time:20260307T070000",
    )

    assert told(read(text).events) == ["Ana Reyes Fri 06 22:00–07 10:00"]


def test_times_without_a_zone_are_those_of_the_roster() -> None:
    text = event("SUMMARY:Ana Reyes", "DTSTART:20260306T190000", "DURATION:PT12H")

    assert told(read(text).events) == ["Ana Reyes Fri 06 19:00–07 07:00"]


def test_an_event_that_was_called_off_is_no_shift() -> None:
    text = event("SUMMARY:Ana Reyes", "STATUS:CANCELLED", "DTSTART:20260306T190000Z", "DTEND:20260306T200000Z")

    assert read(text) == ical.Calendar(events=())


def test_an_event_that_is_written_twice_is_one() -> None:
    one = rota_calendars.event("SUMMARY:Ana Reyes", "DTSTART:20260306T190000Z", "DTEND:20260306T200000Z")

    assert len(read(rota_calendars.calendar(one, one)).events) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART;TZID=Mars/Olympus:20260306T190000", "DTEND;TZID=Mars/Olympus:20260306T200000"),
        ("DTEND:20260306T200000Z",),
        ("DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=SECONDLY"),
        ("DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=DAILY;BYHOUR=1,2,3"),
        ("DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
        ("DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        ("DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=MONTHLY;BYDAY=9MO"),
        ("DTSTART:00010101T190000Z", "DTEND:00010101T200000Z", "RRULE:FREQ=DAILY"),
        ("DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=DAILY;BYDAY=XX"),
    ],
)
def test_what_cannot_be_read_for_certain_is_skipped_counted_and_costs_no_time(lines: tuple[str, ...]) -> None:
    good = rota_calendars.event("SUMMARY:Ana Reyes", "DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", uid="good")
    odd = rota_calendars.event("SUMMARY:Odd", *lines, uid="odd")

    found = read(rota_calendars.calendar(good, odd))

    assert ([one.label for one in found.events], found.unread) == (["Ana Reyes"], 1)


@pytest.mark.parametrize("text", ["", "hello", "<html><body>Sign in</body></html>", "BEGIN:VCALENDAR\r\n"])
def test_what_is_no_calendar_is_refused_in_words(text: str) -> None:
    with pytest.raises(Unreadable, match="no calendar"):
        read(text)


def test_more_than_two_thousand_events_are_refused() -> None:
    many = [
        rota_calendars.event(
            "SUMMARY:Ana", "DTSTART:20260306T190000Z", "DTEND:20260306T200000Z", "RRULE:FREQ=DAILY", uid=str(number)
        )
        for number in range(30)
    ]

    with pytest.raises(Unreadable, match="more than 2,000"):
        read(rota_calendars.calendar(*many))


def test_more_than_two_hundred_series_are_refused_before_they_are_counted() -> None:
    many = [
        rota_calendars.event(
            "SUMMARY:Ana", "DTSTART:19900306T190000Z", "DTEND:19900306T200000Z", "RRULE:FREQ=DAILY", uid=str(number)
        )
        for number in range(201)
    ]

    with pytest.raises(Unreadable, match="repeat"):
        read(rota_calendars.calendar(*many))


def test_more_than_a_megabyte_is_refused() -> None:
    with pytest.raises(Unreadable, match="1 MB"):
        read("x" * 1_000_001)


def test_what_we_write_is_read_back_with_its_times() -> None:
    night = datetime(2026, 3, 8, 0, tzinfo=UTC)
    entry = Entry(id=UUID(int=7), starts_at=night, ends_at=night + timedelta(hours=11), summary="On call: nights")

    written = ical.write("On call", [entry], host="chk.example.org", now=night)

    (found,) = read(written.decode()).events
    assert (found.starts_at, found.ends_at, found.label) == (entry.starts_at, entry.ends_at, "On call: nights")
    assert icalendar.Calendar.from_ical(written).errors == []
    assert found.uid == f"{UUID(int=7)}@chk.example.org"
