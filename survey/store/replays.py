"""What-ifs: how far each has come, what it adds up to, and which responses move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql as pg

from survey.domain.comparison import Compared, from_json
from survey.domain.errors import NotFound, Stale
from survey.domain.protocol import Tier
from survey.domain.replays import Replay, ReplayState
from survey.store.base import Row, identifier, instant, metadata
from survey.store.session import Tx

replay = sa.Table(
    "replay",
    metadata,
    identifier(primary_key=True),
    identifier("protocol_version_id", nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    instant("asked_at", nullable=False),
    identifier("asked_by", nullable=False),
    identifier("last_id"),
    sa.Column("judged", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("tally", pg.JSONB, nullable=False),
    instant("ended_at"),
    identifier("ended_by"),
    sa.Column("fault", sa.Text),
)

_ADD_MOVES = """
INSERT INTO replay_move (replay_id, response_id, before, after, because)
SELECT %(replay_id)s, one.response_id, one.before, one.after, ARRAY(SELECT jsonb_array_elements_text(one.because))
FROM jsonb_to_recordset(%(moves)s) AS one (response_id uuid, before text, after text, because jsonb)
"""

_MOVES = """
FROM replay_move m
JOIN response r ON r.id = m.response_id
JOIN invitation i ON i.id = r.invitation_id
JOIN procedure p ON p.id = i.procedure_id
JOIN patient n ON n.id = p.patient_id
WHERE m.replay_id = %(replay_id)s
  AND (%(before)s::text IS NULL OR m.before = %(before)s) AND (%(after)s::text IS NULL OR m.after = %(after)s)
"""

_PAGE_OF_MOVES = "".join(
    (
        """
SELECT i.procedure_id, concat_ws(' ', n.given_name, n.family_name) AS name, p.performed_on, m.before, m.after, m.because
""",
        _MOVES,
        "ORDER BY r.answered_at DESC, m.response_id LIMIT %(limit)s OFFSET %(offset)s",
    )
)

_COUNT_MOVES = "".join(("SELECT count(*) AS number", _MOVES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A response that the version judges otherwise, as a page lists it. `because` are the rules of the difference."""

    procedure_id: UUID
    name: str
    performed_on: date
    before: Tier
    after: Tier
    because: tuple[str, ...]


def insert(tx: Tx, new: Replay) -> None:
    """Add a what-if. Raises Conflict (`replay_one_at_a_time`) while another of its version runs."""
    tx.run(sa.insert(replay).values(**_values(new)))


def get(tx: Tx, replay_id: UUID) -> Replay:
    """That what-if. Raises NotFound."""
    return _one(tx, sa.select(replay).where(replay.c.id == replay_id))


def get_for_update(tx: Tx, replay_id: UUID) -> Replay:
    """That what-if, locked to the end of the transaction. Raises NotFound."""
    return _one(tx, sa.select(replay).where(replay.c.id == replay_id).with_for_update())


def claim(tx: Tx) -> Replay | None:
    """The oldest what-if that runs and that no other worker is at, locked to the end of the transaction."""
    running = sa.select(replay).where(replay.c.state == ReplayState.RUNNING).order_by(replay.c.asked_at)
    return _first(tx, running.with_for_update(skip_locked=True))


def newest(tx: Tx, version_id: UUID) -> Replay | None:
    """The what-if of a version that was asked for last, in whatever state."""
    return _first(tx, _of(version_id))


def newest_done(tx: Tx, version_id: UUID, sha256: str) -> Replay | None:
    """The newest finished what-if of that text of a version."""
    same = (replay.c.sha256 == sha256) & (replay.c.state == ReplayState.DONE)
    return _first(tx, _of(version_id).where(same))


def swap(tx: Tx, old: Replay, new: Replay) -> None:
    """Put `new` in the place of `old`. Raises Stale when it has moved on or ended in between."""
    same = (replay.c.id == old.id) & (replay.c.state == old.state) & (replay.c.judged == old.judged)
    if tx.run(sa.update(replay).where(same).values(**_values(new))).rowcount != 1:
        raise Stale("This what-if has changed meanwhile. Look at it again.")


def cancel_running(tx: Tx, version_id: UUID, *, now: datetime, by: UUID | None) -> int:
    """End whatever what-if of the version runs, and keep no moves of it; how many that were.

    A step that is under way is waited for.
    """
    same = (replay.c.protocol_version_id == version_id) & (replay.c.state == ReplayState.RUNNING)
    ended = {"state": ReplayState.CANCELLED, "ended_at": now, "ended_by": by}
    gone = tx.run(sa.update(replay).where(same).values(**ended).returning(replay.c.id)).scalars().all()
    for replay_id in gone:
        forget_moves(tx, replay_id)
    return len(gone)


def add_moves(tx: Tx, replay_id: UUID, moves: Sequence[Compared]) -> None:
    """Keep who moves and by which rules, in one statement; nothing of nobody."""
    rows = [
        {
            "response_id": str(one.case.response_id),
            "before": one.before.tier.value,
            "after": one.after.tier.value,
            "because": one.because or one.in_one_only,
        }
        for one in moves
    ]
    if rows:
        tx.change(_ADD_MOVES, {"replay_id": replay_id, "moves": Jsonb(rows)})


def forget_moves(tx: Tx, replay_id: UUID) -> None:
    """Keep nobody of a what-if that came to nothing."""
    tx.change("DELETE FROM replay_move WHERE replay_id = %(replay_id)s", {"replay_id": replay_id})


def moves(
    tx: Tx, replay_id: UUID, *, before: Tier | None, after: Tier | None, limit: int, offset: int
) -> tuple[Move, ...]:
    """Who moves from `before` to `after` (None: any), the newest answers first."""
    given = {"replay_id": replay_id, "before": before, "after": after, "limit": limit, "offset": offset}
    return tuple(_as_move(row) for row in tx.rows(_PAGE_OF_MOVES, given))


def count_moves(tx: Tx, replay_id: UUID, *, before: Tier | None, after: Tier | None) -> int:
    """How many `moves` has in all."""
    row = tx.fetch(_COUNT_MOVES, {"replay_id": replay_id, "before": before, "after": after})
    return int(row["number"]) if row else 0


def _of(version_id: UUID) -> sa.Select[Any]:
    return sa.select(replay).where(replay.c.protocol_version_id == version_id).order_by(replay.c.asked_at.desc())


def _first(tx: Tx, query: sa.Select[Any]) -> Replay | None:
    row = tx.run(query.limit(1)).mappings().one_or_none()
    return _as_replay(row) if row else None


def _one(tx: Tx, query: sa.Select[Any]) -> Replay:
    row = tx.run(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such what-if. It may have gone with its draft.")
    return _as_replay(row)


def _values(one: Replay) -> dict[str, Any]:
    values: dict[str, Any] = {column.name: getattr(one, column.name) for column in replay.c}
    return values | {"tally": one.tally.as_json()}


def _as_replay(row: sa.RowMapping) -> Replay:
    return Replay(**{**row, "state": ReplayState(row["state"]), "tally": from_json(row["tally"])})


def _as_move(row: Row) -> Move:
    return Move(
        **{
            **row,
            "before": Tier(row["before"]),
            "after": Tier(row["after"]),
            "because": tuple(row["because"]),
        }
    )
