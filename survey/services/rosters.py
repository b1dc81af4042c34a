"""The on-call page: who is on call, the shifts to come with their gaps, and the policy in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain.accounts import Permission, may
from survey.domain.errors import NotFound
from survey.domain.escalation import Policy, Step, Target
from survey.domain.oncall import Gap, Schedule
from survey.services import oncall
from survey.services.oncall import Watch
from survey.store import accounts as account_store
from survey.store import oncall as store
from survey.store.session import Tx, transaction

AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A shift with its person's name, or a gap when `who` is None."""

    starts_at: datetime
    ends_at: datetime
    who: str | None
    shift_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One schedule: who has it now and the next two weeks, gaps included, in order."""

    schedule: Schedule
    tz: ZoneInfo
    watch: Watch
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The whole page. `responders` are those who may take alerts; `policy` is its steps in words."""

    rosters: tuple[Roster, ...]
    policy: tuple[str, ...]
    responders: tuple[tuple[UUID, str], ...]


def board(now: datetime) -> Board:
    """Everything about on-call as it stands."""
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
            )
            for watch in watches
        )
        policy = _policy(tx)
        sentences = _in_words(tx, policy, names) if policy else ()
    able = tuple((user.id, user.name) for user in users if user.active and may(user.role, Permission.ALERT_TAKE))
    return Board(rosters=_in_paging_order(rosters, policy), policy=sentences, responders=able)


def _in_paging_order(rosters: tuple[Roster, ...], policy: Policy | None) -> tuple[Roster, ...]:
    """The roster that is paged first stands first; those that no step names come last."""
    paged = [target.schedule_id for step in policy.steps for target in step.targets] if policy else []
    return tuple(sorted(rosters, key=lambda one: paged.index(one.schedule.id) if one.schedule.id in paged else 99))


def _stretches(
    tx: Tx, schedule_id: UUID, names: Mapping[UUID, str], gaps: tuple[Gap, ...], *, now: datetime
) -> tuple[Stretch, ...]:
    shifts = [
        Stretch(starts_at=one.starts_at, ends_at=one.ends_at, who=names[one.user_id], shift_id=one.id)
        for one in store.shifts(tx, schedule_id, since=now, until=now + AHEAD)
    ]
    holes = [
        Stretch(starts_at=one.starts_at, ends_at=one.ends_at, who=None, shift_id=None)
        for one in gaps
        if one.schedule_id == schedule_id
    ]
    return tuple(sorted([*shifts, *holes], key=lambda one: one.starts_at))


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
    return f"{when}: {whom}{again}."


def _target(target: Target, names: Mapping[UUID, str], rosters: Mapping[UUID, str]) -> str:
    if target.schedule_id is not None:
        return f"whoever is on call on {rosters.get(target.schedule_id, 'a roster')}"
    return names.get(target.user_id, "somebody") if target.user_id else "somebody"


def _minutes(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
