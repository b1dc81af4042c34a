"""Imported files: each with its rows, from the preview to the enrolled procedures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.errors import NotFound
from survey.domain.patients import Problem
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx


class BatchState(StrEnum):
    """How far an imported file has come."""

    PREVIEWED = "previewed"
    CONFIRMED = "confirmed"
    """Its rows are being enrolled, or wait for that."""
    IMPORTED = "imported"
    DISCARDED = "discarded"


class RowState(StrEnum):
    """What one row of the file is good for."""

    READY = "ready"
    BLOCKED = "blocked"
    """Enrolled all the same, but there is no way to send the link: somebody has to call."""
    KNOWN = "known"
    """Enrolled before, or named twice in this file."""
    BAD = "bad"
    IMPORTED = "imported"


WAITING = (RowState.READY, RowState.BLOCKED)
"""What a row is before it is enrolled."""

import_batch = sa.Table(
    "import_batch",
    metadata,
    identifier(primary_key=True),
    identifier("site_id", nullable=False),
    sa.Column("protocol", sa.Text, nullable=False),
    sa.Column("file_sha256", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    instant("made_at", nullable=False),
    identifier("made_by"),
    instant("confirmed_at"),
    identifier("confirmed_by"),
    instant("finished_at"),
    sa.Column("header", pg.JSONB, nullable=False),
    sa.Column("ignored", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("added", sa.Integer),
    sa.Column("known", sa.Integer),
    sa.Column("refused", sa.Integer),
)

import_row = sa.Table(
    "import_row",
    metadata,
    identifier("import_id", primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cells", pg.JSONB, nullable=False),
    sa.Column("problems", pg.JSONB, nullable=False),
    sa.Column("plan", pg.JSONB, nullable=False),
    identifier("procedure_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One file. `header` is our column → the file's; the three counts are None until it is imported."""

    id: UUID
    site_id: UUID
    protocol: str
    file_sha256: str
    state: BatchState
    made_at: datetime
    made_by: UUID | None
    header: Mapping[str, str]
    ignored: tuple[str, ...]
    confirmed_at: datetime | None = None
    confirmed_by: UUID | None = None
    added: int | None = None
    known: int | None = None
    refused: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a file. `plan` holds plain values; `cells` are purged once the row is imported."""

    line: int
    state: RowState
    cells: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    plan: Mapping[str, Any]
    procedure_id: UUID | None = None


_BATCH = [column for column in import_batch.c if column.name != "finished_at"]


def insert(tx: Tx, new: Batch, rows: Sequence[Row]) -> None:
    """Add a file with its rows."""
    values = {column.name: getattr(new, column.name) for column in _BATCH}
    tx.run(sa.insert(import_batch).values(**values | {"header": dict(new.header), "ignored": list(new.ignored)}))
    tx.run(sa.insert(import_row), [_row_values(new.id, row) for row in rows])


def get(tx: Tx, import_id: UUID) -> Batch:
    """That file. Raises NotFound."""
    return _one(tx, sa.select(*_BATCH).where(import_batch.c.id == import_id))


def get_for_update(tx: Tx, import_id: UUID) -> Batch:
    """That file, locked to the end of the transaction. Raises NotFound."""
    return _one(tx, sa.select(*_BATCH).where(import_batch.c.id == import_id).with_for_update())


def rows(tx: Tx, import_id: UUID) -> tuple[Row, ...]:
    """All rows of a file, in its order."""
    query = sa.select(import_row).where(import_row.c.import_id == import_id).order_by(import_row.c.line)
    return tuple(_as_row(row) for row in tx.run(query).mappings())


def claim(tx: Tx, import_id: UUID) -> Batch | None:
    """That file, locked to the end of the transaction; None when somebody else is at work on it."""
    query = sa.select(*_BATCH).where(import_batch.c.id == import_id).with_for_update(skip_locked=True)
    row = tx.run(query).mappings().one_or_none()
    return _as_batch(row) if row else None


def confirmed(tx: Tx) -> tuple[UUID, ...]:
    """Files whose rows are still to be enrolled, the oldest first."""
    query = sa.select(import_batch.c.id).where(import_batch.c.state == BatchState.CONFIRMED)
    return tuple(tx.run(query.order_by(import_batch.c.confirmed_at)).scalars())


def confirmed_before(tx: Tx, moment: datetime) -> int:
    """How many files were confirmed before that and still wait."""
    old = (import_batch.c.state == BatchState.CONFIRMED) & (import_batch.c.confirmed_at < moment)
    return int(tx.run(sa.select(sa.func.count()).select_from(import_batch).where(old)).scalar_one())


def next_rows(tx: Tx, import_id: UUID, *, limit: int) -> tuple[Row, ...]:
    """Rows that are still to be enrolled, at most `limit`, in the file's order. The lock on the file guards them."""
    waiting = (import_row.c.import_id == import_id) & import_row.c.state.in_(WAITING)
    query = sa.select(import_row).where(waiting).order_by(import_row.c.line).limit(limit)
    return tuple(_as_row(row) for row in tx.run(query).mappings())


def settle(
    tx: Tx,
    import_id: UUID,
    line: int,
    *,
    state: RowState,
    procedure_id: UUID | None = None,
    problems: tuple[Problem, ...] = (),
) -> None:
    """How a row ended; its cells go unless somebody still has to mend them."""
    values: dict[str, Any] = {"state": state, "procedure_id": procedure_id, "problems": _plain(problems)}
    if state is not RowState.BAD:
        values["cells"] = {}
    same = (import_row.c.import_id == import_id) & (import_row.c.line == line)
    tx.run(sa.update(import_row).where(same).values(**values))


def count(tx: Tx, import_id: UUID) -> dict[RowState, int]:
    """How many rows stand in each state."""
    query = sa.select(import_row.c.state, sa.func.count().label("rows")).where(import_row.c.import_id == import_id)
    return {RowState(row["state"]): row["rows"] for row in tx.run(query.group_by(import_row.c.state)).mappings()}


def confirm(tx: Tx, import_id: UUID, *, by: UUID | None, now: datetime) -> None:
    """From now on the rows of a previewed file are to be enrolled."""
    agreed = {"state": BatchState.CONFIRMED, "confirmed_at": now, "confirmed_by": by}
    tx.run(sa.update(import_batch).where(import_batch.c.id == import_id).values(**agreed))


def finish(tx: Tx, import_id: UUID, *, added: int, known: int, refused: int, now: datetime) -> None:
    """Mark a file imported, with its counts; the cells of known rows go as well."""
    done = {"state": BatchState.IMPORTED, "finished_at": now, "added": added, "known": known, "refused": refused}
    tx.run(sa.update(import_batch).where(import_batch.c.id == import_id).values(**done))
    kept = (import_row.c.import_id == import_id) & (import_row.c.state == RowState.KNOWN)
    tx.run(sa.update(import_row).where(kept).values(cells={}))


def discard(tx: Tx, import_id: UUID, *, now: datetime) -> None:
    """Forget the rows of a file; that it was looked at stays on record."""
    gone = {"state": BatchState.DISCARDED, "finished_at": now}
    tx.run(sa.update(import_batch).where(import_batch.c.id == import_id).values(**gone))
    tx.run(sa.delete(import_row).where(import_row.c.import_id == import_id))


def stale(tx: Tx, *, before: datetime, limit: int) -> tuple[UUID, ...]:
    """Files that were looked at before that instant and never imported."""
    old = (import_batch.c.state == BatchState.PREVIEWED) & (import_batch.c.made_at < before)
    query = sa.select(import_batch.c.id).where(old).limit(limit).with_for_update(skip_locked=True)
    return tuple(tx.run(query).scalars())


def _one(tx: Tx, query: sa.Select[Any]) -> Batch:
    row = tx.run(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such import.")
    return _as_batch(row)


def _as_batch(row: sa.RowMapping) -> Batch:
    return Batch(**{**row, "state": BatchState(row["state"]), "ignored": tuple(row["ignored"])})


def _row_values(import_id: UUID, row: Row) -> dict[str, Any]:
    return {
        "import_id": import_id,
        "line": row.line,
        "state": row.state,
        "cells": dict(row.cells),
        "problems": _plain(row.problems),
        "plan": dict(row.plan),
        "procedure_id": row.procedure_id,
    }


def _plain(problems: tuple[Problem, ...]) -> list[dict[str, str]]:
    return [{"column": one.column, "reason": one.reason} for one in problems]


def _as_row(row: sa.RowMapping) -> Row:
    return Row(
        line=row["line"],
        state=RowState(row["state"]),
        cells=row["cells"],
        problems=tuple(Problem(**one) for one in row["problems"]),
        plan=row["plan"],
        procedure_id=row["procedure_id"],
    )
