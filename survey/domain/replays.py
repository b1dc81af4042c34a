"""The life of a what-if: a version is held against every response so far, in parts, until it is done or given up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.comparison import Tally
from survey.domain.errors import Refused
from survey.domain.versions import Version


class ReplayState(StrEnum):
    """Where a what-if stands. Only one that is done says anything about the version."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The version could not judge a response at all."""


_S = ReplayState

MOVES: Mapping[ReplayState, frozenset[ReplayState]] = {
    _S.RUNNING: frozenset({_S.DONE, _S.CANCELLED, _S.FAILED}),
    _S.DONE: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.FAILED: frozenset(),
}
"""What may follow what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One what-if of one text (`sha256`) over the responses that were answered by `asked_at`.

    `judged` counts the responses read so far, those left out among them, of about `total`: an answer that is changed
    meanwhile takes its response out of the count. `last_id` is the last of them, in the order of ids. `ended_by` is
    whoever cancelled it; `fault` names the kind of error and the response, where there is one.
    """

    id: UUID
    protocol_version_id: UUID
    sha256: str
    state: ReplayState
    asked_at: datetime
    asked_by: UUID
    total: int
    last_id: UUID | None = None
    judged: int = 0
    tally: Tally
    ended_at: datetime | None = None
    ended_by: UUID | None = None
    fault: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is more to judge."""
        return self.state is _S.RUNNING


def started(version: Version, *, replay_id: UUID, total: int, by: UUID, now: datetime) -> Replay:
    """A what-if of the version as its text stands now, over `total` responses."""
    return Replay(
        id=replay_id,
        protocol_version_id=version.id,
        sha256=version.sha256,
        state=_S.RUNNING,
        asked_at=now,
        asked_by=by,
        total=total,
        tally=Tally(),
    )


def advanced(replay: Replay, *, last_id: UUID | None, read: int, tally: Tally) -> Replay:
    """The what-if after `read` more responses, the last of them `last_id`; `tally` is of all so far."""
    return replace(replay, last_id=last_id, judged=replay.judged + read, tally=tally)


def done(replay: Replay, *, now: datetime) -> Replay:
    """The what-if with nothing left to judge."""
    return replace(moved(replay, _S.DONE), ended_at=now)


def cancelled(replay: Replay, *, by: UUID | None, now: datetime) -> Replay:
    """The what-if that nobody waits for any more. Raises Refused when it has ended."""
    return replace(moved(replay, _S.CANCELLED), ended_at=now, ended_by=by)


def failed(replay: Replay, fault: str, *, now: datetime) -> Replay:
    """The what-if of a version that cannot judge a response."""
    return replace(moved(replay, _S.FAILED), ended_at=now, fault=fault)


def moved(replay: Replay, to: ReplayState) -> Replay:
    """The what-if in state `to`. Raises Refused when `MOVES` has no such move."""
    if to not in MOVES[replay.state]:
        raise Refused(f"This what-if is {replay.state} already.")
    return replace(replay, state=to)


def is_of_itself(version: Version, *, asked_at: datetime) -> bool:
    """Whether a what-if started at that moment holds a version against the scores that it made itself.

    So it is once patients are asked with it: nothing may differ then. One started before is over the versions before.
    """
    return version.published_at is not None and asked_at >= version.published_at
