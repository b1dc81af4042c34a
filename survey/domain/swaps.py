"""A shift that one clinician offers to another: it changes hands only when the other side accepts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.errors import NotFound


class Answer(StrEnum):
    """What became of an offer."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """An offer that was not answered yet: `offered_to` would have the schedule instead of `offered_by`."""

    id: UUID
    schedule_id: UUID
    offered_by: UUID
    offered_to: UUID
    starts_at: datetime
    ends_at: datetime

    def answerer(self, answer: Answer) -> UUID:
        """The only person who may give that answer."""
        return self.offered_by if answer is Answer.WITHDRAWN else self.offered_to


def check_answer(swap: Swap, answer: Answer, user_id: UUID | None) -> None:
    """Raises NotFound when this answer is not for that person to give."""
    if swap.answerer(answer) != user_id:
        raise NotFound("This offer is not yours to answer.")
