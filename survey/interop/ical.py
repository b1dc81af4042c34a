"""Calendars as text (iCalendar, RFC 5545): a rota kept elsewhere is read, and a clinician's own shifts are written."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from survey.domain.rota_feeds import Event
from survey.domain.rotations import instant

MOST_BYTES = 1_000_000
MOST_EVENTS = 2_000
MOST_SERIES = 200
"""Events that repeat: each may be counted from years ago."""
MOST_SIGNS = 200
"""So much of a title or an identifier is kept."""
EARLIEST = 1990
"""A series that begins before is counted day by day from there: it is a mistake, or it means harm."""

# A rule that never comes true is looked for up to the year 9999. What can only be true is let in.
_ALWAYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"})
_ALLOWED: Mapping[str, frozenset[str]] = {
    "DAILY": _ALWAYS,
    "WEEKLY": _ALWAYS,
    "MONTHLY": _ALWAYS | {"BYMONTHDAY", "BYSETPOS"},
    "YEARLY": _ALWAYS | {"BYMONTHDAY", "BYMONTH"},
}
_EVERY_MONTH_HAS = 28
_EVERY_MONTH_HAS_WEEKS = 5


class Unreadable(Exception):
    """It is no calendar, or too much of one; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """What a calendar says of a stretch of time. `unread` events were skipped: no end, no such zone, no such rule."""

    events: tuple[Event, ...]
    unread: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to be written."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    summary: str


def read(body: bytes, *, zone: ZoneInfo, since: datetime, until: datetime) -> Calendar:
    """The events between two instants, in order; times without a zone and whole days are those of `zone`.

    Raises Unreadable.
    """
    calendar = _parsed(body)
    fit = [*map(_fits, calendar.walk("VEVENT"))]
    calendar.subcomponents = [part for part in calendar.subcomponents if part.name != "VEVENT" or _fits(part)]
    if sum("RRULE" in part for part in calendar.subcomponents) > MOST_SERIES:
        raise Unreadable("This calendar has too many events that repeat. Use one that has only the rota in it.")
    try:
        found = [*recurring_ical_events.of(calendar).between(since, until)]
    except (ValueError, TypeError, OverflowError, LookupError):
        raise Unreadable("The times in this calendar cannot be read. Save it again where it is kept.") from None
    if len(found) > MOST_EVENTS:
        raise Unreadable("This calendar has more than 2,000 events in 90 days. Use one that has only the rota in it.")
    events = [_event(one, zone) for one in found if str(one.get("STATUS", "")).upper() != "CANCELLED"]
    lasting = [event for event in events if event.starts_at < event.ends_at]
    return Calendar(events=_in_order(lasting), unread=fit.count(False) + len(events) - len(lasting))


def _parsed(body: bytes) -> icalendar.Calendar:
    if len(body) > MOST_BYTES:
        raise Unreadable("This calendar is larger than 1 MB. Use one that has only the rota in it.")
    try:
        found = icalendar.Calendar.from_ical(body)
    except (ValueError, LookupError, TypeError, AttributeError):
        found = None
    if not isinstance(found, icalendar.Calendar):
        raise Unreadable("What is there is no calendar. Copy the address that ends in .ics.")
    return found


def _fits(event: Any) -> bool:
    """Whether it can be read for certain, without being looked for in all the years to come."""
    begins = event.get("DTSTART")
    if event.errors or begins is None or isinstance(begins, list) or "EXRULE" in event or _is_elsewhere(begins):
        return False
    rules = event.get("RRULE", [])
    rules = rules if isinstance(rules, list) else [rules]
    return not rules or (begins.dt.year >= EARLIEST and all(map(_comes_true, rules)))


def _is_elsewhere(moment: Any) -> bool:
    """Whether it names a zone that nobody knows: read as the clinic's own, it would be hours wrong."""
    named = moment.params.get("TZID")
    return bool(named) and isinstance(moment.dt, datetime) and moment.dt.tzinfo is None


def _comes_true(rule: Any) -> bool:
    allowed = _ALLOWED.get(str(rule.get("FREQ", [""])[0]).upper(), frozenset())
    days = [abs(int(day)) for day in rule.get("BYMONTHDAY", [])]
    weeks = [abs(place) for place in map(_place, rule.get("BYDAY", [])) if place]
    weeks += [abs(int(place)) for place in rule.get("BYSETPOS", [])]
    return (
        set(rule) <= allowed
        and not (days and "BYDAY" in rule)
        and max(days, default=1) <= (_EVERY_MONTH_HAS if "BYMONTH" in rule else 31)
        and max(weeks, default=1) <= _EVERY_MONTH_HAS_WEEKS
    )


def _place(day: Any) -> int:
    """Which of the month's: 2 for `2MO`, 0 for `MO`."""
    number = str(day)[:-2]
    return int(number) if number.lstrip("+-").isdigit() else 0


def _event(one: Any, zone: ZoneInfo) -> Event:
    asked = one.get("ATTENDEE", [])
    people = [*_people(asked if isinstance(asked, list) else [asked])]
    return Event(
        uid=_short(str(one.get("UID", ""))),
        starts_at=_instant(one.start, zone),
        ends_at=_instant(one.end, zone),
        title=" ".join(str(one.get("SUMMARY", "")).split())[:MOST_SIGNS],
        mailboxes=tuple(mailbox for mailbox, _ in people if mailbox),
        names=tuple(name for _, name in people if name),
    )


def _people(asked: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Mailbox and name of each who is asked to come."""
    for one in asked:
        scheme, _, mailbox = str(one).partition(":")
        name = str(getattr(one, "params", {}).get("CN", ""))
        yield mailbox.strip().lower() if scheme.lower() == "mailto" else "", " ".join(name.split())[:MOST_SIGNS]


def _instant(moment: date, zone: ZoneInfo) -> datetime:
    if not isinstance(moment, datetime):
        return instant(datetime.combine(moment, time()), zone)
    return instant(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


def _short(uid: str) -> str:
    return uid if len(uid) <= MOST_SIGNS else hashlib.sha256(uid.encode()).hexdigest()


def _in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Each once: some tools write an event twice."""
    once = {(one.uid, one.starts_at): one for one in events}
    return tuple(sorted(once.values(), key=lambda one: (one.starts_at, one.uid)))


def write(name: str, entries: Iterable[Entry], *, host: str, now: datetime) -> bytes:
    """A calendar of that name, its times in UTC. `host` makes the identifiers of its events our own."""
    calendar = icalendar.Calendar()
    # A program that knows no REFRESH-INTERVAL reads it when it likes, mostly once a day.
    head = {"VERSION": "2.0", "PRODID": "-//Daytwo//On call//EN", "METHOD": "PUBLISH", "X-WR-CALNAME": name}
    for key, value in head.items():
        calendar.add(key, value)
    calendar.add("REFRESH-INTERVAL", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for entry in entries:
        calendar.add_component(_written(entry, host, now))
    return bytes(calendar.to_ical())


def _written(entry: Entry, host: str, now: datetime) -> icalendar.Event:
    event = icalendar.Event()
    event.add("UID", f"{entry.id}@{host}")
    event.add("DTSTAMP", now.astimezone(UTC).replace(microsecond=0))
    event.add("DTSTART", entry.starts_at.astimezone(UTC))
    event.add("DTEND", entry.ends_at.astimezone(UTC))
    event.add("SUMMARY", entry.summary)
    event.add("TRANSP", "TRANSPARENT")  # on call is not busy
    return event
