"""Rotas that are kept elsewhere: where, what they said last, and who is meant by the names in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.errors import NotFound
from survey.domain.rota_feeds import Responder, RotaEntry
from survey.store import accounts
from survey.store.session import Tx

_FEEDS = """
SELECT f.id, f.schedule_id, s.name AS schedule, s.zone, f.url, f.added_at, f.asked_at, f.read_at, f.fault, f.unread
FROM rota_feed f JOIN schedule s ON s.id = f.schedule_id
WHERE f.removed_at IS NULL AND (f.id = %(id)s OR f.schedule_id = %(schedule_id)s)
"""
_INSERT = """
INSERT INTO rota_feed (id, schedule_id, url, added_by, added_at)
VALUES (%(id)s, %(schedule_id)s, %(url)s, %(by)s, %(now)s)
"""
_REMOVE = "UPDATE rota_feed SET removed_at = %(now)s, url = '' WHERE id = %(id)s AND removed_at IS NULL"
_CLAIM = """
UPDATE rota_feed SET asked_at = %(now)s WHERE id = (SELECT id FROM rota_feed
  WHERE removed_at IS NULL AND (asked_at IS NULL OR asked_at <= %(before)s)
  ORDER BY asked_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_ASKED = "UPDATE rota_feed SET asked_at = %(now)s WHERE id = %(id)s AND removed_at IS NULL"
_FAILED = "UPDATE rota_feed SET fault = %(fault)s WHERE id = %(id)s"
_READ = "UPDATE rota_feed SET read_at = %(now)s, fault = NULL, unread = %(unread)s WHERE id = %(id)s"
_INSERT_ENTRIES = """
INSERT INTO rota_entry (feed_id, uid, starts_at, ends_at, label, user_id)
SELECT %(feed_id)s, * FROM unnest(%(uids)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
  %(labels)s::text[], %(users)s::uuid[])
"""
_ENTRIES = """
SELECT uid, starts_at, ends_at, label, user_id FROM rota_entry
WHERE feed_id = %(feed_id)s AND ends_at > %(since)s ORDER BY starts_at, uid
"""
_NAME = """
INSERT INTO rota_name (feed_id, label, user_id) VALUES (%(feed_id)s, %(label)s, %(user_id)s)
ON CONFLICT (feed_id, label) DO UPDATE SET user_id = excluded.user_id
"""
_MATCH = """
UPDATE rota_entry SET user_id = %(user_id)s WHERE feed_id = %(feed_id)s AND label = %(label)s AND user_id IS NULL
"""
_UNMATCH = """
UPDATE rota_entry SET user_id = NULL WHERE feed_id = %(feed_id)s AND label = %(label)s AND user_id =
  (SELECT user_id FROM rota_name WHERE feed_id = %(feed_id)s AND label = %(label)s)
"""
_STALE = """
SELECT s.name FROM rota_feed f JOIN schedule s ON s.id = f.schedule_id
WHERE f.removed_at IS NULL AND coalesce(f.read_at, f.added_at) < %(before)s ORDER BY s.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed of a schedule. `fault` is why the last try failed; `unread` events of the last good one were skipped."""

    id: UUID
    schedule_id: UUID
    schedule: str
    zone: str
    url: str
    added_at: datetime
    asked_at: datetime | None
    read_at: datetime | None
    fault: str | None
    unread: int


def of_schedule(tx: Tx, schedule_id: UUID) -> Feed | None:
    """The feed of a schedule, if it has one."""
    row = tx.fetch(_FEEDS, {"id": None, "schedule_id": schedule_id})
    return Feed(**row) if row else None


def get(tx: Tx, feed_id: UUID) -> Feed:
    """That feed. Raises NotFound, also when it was removed."""
    row = tx.fetch(_FEEDS, {"id": feed_id, "schedule_id": None})
    if row is None:
        raise NotFound("This calendar was removed from the roster.")
    return Feed(**row)


def insert(tx: Tx, feed_id: UUID, schedule_id: UUID, url: str, *, by: UUID, now: datetime) -> None:
    """Add a feed. Raises Conflict (`rota_feed_once`) when the schedule has one."""
    tx.change(_INSERT, {"id": feed_id, "schedule_id": schedule_id, "url": url, "by": by, "now": now})


def remove(tx: Tx, feed_id: UUID, *, now: datetime) -> None:
    """Read it no more. Its address may be a secret, and goes at once."""
    tx.change(_REMOVE, {"id": feed_id, "now": now})
    for table in ("rota_entry", "rota_name"):
        tx.change(f"DELETE FROM {table} WHERE feed_id = %(id)s", {"id": feed_id})  # noqa: S608 (of two names)


def claim(tx: Tx, *, before: datetime, now: datetime) -> Feed | None:
    """The one that was not asked for the longest time, before `before`; nobody else asks it now."""
    row = tx.fetch(_CLAIM, {"before": before, "now": now})
    return get(tx, row["id"]) if row else None


def note_asked(tx: Tx, feed_id: UUID, *, now: datetime) -> None:
    """Somebody asks it by hand."""
    tx.change(_ASKED, {"id": feed_id, "now": now})


def note_fault(tx: Tx, feed_id: UUID, fault: str) -> None:
    """It could not be read; what it said last stands."""
    tx.change(_FAILED, {"id": feed_id, "fault": fault})


def replace(tx: Tx, feed_id: UUID, entries: Iterable[RotaEntry], *, unread: int, now: datetime) -> None:
    """It says something else now."""
    rows = tuple(entries)
    tx.change("DELETE FROM rota_entry WHERE feed_id = %(feed_id)s", {"feed_id": feed_id})
    columns = {
        "uids": [one.uid for one in rows],
        "starts": [one.starts_at for one in rows],
        "ends": [one.ends_at for one in rows],
        "labels": [one.label for one in rows],
        "users": [one.user_id for one in rows],
    }
    tx.change(_INSERT_ENTRIES, {"feed_id": feed_id, **columns})
    tx.change(_READ, {"id": feed_id, "unread": unread, "now": now})


def entries(tx: Tx, feed_id: UUID, *, since: datetime) -> tuple[RotaEntry, ...]:
    """What it said last of the time from `since` on, in order."""
    return tuple(RotaEntry(**row) for row in tx.rows(_ENTRIES, {"feed_id": feed_id, "since": since}))


def names(tx: Tx, feed_id: UUID) -> Mapping[str, UUID]:
    """Label → who is meant, as somebody has said."""
    found = tx.rows("SELECT label, user_id FROM rota_name WHERE feed_id = %(id)s ORDER BY label", {"id": feed_id})
    return {row["label"]: row["user_id"] for row in found}


def choose(tx: Tx, feed_id: UUID, label: str, user_id: UUID) -> int:
    """From now on that label means that person; how many entries were open."""
    values = {"feed_id": feed_id, "label": label, "user_id": user_id}
    tx.change(_NAME, values)
    return tx.change(_MATCH, values)


def forget(tx: Tx, feed_id: UUID, label: str) -> bool:
    """That label means nobody any more; whether it did."""
    values = {"feed_id": feed_id, "label": label}
    tx.change(_UNMATCH, values)
    return tx.change("DELETE FROM rota_name WHERE feed_id = %(feed_id)s AND label = %(label)s", values) == 1


def responders(tx: Tx) -> tuple[Responder, ...]:
    """Everybody who may be on call."""
    return tuple(Responder(id=one.id, name=one.name, mailbox=one.email) for one in accounts.responders(tx))


def stale(tx: Tx, *, before: datetime) -> tuple[str, ...]:
    """Schedules whose feed was last read before `before`."""
    return tuple(row["name"] for row in tx.rows(_STALE, {"before": before}))
