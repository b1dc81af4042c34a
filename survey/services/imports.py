"""CSV imports: read a file, show what each row would do, enrol the good rows, forget the rest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from survey.domain.accounts import SYSTEM, Actor
from survey.domain.errors import DomainError, Refused
from survey.domain.invitations import Plan
from survey.domain.patients import ContactKind, Problem
from survey.domain.queues import Queue
from survey.interop import csv_procedures
from survey.services import audit, enrolments, intake, previews
from survey.services.intake import Result
from survey.store import imports as store
from survey.store.imports import WAITING, Batch, BatchState, Row, RowState
from survey.store.session import DatabaseError, transaction

MAX_BYTES = csv_procedures.MAX_BYTES
AT_ONCE = 25
"""Rows enrolled in one transaction; a stop in between loses none and repeats none."""
SMALL = 100
"""Up to so many rows (some two seconds) are enrolled while the page waits: the usual day of a clinic."""
KEPT_FOR = timedelta(days=7)
"""A preview that nobody confirmed is forgotten after this."""
DATES_NOTE = "Dates with slashes are read as month/day/year."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A file and what its rows would do, or did. `header` is our column → the file's column."""

    id: UUID
    site_id: UUID
    protocol: str
    state: BatchState
    made_at: datetime
    header: Mapping[str, str]
    ignored: tuple[str, ...]
    rows: tuple["PreviewRow", ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> Mapping[RowState, int]:
        """How many rows stand in each state; every state is there."""
        states = [row.state for row in self.rows]
        return {state: states.count(state) for state in RowState}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """One row. `problems` name the file's own columns; `name` is empty once the row's cells are purged."""

    line: int
    state: RowState
    name: str
    plan: Plan | None
    problems: tuple[Problem, ...]
    procedure_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A file that a worker imports: rows enrolled so far, of how many."""

    added: int
    total: int


def preview(content: bytes, *, site_id: UUID, protocol: str, by: Actor, now: datetime) -> Preview:
    """Read a file and keep what each row would do; nobody is enrolled. Raises Refused when the file cannot be used."""
    with transaction() as tx:
        ground = enrolments.ground(tx, site_id, protocol)
        sheet = csv_procedures.read(content, pack=ground.pack)
        batch = Batch(
            id=uuid4(),
            site_id=site_id,
            protocol=protocol,
            file_sha256=hashlib.sha256(content).hexdigest(),
            state=BatchState.PREVIEWED,
            made_at=now,
            made_by=by.id,
            header=sheet.header,
            ignored=sheet.ignored,
        )
        rows = previews.read(tx, sheet.lines, ground=ground, header=sheet.header, now=now)
        store.insert(tx, batch, rows)
        audit.record(tx, "import.previewed", actor=by, object_id=batch.id, now=now, rows=len(rows))
    return _preview(batch, rows)


def get(import_id: UUID) -> Preview:
    """A file as it was previewed or imported. Raises NotFound."""
    with transaction() as tx:
        return _preview(store.get(tx, import_id), store.rows(tx, import_id))


def begin(import_id: UUID, *, by: Actor, now: datetime) -> Result | None:
    """Confirm a preview: up to a hundred rows are enrolled at once, a larger file by a worker (None: it runs).

    Raises NotFound, and Refused when the preview was discarded.
    """
    if _confirm(import_id, by=by, now=now, at_once=SMALL) > SMALL:
        return None
    return _enrol_all(import_id, now=now)


def confirm(import_id: UUID, *, by: Actor, now: datetime) -> Result:
    """Confirm a preview and enrol the good rows before this returns, however many there are.

    After a stop half-way a worker goes on, or call it again: what was enrolled stays, and nothing is added twice.
    Raises NotFound, and Refused when the preview was discarded.
    """
    _confirm(import_id, by=by, now=now)
    return _enrol_all(import_id, now=now)


def import_due(*, now: datetime, limit: int = AT_ONCE) -> int:
    """Enrol the next rows of a confirmed file, at most `limit`; how many, 0 when nothing is left to do here.

    Safe to call from many processes at once. Raises what stands in the way of a file once every other had its turn.
    """
    with transaction() as tx:
        waiting = store.confirmed(tx)
    hindrance: DomainError | DatabaseError | None = None
    for import_id in waiting:
        try:
            if done := intake.enrol_some(import_id, size=limit, hold=store.claim, now=now):
                return done
        except (DomainError, DatabaseError) as error:
            hindrance = error
    if hindrance:
        raise hindrance
    return 0


def progress(import_id: UUID) -> Progress | None:
    """How far a confirmed file has come; None when nothing runs. Raises NotFound."""
    with transaction() as tx:
        if store.get(tx, import_id).state is not BatchState.CONFIRMED:
            return None
        counts = store.count(tx, import_id)
    added = counts.get(RowState.IMPORTED, 0)
    return Progress(added=added, total=added + sum(counts.get(state, 0) for state in WAITING))


def discard(import_id: UUID, *, by: Actor, now: datetime) -> None:
    """Forget a previewed file. Raises NotFound, and Refused when it was confirmed."""
    with transaction() as tx:
        batch = store.get_for_update(tx, import_id)
        if batch.state is BatchState.CONFIRMED:
            raise Refused("This file is being imported. Close its surveys one by one if they should not go out.")
        if batch.state is BatchState.IMPORTED:
            raise Refused("This file is imported. Close its surveys one by one if they should not go out.")
        store.discard(tx, import_id, now=now)
        audit.record(tx, "import.discarded", actor=by, object_id=import_id, now=now)


def forget_old(*, now: datetime, limit: int = 20) -> int:
    """Discard previews that nobody confirmed within a week; how many, 0 when nothing is left."""
    with transaction() as tx:
        stale = store.stale(tx, before=now - KEPT_FOR, limit=limit)
        for import_id in stale:
            store.discard(tx, import_id, now=now)
            audit.record(tx, "import.discarded", actor=SYSTEM, object_id=import_id, now=now)
    return len(stale)


def _confirm(import_id: UUID, *, by: Actor, now: datetime, at_once: int | None = None) -> int:
    """Let the rows of a previewed file be enrolled; how many are to be. Above `at_once` a worker is called."""
    with transaction() as tx:
        batch = store.get_for_update(tx, import_id)
        if batch.state is BatchState.DISCARDED:
            raise Refused("This import was discarded. Upload the file again.")
        counts = store.count(tx, import_id)
        waiting = sum(counts.get(state, 0) for state in WAITING)
        if batch.state is BatchState.PREVIEWED:
            store.confirm(tx, import_id, by=by.id, now=now)
            audit.record(tx, "import.confirmed", actor=by, object_id=import_id, now=now, rows=waiting)
        if at_once is not None and waiting > at_once:
            tx.ring(Queue.MAINTENANCE)
    return waiting


def _enrol_all(import_id: UUID, *, now: datetime) -> Result:
    """Enrol what is left of a confirmed file, beside any worker that does the same."""
    while intake.enrol_some(import_id, size=AT_ONCE, hold=store.get_for_update, now=now):
        pass
    with transaction() as tx:
        return intake.result(tx, import_id)


def _preview(batch: Batch, rows: tuple[Row, ...]) -> Preview:
    slashes = any("/" in row.cells.get(name, "") for row in rows for name in ("born_on", "performed_on"))
    return Preview(
        id=batch.id,
        site_id=batch.site_id,
        protocol=batch.protocol,
        state=batch.state,
        made_at=batch.made_at,
        header=batch.header,
        ignored=batch.ignored,
        rows=tuple(_preview_row(row) for row in rows),
        notes=(DATES_NOTE,) if slashes else (),
    )


def _preview_row(row: Row) -> PreviewRow:
    return PreviewRow(
        line=row.line,
        state=row.state,
        name=" ".join(filter(None, (row.cells.get("given_name"), row.cells.get("family_name")))),
        plan=_plan(row.plan) if row.plan else None,
        problems=row.problems,
        procedure_id=row.procedure_id,
    )


def _plan(kept: Mapping[str, Any]) -> Plan:
    return Plan(
        due_at=datetime.fromisoformat(kept["due_at"]),
        channel=ContactKind(kept["channel"]) if kept["channel"] else None,
        blocked=kept["blocked"],
        late=kept["late"],
        notes=tuple(kept["notes"]),
    )
