"""Swaps: somebody offers a shift, and the other side has to accept before it changes hands."""

from datetime import datetime
from uuid import UUID, uuid4

from survey.domain import rotations as rules
from survey.domain.accounts import Actor
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.queues import Queue
from survey.domain.rotations import SourceKind, Stretch
from survey.domain.swaps import Answer, Swap, check_answer
from survey.services import audit, rotas
from survey.store import rotas as rota_store
from survey.store import swaps as store
from survey.store.rotas import Override
from survey.store.session import Tx, transaction


def mine(user_id: UUID, *, now: datetime) -> tuple[Swap, ...]:
    """Open offers that somebody has made or may answer, the soonest first."""
    with transaction() as tx:
        return store.of_user(tx, user_id, now=now)


def offer(schedule_id: UUID, shift_id: UUID, to: UUID, *, by: Actor, now: datetime) -> Swap:
    """Offer what is left of one's own shift to somebody. Raises NotFound, Refused."""
    with transaction() as tx:
        rota_store.lock(tx, schedule_id)
        shift = _own(tx, schedule_id, shift_id, by, now=now)
        rotas.check_person(tx, to, field="user_id")
        if to == shift.user_id:
            raise Refused("This shift is yours already. Choose somebody else.", field="user_id")
        new = Swap(
            id=uuid4(),
            schedule_id=schedule_id,
            offered_by=shift.user_id,
            offered_to=to,
            starts_at=max(shift.starts_at, now),
            ends_at=shift.ends_at,
        )
        _check_new(tx, new, now=now)
        store.insert(tx, new, now=now)
        audit.record(tx, "swap.offered", actor=by, object_id=new.id, now=now)
        tx.ring(Queue.MAINTENANCE)
    return new


def own_shift(schedule_id: UUID, shift_id: UUID, *, by: Actor, now: datetime) -> Stretch:
    """The shift that somebody could offer. Raises NotFound when it is over or another's, Refused."""
    with transaction() as tx:
        return _own(tx, schedule_id, shift_id, by, now=now)


def _own(tx: Tx, schedule_id: UUID, shift_id: UUID, by: Actor, *, now: datetime) -> Stretch:
    standing = rota_store.written(tx, schedule_id, since=now)
    found = next((one.stretch for one in standing if one.id == shift_id and one.stretch.user_id == by.id), None)
    if found is None:
        raise NotFound("This shift is over, or it is not yours.")
    if found.source.kind is SourceKind.OVERRIDE:
        raise Refused("You were put on call for this time by name. Ask whoever keeps the rota to change that.")
    return found


def _check_new(tx: Tx, new: Swap, *, now: datetime) -> None:
    """Two open offers of one hour could both be accepted by people who count on it."""
    others = (one for one in store.of_user(tx, new.offered_by, now=now) if one.schedule_id == new.schedule_id)
    if any(one.starts_at < new.ends_at and new.starts_at < one.ends_at for one in others):
        raise Refused("An offer for this time is open already. Withdraw it first, or answer it.")


def answer(swap_id: UUID, given: Answer, *, by: Actor, now: datetime) -> Swap:
    """Accept, decline or withdraw an offer. Raises NotFound when it is not this person's to give, Refused."""
    try:
        with transaction() as tx:
            swap = store.get(tx, swap_id, now=now)
            check_answer(swap, given, by.id)
            rota_store.lock(tx, swap.schedule_id)
            override_id = _hand_over(tx, swap, by=by, now=now) if given is Answer.ACCEPTED else None
            if not store.answer(tx, swap_id, given, override_id=override_id, now=now):
                raise NotFound("This offer was answered already.")
            audit.record(tx, f"swap.{given}", actor=by, object_id=swap_id, now=now)
            tx.ring(Queue.MAINTENANCE)
    except Conflict as conflict:
        raise rotas.taken(conflict) from conflict
    return swap


def _hand_over(tx: Tx, swap: Swap, *, by: Actor, now: datetime) -> UUID:
    """The override that puts the other side on. Raises Refused when the shift is no longer to be given."""
    starts_at, standing = max(swap.starts_at, now), rota_store.written(tx, swap.schedule_id, since=now)
    theirs = (one.stretch for one in standing if one.stretch.user_id == swap.offered_by)
    if not rules.covered(theirs, since=starts_at, until=swap.ends_at):
        raise Refused("The rota has changed since: part of this shift is no longer theirs. Ask for a new offer.")
    new = Override(
        id=uuid4(),
        schedule_id=swap.schedule_id,
        user_id=swap.offered_to,
        starts_at=starts_at,
        ends_at=swap.ends_at,
        reason=None,
    )
    rotas.put_on(tx, new, by=by, now=now)
    return new.id
