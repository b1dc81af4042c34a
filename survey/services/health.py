"""Is everything well? The checks that `daytwo doctor` prints, the banner shows and the outside heartbeat stands for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from survey.domain.errors import DomainError
from survey.domain.versions import VersionState
from survey.messaging import registry
from survey.services import conservation, messages, oncall, paged_now, protocols, rota_feeds, rotas
from survey.store import canary, doorbell, heartbeats, session
from survey.store import health as store
from survey.store import imports as import_store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction

SENTINEL_SILENT = timedelta(seconds=60)
WORKER_SILENT = timedelta(minutes=5)
IMPORT_LATE = timedelta(minutes=10)


class State(StrEnum):
    """How a check came out; a warning wants a look and is no failure."""

    WELL = "well"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check, in words that say what to do."""

    name: str
    state: State
    sentence: str


def holds(now: datetime) -> bool:
    """Whether every invariant holds and somebody is on call: the condition of the outside heartbeat."""
    with transaction() as tx:
        broken = any(store.breaches(tx, now=now).values()) or conservation.astray(tx, now=now)
        return not broken and not oncall.uncovered(tx, now=now) and _is_way_open(tx, now)


def ready() -> bool:
    """Whether the database answers and stands at this code's schema or a later one, asked once."""
    return session.serves()


def trouble(now: datetime) -> tuple[str, ...]:
    """What the banner on every staff page says; empty when all is well."""
    with transaction() as tx:
        checks = (*_invariants(tx, now), *(check(tx, now) for check in SHOWN))
    return tuple(check.sentence for check in checks if check.state is State.BROKEN)


def examine(now: datetime) -> tuple[Check, ...]:
    """Every check, worst news last to read first in a terminal."""
    with transaction() as tx:
        checks = (_redis(), *_providers(), *(check(tx, now) for check in CHECKS), *_invariants(tx, now))
    return tuple(sorted(checks, key=lambda check: list(State).index(check.state)))


def _invariants(tx: Tx, now: datetime) -> tuple[Check, ...]:
    return tuple(
        _check("invariant", count == 0, f"{name}.", f"Not so: {name}. {count} break this.")
        for name, count in store.breaches(tx, now=now).items()
    )


def _check(name: str, well: bool, good: str, bad: str, *, otherwise: State = State.BROKEN) -> Check:
    sentence = good if well else bad
    return Check(name=name, state=State.WELL if well else otherwise, sentence=sentence[:1].upper() + sentence[1:])


def _conserved(tx: Tx, now: datetime) -> Check:
    lost = conservation.astray(tx, now=now)
    return _check(
        "conservation",
        lost == 0,
        "Every enrolled patient is answered, reached by phone, closed with a reason, or open on somebody's list.",
        f"{lost} enrolled {'check-in is' if lost == 1 else 'check-ins are'} counted nowhere: not answered, not "
        "reached, not closed, and on nobody's list. Worklist, “Counted nowhere”, shows whom to call; "
        "`daytwo doctor --verbose` prints the ids.",
    )


def _redis() -> Check:
    return _check(
        "redis",
        doorbell.reachable(),
        "Redis answers.",
        "Redis does not answer. Nothing is lost; the sentinel does the work, some seconds later. Start Redis.",
        otherwise=State.WARNING,
    )


def _providers() -> tuple[Check, ...]:
    named = [carrier.name.capitalize() for carrier in registry.carriers()]
    texts = _check(
        "texts",
        bool(named),
        f"{named[0]} carries texts{f', {named[1]} what it does not take' if named[1:] else ''}." if named else "",
        "No provider for texts is set, so nobody can be texted or paged. Set TWILIO_ACCOUNT_SID and its fellows.",
    )
    mail = _check(
        "email",
        registry.email() is not None,
        "A mail server is set.",
        "No mail server is set: patients without a mobile go to the call list. Set SMTP_HOST and SMTP_FROM.",
        otherwise=State.WARNING,
    )
    return (texts, mail)


def _sites(tx: Tx, _now: datetime) -> Check:
    count = len(site_store.every(tx))
    return _check("sites", count > 0, f"{count} set up.", "There is no site yet. Add one with `daytwo site add`.")


def _protocols(tx: Tx, _now: datetime) -> Check:
    try:
        packs = [protocols.get(tx, one.id) for one in protocols.listed(tx)]
    except DomainError as fault:
        return Check(
            name="protocols", state=State.BROKEN, sentence=f"A published protocol cannot be read. {fault.message}"
        )
    missing = store.unreadable_protocols(tx)
    if missing:
        sentence = f"{missing} surveys began on a protocol version that is not in the database. Publish it again."
        return Check(name="protocols", state=State.BROKEN, sentence=sentence)
    return _check(
        "protocols",
        bool(packs),
        f"{len(packs)} published.",
        "None is published. Run `daytwo protocol publish`; its help says who has to sign.",
    )


def _seals(tx: Tx, _now: datetime) -> Check:
    faults = protocols.faults(tx)
    return _check("protocols in use", not faults, "Each is the text that was proved.", " ".join(faults))


def _protocol_files(tx: Tx, _now: datetime) -> Check:
    strayed = protocols.strayed_files(tx)
    return _check("protocol files", not strayed, "None differs from what was published.", " ".join(strayed))


def _old_protocols(tx: Tx, _now: datetime) -> Check:
    unproved = [one.name for one in protocols.listed(tx) if one.state is VersionState.PUBLISHED and not one.certificate]
    return _check(
        "proofs",
        not unproved,
        "Every published protocol is proved.",
        f"Published before Daytwo proved protocols, and not proved yet: {', '.join(unproved)}. A worker proves them "
        "when it starts: start `daytwo worker scoring` again.",
        otherwise=State.WARNING,
    )


def _scoring(tx: Tx, _now: datetime) -> Check:
    count = store.scoring_faults(tx)
    return _check(
        "scoring",
        count == 0,
        "No response has failed to score.",
        f"{count} responses could not be scored; each was paged as urgent. Look at their pages for the reason.",
    )


def _cover(tx: Tx, now: datetime) -> Check:
    reason = oncall.uncovered(tx, now=now)
    return _check("on call", reason is None, "Somebody who can be reached is on call now.", reason or "")


def _rotas(tx: Tx, now: datetime) -> Check:
    names = rotas.thin(tx, now=now)
    return _check(
        "rotas",
        not names,
        "Shifts are written ahead for two weeks and more.",
        f"Less than two weeks of shifts are written from the rotations of: {', '.join(names)}. Is `daytwo worker "
        "maintenance` running? Its log says what stands in the way.",
        otherwise=State.WARNING,
    )


def _feeds(tx: Tx, now: datetime) -> Check:
    names = rota_feeds.stale(tx, now=now)
    return _check(
        "calendars",
        not names,
        "Every rota that is kept elsewhere was read within a day.",
        f"Not read for a day, so their shifts may be old: the calendars of {', '.join(names)}. Open “Calendar” at the "
        "roster: it says why. Is `daytwo worker maintenance` running?",
        otherwise=State.WARNING,
    )


def _reach(tx: Tx, now: datetime) -> Check:
    count = paged_now.wanting(tx, now=now)
    return _check(
        "reach",
        count == 0,
        "Everybody on call in the next two weeks can be reached, and the last resort in two ways.",
        f"{count} {'person' if count == 1 else 'people'} on call or on the last resort may not be reached. “Who gets "
        "paged now?” says who, and what to do.",
        otherwise=State.WARNING,
    )


def _sentinel(tx: Tx, now: datetime) -> Check:
    seen = heartbeats.last(tx, "sentinel")
    return _check(
        "sentinel",
        seen is not None and now - seen < SENTINEL_SILENT,
        "The sentinel is awake.",
        "No sentinel has been awake for a minute. Start one with `daytwo sentinel`.",
    )


def _is_way_open(tx: Tx, now: datetime) -> bool:
    """The world outside believes nothing before the first canary has come through."""
    if not registry.has_canary():
        return True
    walks = canary.walks(tx)
    return walks.came_through and not walks.is_late(now)


def _canary(tx: Tx, now: datetime) -> Check:
    if not registry.has_canary():
        off = "It is turned off, so nothing shows that an urgent answer would page somebody. Set CANARY=True."
        return Check(name="canary", state=State.WARNING, sentence=off)
    late = canary.walks(tx).is_late(now)
    return _check(
        "canary",
        not late,
        "A made-up urgent answer has paged its made-up clinician within a quarter of an hour.",
        "No made-up urgent answer has paged anybody for a quarter of an hour, so a patient's may not either. "
        "`daytwo doctor` says what else is wrong; the runbook, under “canary”, says where to look.",
    )


def _workers(tx: Tx, now: datetime) -> Check:
    silent = heartbeats.silent(tx, prefix="worker:", since=now - WORKER_SILENT)
    return _check(
        "workers",
        not silent,
        "Every worker has been heard of.",
        f"Not heard of for five minutes: {', '.join(silent)}. The sentinel does the urgent part of their work.",
        otherwise=State.WARNING,
    )


def _messages(tx: Tx, _now: datetime) -> Check:
    reasons = messages.held_up(tx)
    return _check("messages", not reasons, "None is held up.", " ".join(reasons), otherwise=State.WARNING)


def _imports(tx: Tx, now: datetime) -> Check:
    late = import_store.confirmed_before(tx, now - IMPORT_LATE)
    return _check(
        "imports",
        late == 0,
        "No confirmed file waits.",
        f"Files confirmed ten minutes ago and not imported yet: {late}. Is `daytwo worker maintenance` running? "
        "Its log says what stands in the way.",
        otherwise=State.WARNING,
    )


SHOWN: tuple[Callable[[Tx, datetime], Check], ...] = (_conserved, _seals, _sentinel, _canary, _cover)
"""Beside the invariants, what the banner tells of."""
CHECKS: tuple[Callable[[Tx, datetime], Check], ...] = (
    _sites,
    _protocols,
    _seals,
    _protocol_files,
    _old_protocols,
    _scoring,
    _conserved,
    _cover,
    _rotas,
    _feeds,
    _reach,
    _sentinel,
    _canary,
    _workers,
    _messages,
    _imports,
)
