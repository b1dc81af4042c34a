"""A breaker before a provider: after failures in a row nobody asks it for a while, and then one asks first."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

FAILURES = 3
WITHIN = timedelta(seconds=60)
REST = timedelta(seconds=60)
PROBE = timedelta(seconds=30)
"""How long one sender alone may ask; longer than a call can take."""
LONGEST_REST = timedelta(minutes=15)
"""A provider that asks for more is asked again all the same."""


class BreakerState(StrEnum):
    """Whether a provider may be asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """Its rest is over: one may ask, and the others wait for what comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a provider has answered lately. `failures` are in a row, the first of them at `first_failed_at`."""

    provider: str
    failures: int = 0
    first_failed_at: datetime | None = None
    open_until: datetime | None = None
    last_ok_at: datetime | None = None

    def state(self, now: datetime) -> BreakerState:
        """Whether it may be asked at that moment."""
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN


def probing(health: Health, *, now: datetime) -> Health:
    """The half-open breaker while one sender asks."""
    return replace(health, open_until=now + PROBE)


def failed(health: Health, *, now: datetime, wait: timedelta | None = None) -> Health:
    """The provider did not take a message; `wait` is what it asked for, and holds from the first time on."""
    began = health.first_failed_at
    in_row = began is not None and (now - began <= WITHIN or health.open_until is not None)
    failures = health.failures + 1 if in_row else 1
    rest = min(wait, LONGEST_REST) if wait else REST if failures >= FAILURES else None
    longest = [until for until in (health.open_until, now + rest if rest else None) if until is not None]
    return replace(
        health,
        failures=failures,
        first_failed_at=began if in_row else now,
        open_until=max(longest, default=None),
    )
