"""Rotations, overrides and shifts that were put on by hand, and the shifts that are written from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from survey.domain.errors import NotFound
from survey.domain.oncall import Schedule
from survey.domain.rotations import Rotation, Source, SourceKind, Stretch, Unit
from survey.store.base import Row
from survey.store.session import Tx

_LOCK = "SELECT id, name, zone, owner_id FROM schedule WHERE id = %(id)s FOR NO KEY UPDATE"
_ACTIVE = "SELECT id FROM app_user WHERE active"
_ROTATIONS = """
SELECT r.id, schedule_id, layer, name, starts_local, unit, every, weekdays, from_time, to_time, ends_on,
  ARRAY(SELECT user_id FROM rotation_member m WHERE m.rotation_id = r.id ORDER BY position) AS members
FROM rotation r WHERE retired_at IS NULL AND (r.id = %(id)s OR schedule_id = %(schedule_id)s)
ORDER BY layer, added_at, r.id
"""
_INSERT_ROTATION = """
INSERT INTO rotation (id, schedule_id, layer, name, starts_local, unit, every, weekdays, from_time, to_time, ends_on,
  added_by, added_at)
VALUES (%(id)s, %(schedule_id)s, %(layer)s, %(name)s, %(starts_local)s, %(unit)s, %(every)s, %(weekdays)s,
  %(from_time)s, %(to_time)s, %(ends_on)s, %(by)s, %(now)s)
"""
_INSERT_MEMBERS = """
INSERT INTO rotation_member (rotation_id, position, user_id)
SELECT %(id)s, position, user_id FROM unnest(%(members)s::uuid[]) WITH ORDINALITY AS member (user_id, position)
"""
_END_ROTATION = """
UPDATE rotation SET ends_on = %(last_day)s,
  retired_at = CASE WHEN starts_local::date > %(last_day)s THEN %(now)s::timestamptz END
WHERE id = %(id)s AND retired_at IS NULL
"""
_OVERRIDES = """
SELECT id, schedule_id, user_id, lower(during) AS starts_at, upper(during) AS ends_at, reason FROM shift_override
WHERE cancelled_at IS NULL AND (id = %(id)s OR schedule_id = %(schedule_id)s) AND upper(during) > %(since)s
ORDER BY during
"""
_INSERT_OVERRIDE = """
INSERT INTO shift_override (id, schedule_id, user_id, during, reason, made_by, made_at)
VALUES (%(id)s, %(schedule_id)s, %(user_id)s, tstzrange(%(starts_at)s, %(ends_at)s), %(reason)s, %(by)s, %(now)s)
"""
_CANCEL_OVERRIDE = "UPDATE shift_override SET cancelled_at = %(now)s WHERE id = %(id)s AND cancelled_at IS NULL"
_FED = """
SELECT e.user_id, e.starts_at, e.ends_at, f.id FROM rota_entry e JOIN rota_feed f ON f.id = e.feed_id
WHERE f.schedule_id = %(schedule_id)s AND f.removed_at IS NULL AND e.user_id IS NOT NULL
  AND e.ends_at > %(since)s AND e.starts_at < %(until)s AND e.starts_at < e.ends_at
ORDER BY e.starts_at, e.uid
"""
_WRITTEN = """
SELECT id, user_id, lower(during) AS starts_at, upper(during) AS ends_at, rotation_id, override_id, feed_id, hand_id
FROM shift WHERE schedule_id = %(schedule_id)s AND during && tstzrange(%(since)s, %(until)s) ORDER BY during
"""
_KEPT = """
SELECT id, user_id, lower(during) AS starts_at, upper(during) AS ends_at FROM hand_shift
WHERE schedule_id = %(schedule_id)s AND upper(during) > %(since)s ORDER BY during, id
"""
_KEEP = """
INSERT INTO hand_shift (id, schedule_id, user_id, during)
VALUES (%(id)s, %(schedule_id)s, %(user_id)s, tstzrange(%(starts_at)s, %(ends_at)s)) ON CONFLICT (id) DO NOTHING
"""
_END_KEPT = """
UPDATE hand_shift SET during = tstzrange(lower(during), %(now)s) WHERE id = %(id)s AND lower(during) < %(now)s
"""
_INSERT_SHIFT = """
INSERT INTO shift (id, schedule_id, user_id, during, rotation_id, override_id, feed_id, hand_id)
VALUES (%(id)s, %(schedule_id)s, %(user_id)s, tstzrange(%(starts_at)s, %(ends_at)s),
  %(rotation)s, %(override)s, %(feed)s, %(hand)s)
"""
_END_SHIFT = "UPDATE shift SET during = tstzrange(lower(during), %(ends_at)s) WHERE id = %(id)s"
_MAKE_ROOM = """
DELETE FROM shift WHERE schedule_id = %(schedule_id)s AND lower(during) >= %(now)s
  AND during && tstzrange(%(starts_at)s, %(ends_at)s) AND num_nonnulls(rotation_id, feed_id) = 1
"""
_THIN = """
SELECT s.name FROM schedule s
WHERE EXISTS (SELECT FROM rotation r WHERE r.schedule_id = s.id AND r.retired_at IS NULL
              AND (r.ends_on IS NULL OR r.ends_on >= %(until)s::date))
  AND NOT EXISTS (SELECT FROM shift WHERE schedule_id = s.id AND upper(during) >= %(until)s)
ORDER BY s.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody who has a schedule instead of whoever would have it."""

    id: UUID
    schedule_id: UUID
    user_id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str | None

    @property
    def stretch(self) -> Stretch:
        """The same, as one layer."""
        source = Source(SourceKind.OVERRIDE, self.id)
        return Stretch(user_id=self.user_id, starts_at=self.starts_at, ends_at=self.ends_at, source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A shift as it stands, and what it was written from. `kept`: a part of one put on by hand that is kept whole."""

    id: UUID
    stretch: Stretch
    kept: bool = False

    @property
    def is_by_hand(self) -> bool:
        """Whether this row is the only word of it."""
        return self.stretch.source.kind is SourceKind.HAND and not self.kept


def lock(tx: Tx, schedule_id: UUID) -> Schedule:
    """That schedule, its shifts not written by anybody else until the commit. Raises NotFound."""
    row = tx.fetch(_LOCK, {"id": schedule_id})
    if row is None:
        raise NotFound("There is no such roster.")
    return Schedule(**row)


def active(tx: Tx) -> frozenset[UUID]:
    """Whose account is in use."""
    return frozenset(row["id"] for row in tx.rows(_ACTIVE, {}))


def rotations(tx: Tx, schedule_id: UUID) -> tuple[Rotation, ...]:
    """Those of a schedule that were not given up, layer 1 first, in the order in which they were added."""
    return tuple(map(_as_rotation, tx.rows(_ROTATIONS, {"id": None, "schedule_id": schedule_id})))


def rotation(tx: Tx, rotation_id: UUID) -> Rotation:
    """That rotation. Raises NotFound, also when it was given up."""
    row = tx.fetch(_ROTATIONS, {"id": rotation_id, "schedule_id": None})
    if row is None:
        raise NotFound("There is no such rotation.")
    return _as_rotation(row)


def insert_rotation(tx: Tx, new: Rotation, *, by: UUID, now: datetime) -> None:
    """Add a rotation with its members."""
    values = {name: getattr(new, name) for name in Rotation.__slots__} | {"unit": new.unit.value}
    values["weekdays"] = list(new.weekdays) if new.weekdays else None
    tx.change(_INSERT_ROTATION, values | {"by": by, "now": now})
    tx.change(_INSERT_MEMBERS, {"id": new.id, "members": list(new.members)})


def end_rotation(tx: Tx, rotation_id: UUID, *, last_day: date, now: datetime) -> None:
    """Let it begin no day after `last_day`; one that never began by then is given up."""
    tx.change(_END_ROTATION, {"id": rotation_id, "last_day": last_day, "now": now})


def overrides(tx: Tx, schedule_id: UUID, *, since: datetime) -> tuple[Override, ...]:
    """Those of a schedule that stand and are not over, in order."""
    return tuple(
        Override(**row) for row in tx.rows(_OVERRIDES, {"id": None, "schedule_id": schedule_id, "since": since})
    )


def override(tx: Tx, override_id: UUID, *, since: datetime) -> Override:
    """That override. Raises NotFound, also when it is over or was cancelled."""
    row = tx.fetch(_OVERRIDES, {"id": override_id, "schedule_id": None, "since": since})
    if row is None:
        raise NotFound("This override is over, or was cancelled.")
    return Override(**row)


def insert_override(tx: Tx, new: Override, *, by: UUID, now: datetime) -> None:
    """Add an override. Raises Conflict (`one_override_at_a_time`) when another has a part of that time."""
    tx.change(_INSERT_OVERRIDE, {name: getattr(new, name) for name in Override.__slots__} | {"by": by, "now": now})


def cancel_override(tx: Tx, override_id: UUID, *, now: datetime) -> bool:
    """Undo it; whether it stood."""
    return tx.change(_CANCEL_OVERRIDE, {"id": override_id, "now": now}) == 1


def fed(tx: Tx, schedule_id: UUID, *, since: datetime, until: datetime) -> tuple[Stretch, ...]:
    """What the schedule's feed said last, of people who are known; in order, and it may overlap."""
    found = tx.rows(_FED, {"schedule_id": schedule_id, "since": since, "until": until})
    return tuple(
        Stretch(
            user_id=row["user_id"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            source=Source(SourceKind.FEED, row["id"]),
            turn=place,
        )
        for place, row in enumerate(found)
    )


def written(tx: Tx, schedule_id: UUID, *, since: datetime, until: datetime | None = None) -> tuple[Written, ...]:
    """Shifts that touch the time from `since` on, in order."""
    found = tx.rows(_WRITTEN, {"schedule_id": schedule_id, "since": since, "until": until})
    return tuple(map(_as_written, found))


def kept(tx: Tx, schedule_id: UUID, *, since: datetime) -> tuple[Stretch, ...]:
    """Shifts put on by hand of which something was taken, whole as they were."""
    found = tx.rows(_KEPT, {"schedule_id": schedule_id, "since": since})
    return tuple(_as_stretch(row, Source(SourceKind.HAND, row["id"])) for row in found)


def keep(tx: Tx, schedule_id: UUID, whole: Stretch) -> None:
    """Remember a shift put on by hand, before something is taken of it."""
    tx.change(_KEEP, {"schedule_id": schedule_id, **_when(whole), "id": whole.source.id})


def drop_kept(tx: Tx, hand_id: UUID, *, now: datetime) -> None:
    """Remember it no more: what is left of it goes, and what has been stays."""
    tx.change("DELETE FROM shift WHERE hand_id = %(id)s AND upper(during) > %(now)s", {"id": hand_id, "now": now})
    if not tx.change(_END_KEPT, {"id": hand_id, "now": now}):
        tx.change("DELETE FROM hand_shift WHERE id = %(id)s", {"id": hand_id})


def insert(tx: Tx, schedule_id: UUID, new: Stretch) -> None:
    """Write a shift. Raises Conflict (`one_primary_at_a_time`)."""
    sources = {kind.value: new.source.id if new.source.kind is kind else None for kind in SourceKind}
    tx.change(_INSERT_SHIFT, {"id": uuid4(), "schedule_id": schedule_id, **_when(new), **sources})


def set_end(tx: Tx, shift_id: UUID, ends_at: datetime) -> None:
    """Let a running shift end then."""
    tx.change(_END_SHIFT, {"id": shift_id, "ends_at": ends_at})


def delete(tx: Tx, shift_ids: Iterable[UUID]) -> None:
    """Take shifts off."""
    tx.change("DELETE FROM shift WHERE id = ANY(%(ids)s)", {"ids": list(shift_ids)})


def make_room(tx: Tx, schedule_id: UUID, *, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Take off what a rotation or a feed has written for that time and has not begun."""
    tx.change(_MAKE_ROOM, {"schedule_id": schedule_id, "starts_at": starts_at, "ends_at": ends_at, "now": now})


def thin(tx: Tx, *, until: datetime) -> tuple[str, ...]:
    """Schedules whose rotations go on beyond `until`, and whose shifts are not written so far."""
    return tuple(row["name"] for row in tx.rows(_THIN, {"until": until}))


def _when(one: Stretch) -> dict[str, Any]:
    return {"user_id": one.user_id, "starts_at": one.starts_at, "ends_at": one.ends_at}


def _as_stretch(row: Row, source: Source) -> Stretch:
    return Stretch(user_id=row["user_id"], starts_at=row["starts_at"], ends_at=row["ends_at"], source=source)


def _as_written(row: Row) -> Written:
    found = (Source(kind, row[f"{kind}_id"]) for kind in SourceKind if row[f"{kind}_id"])
    source = next(found, Source(SourceKind.HAND, row["id"]))
    return Written(id=row["id"], stretch=_as_stretch(row, source), kept=row["hand_id"] is not None)


def _as_rotation(row: Row) -> Rotation:
    shapes = {"unit": Unit(row["unit"]), "members": tuple(row["members"])}
    return Rotation(**{**row, **shapes, "weekdays": tuple(row["weekdays"]) if row["weekdays"] else None})
