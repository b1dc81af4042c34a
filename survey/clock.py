"""The only reader of wall time. Entry points call `now()` once and hand the value down."""

from datetime import UTC, datetime, timedelta

TOLERATED = timedelta(seconds=2)
"""So far apart two clocks may be; the way to the other one and back takes a part of it."""

_ahead = timedelta()


def now() -> datetime:
    """The present instant, aware, in UTC; by the clock that `agree` was given, where this machine's is wrong."""
    return wall() + _ahead


def wall() -> datetime:
    """What this machine's own clock shows."""
    return datetime.now(UTC)


def agree(other: datetime) -> timedelta:
    """Go by the clock that shows `other` now, if this machine's differs from it; by how much it is off.

    A worker whose clock is an hour ahead would set an alert's next step an hour late for all the others.
    """
    global _ahead
    off = other - wall()
    _ahead = off if abs(off) > TOLERATED else timedelta()
    return _ahead
