"""What-if: a version held against every response so far, in parts that a worker takes up where the last one ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from uuid import UUID, uuid4

import structlog

from survey.domain import replays as rules
from survey.domain.accounts import SYSTEM, Actor
from survey.domain.comparison import Case, Compared, Tally, compare
from survey.domain.errors import Conflict, NotFound, Refused
from survey.domain.protocol import Protocol, Tier
from survey.domain.queues import Queue
from survey.domain.replays import Replay, ReplayState
from survey.domain.triage import FAULTS
from survey.domain.versions import Version
from survey.services import audit, protocols
from survey.store import cases
from survey.store import protocols as version_store
from survey.store import replays as store
from survey.store.replays import Move
from survey.store.session import Tx, transaction

log = structlog.get_logger()

STEP = 5000
"""Responses judged in one transaction, a third of a second: a stop loses no more, and nothing waits longer for it."""
LISTED = 50
"""Moves on a page."""

ENDED = {
    ReplayState.DONE: "replay.finished",
    ReplayState.CANCELLED: "replay.cancelled",
    ReplayState.FAILED: "replay.failed",
}
"""How the trail calls each end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """One page of those who move, of `total` in all."""

    total: int
    page: int
    found: tuple[Move, ...]

    @property
    def pages(self) -> int:
        """How many pages there are; one even for nobody."""
        return max(1, ceil(self.total / LISTED))


def start(version_id: UUID, *, by: Actor, now: datetime) -> Replay:
    """Let a worker hold the version against every response that was answered by `now`.

    A published or retired one is held against its own responses alone. Raises ProtocolError when the version cannot be
    read, and Refused while another what-if of it runs.
    """
    if by.id is None:
        raise Refused("A what-if is started by a person. Sign in to start one.")
    try:
        with transaction() as tx:
            version = version_store.get_for_update(tx, version_id)
            protocols.get(tx, version_id)
            total = cases.count(tx, _over(tx, version, asked_at=now), until=now)
            replay = rules.started(version, replay_id=uuid4(), total=total, by=by.id, now=now)
            store.insert(tx, replay)
            audit.record(tx, "replay.started", actor=by, object_id=replay.id, now=now, responses=total)
            tx.ring(Queue.MAINTENANCE)
    except Conflict as conflict:
        raise Refused("A what-if of this version is running. Wait for its result, or cancel it.") from conflict
    return replay


def cancel(replay_id: UUID, *, by: Actor, now: datetime) -> Replay:
    """End a what-if that runs; nothing of it is kept. One that is cancelled stays so. Raises Refused, NotFound."""
    with transaction() as tx:
        old = store.get_for_update(tx, replay_id)
        if old.state is ReplayState.CANCELLED:
            return old
        new = rules.cancelled(old, by=by.id, now=now)
        store.swap(tx, old, new)
        _tell(tx, new, by=by, now=now)
    return new


def get(replay_id: UUID) -> tuple[Replay, Version]:
    """A what-if, and the version that it is of. Raises NotFound."""
    with transaction() as tx:
        replay = store.get(tx, replay_id)
        return replay, version_store.get(tx, replay.protocol_version_id)


def latest(tx: Tx, version_id: UUID, sha256: str) -> Replay | None:
    """The newest finished what-if of that text of a version."""
    return store.newest_done(tx, version_id, sha256)


def shown(version_id: UUID) -> Replay | None:
    """The what-if of a version that was asked for last, in whatever state, and perhaps of an older text."""
    with transaction() as tx:
        return store.newest(tx, version_id)


def moves(replay_id: UUID, *, before: Tier | None = None, after: Tier | None = None, page: int = 1) -> Moves:
    """Who moves from `before` to `after` (None: any), the newest answers first; the last page beyond the end.

    In a replay of a version over its own scores also those whose rules alone differ.
    """
    with transaction() as tx:
        total = store.count_moves(tx, replay_id, before=before, after=after)
        page = max(1, min(page, ceil(total / LISTED)))
        between = {"before": before, "after": after}
        found = store.moves(tx, replay_id, **between, limit=LISTED, offset=(page - 1) * LISTED)
    return Moves(total=total, page=page, found=found)


def replay_due(*, now: datetime, limit: int = STEP) -> int:
    """Judge the next part of a what-if that runs; how much was done, 0 when none runs that nobody else is at.

    Cursor, counts and moves are committed together: a worker that dies loses a part, and nothing is counted twice.
    """
    with transaction() as tx:
        old = store.claim(tx)
        if old is None:
            return 0
        version = version_store.get(tx, old.protocol_version_id)
        over = _over(tx, version, asked_at=old.asked_at)
        found = cases.stored(tx, over, until=old.asked_at, after=old.last_id, limit=limit, sha256=old.sha256)
        part = _judged(tx, old, version, found)
        _keep(tx, old, _after(old, part, is_last=part.read < limit, now=now), part.moves, now=now)
    return max(1, part.read)


@dataclass(slots=True, kw_only=True)
class _Part:
    """How many responses were judged and up to which, those of them who are listed, and why it ended before its end."""

    read: int = 0
    last_id: UUID | None
    moves: list[Compared] = field(default_factory=list)
    fault: str | None = None


def _judged(tx: Tx, replay: Replay, version: Version, found: Iterator[Case]) -> _Part:
    """Judge them, and count them in the tally, which was read for this part alone."""
    part, itself = _Part(last_id=replay.last_id), rules.is_of_itself(version, asked_at=replay.asked_at)
    try:
        pack = protocols.get(tx, version.id)
        for case in found:
            part.read += 1
            part.last_id = case.response_id
            one = _counted(pack, case, replay.tally)
            if one is not None and (one.differs if itself else one.moves):
                part.moves.append(one)
    except FAULTS as fault:
        log.error("replay.impossible", replay=str(replay.id), error=type(fault).__name__)
        at = f" at response {part.last_id}" if part.read else ""
        part.fault = f"{type(fault).__name__}{at}"
    return part


def _counted(pack: Protocol, case: Case, tally: Tally) -> Compared | None:
    """The response under both versions; None for one whose contact the pack does not know, which is left out."""
    try:
        one = compare(pack, case)
    except NotFound:
        tally.left_out += 1
        return None
    tally.add(one)
    return one


def _after(old: Replay, part: _Part, *, is_last: bool, now: datetime) -> Replay:
    if part.fault:
        return rules.failed(old, part.fault, now=now)
    new = rules.advanced(old, last_id=part.last_id, read=part.read, tally=old.tally)
    return rules.done(new, now=now) if is_last else new


def _keep(tx: Tx, old: Replay, new: Replay, moves: Sequence[Compared], *, now: datetime) -> None:
    store.swap(tx, old, new)
    store.add_moves(tx, new.id, moves)
    if not new.is_running:
        _tell(tx, new, by=SYSTEM, now=now)


def _tell(tx: Tx, ended: Replay, *, by: Actor, now: datetime) -> None:
    """Leave a line in the trail; of one that came to nothing, nothing else."""
    if ended.state is not ReplayState.DONE:
        store.forget_moves(tx, ended.id)
    audit.record(tx, ENDED[ended.state], actor=by, object_id=ended.id, now=now, responses=ended.judged)


def _over(tx: Tx, version: Version, *, asked_at: datetime) -> tuple[UUID, ...]:
    """The versions whose responses count: its own alone for one that is in force, else all of the protocol."""
    if rules.is_of_itself(version, asked_at=asked_at):
        return (version.id,)
    return version_store.ids_of(tx, version.slug)
