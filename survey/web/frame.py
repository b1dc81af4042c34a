"""What every staff page shares: how times, spans and numbers are worded, and the banner when something is wrong."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from flask import g
from flask.sansio.app import App

from survey import clock
from survey.domain import proofs
from survey.services import health
from survey.web import words
from survey.web.forms import troubles

BANNER_EVERY_S = 15
"""The checks behind the banner are asked so often at most, by each process."""


def prepare(app: App) -> None:
    """Give the staff templates their words."""
    app.jinja_env.filters.update(moment=moment, clock=hour, day=day, span=span, phone=words.phone, short=proofs.short)
    app.jinja_env.globals["troubles"] = troubles
    app.template_context_processors[None].append(lambda: {"faults": faults()})


def faults() -> tuple[str, ...]:
    """What the banner says; nothing for somebody who is not signed in."""
    return _faults(int(clock.now().timestamp()) // BANNER_EVERY_S) if "person" in g else ()


@lru_cache(maxsize=1)
def _faults(_turn: int) -> tuple[str, ...]:
    return health.trouble(clock.now())


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """`Tue Nov 24, 9:41 AM`, on the wall of the zone."""
    local = instant.astimezone(zone)
    return f"{local:%a %b} {local.day}, {hour(instant, zone)}"


def hour(instant: datetime, zone: ZoneInfo) -> str:
    """`9:41 AM`."""
    local = instant.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M %p}"


def day(value: date) -> str:
    """`Nov 24, 2026`."""
    return f"{value:%b} {value.day}, {value.year}"


def span(length: timedelta) -> str:
    """`6 min`, `1 h 12 min`, `3 days`; never less than nothing."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"
