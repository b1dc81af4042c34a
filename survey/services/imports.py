"""CSV imports: read a file, show what each row would do, enrol the good rows, forget the rest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from survey.domain.accounts import SYSTEM, Actor
from survey.domain.errors import Conflict, Refused, Stale
from survey.domain.invitations import Plan
from survey.domain.patients import AlreadyEnrolled, ContactKind, Enrolment, NotEnrollable, Problem
from survey.domain.protocol import Protocol
from survey.interop import csv_procedures, procedure_cells
from survey.interop.csv_procedures import Line
from survey.services import audit, patients
from survey.services.patients import Checked, Ground
from survey.store import imports as store
from survey.store import patients as patient_store
from survey.store.imports import Batch, BatchState, Row, RowState
from survey.store.session import Tx, transaction

MAX_BYTES = csv_procedures.MAX_BYTES
AT_ONCE = 50
"""Rows enrolled in one transaction; a stop in between loses none and repeats none."""
MOST_CLASHES = 3
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
class Result:
    """What confirming came to: rows enrolled, known before, and refused."""

    added: int
    known: int
    refused: int


def preview(content: bytes, *, site_id: UUID, protocol: str, by: Actor, now: datetime) -> Preview:
    """Read a file and keep what each row would do; nobody is enrolled. Raises Refused when the file cannot be used."""
    with transaction() as tx:
        ground = patients.ground(tx, site_id, protocol)
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
        reader = _Reader(ground=ground, header=sheet.header, now=now)
        rows = tuple(reader.row(tx, line) for line in sheet.lines)
        store.insert(tx, batch, rows)
        audit.record(tx, "import.previewed", actor=by, object_id=batch.id, now=now, rows=len(rows))
    return _preview(batch, rows)


def get(import_id: UUID) -> Preview:
    """A file as it was previewed or imported. Raises NotFound."""
    with transaction() as tx:
        return _preview(store.get(tx, import_id), store.rows(tx, import_id))


def confirm(import_id: UUID, *, by: Actor, now: datetime) -> Result:
    """Enrol the good rows. After a stop half-way, call it again: what was enrolled stays, and nothing is added twice.

    Raises NotFound, and Refused when the preview was discarded.
    """
    with transaction() as tx:
        batch = store.get(tx, import_id)
    if batch.state is BatchState.DISCARDED:
        raise Refused("This import was discarded. Upload the file again.")
    clashes, size = 0, AT_ONCE
    while batch.state is BatchState.PREVIEWED:
        try:
            if not _enrol_some(batch, size=size, by=by, now=now):
                break
        except Conflict as conflict:
            # Somebody enrolled one of these patients in the same moment: go on row by row, which finds that one.
            clashes, size = clashes + 1, 1
            if clashes > MOST_CLASHES:
                raise Stale("Others are enrolling the same patients. Confirm again in a moment.") from conflict
    return _finish(import_id, by=by, now=now)


def discard(import_id: UUID, *, by: Actor, now: datetime) -> None:
    """Forget a previewed file. Raises NotFound, and Refused when it was imported."""
    with transaction() as tx:
        batch = store.get_for_update(tx, import_id)
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


class _Reader:
    """Reads the rows of one file one after the other, and remembers whom it has met."""

    def __init__(self, *, ground: Ground, header: Mapping[str, str], now: datetime) -> None:
        self._ground, self._header, self._now = ground, header, now
        self._lines: dict[tuple[object, ...], int] = {}
        self._numbers: dict[str, tuple[int, object]] = {}

    def row(self, tx: Tx, line: Line) -> Row:
        """What the row would do."""
        try:
            enrolment = _read(line, self._ground.pack)
            plan, checked = patients.preview(tx, enrolment, ground=self._ground, now=self._now)
        except AlreadyEnrolled as known:
            return self._made(line, RowState.KNOWN, procedure_id=known.procedure_id)
        except NotEnrollable as faults:
            return self._made(line, RowState.BAD, problems=faults.problems)
        twin = self._lines.setdefault(_key(checked.enrolment), line.number)
        if twin != line.number:
            reason = f"The same patient and day as line {twin}."
            return self._made(line, RowState.KNOWN, problems=(Problem(column="", reason=reason),))
        plan = replace(plan, notes=self._notes(plan, checked, line.number))
        return self._made(line, RowState.BLOCKED if plan.blocked else RowState.READY, plan=_plain(plan))

    def _notes(self, plan: Plan, checked: Checked, line: int) -> tuple[str, ...]:
        """The plan's notes, and one for a number that another patient of this file has as well."""
        notes = list(plan.notes)
        for way in checked.ways:
            if way.kind is not ContactKind.SMS:
                continue
            first, person = self._numbers.setdefault(way.address, (line, checked.enrolment.identity))
            if person != checked.enrolment.identity:
                notes.append(f"Line {first} has the same number for another patient. Each gets a link of their own.")
        return tuple(notes)

    def _made(
        self,
        line: Line,
        state: RowState,
        *,
        problems: tuple[Problem, ...] = (),
        plan: Mapping[str, Any] | None = None,
        procedure_id: UUID | None = None,
    ) -> Row:
        return Row(
            line=line.number,
            state=state,
            cells=line.cells,
            problems=_in_their_words(problems, self._header),
            plan=plan or {},
            procedure_id=procedure_id,
        )


def _read(line: Line, pack: Protocol) -> Enrolment:
    """The enrolment of a row. Raises NotEnrollable with the faults of its cells."""
    if line.problems:
        raise NotEnrollable(line.problems)
    return procedure_cells.enrolment(line.cells, pack=pack)


def _key(enrolment: Enrolment) -> tuple[object, ...]:
    return (enrolment.mrn or enrolment.identity, enrolment.performed_on)


def _in_their_words(problems: tuple[Problem, ...], header: Mapping[str, str]) -> tuple[Problem, ...]:
    """The problems under the names that the file gives its columns."""
    return tuple(replace(one, column=header.get(one.column, one.column)) for one in problems)


def _enrol_some(batch: Batch, *, size: int, by: Actor, now: datetime) -> int:
    """Enrol the next rows in one transaction; how many there were."""
    with transaction() as tx:
        # One import at a time: two that share patients would wait for each other.
        patient_store.hold_identity(tx, "import")
        ground = patients.ground(tx, batch.site_id, batch.protocol)
        rows = store.next_rows(tx, batch.id, limit=size)
        for row in rows:
            _enrol_row(tx, batch, row, ground=ground, by=by, now=now)
    return len(rows)


def _enrol_row(tx: Tx, batch: Batch, row: Row, *, ground: Ground, by: Actor, now: datetime) -> None:
    try:
        enrolment = procedure_cells.enrolment(row.cells, pack=ground.pack)
        made = patients.enrol_in(tx, enrolment, ground=ground, by=by, now=now, import_id=batch.id)
    except AlreadyEnrolled as known:
        store.settle(tx, batch.id, row.line, state=RowState.KNOWN, procedure_id=known.procedure_id)
    except NotEnrollable as faults:
        problems = _in_their_words(faults.problems, batch.header)
        store.settle(tx, batch.id, row.line, state=RowState.BAD, problems=problems)
    else:
        store.settle(tx, batch.id, row.line, state=RowState.IMPORTED, procedure_id=made.procedure_id)


def _finish(import_id: UUID, *, by: Actor, now: datetime) -> Result:
    with transaction() as tx:
        batch, counts = store.get_for_update(tx, import_id), store.count(tx, import_id)
        added, known, refused = (counts.get(state, 0) for state in (RowState.IMPORTED, RowState.KNOWN, RowState.BAD))
        if batch.state is BatchState.PREVIEWED:
            store.finish(tx, import_id, added=added, known=known, refused=refused, now=now)
            audit.record(tx, "import.confirmed", actor=by, object_id=import_id, now=now, added=added, known=known)
    return Result(added=added, known=known, refused=refused)


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


def _plain(plan: Plan) -> Mapping[str, Any]:
    return {
        "due_at": plan.due_at.isoformat(),
        "channel": plan.channel,
        "blocked": plan.blocked,
        "late": plan.late,
        "notes": list(plan.notes),
    }


def _plan(kept: Mapping[str, Any]) -> Plan:
    return Plan(
        due_at=datetime.fromisoformat(kept["due_at"]),
        channel=ContactKind(kept["channel"]) if kept["channel"] else None,
        blocked=kept["blocked"],
        late=kept["late"],
        notes=tuple(kept["notes"]),
    )
