"""The change of a watch: between which two shifts it is, what has to be on its sheet, and who signs what."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any
from uuid import UUID

from survey.domain.alerts import AlertState, ContactResult
from survey.domain.errors import Refused
from survey.domain.oncall import Shift
from survey.domain.protocol import Tier

EARLY = timedelta(hours=2)
"""So long before a change its sheet can be signed; earlier it would not say what is open then."""
LATE = timedelta(hours=12)
"""So long after a change it is still the one that the page opens with, unless both have signed."""
LONGEST_NOTE = 1000


class Side(StrEnum):
    """Which of the two somebody is."""

    GIVER = "giver"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """The instant at which a schedule goes from one person to another."""

    at: datetime
    giver: UUID
    taker: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One open alert as it stood. `due_at` is when the patient was told to expect the call; None once reached.

    `in_vain` counts the calls that reached nobody; `result` is what came of the last one.
    """

    alert_id: UUID
    tier: Tier
    state: AlertState
    due_at: datetime | None
    is_broken: bool
    held_by: UUID | None
    in_vain: int
    result: ContactResult | None
    tried_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What was open at one instant: ids, codes and times only, so that it may be kept for ever.

    `replies` are texts that nobody has seen to and that page: words of danger, or from somebody with an open alert.
    """

    made_at: datetime
    cases: tuple[Case, ...]
    replies: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A sheet that at least one of the two has signed."""

    id: UUID
    schedule_id: UUID
    at: datetime
    giver: UUID
    taker: UUID
    sheet: Sheet
    note: str | None = None
    given_at: datetime | None = None
    taken_at: datetime | None = None

    @property
    def boundary(self) -> Boundary:
        """The change that it is about."""
        return Boundary(at=self.at, giver=self.giver, taker=self.taker)

    @property
    def is_complete(self) -> bool:
        """Whether both have signed."""
        return self.given_at is not None and self.taken_at is not None


def boundaries(shifts: Iterable[Shift]) -> tuple[Boundary, ...]:
    """Where one schedule changes hands, in order. A gap belongs to nobody: whoever comes after it takes over."""
    ordered = sorted(shifts, key=lambda one: one.starts_at)
    return tuple(
        Boundary(at=after.starts_at, giver=before.user_id, taker=after.user_id)
        for before, after in pairwise(ordered)
        if before.user_id != after.user_id
    )


def at_hand(found: Iterable[Boundary], *, complete: Iterable[datetime], now: datetime) -> Boundary | None:
    """The change that somebody wants to see now: the last one while it waits for a signature, else the next."""
    done = set(complete)
    waiting = [one for one in found if one.at > now - LATE and one.at not in done]
    begun = [one for one in waiting if one.at <= now]
    return begun[-1] if begun else next(iter(waiting), None)


def in_order(cases: Iterable[Case]) -> tuple[Case, ...]:
    """By the promise, the earliest first; patients who were reached come last."""
    return tuple(sorted(cases, key=lambda one: (one.due_at is None, one.due_at, one.alert_id)))


def side(boundary: Boundary, user_id: UUID | None) -> Side | None:
    """Which side somebody is of that change; None for anybody else."""
    return {boundary.giver: Side.GIVER, boundary.taker: Side.TAKER}.get(user_id) if user_id else None


def signed(handover: Handover, by: Side, *, now: datetime) -> Handover:
    """With one more signature. Raises Refused before its time, and for whoever has signed already."""
    if now < handover.at - EARLY:
        raise Refused("You can sign from two hours before the change. Until then the sheet would not be complete.")
    if (handover.given_at if by is Side.GIVER else handover.taken_at) is not None:
        raise Refused("You have signed this sheet already.")
    return replace(handover, given_at=now) if by is Side.GIVER else replace(handover, taken_at=now)


def as_stored(sheet: Sheet) -> dict[str, Any]:
    """The sheet as JSON holds it."""
    return asdict(sheet)


def read(stored: Mapping[str, Any]) -> Sheet:
    """The sheet out of JSON."""
    return Sheet(
        made_at=datetime.fromisoformat(stored["made_at"]),
        cases=tuple(_case(one) for one in stored["cases"]),
        replies=tuple(UUID(one) for one in stored["replies"]),
    )


def _case(stored: Mapping[str, Any]) -> Case:
    held_by, result = stored["held_by"], stored["result"]
    return Case(
        alert_id=UUID(stored["alert_id"]),
        tier=Tier(stored["tier"]),
        state=AlertState(stored["state"]),
        due_at=_instant(stored["due_at"]),
        is_broken=stored["is_broken"],
        held_by=UUID(held_by) if held_by else None,
        in_vain=stored["in_vain"],
        result=ContactResult(result) if result else None,
        tried_at=_instant(stored["tried_at"]),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
