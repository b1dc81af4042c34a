"""Whom an urgent alert that opens now would page, minute by minute: asked of the resolver that pages go by."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain import contact_methods, coverage
from survey.domain.alerts import Severity
from survey.domain.coverage import Flawed
from survey.domain.errors import NotFound
from survey.domain.escalation import Policy, Step
from survey.domain.oncall import Method, MethodKind, Shift, User, Way
from survey.services import oncall
from survey.store import accounts as account_store
from survey.store import oncall as store
from survey.store.session import Tx, transaction

AHEAD = timedelta(days=14)
LEAST_LAST_WAYS = 2
"""Somebody on the last resort with fewer ways than that is paged all the same, and the page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """One way that is used, `after` the step began. `address` is masked; `proved_at` is when it was last answered."""

    kind: MethodKind
    address: str
    after: timedelta
    proved_at: datetime | None
    is_stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """One person on a step. Without means nobody is paged there."""

    user_id: UUID
    name: str
    means: tuple[Means, ...]
    is_thin: bool = False
    """Has one way only, although nobody comes after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step, `after` the alert opened; `again` is how often the last one repeats. `empty` rosters have nobody."""

    after: timedelta
    people: tuple[Paged, ...]
    empty: tuple[str, ...]
    again: timedelta | None

    @property
    def reaches(self) -> bool:
        """Whether anybody is paged by it; if not, the next step follows at once."""
        return any(one.means for one in self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """The whole page. `flaws` are of the next two weeks; `names` are of people and schedules."""

    rungs: tuple[Rung, ...]
    flaws: tuple[Flawed, ...]
    names: Mapping[UUID, str]
    zones: Mapping[UUID, str]


def look(now: datetime) -> Lookout:
    """Who gets paged now, and what wants a look before it is too late."""
    with transaction() as tx:
        names = {user.id: user.name for user in account_store.every(tx)}
        rosters = store.schedules(tx)
        names |= {one.id: one.name for one in rosters}
        zones = {one.id: one.zone for one in rosters}
        return Lookout(rungs=tuple(rungs(tx, now=now)), flaws=flaws(tx, now=now), names=names, zones=zones)


def rungs(tx: Tx, *, now: datetime) -> Iterator[Rung]:
    """The steps of the policy in force; none while none is published."""
    try:
        policy = oncall.live_policy(tx)
    except NotFound:
        return
    after = timedelta()
    for step in policy.steps:
        rung = _rung(tx, policy, step, after=after, now=now)
        yield rung
        after += step.wait if rung.reaches else timedelta()


def _rung(tx: Tx, policy: Policy, step: Step, *, after: timedelta, now: datetime) -> Rung:
    at = now + after
    ways = oncall.ways(tx, step.targets, Severity.URGENT, at, step.kinds)
    behind = [(target, oncall.behind(tx, target, at)) for target in step.targets]
    rosters = {one.id: one.name for one in store.schedules(tx)}
    empty = (rosters[target.schedule_id] for target, user in behind if target.schedule_id and user is None)
    people = {user.id: user for _, user in behind if user is not None}
    return Rung(
        after=after,
        people=tuple(_paged(tx, user, ways, is_last=step.is_last_resort, now=now) for user in people.values()),
        empty=tuple(sorted(empty)),
        again=policy.loop_every if step.is_last_resort else None,
    )


def _paged(tx: Tx, user: User, ways: Iterable[Way], *, is_last: bool, now: datetime) -> Paged:
    methods = {one.id: one for one in store.methods_of(tx, user.id)}
    own = sorted((way for way in ways if way.user_id == user.id), key=lambda way: way.delay_s)
    live = sum(one.is_live for one in methods.values())
    means = tuple(_means(methods[way.method_id], way, now=now) for way in own)
    return Paged(user_id=user.id, name=user.name, means=means, is_thin=is_last and live < LEAST_LAST_WAYS)


def _means(method: Method, way: Way, *, now: datetime) -> Means:
    return Means(
        kind=method.kind,
        address=contact_methods.masked(method.kind, method.address),
        after=timedelta(seconds=way.delay_s),
        proved_at=coverage.proved_at(method),
        is_stale=coverage.is_stale(method, now=now),
    )


def flaws(tx: Tx, *, now: datetime) -> tuple[Flawed, ...]:
    """People on the rotas of the next two weeks whom a page may not reach."""
    shifts = [one for schedule in store.schedules(tx) for one in _shifts(tx, schedule.id, now)]
    people = {one.user_id for one in shifts}
    methods = {user_id: store.methods_of(tx, user_id) for user_id in people}
    active = {user_id for user_id in people if store.user(tx, user_id)}
    return coverage.flaws(shifts, methods, active, now=now)


def wanting(tx: Tx, *, now: datetime) -> int:
    """How many people there are whom a page may not reach, or whom one way alone leads to on the last resort."""
    thin = {one.user_id for rung in rungs(tx, now=now) for one in rung.people if one.is_thin}
    return len(thin | {one.user_id for one in flaws(tx, now=now)})


def _shifts(tx: Tx, schedule_id: UUID, now: datetime) -> tuple[Shift, ...]:
    return store.shifts(tx, schedule_id, since=now, until=now + AHEAD)
