"""What enrolling would do, with nobody enrolled: for one form, or for all rows of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import invitations as invitation_rules
from survey.domain.errors import Refused
from survey.domain.invitations import Plan
from survey.domain.patients import AlreadyEnrolled, Contact, ContactKind, Enrolment, NotEnrollable, Patient, Problem
from survey.domain.protocol import Protocol
from survey.domain.sites import Site
from survey.interop import procedure_cells
from survey.interop.csv_procedures import Line
from survey.services import enrolments, patients
from survey.services.enrolments import Checked, Ground
from survey.services.patients import Records
from survey.store import contacts as contact_store
from survey.store.imports import Row, RowState
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """An enrolment that can be made, and what it would plan."""

    checked: Checked
    plan: Plan


def plan(enrolment: Enrolment, *, site: Site, protocol: str, now: datetime) -> Plan:
    """What `patients.enrol` would plan. Raises NotEnrollable or AlreadyEnrolled as it does."""
    with transaction() as tx:
        ground = enrolments.ground(tx, site.id, protocol)
        (found,) = foresee(tx, [enrolments.check(enrolment, ground=ground, now=now)], ground=ground, now=now)
    if isinstance(found, Refused):
        raise found
    return found.plan


def foresee(tx: Tx, some: Sequence[Checked], *, ground: Ground, now: datetime) -> list[Foreseen | Refused]:
    """What each of these enrolments would come to by itself, in five queries however many they are."""
    some = enrolments.heed(tx, some)
    records = patients.records(tx, [one.enrolment for one in some], ground=ground)
    known = {patient.id for held in records for patient in held.candidates}
    contacts, owners = contact_store.of_patients(tx, known), patients.owners(tx, some)

    def look(one: Checked, held: Records) -> Foreseen | Refused:
        try:
            patient = patients.match(one.enrolment, held, ground=ground)
        except (AlreadyEnrolled, NotEnrollable) as refused:
            return refused
        standing = contacts.get(patient.id, ()) if patient else ()
        notes = patients.notes(one, patient, owners)
        return Foreseen(checked=one, plan=_plan(one, patient, standing, notes=notes, ground=ground, now=now))

    return [look(one, held) for one, held in zip(some, records, strict=True)]


def _plan(
    checked: Checked,
    patient: Patient | None,
    standing: Sequence[Contact],
    *,
    notes: tuple[str, ...],
    ground: Ground,
    now: datetime,
) -> Plan:
    planned = invitation_rules.plan(
        ground.pack.touches,
        checked.enrolment.performed_on,
        contacts=_contacts_to_be(checked, patient, standing, now=now),
        tz=ZoneInfo(checked.enrolment.zone or (patient and patient.zone) or ground.site.zone),
        now=now,
    )
    return invitation_rules.summary(planned[0], notes=notes)


def _contacts_to_be(
    checked: Checked, patient: Patient | None, standing: Sequence[Contact], *, now: datetime
) -> tuple[Contact, ...]:
    """The contacts as they would stand after enrolling."""
    made = {(one.kind, one.address): one for one in standing}
    for way in checked.ways:
        old = made.get((way.kind, way.address))
        agreed = now if checked.enrolment.consent else None
        made[way.kind, way.address] = Contact(
            id=old.id if old else uuid4(),
            patient_id=patient.id if patient else uuid4(),
            kind=way.kind,
            address=way.address,
            consented_at=agreed or (old.consented_at if old else None),
            blocked_at=old.blocked_at if old else (now if way.block else None),
            blocked_reason=old.blocked_reason if old else way.block,
        )
    return tuple(made.values())


def read(tx: Tx, lines: Sequence[Line], *, ground: Ground, header: Mapping[str, str], now: datetime) -> tuple[Row, ...]:
    """What each row of one file would do, in the file's order."""
    checked = {line.number: _check(line, ground=ground, now=now) for line in lines}
    sound = {number: one for number, one in checked.items() if isinstance(one, Checked)}
    found: dict[int, Foreseen | Refused] = {n: one for n, one in checked.items() if isinstance(one, NotEnrollable)}
    found |= zip(sound, foresee(tx, list(sound.values()), ground=ground, now=now), strict=True)
    reader = _Reader(header)
    return tuple(reader.row(line, found[line.number]) for line in lines)


def _check(line: Line, *, ground: Ground, now: datetime) -> Checked | NotEnrollable:
    try:
        return enrolments.check(_read(line, ground.pack), ground=ground, now=now)
    except NotEnrollable as faults:
        return faults


def _read(line: Line, pack: Protocol) -> Enrolment:
    """The enrolment of a row. Raises NotEnrollable with the faults of its cells."""
    if line.problems:
        raise NotEnrollable(line.problems)
    return procedure_cells.enrolment(line.cells, pack=pack)


class _Reader:
    """Goes through the rows of one file, and remembers whom it has met."""

    def __init__(self, header: Mapping[str, str]) -> None:
        self._header = header
        self._lines: dict[tuple[object, ...], int] = {}
        self._numbers: dict[str, tuple[int, object]] = {}

    def row(self, line: Line, found: Foreseen | Refused) -> Row:
        """What the row would do."""
        match found:
            case NotEnrollable():
                return self._made(line, RowState.BAD, problems=found.problems)
            case AlreadyEnrolled():
                return self._made(line, RowState.KNOWN, procedure_id=found.procedure_id)
            case Foreseen():
                return self._new(line, found.checked, found.plan)
            case _:
                raise found

    def _new(self, line: Line, checked: Checked, plan: Plan) -> Row:
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
