"""Enrols the rows of confirmed files, some in each transaction: a stop in between loses none and repeats none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.accounts import SYSTEM, Actor, ActorKind
from survey.domain.errors import Conflict
from survey.domain.patients import AlreadyEnrolled, NotEnrollable, Problem
from survey.interop import procedure_cells
from survey.services import audit, enrolments, patients, previews
from survey.services.enrolments import Ground
from survey.store import imports as store
from survey.store import patients as patient_store
from survey.store.imports import Batch, BatchState, Row, RowState
from survey.store.session import Tx, transaction

TRIES = 3
CLASHED = Problem(column="", reason="The database did not accept this row. Enrol this patient by hand.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What confirming came to: rows enrolled, known before, and refused."""

    added: int
    known: int
    refused: int


Hold = Callable[[Tx, UUID], Batch | None]
"""Locks a file: waiting for whoever has it, or passing it over (None)."""


def enrol_some(import_id: UUID, *, size: int, hold: Hold, now: datetime) -> int:
    """Enrol the next rows; how many there were, 0 when none is left or somebody else is at work on the file.

    Raises what the protocol's pack, the site or the database object to.
    """
    try:
        return _enrol_next(import_id, size=size, hold=hold, now=now)
    except Conflict:
        # Somebody enrolled one of these patients in the same moment: alone, each of the others goes in.
        return sum(_enrol_alone(import_id, hold=hold, now=now) for _ in range(size))


def result(tx: Tx, import_id: UUID) -> Result:
    """What a file has come to so far."""
    counts = store.count(tx, import_id)
    added, known, refused = (counts.get(state, 0) for state in (RowState.IMPORTED, RowState.KNOWN, RowState.BAD))
    return Result(added=added, known=known, refused=refused)


def _enrol_alone(import_id: UUID, *, hold: Hold, now: datetime) -> int:
    """Enrol the next row by itself; the row that the database refuses each time is told, and holds nobody up."""
    with transaction() as tx:
        first = _next_line(tx, import_id)
    for _ in range(TRIES):
        try:
            return _enrol_next(import_id, size=1, hold=hold, now=now)
        except Conflict:
            continue
    with transaction() as tx:
        if first is None or hold(tx, import_id) is None or _next_line(tx, import_id) != first:
            return 0
        store.settle(tx, import_id, first, state=RowState.BAD, problems=(CLASHED,))
    return 1


def _next_line(tx: Tx, import_id: UUID) -> int | None:
    return next((row.line for row in store.next_rows(tx, import_id, limit=1)), None)


def _enrol_next(import_id: UUID, *, size: int, hold: Hold, now: datetime) -> int:
    """One transaction: the lock on the file, its next rows, and the end of the file when these were the last."""
    with transaction() as tx:
        batch = hold(tx, import_id)
        if batch is None or batch.state is not BatchState.CONFIRMED:
            return 0
        rows = store.next_rows(tx, import_id, limit=size)
        _enrol_rows(tx, batch, rows, now=now)
        if len(rows) < size:
            _finish(tx, batch, now=now)
    return len(rows)


def _enrol_rows(tx: Tx, batch: Batch, rows: tuple[Row, ...], *, now: datetime) -> None:
    if not rows:
        return
    # One import at a time: two that share patients would wait for each other.
    patient_store.hold_identity(tx, "import")
    ground = enrolments.ground(tx, batch.site_id, batch.protocol)
    for row in rows:
        _enrol_row(tx, batch, row, ground=ground, now=now)


def _enrol_row(tx: Tx, batch: Batch, row: Row, *, ground: Ground, now: datetime) -> None:
    try:
        enrolment = procedure_cells.enrolment(row.cells, pack=ground.pack)
        made = patients.enrol_in(tx, enrolment, ground=ground, by=_confirmer(batch), now=now, import_id=batch.id)
    except AlreadyEnrolled as known:
        store.settle(tx, batch.id, row.line, state=RowState.KNOWN, procedure_id=known.procedure_id)
    except NotEnrollable as faults:
        problems = previews.in_their_words(faults.problems, batch.header)
        store.settle(tx, batch.id, row.line, state=RowState.BAD, problems=problems)
    else:
        store.settle(tx, batch.id, row.line, state=RowState.IMPORTED, procedure_id=made.procedure_id)


def _confirmer(batch: Batch) -> Actor:
    """Whoever confirmed answers for each row, also when a worker enrols it."""
    return Actor(kind=ActorKind.USER, id=batch.confirmed_by) if batch.confirmed_by else SYSTEM


def _finish(tx: Tx, batch: Batch, *, now: datetime) -> None:
    ended = result(tx, batch.id)
    store.finish(tx, batch.id, added=ended.added, known=ended.known, refused=ended.refused, now=now)
    audit.record(
        tx,
        "import.finished",
        actor=_confirmer(batch),
        object_id=batch.id,
        now=now,
        added=ended.added,
        known=ended.known,
        refused=ended.refused,
    )
