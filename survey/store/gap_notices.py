"""Mails about gaps in a rota: one row for each gap and number of days before it, until it is told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.store.session import Tx

_PLAN = """
INSERT INTO gap_notice (schedule_id, starts_at, days, due_at) VALUES (%(schedule_id)s, %(starts_at)s, %(days)s, %(now)s)
ON CONFLICT DO NOTHING
"""
_CLAIM = """
UPDATE gap_notice SET due_at = %(until)s
WHERE due_at <= %(now)s
  AND schedule_id = (SELECT schedule_id FROM gap_notice WHERE due_at <= %(now)s ORDER BY due_at LIMIT 1)
RETURNING schedule_id, starts_at, days
"""
_SETTLE = """
UPDATE gap_notice SET due_at = %(due_at)s, told_at = %(told_at)s
WHERE schedule_id = %(schedule_id)s AND starts_at = ANY(%(starts)s) AND due_at = %(until)s
"""
_LAST_END = "SELECT max(upper(during)) AS at FROM shift WHERE schedule_id = %(id)s AND upper(during) <= %(now)s"
_OWNER = """
SELECT u.email FROM schedule s JOIN app_user u ON u.id = s.owner_id AND u.active WHERE s.id = %(id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A gap that somebody has to be told of, so many days before it."""

    schedule_id: UUID
    starts_at: datetime
    days: int


def plan(tx: Tx, new: Notice, *, now: datetime) -> bool:
    """Have it told from now on; whether that is new."""
    values = {"schedule_id": new.schedule_id, "starts_at": new.starts_at, "days": new.days, "now": now}
    return tx.change(_PLAN, values) == 1


def claim(tx: Tx, *, until: datetime, now: datetime) -> tuple[Notice, ...]:
    """All that is due on one schedule, ours to tell until `until`."""
    return tuple(Notice(**row) for row in tx.rows(_CLAIM, {"until": until, "now": now}))


def settle(
    tx: Tx, mine: Collection[Notice], *, until: datetime, due_at: datetime | None, told_at: datetime | None
) -> None:
    """Tell them again at `due_at`, or never; unless somebody else has them since."""
    for schedule_id in {one.schedule_id for one in mine}:
        starts = [one.starts_at for one in mine if one.schedule_id == schedule_id]
        values = {"schedule_id": schedule_id, "starts": starts, "until": until, "due_at": due_at, "told_at": told_at}
        tx.change(_SETTLE, values)


def last_end(tx: Tx, schedule_id: UUID, *, now: datetime) -> datetime | None:
    """When the last shift ended that is over."""
    row = tx.fetch(_LAST_END, {"id": schedule_id, "now": now})
    return row["at"] if row else None


def owner(tx: Tx, schedule_id: UUID) -> str | None:
    """The mailbox of whoever owns the schedule, if the account is in use."""
    row = tx.fetch(_OWNER, {"id": schedule_id})
    return row["email"] if row else None
