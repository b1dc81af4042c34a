"""Who carries a text: the providers in order, without those that rest; and what they say of a number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import structlog

from survey.domain import breakers
from survey.domain.breakers import BreakerState, Health
from survey.domain.patients import Block, ContactKind
from survey.domain.suppressions import Scope, Source
from survey.messaging import registry
from survey.messaging.outcomes import Attempt, Fault, Outcome, Sms
from survey.services import suppressions
from survey.store import carriers as store
from survey.store.session import Tx

log = structlog.get_logger()

NOBODY = "none"
"""In the place of a provider: nobody was asked."""
_FAILURES = {Outcome.TRY_LATER, Outcome.UNKNOWN}


Known = Mapping[str, Health]
"""What `known` read: provider → how it has answered lately."""


def known(tx: Tx) -> Known:
    """How each provider has answered lately."""
    return store.every(tx)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """The provider to ask; `probes` when its rest is over and nobody else asks it before what came of this is noted."""

    carrier: Sms
    probes: bool


def pick(tx: Tx, known: Known, *, now: datetime, but_not: Collection[str] = ()) -> Pick | None:
    """The preferred provider of those that do not rest and were not tried; None when there is none."""
    for carrier in registry.carriers():
        health = known.get(carrier.name)
        state = BreakerState.CLOSED if health is None else health.state(now)
        if carrier.name in but_not or state is BreakerState.OPEN:
            continue
        if health is None or state is BreakerState.CLOSED:
            return Pick(carrier=carrier, probes=False)
        if store.take_probe(tx, health, breakers.probing(health, now=now)):
            return Pick(carrier=carrier, probes=True)
    return None


def another(tx: Tx, *, but_not: Collection[str], now: datetime) -> bool:
    """Whether there is a provider that was not tried and does not rest."""
    return any(name not in but_not for name in answering(tx, now))


def answering(tx: Tx, now: datetime) -> dict[str, Sms]:
    """The providers that do not rest, by name."""
    known = store.every(tx)
    return {one.name: one for one in registry.carriers() if not _rests(known.get(one.name), now)}


def ranked(tx: Tx, now: datetime) -> tuple[Sms, ...]:
    """Every provider, those that rest last: for a page, which waits for no breaker."""
    carriers = registry.carriers()
    known = store.every(tx) if len(carriers) > 1 else {}
    return tuple(sorted(carriers, key=lambda one: _rests(known.get(one.name), now)))


def _rests(health: Health | None, now: datetime) -> bool:
    return health is not None and health.state(now) is BreakerState.OPEN


def next_chance(tx: Tx, now: datetime) -> datetime:
    """When the first of the resting providers may be asked again."""
    known = store.every(tx)
    ends = [health.open_until for one in registry.carriers() if (health := known.get(one.name)) and health.open_until]
    return max(min(ends, default=now + breakers.REST), now + timedelta(seconds=1))


def note(tx: Tx, attempts: Sequence[tuple[Attempt, bool]], *, now: datetime) -> None:
    """Remember how providers answered, in the order in which they did; with each, whether it was a probe."""
    # One order of locks for everybody; and what says the same again is not written again.
    told = [(one.provider, one.outcome in _FAILURES, probed, one) for one, probed in attempts]
    for (provider, failed, probed), same in groupby(sorted(told, key=itemgetter(0)), key=itemgetter(0, 1, 2)):
        if not failed:
            store.note_well(tx, provider, probed=probed, now=now)
            continue
        for *_, attempt in same:
            _note_failure(tx, attempt, now=now)


def overhear(tx: Tx, tries: Sequence[Attempt], *, now: datetime) -> None:
    """`note` for a page, which waits for nobody: what somebody else is noting just now is left out."""
    asked = [one for one in tries if one.provider != NOBODY]
    free = store.lock_free(tx, [one.provider for one in asked])
    note(tx, [(one, False) for one in asked if one.provider in free], now=now)


def _note_failure(tx: Tx, attempt: Attempt, *, now: datetime) -> None:
    old = store.get_for_update(tx, attempt.provider)
    wait = timedelta(seconds=attempt.retry_after_s) if attempt.retry_after_s else None
    new = breakers.failed(old, now=now, wait=wait)
    store.put(tx, new)
    if new.open_until != old.open_until:
        log.warning("carrier.rests", provider=new.provider, failures=new.failures, detail=attempt.detail)


def heed(tx: Tx, message_id: UUID, fault: Fault, *, now: datetime) -> None:
    """Use an address no more that a provider says is stopped or dead."""
    kind, address = store.address_of(tx, message_id)
    if fault is Fault.STOPPED:
        suppressions.suppress(tx, kind, address, scope=Scope.ALL, source=Source.CARRIER, now=now)
        return
    reason = Block.REFUSED if kind is ContactKind.SMS else Block.BOUNCED
    store.block(tx, kind, address, reason=reason, now=now)
