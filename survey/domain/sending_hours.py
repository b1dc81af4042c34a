"""When a message may reach a patient: between nine and seven on the clock of the patient's own wall."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

OPENS = time(9)
CLOSES = time(19)


def at_local(day: date, wall: time, tz: tzinfo) -> datetime:
    """That wall-clock time of that day, in UTC; a time that daylight saving skips or repeats is read as before it."""
    return datetime.combine(day, wall, tzinfo=tz).astimezone(UTC)


def is_open(instant: datetime, tz: tzinfo) -> bool:
    """Whether a message may leave at that instant."""
    return OPENS <= instant.astimezone(tz).time() < CLOSES


def next_open(instant: datetime, tz: tzinfo) -> datetime:
    """The instant itself while the window is open, else the next opening, in UTC."""
    if is_open(instant, tz):
        return instant
    local = instant.astimezone(tz)
    day = local.date() if local.time() < OPENS else local.date() + timedelta(days=1)
    return at_local(day, OPENS, tz)


def closing(instant: datetime, tz: tzinfo, *, days: int = 0) -> datetime:
    """When the window of the instant's local day closes, or of so many days after it, in UTC."""
    return at_local(instant.astimezone(tz).date() + timedelta(days=days), CLOSES, tz)
