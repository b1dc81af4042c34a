"""A candidate in shadow: it scores new responses beside the version in force, and is heard by nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

import structlog

from survey.domain.comparison import Case, Compared, Tally, compare, tallied
from survey.domain.errors import NotFound, Unavailable
from survey.domain.protocol import Protocol
from survey.domain.triage import FAULTS
from survey.domain.versions import Version, VersionState
from survey.services import protocols
from survey.store import cases
from survey.store import protocols as version_store
from survey.store import shadows as store
from survey.store.cases import Whose
from survey.store.replays import Move
from survey.store.session import DatabaseError, Tx, transaction
from survey.store.shadows import Tried

log = structlog.get_logger()

NOT_ASKED = NotFound.__name__
"""The fault of a response whose contact the candidate does not know."""
LISTED = 100
"""Moves on the page: a candidate that pages everybody would fill it with the whole clinic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What a candidate has said so far. `faults` are kinds of errors → responses that could not be judged.

    `moves` are the first of those who move: whom it takes less seriously before the others.
    """

    version: Version
    tally: Tally
    moves: tuple[Move, ...]
    faults: Mapping[str, int]


def score_due(*, now: datetime, limit: int = 500) -> int:
    """Let each candidate in shadow judge new responses, at most `limit` each; how many were judged.

    Writes what the candidate says, and nothing else. A candidate that fails holds up neither another one nor whatever
    the worker does next.
    """
    with transaction() as tx:
        candidates = [one.id for one in version_store.in_state(tx, VersionState.SHADOW)]
    return sum(_score(version_id, now=now, limit=limit) for version_id in candidates)


def _score(version_id: UUID, *, now: datetime, limit: int) -> int:
    try:
        with transaction() as tx:
            return _try(tx, version_id, now=now, limit=limit)
    except Unavailable:
        raise
    except (*FAULTS, DatabaseError) as fault:
        log.error("shadow.failed", version=str(version_id), error=type(fault).__name__)
        return 0


def _try(tx: Tx, version_id: UUID, *, now: datetime, limit: int) -> int:
    """Judge the next responses. The lock on the version keeps its text, and a second worker away."""
    version = version_store.claim(tx, version_id)
    if version is None or version.state is not VersionState.SHADOW or version.in_shadow is None:
        return 0
    since, until = version.in_shadow
    others = version_store.ids_of(tx, version.slug)
    found = cases.shadowed(tx, others, candidate=version.id, since=since, until=until, limit=limit)
    if found:
        pack = protocols.get(tx, version.id)
        store.keep(tx, version.id, [_tried(pack, case) for case in found], now=now)
    return len(found)


def _tried(pack: Protocol, case: Case) -> Tried:
    try:
        return Tried(response_id=case.response_id, revision=case.revision, verdict=compare(pack, case).after)
    except FAULTS as fault:
        return Tried(response_id=case.response_id, revision=case.revision, fault=type(fault).__name__)


def comparison(version_id: UUID) -> Shadow:
    """What the candidate has said, beside what was acted on. Raises NotFound."""
    with transaction() as tx:
        version = version_store.get(tx, version_id)
        tried = cases.tried(tx, version_id)
        faults = dict(store.faults(tx, version_id))
        moved = sorted((one for one in tried if one.moves), key=attrgetter("is_downgrade"), reverse=True)[:LISTED]
        whose = cases.whose(tx, [one.case.response_id for one in moved])
    tally = tallied(tried)
    tally.left_out = faults.pop(NOT_ASKED, 0)
    return Shadow(version=version, tally=tally, moves=_listed(moved, whose), faults=faults)


def _listed(moved: Sequence[Compared], whose: Mapping[UUID, Whose]) -> tuple[Move, ...]:
    return tuple(_as_move(one, whose[one.case.response_id]) for one in moved)


def _as_move(one: Compared, whose: Whose) -> Move:
    return Move(
        procedure_id=whose.procedure_id,
        name=whose.name,
        performed_on=whose.performed_on,
        before=one.before.tier,
        after=one.after.tier,
        because=one.because,
    )
