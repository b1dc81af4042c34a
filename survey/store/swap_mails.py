"""Offers of a shift, and answers to them, until the other side was mailed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.swaps import Answer
from survey.store.session import Tx

_CLAIM = """
UPDATE shift_swap w SET tell_at = %(until)s FROM schedule s, app_user giver, app_user taker
WHERE s.id = w.schedule_id AND giver.id = w.offered_by AND taker.id = w.offered_to
  AND w.id = (SELECT id FROM shift_swap WHERE tell_at <= %(now)s ORDER BY tell_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING w.id, w.answer, lower(w.during) AS starts_at, upper(w.during) AS ends_at, s.name AS schedule, s.zone,
  giver.name AS giver, giver.email AS giver_email, taker.name AS taker, taker.email AS taker_email
"""
# An answer that came while the offer was being told of is news of its own.
_TOLD = "UPDATE shift_swap SET tell_at = NULL WHERE id = %(id)s AND answer IS NOT DISTINCT FROM %(answer)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """An offer, or with an `answer` what became of it, and both sides."""

    id: UUID
    answer: Answer | None
    starts_at: datetime
    ends_at: datetime
    schedule: str
    zone: str
    giver: str
    giver_email: str
    taker: str
    taker_email: str


def claim(tx: Tx, *, until: datetime, now: datetime) -> News | None:
    """One to tell of, which nobody else tells of before `until`."""
    row = tx.fetch(_CLAIM, {"until": until, "now": now})
    return News(**row | {"answer": Answer(row["answer"]) if row["answer"] else None}) if row else None


def note_told(tx: Tx, news: News) -> None:
    """The other side knows."""
    tx.change(_TOLD, {"id": news.id, "answer": news.answer})
