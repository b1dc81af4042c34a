"""Who is on call, how they are reached, and the policies that say in which order."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from survey.domain import canary
from survey.domain import oncall as rules
from survey.domain.accounts import Actor
from survey.domain.alerts import Severity
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.escalation import Policy, Step, Target
from survey.domain.oncall import Gap, MethodKind, Schedule, Shift, User, Way
from survey.interop import policy_yaml
from survey.interop.policy_yaml import PolicyDraft, PolicyError, StepDraft
from survey.services import audit, rotas
from survey.store import accounts, policies
from survey.store import oncall as store
from survey.store.session import Tx, transaction

POLICY = "default"
"""The policy that alerts open with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who has a schedule now; `until` is the end of the shift. `reachable`: at least one live way to page them."""

    schedule: Schedule
    user: User | None
    until: datetime | None
    reachable: bool


def who(tx: Tx, schedule_id: UUID, now: datetime) -> User | None:
    """Whoever is on call on that schedule: the one answer for the page and for every screen."""
    return store.on_call(tx, schedule_id, now)


def ways(
    tx: Tx, targets: Collection[Target], severity: Severity, now: datetime, kinds: Collection[MethodKind] = ()
) -> tuple[Way, ...]:
    """How the people behind these targets are paged now; empty when none of them can be reached.

    By `kinds` where somebody has them, if any are given.
    """
    found = (behind(tx, target, now) for target in targets)
    people = {user.id: user for user in found if user is not None}
    methods, wishes = store.reach(tx, people)
    theirs = {user_id: [method for method in methods if method.user_id == user_id] for user_id in people}
    return tuple(way for own in theirs.values() for way in rules.ways(own, wishes, severity, kinds))


def behind(tx: Tx, target: Target, now: datetime) -> User | None:
    """Whom a step means then, if the account is in use."""
    if target.schedule_id is not None:
        return who(tx, target.schedule_id, now)
    return store.user(tx, target.user_id) if target.user_id is not None else None


def now_on_call(now: datetime) -> tuple[Watch, ...]:
    """Every schedule with whoever has it now, by name of the schedule."""
    with transaction() as tx:
        return tuple(_watch(tx, schedule, now) for schedule in store.schedules(tx))


def _watch(tx: Tx, schedule: Schedule, now: datetime) -> Watch:
    user = who(tx, schedule.id, now)
    running = store.shifts(tx, schedule.id, since=now, until=now + timedelta(microseconds=1)) if user else ()
    reachable = bool(ways(tx, [Target(schedule_id=schedule.id)], Severity.URGENT, now))
    return Watch(schedule=schedule, user=user, until=running[0].ends_at if running else None, reachable=reachable)


def uncovered(tx: Tx, *, now: datetime) -> str | None:
    """Why an urgent alert would reach nobody before the last resort, as a sentence; None when all is well."""
    version_id = policies.live_id(tx, POLICY)
    if version_id is None:
        return "No escalation policy is published, so no alert can page. Publish one with `daytwo policy publish`."
    first = [target for step in policy(tx, version_id).steps if not step.is_last_resort for target in step.targets]
    if ways(tx, first, Severity.URGENT, now):
        return None
    return "Nobody who can be reached is on call now; pages go straight to the last resort. Fill the schedule."


def gaps(now: datetime, *, until: datetime) -> tuple[Gap, ...]:
    """Where a schedule has nobody between now and `until`."""
    with transaction() as tx:
        return tuple(
            gap
            for schedule in store.schedules(tx)
            for gap in rules.gaps(
                schedule.id, store.shifts(tx, schedule.id, since=now, until=until), since=now, until=until
            )
        )


def schedules() -> tuple[Schedule, ...]:
    """All schedules, by name."""
    with transaction() as tx:
        return store.schedules(tx)


def add_schedule(name: str, zone: str, *, by: Actor, now: datetime) -> Schedule:
    """Make a schedule. Raises Refused when the name is taken or the zone is unknown."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused("This time zone is not known. Write it as America/New_York.", field="zone") from error
    new = Schedule(id=uuid4(), name=name.strip(), zone=zone, owner_id=by.id)
    try:
        with transaction() as tx:
            store.insert_schedule(tx, new)
            audit.record(tx, "schedule.added", actor=by, object_id=new.id, now=now)
    except Conflict as conflict:
        raise Refused("A schedule with this name exists. Choose another name.", field="name") from conflict
    return new


def shifts(schedule_id: UUID, *, since: datetime, until: datetime) -> tuple[Shift, ...]:
    """Shifts of a schedule that touch the stretch, in order."""
    with transaction() as tx:
        return store.shifts(tx, schedule_id, since=since, until=until)


def add_shift(
    schedule_id: UUID, user_id: UUID, *, starts_at: datetime, ends_at: datetime, by: Actor, now: datetime
) -> Shift:
    """Put somebody on call by hand, which is stronger than a rotation that has not begun its shift then.

    Raises Refused when somebody is on call then already, or the end is not after the start.
    """
    if ends_at <= max(starts_at, now):
        raise Refused("A shift ends after it starts, and not in the past.", field="ends_at")
    new = Shift(id=uuid4(), schedule_id=schedule_id, user_id=user_id, starts_at=starts_at, ends_at=ends_at)
    try:
        with transaction() as tx:
            if store.user(tx, user_id) is None:
                raise Refused("This account is not in use. Choose somebody else.", field="user_id")
            rotas.put_on_by_hand(tx, new, now=now)
            audit.record(tx, "shift.added", actor=by, object_id=new.id, now=now)
    except Conflict as conflict:
        raise Refused(_SHIFT_REFUSALS.get(conflict.constraint, conflict.message), field="starts_at") from conflict
    return new


_SHIFT_REFUSALS = {"one_primary_at_a_time": "Somebody is on call on this schedule then. Change that shift first."}


def remove_shift(shift_id: UUID, *, by: Actor, now: datetime) -> None:
    """Take a shift off that was put on by hand. Raises NotFound, and Refused for any other.

    One that is over says who was on call; what a rota has written would be written again.
    """
    with transaction() as tx:
        shift = store.get_shift(tx, shift_id)
        if shift.ends_at <= now:
            raise Refused("This shift is over. It stays on record.")
        rotas.take_off_by_hand(tx, shift, now=now)
        audit.record(tx, "shift.removed", actor=by, object_id=shift_id, now=now)


_policies: dict[UUID, Policy] = {}


def policy(tx: Tx, version_id: UUID) -> Policy:
    """That version of a policy; read once in this process, since a version never changes."""
    if version_id not in _policies:
        _policies[version_id] = policies.get(tx, version_id)
    return _policies[version_id]


def live_policy(tx: Tx, site_id: UUID | None = None) -> Policy:
    """The policy that an alert of that site opens with now. Raises NotFound when none is published."""
    version_id = policies.live_id(tx, canary.NAME if site_id == canary.SITE_ID else POLICY)
    if version_id is None:
        raise NotFound("No escalation policy is published. Publish one with `daytwo policy publish`.")
    return policy(tx, version_id)


def publish_policy(text: str, *, name: str, by: Actor, now: datetime) -> Policy:
    """Publish the policy in `text` (YAML) as its next version; alerts that are open keep theirs.

    The same policy again is answered with the version that stands. Raises PolicyError with file, line and key, and
    Refused when somebody else publishes at the same moment.
    """
    draft = policy_yaml.load(text, name=name)
    try:
        with transaction() as tx:
            standing_id = policies.live_id(tx, draft.policy)
            standing = policy(tx, standing_id) if standing_id else None
            new = _resolved(tx, draft, version=standing.version + 1 if standing else 1, now=now)
            if standing is not None and _reads_alike(standing, new):
                return standing
            policies.insert(tx, new)
            audit.record(tx, "policy.published", actor=by, object_id=new.id, now=now, version=new.version)
    except Conflict as conflict:
        raise Refused("Somebody else has published this policy just now. Look, and try again.") from conflict
    return new


def _reads_alike(one: Policy, other: Policy) -> bool:
    return (one.ack_ttl, one.loop_every, one.steps) == (other.ack_ttl, other.loop_every, other.steps)


def _resolved(tx: Tx, draft: PolicyDraft, *, version: int, now: datetime) -> Policy:
    """The draft with ids for names. Raises PolicyError for names that nobody bears, or a last resort out of reach."""
    names = {schedule.name: schedule.id for schedule in store.schedules(tx)}
    mails = store.active_by_email(tx)
    mistakes = [*_unknown(draft, names, mails)] or [*_out_of_reach(tx, draft, mails)]
    if mistakes:
        raise PolicyError(draft.name, mistakes)
    steps = tuple(
        Step(
            seq=seq,
            wait=step.wait,
            targets=_targets(step, names, mails),
            kinds=step.kinds,
            is_last_resort=step.last_resort,
        )
        for seq, step in enumerate(draft.steps)
    )
    return Policy(
        id=uuid4(),
        policy=draft.policy,
        version=version,
        published_at=now,
        ack_ttl=draft.ack_ttl,
        loop_every=draft.loop_every,
        steps=steps,
    )


def _targets(step: StepDraft, names: Mapping[str, UUID], mails: Mapping[str, UUID]) -> tuple[Target, ...]:
    found = [Target(schedule_id=names[name]) for name in step.schedules]
    found += [Target(user_id=mails[mail]) for mail in step.users]
    return tuple(sorted(set(found), key=str))


def _unknown(draft: PolicyDraft, names: Mapping[str, UUID], mails: Mapping[str, UUID]) -> Iterator[tuple[int, str]]:
    for step in draft.steps:
        for name in step.schedules:
            if name not in names:
                allowed = ", ".join(sorted(names)) or "there is none yet"
                yield step.line, f"schedules: there is no schedule “{name}”; allowed: {allowed}"
        for mail in step.users:
            if mail not in mails:
                yield step.line, f"users: nobody with an account in use has the address {mail}"


def _out_of_reach(tx: Tx, draft: PolicyDraft, mails: Mapping[str, UUID]) -> Iterator[tuple[int, str]]:
    """The last resort is what is left when everything else has failed: it is not published on trust."""
    last = draft.steps[-1]
    reached = {method.user_id for method in store.methods(tx, [mails[mail] for mail in last.users])}
    for mail in last.users:
        if mails[mail] not in reached:
            yield last.line, f"users: {mail} has no verified way to be paged; the last resort needs one"


def name_of(tx: Tx, user_id: UUID) -> str:
    """What a user is called, in use or not."""
    return accounts.get(tx, user_id).name
