"""Rotas that are kept elsewhere: fetched with no transaction open, matched to accounts, and written as shifts.

A feed that cannot be read, or that says nothing at all, leaves the shifts that it gave last.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import structlog

from survey.domain import rota_feeds as rules
from survey.domain.accounts import Actor
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.rota_feeds import Doubtful
from survey.interop import ical
from survey.interop.ical import Calendar, Unreadable
from survey.messaging import calendars, registry
from survey.messaging.calendars import Unfetched
from survey.services import audit, rotas
from survey.store import rota_feeds as store
from survey.store import rotas as rota_store
from survey.store.rota_feeds import Feed
from survey.store.session import Tx, transaction

log = structlog.get_logger()

EMPTY = "This calendar has no event in the next 90 days. The shifts that were read last stay as they are."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A feed as its page shows it. `host` is all of its address that is shown: the rest is often its only lock.

    `named` is label and name of what was chosen by hand; `matched` is how many entries give shifts.
    """

    feed: Feed
    host: str
    tz: ZoneInfo
    matched: int
    doubtful: tuple[Doubtful, ...]
    named: tuple[tuple[str, str], ...]


def of_schedule(schedule_id: UUID, *, now: datetime) -> Reading | None:
    """The feed of that schedule with what wants a look; None without one."""
    with transaction() as tx:
        feed = store.of_schedule(tx, schedule_id)
        return _reading(tx, feed, now=now) if feed else None


def _reading(tx: Tx, feed: Feed, *, now: datetime) -> Reading:
    entries = store.entries(tx, feed.id, since=now)
    people = {one.id: one.name for one in store.responders(tx)}
    chosen = store.names(tx, feed.id)
    return Reading(
        feed=feed,
        host=urlsplit(feed.url).hostname or "",
        tz=ZoneInfo(feed.zone),
        matched=sum(one.user_id is not None for one in entries),
        doubtful=rules.doubtful(entries),
        named=tuple((label, people.get(user_id, "an account not in use")) for label, user_id in chosen.items()),
    )


def add(schedule_id: UUID, typed: str, *, by: Actor, now: datetime) -> UUID:
    """Read that schedule from a calendar from now on, and read it at once. Raises Refused, NotFound."""
    if by.id is None:
        raise Refused("Sign in to change the rota: it is kept who did.")
    feed_id, url = uuid4(), _address(typed)
    try:
        with transaction() as tx:
            rota_store.lock(tx, schedule_id)
            store.insert(tx, feed_id, schedule_id, url, by=by.id, now=now)
            audit.record(tx, "rota_feed.added", actor=by, object_id=feed_id, now=now)
    except Conflict as conflict:
        raise Refused("This roster has a calendar. Remove it first.", field="url") from conflict
    read_now(feed_id, now=now)
    return feed_id


def _address(typed: str) -> str:
    try:
        return calendars.address(typed, local=registry.is_local())
    except Unfetched as unfetched:
        raise Refused(str(unfetched), field="url") from None


def remove(feed_id: UUID, *, by: Actor, now: datetime) -> None:
    """Read it no more. The shift that is running stays to its end; later ones go by the rotations. Raises NotFound."""
    with transaction() as tx:
        feed = store.get(tx, feed_id)
        rota_store.lock(tx, feed.schedule_id)
        store.remove(tx, feed_id, now=now)
        rotas.rewrite(tx, feed.schedule_id, now=now)
        audit.record(tx, "rota_feed.removed", actor=by, object_id=feed_id, now=now)


# ---- reading


def read_due(*, now: datetime) -> int:
    """Read the feed that was not read for the longest time, if it is due; how many that was."""
    with transaction() as tx:
        feed = store.claim(tx, before=now - rules.READ_EVERY, now=now)
    if feed is not None:
        _read(feed, now=now)
    return int(feed is not None)


def read_now(feed_id: UUID, *, now: datetime) -> str | None:
    """Read it although it is not due; why that failed, if it did. Raises NotFound."""
    with transaction() as tx:
        feed = store.get(tx, feed_id)
        store.note_asked(tx, feed_id, now=now)
    return _read(feed, now=now)


def _read(feed: Feed, *, now: datetime) -> str | None:
    try:
        body = calendars.fetch(feed.url, local=registry.is_local())
        found = ical.read(body, zone=ZoneInfo(feed.zone), since=now, until=now + rotas.AHEAD)
        fault = None if found.events else EMPTY
    except (Unfetched, Unreadable) as error:
        fault = str(error)
    with transaction() as tx:
        if fault is None:
            _take_in(tx, feed, found, now=now)
        else:
            store.note_fault(tx, feed.id, fault)
            log.warning("rota_feeds.not_read", feed=str(feed.id))
    return fault


def _take_in(tx: Tx, feed: Feed, found: Calendar, *, now: datetime) -> None:
    """Unless it was removed meanwhile."""
    rota_store.lock(tx, feed.schedule_id)
    standing = store.of_schedule(tx, feed.schedule_id)
    if standing is None or standing.id != feed.id:
        return
    people, chosen = store.responders(tx), store.names(tx, feed.id)
    entries = [rules.entry(event, people, chosen) for event in found.events]
    store.replace(tx, feed.id, entries, unread=found.unread, now=now)
    rotas.rewrite(tx, feed.schedule_id, now=now)


# ---- who is meant


def choose(feed_id: UUID, label: str, user_id: UUID, *, by: Actor, now: datetime) -> int:
    """Say who is meant by a label; how many of its events are shifts now. Raises Refused, NotFound."""
    with transaction() as tx:
        feed = store.get(tx, feed_id)
        rota_store.lock(tx, feed.schedule_id)
        rotas.check_person(tx, user_id, field="user_id")
        if label not in {one.label for one in store.entries(tx, feed_id, since=now)}:
            raise NotFound("The calendar does not say this any more. Look at its page again.")
        matched = store.choose(tx, feed_id, label, user_id)
        rotas.rewrite(tx, feed.schedule_id, now=now)
        audit.record(tx, "rota_feed.name_chosen", actor=by, object_id=feed_id, now=now, entries=matched)
    return matched


def forget(feed_id: UUID, label: str, *, by: Actor, now: datetime) -> None:
    """Take back who was meant by a label. Raises NotFound."""
    with transaction() as tx:
        feed = store.get(tx, feed_id)
        rota_store.lock(tx, feed.schedule_id)
        if not store.forget(tx, feed_id, label):
            raise NotFound("Nobody was chosen for this name.")
        rotas.rewrite(tx, feed.schedule_id, now=now)
        audit.record(tx, "rota_feed.name_forgotten", actor=by, object_id=feed_id, now=now)


def stale(tx: Tx, *, now: datetime) -> tuple[str, ...]:
    """Rosters whose calendar was not read for a day."""
    return store.stale(tx, before=now - rules.STALE)
