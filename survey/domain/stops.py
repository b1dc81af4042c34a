"""Why nobody calls or writes any more: the reason for closing a survey, or for stopping all contact with a patient."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.errors import Refused
from survey.domain.invitations import SHORTEST_REASON


class Reason(StrEnum):
    """Why nobody calls any more."""

    NOT_REACHED = "not_reached"
    DIED = "died"
    ADMITTED = "admitted"
    ASKED = "asked"
    MOVED = "moved"
    OTHER = "other"


REASON_WORDS: Mapping[Reason, str] = {
    Reason.NOT_REACHED: "Could not be reached",
    Reason.DIED: "The patient died",
    Reason.ADMITTED: "In hospital",
    Reason.ASKED: "Asked us to stop",
    Reason.MOVED: "Moved away",
    Reason.OTHER: "Another reason",
}
STOPS = frozenset(Reason) - {Reason.NOT_REACHED}
"""Reasons to stop all contact with a patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """All contact with a patient has stopped; `by` is the name of whoever did it."""

    id: UUID
    at: datetime
    by: str
    reason: Reason
    note: str | None


def in_words(reason: Reason, note: str | None) -> str:
    """The reason as it stands in the story. Raises Refused when it says nothing by itself and no note does."""
    said = (note or "").strip()
    if reason is Reason.OTHER:
        if len(said) < SHORTEST_REASON:
            raise Refused("Say in a few words why.", field="note")
        return said
    return f"{REASON_WORDS[reason]}: {said}" if said else REASON_WORDS[reason]
