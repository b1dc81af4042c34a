"""Opt-outs: from then on nothing is sent to the address. They end texts, never care."""

from datetime import datetime

from survey.domain.accounts import PATIENT, SYSTEM, Actor, ActorKind
from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope, Source, Suppression
from survey.services import audit
from survey.store import suppressions as store
from survey.store.session import Tx

_PROVIDER = Actor(kind=ActorKind.PROVIDER)
_ACTORS = {Source.REPLY: PATIENT, Source.WRONG_NUMBER: PATIENT, Source.CARRIER: _PROVIDER, Source.STAFF: SYSTEM}


def suppress(
    tx: Tx,
    kind: ContactKind,
    address: str,
    *,
    scope: Scope,
    source: Source,
    now: datetime,
    by: Actor | None = None,
) -> bool:
    """Send nothing there any more, and block each contact with that address; False when that was so already.

    One that is in force stands, with the wider scope of both. `by` is the member of staff whose doing it is.
    """
    made = store.put(tx, kind, address, scope=scope, source=source, now=now)
    if made is not None:
        actor = by or _ACTORS[source]
        audit.record(tx, "suppression.made", actor=actor, object_id=made, now=now, scope=scope, source=source)
    return made is not None


def lift(tx: Tx, kind: ContactKind, address: str, now: datetime, *, by: Actor = PATIENT) -> bool:
    """Send there again, where nothing else forbids it; False when nothing was suppressed."""
    lifted = store.lift(tx, kind, address, now=now)
    if lifted is not None:
        audit.record(tx, "suppression.lifted", actor=by, object_id=lifted, now=now)
    return lifted is not None


def find(tx: Tx, kind: ContactKind, address: str) -> Suppression | None:
    """What is in force for the address; None when it may be written to."""
    return store.find(tx, kind, address)
