"""Offers of a shift that wait for the other side."""

from datetime import datetime
from uuid import UUID

from survey.domain.errors import NotFound
from survey.domain.swaps import Answer, Swap
from survey.store.session import Tx

_OPEN = """
SELECT id, schedule_id, offered_by, offered_to, lower(during) AS starts_at, upper(during) AS ends_at FROM shift_swap
WHERE answer IS NULL AND upper(during) > %(now)s AND
  (id = %(id)s OR offered_by = %(user_id)s OR offered_to = %(user_id)s OR schedule_id = %(schedule_id)s)
ORDER BY during, offered_at, id
"""
_INSERT = """
INSERT INTO shift_swap (id, schedule_id, during, offered_by, offered_to, offered_at, tell_at)
VALUES (%(id)s, %(schedule_id)s, tstzrange(%(starts_at)s, %(ends_at)s), %(offered_by)s, %(offered_to)s,
  %(now)s, %(now)s)
"""
_ANSWER = """
UPDATE shift_swap SET answer = %(answer)s, answered_at = %(now)s, override_id = %(override_id)s, tell_at = %(now)s
WHERE id = %(id)s AND answer IS NULL
"""


def insert(tx: Tx, new: Swap, *, now: datetime) -> None:
    """Add an offer."""
    tx.change(_INSERT, {name: getattr(new, name) for name in Swap.__slots__} | {"now": now})


def get(tx: Tx, swap_id: UUID, *, now: datetime) -> Swap:
    """That offer. Raises NotFound when it was answered, or its time is over."""
    row = tx.fetch(_OPEN, {"id": swap_id, "user_id": None, "schedule_id": None, "now": now})
    if row is None:
        raise NotFound("This offer was answered already, or its time is over.")
    return Swap(**row)


def of_user(tx: Tx, user_id: UUID, *, now: datetime) -> tuple[Swap, ...]:
    """Open offers that somebody has made or may answer, the soonest first."""
    return tuple(
        Swap(**row) for row in tx.rows(_OPEN, {"id": None, "user_id": user_id, "schedule_id": None, "now": now})
    )


def of_schedule(tx: Tx, schedule_id: UUID, *, now: datetime) -> tuple[Swap, ...]:
    """Open offers on a schedule, the soonest first."""
    return tuple(
        Swap(**row) for row in tx.rows(_OPEN, {"id": None, "user_id": None, "schedule_id": schedule_id, "now": now})
    )


def answer(tx: Tx, swap_id: UUID, given: Answer, *, override_id: UUID | None, now: datetime) -> bool:
    """Close an offer; whether it was still open."""
    values = {"id": swap_id, "answer": given.value, "override_id": override_id, "now": now}
    return tx.change(_ANSWER, values) == 1
