"""Phones whose owner wants no more texts, until whoever owns their schedules was mailed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.store.session import Tx

_PUT = "UPDATE contact_method SET owner_due_at = %(due_at)s WHERE id = %(id)s"
_CLAIM = """
UPDATE contact_method m SET owner_due_at = %(until)s FROM app_user u
WHERE u.id = m.user_id AND m.id = (SELECT id FROM contact_method WHERE owner_due_at <= %(now)s
  ORDER BY owner_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING m.id, m.user_id, u.name
"""
# Of the schedules that the person is on from now on; of all schedules for whoever is named by a policy alone.
_OWNERS = """
WITH theirs AS (SELECT schedule_id FROM shift WHERE user_id = %(user_id)s AND upper(during) > %(now)s)
SELECT DISTINCT o.email FROM schedule s JOIN app_user o ON o.id = s.owner_id
WHERE o.active AND (s.id IN (SELECT schedule_id FROM theirs) OR NOT EXISTS (SELECT FROM theirs))
ORDER BY o.email
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A phone that is not paged any more, and whose it is."""

    id: UUID
    user_id: UUID
    name: str


def put(tx: Tx, method_id: UUID, *, due_at: datetime | None) -> None:
    """The owners have to be told from `due_at` on; None when they were."""
    tx.change(_PUT, {"id": method_id, "due_at": due_at})


def claim(tx: Tx, *, until: datetime, now: datetime) -> Stopped | None:
    """One phone to tell of, which nobody else tells of before `until`."""
    row = tx.fetch(_CLAIM, {"until": until, "now": now})
    return Stopped(**row) if row else None


def owners(tx: Tx, user_id: UUID, *, now: datetime) -> tuple[str, ...]:
    """The mailboxes of whoever owns that person's schedules."""
    return tuple(row["email"] for row in tx.rows(_OWNERS, {"user_id": user_id, "now": now}))
