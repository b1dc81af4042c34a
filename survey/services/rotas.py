"""Rotas: rotations and overrides, and the shifts that are written ahead from them.

Whoever is on call is read from shifts alone. A worker that writes none for a month leaves two months of them standing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import rotations as rules
from survey.domain.accounts import Actor
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.oncall import Schedule, Shift
from survey.domain.rotations import Rotation, SourceKind, Stretch
from survey.services import audit
from survey.store import accounts, heartbeats
from survey.store import oncall as schedules
from survey.store import rotas as store
from survey.store.rotas import Override, Written
from survey.store.session import Tx, transaction

AHEAD = timedelta(days=90)
"""So far shifts are written."""
THIN = timedelta(days=14)
"""With less than this written ahead, somebody has to look why."""
EVERY = timedelta(hours=20)
"""So often they are written anew: once in each day, whenever the last time was."""
WRITER = "rotas"
FARTHEST = timedelta(days=366)
"""An override further ahead is a slip of the finger."""

CALLED_OFF = (SourceKind.HAND, SourceKind.OVERRIDE)
"""Shifts from these end when their row says so; the running one of a rotation or a feed goes on to its handover."""


# ---- writing shifts ahead


def rewrite(tx: Tx, schedule_id: UUID, *, now: datetime) -> None:
    """Write a schedule's shifts anew from `now` on; what stands as it should keeps its row. Raises NotFound."""
    schedule = store.lock(tx, schedule_id)
    standing = store.written(tx, schedule_id, since=now)
    wanted = _wanted(tx, schedule, standing, now=now)
    for one in standing:
        if one.is_by_hand and _tail(one.stretch, now) not in wanted:
            store.keep(tx, schedule_id, one.stretch)
    _write(tx, schedule_id, standing, list(wanted), now=now)


def _wanted(tx: Tx, schedule: Schedule, standing: Sequence[Written], *, now: datetime) -> tuple[Stretch, ...]:
    """Who is to have the schedule from `now` on, by the strongest word; nobody whose account is not in use."""
    able, weak = store.active(tx), [*_weak(tx, schedule, now=now)]
    running = [one.stretch for one in standing if one.stretch.starts_at <= now]
    layers: list[Sequence[Stretch]] = [
        [one.stretch for one in store.overrides(tx, schedule.id, since=now)],
        [one.stretch for one in standing if one.is_by_hand],
        store.kept(tx, schedule.id, since=now),
        [_in_turn(one, weak, now) for one in running if one.source.kind not in CALLED_OFF],
        *weak,
    ]
    return rules.layered([_tail(one, now) for one in layer if one.user_id in able] for layer in layers)


def _weak(tx: Tx, schedule: Schedule, *, now: datetime) -> Iterator[Sequence[Stretch]]:
    """The feed, then the rotations of layer 2, then those of layer 1, older ones first."""
    until = now + AHEAD
    yield store.fed(tx, schedule.id, since=now, until=until)
    for rotation in sorted(store.rotations(tx, schedule.id), key=lambda one: -one.layer):
        yield rules.expand(rotation, ZoneInfo(schedule.zone), since=now, until=until)


def _in_turn(running: Stretch, weak: Sequence[Sequence[Stretch]], now: datetime) -> Stretch:
    """The running shift, as part of the turn that it was written from, so that what was cut off it grows back."""
    alike = (one for layer in weak for one in layer if (one.user_id, one.source) == (running.user_id, running.source))
    return replace(running, turn=next((one.turn for one in alike if one.starts_at <= now), -1))


def _tail(one: Stretch, now: datetime) -> Stretch:
    return replace(one, starts_at=max(one.starts_at, now))


def _write(tx: Tx, schedule_id: UUID, standing: Sequence[Written], wanted: list[Stretch], *, now: datetime) -> None:
    """Change as few rows as it takes: test pages and handovers speak of a shift by its id."""
    ends = {one.id: _heir(one.stretch, wanted, now) for one in standing}
    store.delete(tx, [one.id for one in standing if ends[one.id] <= one.stretch.starts_at])
    for one in standing:
        if ends[one.id] > one.stretch.starts_at and ends[one.id] != one.stretch.ends_at:
            store.set_end(tx, one.id, ends[one.id])
    for new in wanted:
        store.insert(tx, schedule_id, new)


def _heir(standing: Stretch, wanted: list[Stretch], now: datetime) -> datetime:
    """When that shift is to end, its remainder taken out of `wanted`; `now` when nothing of it is wanted."""
    begins = max(standing.starts_at, now)
    for new in wanted:
        if (new.user_id, new.source, new.starts_at) == (standing.user_id, standing.source, begins):
            wanted.remove(new)
            return new.ends_at
    return now


def materialise(now: datetime) -> int:
    """Write every schedule's shifts anew, all or none; how many schedules there are."""
    with transaction() as tx:
        return rewrite_all(tx, now=now)


def rewrite_all(tx: Tx, *, now: datetime) -> int:
    """The same inside a transaction, as when an account goes out of use."""
    found = sorted(one.id for one in schedules.schedules(tx))
    for schedule_id in found:  # in one order everywhere, since each is locked
        rewrite(tx, schedule_id, now=now)
    heartbeats.beat(tx, WRITER, now=now)
    return len(found)


def write_due(*, now: datetime) -> int:
    """Write them anew if that was not done today; 0, since nothing is left to do after."""
    with transaction() as tx:
        last = heartbeats.last(tx, WRITER)
        if last is None or now - last >= EVERY:
            rewrite_all(tx, now=now)
    return 0


def thin(tx: Tx, *, now: datetime) -> tuple[str, ...]:
    """Rosters with a rotation that goes on, and with shifts for less than two weeks."""
    return store.thin(tx, until=now + THIN)


# ---- by hand


def put_on_by_hand(tx: Tx, new: Shift, *, now: datetime) -> None:
    """Add that shift. Raises NotFound; Conflict (`one_primary_at_a_time`) when somebody has the schedule then."""
    store.lock(tx, new.schedule_id)
    store.make_room(tx, new.schedule_id, starts_at=new.starts_at, ends_at=new.ends_at, now=now)
    schedules.insert_shift(tx, new)
    rewrite(tx, new.schedule_id, now=now)


def take_off_by_hand(tx: Tx, shift: Shift, *, now: datetime) -> None:
    """Remove that shift, with what an override has of it. Raises Refused when it does not come from a hand."""
    store.lock(tx, shift.schedule_id)
    written = next(one for one in store.written(tx, shift.schedule_id, since=now) if one.id == shift.id)
    if written.stretch.source.kind is not SourceKind.HAND:
        raise Refused("This shift comes from the rota. Put somebody else on for its time, or end the rotation.")
    store.drop_kept(tx, written.stretch.source.id, now=now)
    schedules.delete_shift(tx, shift.id)
    rewrite(tx, shift.schedule_id, now=now)


# ---- rotations


def add_rotation(new: Rotation, *, by: Actor, now: datetime) -> None:
    """Let people take turns from now on. Raises Refused with the field to mend; NotFound."""
    with transaction() as tx:
        schedule = store.lock(tx, new.schedule_id)
        for user_id in new.members:
            check_person(tx, user_id, field="members")
        _check_apart(tx, schedule, new, now)
        store.insert_rotation(tx, new, by=_user(by), now=now)
        rewrite(tx, new.schedule_id, now=now)
        audit.record(tx, "rotation.added", actor=by, object_id=new.id, now=now, members=len(new.members))


def _check_apart(tx: Tx, schedule: Schedule, new: Rotation, now: datetime) -> None:
    """Of two rotations in one layer the older would win, without a word to whoever adds the other."""
    zone, until = ZoneInfo(schedule.zone), now + AHEAD
    theirs = rules.expand(new, zone, since=now, until=until)
    if not theirs:
        raise Refused("Nobody would be on call in the next 90 days. Check the first handover, days and hours.")
    for other in store.rotations(tx, schedule.id):
        standing = rules.expand(other, zone, since=now, until=until) if other.layer == new.layer else ()
        if any([*rules.without(one, standing)] != [one] for one in theirs):
            raise Refused(
                f"“{other.name}” has people at the same time in this layer. Choose the other layer, other days or "
                "hours, or a first handover after its end.",
                field="layer",
            )


def end_rotation(rotation_id: UUID, *, last_day: date, by: Actor, now: datetime) -> None:
    """Let it run to the handover after `last_day`, on the schedule's wall. Raises NotFound, Refused.

    A shift that is running stays to its end: whoever is on call was told so.
    """
    with transaction() as tx:
        rotation = store.rotation(tx, rotation_id)
        schedule = store.lock(tx, rotation.schedule_id)
        if last_day < now.astimezone(ZoneInfo(schedule.zone)).date():
            raise Refused("Choose today or a later day. What has been stays as it was.", field="last_day")
        store.end_rotation(tx, rotation_id, last_day=last_day, now=now)
        rewrite(tx, schedule.id, now=now)
        audit.record(tx, "rotation.ended", actor=by, object_id=rotation_id, now=now)


# ---- overrides


def add_override(
    schedule_id: UUID,
    user_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    reason: str | None,
    by: Actor,
    now: datetime,
) -> Override:
    """Put somebody on instead of whoever has that time, from now on at the earliest. Raises Refused, NotFound."""
    new = Override(
        id=uuid4(),
        schedule_id=schedule_id,
        user_id=user_id,
        starts_at=max(starts_at, now),
        ends_at=ends_at,
        reason=reason or None,
    )
    try:
        with transaction() as tx:
            put_on(tx, new, by=by, now=now)
    except Conflict as conflict:
        raise taken(conflict) from conflict
    return new


def put_on(tx: Tx, new: Override, *, by: Actor, now: datetime) -> None:
    """`add_override` inside a transaction. Raises Refused, NotFound, and Conflict for `taken` to word."""
    store.lock(tx, new.schedule_id)
    if new.ends_at <= new.starts_at:
        raise Refused("It ends after it starts, and not in the past.", field="ends_at")
    if new.ends_at > now + FARTHEST:
        raise Refused("Choose an end within the next twelve months.", field="ends_at")
    check_person(tx, new.user_id, field="user_id")
    store.insert_override(tx, new, by=_user(by), now=now)
    rewrite(tx, new.schedule_id, now=now)
    audit.record(tx, "override.added", actor=by, object_id=new.id, now=now)


def taken(conflict: Conflict) -> Refused:
    """What an override meets that another one is in the way of."""
    if conflict.constraint != "one_override_at_a_time":
        return Refused(conflict.message)
    return Refused(
        "Somebody was put on call by name for part of this time. Cancel that override first, or choose other times.",
        field="starts_at",
    )


def cancel_override(override_id: UUID, *, by: Actor, now: datetime) -> None:
    """Give what is left of it back to whoever has it by the rota. Raises NotFound."""
    with transaction() as tx:
        old = store.override(tx, override_id, since=now)
        store.lock(tx, old.schedule_id)
        if not store.cancel_override(tx, override_id, now=now):
            raise NotFound("This override was cancelled already.")
        rewrite(tx, old.schedule_id, now=now)
        audit.record(tx, "override.cancelled", actor=by, object_id=override_id, now=now)


def override(override_id: UUID, *, now: datetime) -> Override:
    """That override. Raises NotFound when it is over or was cancelled."""
    with transaction() as tx:
        return store.override(tx, override_id, since=now)


def rotation(rotation_id: UUID) -> Rotation:
    """That rotation. Raises NotFound."""
    with transaction() as tx:
        return store.rotation(tx, rotation_id)


def check_person(tx: Tx, user_id: UUID, *, field: str) -> None:
    """Raises Refused when this person could not take an alert."""
    user = accounts.get(tx, user_id)
    if not user.takes_alerts:
        raise Refused(f"{user.name} cannot be on call: only clinicians and managers in use can.", field=field)


def _user(by: Actor) -> UUID:
    if by.id is None:
        raise Refused("Sign in to change the rota: it is kept who did.")
    return by.id
