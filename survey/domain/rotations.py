"""Rotations in wall-clock time, written out as stretches; layers of stretches, of which the stronger one counts."""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Unit(StrEnum):
    """What a turn is counted in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class SourceKind(StrEnum):
    """Why somebody is on call then."""

    HAND = "hand"
    OVERRIDE = "override"
    FEED = "feed"
    ROTATION = "rotation"


@dataclass(frozen=True, slots=True)
class Source:
    """The row that a stretch comes from."""

    kind: SourceKind
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Members who take turns, each for `every` units from the first handover `starts_local` on, on the wall.

    `weekdays` (1 is Monday; None: all) and the hours `from_time` to `to_time` say when within a turn somebody is on
    call. A weekday without hours lasts from its handover to the next day's; hours that do not end after they begin
    end on the next day. `ends_on` is the last day that begins.
    """

    id: UUID
    schedule_id: UUID
    layer: int
    name: str
    starts_local: datetime
    unit: Unit
    every: int
    members: tuple[UUID, ...]
    weekdays: tuple[int, ...] | None = None
    from_time: time | None = None
    to_time: time | None = None
    ends_on: date | None = None

    def handover(self, turn: int) -> datetime:
        """When that turn begins, on the wall; 0 is the first."""
        if self.unit is Unit.MONTH:
            return _months_later(self.starts_local, turn * self.every)
        return self.starts_local + turn * self._days

    def turn_at(self, wall: datetime) -> int:
        """The turn that has that time of the wall, from the first handover on."""
        if self.unit is not Unit.MONTH:
            return (wall - self.starts_local) // self._days
        months = 12 * (wall.year - self.starts_local.year) + wall.month - self.starts_local.month
        turn = months // self.every
        return turn if self.handover(turn) <= wall else turn - 1

    @property
    def _days(self) -> timedelta:
        return self.every * (DAY if self.unit is Unit.DAY else 7 * DAY)

    def window(self, day: date) -> tuple[datetime, datetime] | None:
        """From when to when, on the wall, somebody is on call who begins on that day; None: nobody."""
        if (self.weekdays and day.isoweekday() not in self.weekdays) or (self.ends_on and day > self.ends_on):
            return None
        begins = self.from_time or self.starts_local.time()
        ends = self.to_time or self.starts_local.time()
        until = datetime.combine(day, ends)
        return datetime.combine(day, begins), until if ends > begins else until + DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One person on call from `starts_at` up to, not including, `ends_at`. `turn` parts what must not be joined."""

    user_id: UUID
    starts_at: datetime
    ends_at: datetime
    source: Source
    turn: int = 0

    @property
    def bearer(self) -> tuple[UUID, Source, int]:
        """Stretches that touch and are borne alike are one."""
        return self.user_id, self.source, self.turn


def expand(rotation: Rotation, zone: ZoneInfo, *, since: datetime, until: datetime) -> tuple[Stretch, ...]:
    """The stretches of a rotation from `since` on, in order; the last ends with the day that `until` falls on."""
    source = Source(SourceKind.ROTATION, rotation.id)
    day, last = since.astimezone(zone).date() - 2 * DAY, until.astimezone(zone).date()
    found = []
    while day <= last:
        for turn, begins, ends in _turns(rotation, day):
            starts_at, ends_at = max(since, instant(begins, zone)), instant(ends, zone)
            if starts_at < min(ends_at, until):
                who = rotation.members[turn % len(rotation.members)]
                found.append(Stretch(user_id=who, starts_at=starts_at, ends_at=ends_at, source=source, turn=turn))
        day += DAY
    return merged(found)


def _turns(rotation: Rotation, day: date) -> Iterator[tuple[int, datetime, datetime]]:
    """The window of a day, cut at each handover within it."""
    window = rotation.window(day)
    if window is None:
        return
    begins, ends = max(window[0], rotation.starts_local), window[1]
    while begins < ends:
        turn = rotation.turn_at(begins)
        cut = min(ends, rotation.handover(turn + 1))
        yield turn, begins, cut
        begins = cut


def layered(layers: Iterable[Iterable[Stretch]]) -> tuple[Stretch, ...]:
    """Who is on call when several layers speak, the strongest first; within a layer, whoever stands first."""
    found: list[Stretch] = []
    for one in (one for layer in layers for one in layer):
        found += [*without(one, found)]
    return merged(found)


def without(one: Stretch, taken: Iterable[Stretch]) -> Iterator[Stretch]:
    """What is left of a stretch outside those that are taken."""
    begins = one.starts_at
    for other in sorted(taken, key=lambda other: other.starts_at):
        if other.ends_at <= begins or other.starts_at >= one.ends_at:
            continue
        if other.starts_at > begins:
            yield replace(one, starts_at=begins, ends_at=other.starts_at)
        begins = max(begins, other.ends_at)
    if begins < one.ends_at:
        yield replace(one, starts_at=begins)


def covered(stretches: Iterable[Stretch], *, since: datetime, until: datetime) -> bool:
    """Whether no second between two instants is left open."""
    for one in sorted(stretches, key=lambda one: one.starts_at):
        if one.starts_at <= since:
            since = max(since, one.ends_at)
    return since >= until


def merged(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """In order, those that touch and are borne alike joined. None may overlap."""
    found: list[Stretch] = []
    for one in sorted(stretches, key=lambda one: one.starts_at):
        if found and found[-1].ends_at == one.starts_at and found[-1].bearer == one.bearer:
            found[-1] = replace(found[-1], ends_at=one.ends_at)
        else:
            found.append(one)
    return tuple(found)


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the zone's wall shows that time.

    In autumn, when it shows it twice, the earlier; in spring, when it never does, the first instant after the jump.
    """
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = at.astimezone(zone).utcoffset()
    jumped = bisect_left(
        range(int((at - before).total_seconds())),
        True,
        key=lambda seconds: (before + seconds * SECOND).astimezone(zone).utcoffset() == offset,
    )
    return before + jumped * SECOND


def _months_later(wall: datetime, months: int) -> datetime:
    """The same day that many months later, or that month's last when it is too short."""
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))
