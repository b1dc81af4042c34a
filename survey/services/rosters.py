"""The on-call page: who is on call, the shifts to come with their gaps, and the policy in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain import rotation_words
from survey.domain.errors import NotFound
from survey.domain.escalation import Policy, Step, Target
from survey.domain.oncall import Gap, MethodKind, Schedule
from survey.domain.rotations import SourceKind
from survey.domain.swaps import Swap
from survey.services import oncall
from survey.services.oncall import Watch
from survey.store import accounts as account_store
from survey.store import oncall as store
from survey.store import rotas as rota_store
from survey.store import swaps as swap_store
from survey.store.accounts import User
from survey.store.rotas import Written
from survey.store.session import Tx, transaction

AHEAD = timedelta(days=14)
_KIND_WORDS: Mapping[MethodKind, str] = {
    MethodKind.APPRISE: "push",
    MethodKind.EMAIL: "email",
    MethodKind.SMS: "text",
    MethodKind.VOICE: "phone call",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A shift with its person's name, and the row that it comes from; or a gap when `who` is None.

    `why` is the rotation's name or the reason of whoever put somebody on, if there is one.
    """

    starts_at: datetime
    ends_at: datetime
    who: str | None = None
    user_id: UUID | None = None
    shift_id: UUID | None = None
    kind: SourceKind | None = None
    source_id: UUID | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """A rotation in words."""

    id: UUID
    name: str
    layer: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One schedule: who has it now and the next two weeks, gaps included, in order."""

    schedule: Schedule
    tz: ZoneInfo
    watch: Watch
    stretches: tuple[Stretch, ...]
    rotations: tuple[Turns, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A swap that waits for an answer; `mine` when the reader has offered it."""

    swap: Swap
    schedule: Schedule
    tz: ZoneInfo
    offered_by: str
    offered_to: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole page. `responders` are those who may take alerts; `policy` is its steps in words."""

    offers: tuple[Offer, ...]
    rosters: tuple[Roster, ...]
    policy: tuple[str, ...]
    responders: tuple[tuple[UUID, str], ...]


def board(now: datetime, *, reader_id: UUID | None = None) -> Board:
    """Everything about on-call as it stands, with the offers that the reader has made or may answer."""
    watches = oncall.now_on_call(now)
    gaps = oncall.gaps(now, until=now + AHEAD)
    with transaction() as tx:
        users = account_store.every(tx)
        names = {user.id: user.name for user in users}
        rosters = tuple(
            Roster(
                schedule=watch.schedule,
                tz=ZoneInfo(watch.schedule.zone),
                watch=watch,
                stretches=_stretches(tx, watch.schedule.id, names, gaps, now=now),
                rotations=_rotations(tx, watch.schedule.id, names, now=now),
            )
            for watch in watches
        )
        policy = _policy(tx)
        sentences = _in_words(tx, policy, names) if policy else ()
        offers = _offers(tx, reader_id, [watch.schedule for watch in watches], names, now) if reader_id else ()
    return Board(offers=offers, rosters=_in_paging_order(rosters, policy), policy=sentences, responders=_able(users))


def one(schedule_id: UUID) -> tuple[Schedule, tuple[tuple[UUID, str], ...]]:
    """That schedule, and who may be on call. Raises NotFound."""
    with transaction() as tx:
        return store.get_schedule(tx, schedule_id), _able(account_store.every(tx))


def _able(users: Iterable[User]) -> tuple[tuple[UUID, str], ...]:
    return tuple((user.id, user.name) for user in users if user.takes_alerts)


def _offers(
    tx: Tx, reader_id: UUID, schedules: Iterable[Schedule], names: Mapping[UUID, str], now: datetime
) -> tuple[Offer, ...]:
    found = {schedule.id: schedule for schedule in schedules}
    return tuple(
        Offer(
            swap=swap,
            schedule=found[swap.schedule_id],
            tz=ZoneInfo(found[swap.schedule_id].zone),
            offered_by=names[swap.offered_by],
            offered_to=names[swap.offered_to],
            mine=swap.offered_by == reader_id,
        )
        for swap in swap_store.of_user(tx, reader_id, now=now)
    )


def _rotations(tx: Tx, schedule_id: UUID, names: Mapping[UUID, str], *, now: datetime) -> tuple[Turns, ...]:
    """Those that are not over, wherever the wall hangs."""
    return tuple(
        Turns(id=one.id, name=one.name, layer=one.layer, words=rotation_words.sentences(one, names))
        for one in rota_store.rotations(tx, schedule_id)
        if one.ends_on is None or one.ends_on >= (now - timedelta(days=2)).date()
    )


def _in_paging_order(rosters: tuple[Roster, ...], policy: Policy | None) -> tuple[Roster, ...]:
    """The roster that is paged first stands first; those that no step names come last."""
    paged = [target.schedule_id for step in policy.steps for target in step.targets] if policy else []
    return tuple(sorted(rosters, key=lambda one: paged.index(one.schedule.id) if one.schedule.id in paged else 99))


def _stretches(
    tx: Tx, schedule_id: UUID, names: Mapping[UUID, str], gaps: tuple[Gap, ...], *, now: datetime
) -> tuple[Stretch, ...]:
    why: dict[UUID, str | None] = {one.id: one.name for one in rota_store.rotations(tx, schedule_id)}
    why |= {one.id: one.reason for one in rota_store.overrides(tx, schedule_id, since=now)}
    shifts = [_as_stretch(one, names, why) for one in rota_store.written(tx, schedule_id, since=now, until=now + AHEAD)]
    holes = [Stretch(starts_at=one.starts_at, ends_at=one.ends_at) for one in gaps if one.schedule_id == schedule_id]
    return tuple(sorted([*shifts, *holes], key=lambda one: one.starts_at))


def _as_stretch(one: Written, names: Mapping[UUID, str], why: Mapping[UUID, str | None]) -> Stretch:
    source = one.stretch.source
    return Stretch(
        starts_at=one.stretch.starts_at,
        ends_at=one.stretch.ends_at,
        who=names[one.stretch.user_id],
        user_id=one.stretch.user_id,
        shift_id=one.id,
        kind=source.kind,
        source_id=source.id,
        why=why.get(source.id),
    )


def _policy(tx: Tx) -> Policy | None:
    """The policy in force; None while none is published."""
    try:
        return oncall.live_policy(tx)
    except NotFound:
        return None


def _in_words(tx: Tx, policy: Policy, names: Mapping[UUID, str]) -> tuple[str, ...]:
    """Each step as a sentence."""
    rosters = {one.id: one.name for one in store.schedules(tx)}
    return tuple(_sentence(policy, step, names, rosters) for step in policy.steps)


def _sentence(policy: Policy, step: Step, names: Mapping[UUID, str], rosters: Mapping[UUID, str]) -> str:
    begins = sum((earlier.wait for earlier in policy.steps if earlier.seq < step.seq), timedelta())
    when = "At once" if not begins else f"After {_minutes(begins)}"
    whom = " and ".join(_target(target, names, rosters) for target in step.targets)
    again = f", then again every {_minutes(policy.loop_every)} until somebody takes it" if step.is_last_resort else ""
    by = f", by {' and '.join(_KIND_WORDS[kind] for kind in step.kinds)}" if step.kinds else ""
    return f"{when}: {whom}{by}{again}."


def _target(target: Target, names: Mapping[UUID, str], rosters: Mapping[UUID, str]) -> str:
    if target.schedule_id is not None:
        return f"whoever is on call on {rosters.get(target.schedule_id, 'a roster')}"
    return names.get(target.user_id, "somebody") if target.user_id else "somebody"


def _minutes(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
