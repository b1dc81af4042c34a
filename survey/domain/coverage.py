"""What is wrong with a rota before anybody is paged by it: gaps that want a mail, and people whom no page reaches."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from uuid import UUID

from survey.domain.oncall import Method, Shift

DAYS = (1, 3, 7, 14)
"""So many days before a gap somebody is told of it."""
LAST_DAYS = 1
"""From then on the clinic's managers are told as well."""
PROVED_WITHIN = timedelta(days=30)


class Flaw(StrEnum):
    """Why somebody on a rota may not be reached."""

    INACTIVE = "inactive"
    UNREACHABLE = "unreachable"
    UNPROVED = "unproved"
    """A way of theirs was not answered for 30 days."""
    TWICE = "twice"
    """On two schedules at once: one of them is no backup of the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flawed:
    """The first shift of somebody that has this flaw; `schedule_ids` are two for TWICE."""

    flaw: Flaw
    user_id: UUID
    schedule_ids: tuple[UUID, ...]
    starts_at: datetime


def stage(starts_at: datetime, *, now: datetime) -> int | None:
    """The notice that is due for a gap that begins then, as the days before it; None while it is further away.

    A gap that came up late gets the one notice that its time is for, and not those that it has missed.
    """
    return next((days for days in DAYS if starts_at - now <= timedelta(days=days)), None)


def proved_at(method: Method) -> datetime | None:
    """When its owner last showed that pages reach it."""
    return max((at for at in (method.verified_at, method.confirmed_at) if at is not None), default=None)


def is_stale(method: Method, *, now: datetime) -> bool:
    """Whether that was too long ago."""
    proved = proved_at(method)
    return proved is None or now - proved > PROVED_WITHIN


def flaws(
    shifts: Sequence[Shift], methods: Mapping[UUID, Sequence[Method]], active: Collection[UUID], *, now: datetime
) -> tuple[Flawed, ...]:
    """What wants a look on these shifts, once for each person and schedule, the soonest first."""
    found: dict[tuple[Flaw, UUID, tuple[UUID, ...]], Flawed] = {}
    for one in sorted((*_alone(shifts, methods, active, now), *_together(shifts)), key=lambda one: one.starts_at):
        found.setdefault((one.flaw, one.user_id, one.schedule_ids), one)
    return tuple(found.values())


def _alone(
    shifts: Iterable[Shift], methods: Mapping[UUID, Sequence[Method]], active: Collection[UUID], now: datetime
) -> Iterator[Flawed]:
    for shift in shifts:
        flaw = _flaw(shift.user_id in active, [one for one in methods.get(shift.user_id, ()) if one.is_live], now)
        if flaw is not None:
            where = (shift.schedule_id,)
            yield Flawed(flaw=flaw, user_id=shift.user_id, schedule_ids=where, starts_at=shift.starts_at)


def _flaw(is_active: bool, live: Sequence[Method], now: datetime) -> Flaw | None:
    if not is_active:
        return Flaw.INACTIVE
    if not live:
        return Flaw.UNREACHABLE
    return Flaw.UNPROVED if any(is_stale(one, now=now) for one in live) else None


def _together(shifts: Sequence[Shift]) -> Iterator[Flawed]:
    """One person on two schedules at the same time."""
    theirs: dict[UUID, list[Shift]] = {}
    for shift in shifts:
        theirs.setdefault(shift.user_id, []).append(shift)
    for user_id, own in theirs.items():
        for one, other in combinations(own, 2):
            starts_at = max(one.starts_at, other.starts_at)
            if one.schedule_id != other.schedule_id and starts_at < min(one.ends_at, other.ends_at):
                ids = tuple(sorted((one.schedule_id, other.schedule_id), key=str))
                yield Flawed(flaw=Flaw.TWICE, user_id=user_id, schedule_ids=ids, starts_at=starts_at)
