"""A clinician's own shifts as a calendar, for the phone or the desk program; its address is the only key."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from survey.domain.accounts import Actor
from survey.domain.errors import NotFound, Refused
from survey.domain.links import is_well_formed
from survey.interop import ical
from survey.interop.ical import Entry
from survey.messaging import registry
from survey.services import audit, rotas
from survey.services.links import new_token, sha256
from survey.store import calendar_feeds as store
from survey.store.session import transaction

BACK = timedelta(days=30)
"""So long a shift that is over stays in it."""


def made_at(by: Actor) -> datetime | None:
    """When one's own address was made; None without one."""
    with transaction() as tx:
        return store.made_at(tx, by.id) if by.id else None


def make(*, by: Actor, now: datetime) -> str:
    """A new address for one's own shifts, told this once; the one before opens nothing any more."""
    if by.id is None:
        raise Refused("Sign in to have an address of your own.")
    token = new_token()
    with transaction() as tx:
        store.put(tx, by.id, sha256(token), now=now)
        audit.record(tx, "calendar_feed.made", actor=by, object_id=by.id, now=now)
    return f"{registry.public_url()}/calendar/{token}.ics"


def remove(*, by: Actor, now: datetime) -> None:
    """Let the address open nothing any more."""
    with transaction() as tx:
        if by.id is not None and store.remove(tx, by.id):
            audit.record(tx, "calendar_feed.removed", actor=by, object_id=by.id, now=now)


def read(token: str, *, now: datetime) -> bytes:
    """The shifts behind an address as iCalendar. Raises NotFound for one that opens nothing."""
    with transaction() as tx:
        reader = store.reader(tx, sha256(token)) if is_well_formed(token) else None
        if reader is None:
            raise NotFound("There is no such calendar.")
        found = store.shifts(tx, reader.id, since=now - BACK, until=now + rotas.AHEAD)
    entries = [
        Entry(id=shift.id, starts_at=shift.starts_at, ends_at=shift.ends_at, summary=f"On call: {schedule}")
        for shift, schedule in found
    ]
    return ical.write("On call", entries, host=urlsplit(registry.public_url()).hostname or "daytwo", now=now)
