"""What each row of a file would do: read one after the other, with nobody enrolled."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from survey.domain.invitations import Plan
from survey.domain.patients import AlreadyEnrolled, ContactKind, Enrolment, NotEnrollable, Problem
from survey.domain.protocol import Protocol
from survey.interop import procedure_cells
from survey.interop.csv_procedures import Line
from survey.services import patients
from survey.services.patients import Checked, Ground
from survey.store.imports import Row, RowState
from survey.store.session import Tx


class Reader:
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
            problems=in_their_words(problems, self._header),
            plan=plan or {},
            procedure_id=procedure_id,
        )


def in_their_words(problems: tuple[Problem, ...], header: Mapping[str, str]) -> tuple[Problem, ...]:
    """The problems under the names that the file gives its columns."""
    return tuple(replace(one, column=header.get(one.column, one.column)) for one in problems)


def _read(line: Line, pack: Protocol) -> Enrolment:
    """The enrolment of a row. Raises NotEnrollable with the faults of its cells."""
    if line.problems:
        raise NotEnrollable(line.problems)
    return procedure_cells.enrolment(line.cells, pack=pack)


def _key(enrolment: Enrolment) -> tuple[object, ...]:
    return (enrolment.mrn or enrolment.identity, enrolment.performed_on)


def _plain(plan: Plan) -> Mapping[str, Any]:
    return {
        "due_at": plan.due_at.isoformat(),
        "channel": plan.channel,
        "blocked": plan.blocked,
        "late": plan.late,
        "notes": list(plan.notes),
    }
