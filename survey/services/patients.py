"""Patients: enrol one procedure, show the plan first, cancel it, close a survey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import invitations as invitation_rules
from survey.domain import patients as rules
from survey.domain.accounts import Actor
from survey.domain.confirmations import Skipped
from survey.domain.errors import Conflict, Stale
from survey.domain.invitations import WANTED, Invitation, Plan
from survey.domain.patients import (
    AlreadyEnrolled,
    ConsentHow,
    ContactKind,
    Enrolment,
    NotEnrollable,
    Patient,
    Problem,
    Procedure,
)
from survey.services import audit, confirmations, enrolments, invitations
from survey.services.enrolments import Checked, Ground
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store import patients as store
from survey.store import procedures as procedure_store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What enrolling made; `invitation_id` is the first of the surveys."""

    procedure_id: UUID
    invitation_id: UUID
    plan: Plan
    unconfirmed: Skipped | None = Skipped.NO_MOBILE
    """Why no text confirms the number; None when one was queued."""


def enrol(
    enrolment: Enrolment, *, site_id: UUID, protocol: str, by: Actor, now: datetime, confirm: bool = False
) -> Enrolled:
    """Enrol one procedure, and its patient unless known. `protocol` is a slug; `confirm` texts the number at once.

    Raises NotEnrollable (with every fault by field), AlreadyEnrolled, or NotFound for site or protocol.
    """
    try:
        with transaction() as tx:
            made = enrol_in(tx, enrolment, ground=enrolments.ground(tx, site_id, protocol), by=by, now=now)
            return _confirmed(tx, made, now=now) if confirm else made
    except Conflict as conflict:
        # Somebody added the same patient or procedure in the same moment; a second look will find it.
        raise Stale("Somebody is enrolling the same patient. Try again in a moment.") from conflict


def enrol_in(
    tx: Tx, enrolment: Enrolment, *, ground: Ground, by: Actor, now: datetime, import_id: UUID | None = None
) -> Enrolled:
    """`enrol` inside a transaction of the caller's."""
    (checked,) = enrolments.heed(tx, [enrolments.check(enrolment, ground=ground, now=now)])
    store.hold_identity(tx, *_identity_keys(checked.enrolment))
    (held,) = records(tx, [checked.enrolment], ground=ground)
    known = match(checked.enrolment, held, ground=ground)
    patient = _settle_patient(tx, checked.enrolment, known, by=by, now=now)
    procedure = _add_procedure(tx, checked.enrolment, patient, ground=ground, import_id=import_id, by=by, now=now)
    _settle_contacts(tx, checked, patient, by=by, now=now)
    contacts = contact_store.of_patient(tx, patient.id)
    tz = ZoneInfo(patient.zone or ground.site.zone)
    planned = invitation_rules.plan(ground.pack.touches, procedure.performed_on, contacts=contacts, tz=tz, now=now)
    made = invitations.schedule(tx, procedure, planned, version_id=ground.version_id, tz=tz, now=now)
    audit.record(tx, "procedure.enrolled", actor=by, object_id=procedure.id, now=now)
    summary = invitation_rules.summary(planned[0], notes=notes(checked, patient, owners(tx, [checked])))
    return Enrolled(procedure_id=procedure.id, invitation_id=made[0].id, plan=summary)


def _confirmed(tx: Tx, made: Enrolled, *, now: datetime) -> Enrolled:
    procedure = procedure_store.get(tx, made.procedure_id)
    patient, site = store.get(tx, procedure.patient_id), site_store.get(tx, procedure.site_id)
    contacts = contact_store.of_patient(tx, patient.id)
    first = invitation_store.get_for_update(tx, made.invitation_id)
    tz = ZoneInfo(patient.zone or site.zone)
    return replace(made, unconfirmed=confirmations.send(tx, first, contacts, site=site, tz=tz, now=now))


def cancel(procedure_id: UUID, *, by: Actor, now: datetime) -> None:
    """The procedure did not take place: nothing more is sent, and its open surveys are closed."""
    with transaction() as tx:
        procedure_store.get(tx, procedure_id)
        if not procedure_store.cancel(tx, procedure_id, by=by.id, now=now):
            return
        for invitation in invitation_store.of_procedure(tx, procedure_id):
            if invitation.state in WANTED:
                invitations.close(tx, invitation.id, reason="Procedure cancelled", by=by, now=now)
        audit.record(tx, "procedure.cancelled", actor=by, object_id=procedure_id, now=now)


def stop(invitation_id: UUID, *, reason: str, by: Actor, now: datetime) -> Invitation:
    """Close one survey with a reason: no answer is needed any more. Raises Refused without one."""
    with transaction() as tx:
        return invitations.close(tx, invitation_id, reason=reason, by=by, now=now)


def _identity_keys(enrolment: Enrolment) -> tuple[str, ...]:
    given, family, born_on = enrolment.identity
    named = f"name {given} {family} {born_on.isoformat()}"
    return (named, f"mrn {enrolment.mrn}") if enrolment.mrn else (named,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the clinic holds that may be one enrolment's: patients who it may be of, and procedures by their key."""

    candidates: tuple[Patient, ...]
    procedures: Mapping[str, UUID]


def records(tx: Tx, enrolments: Sequence[Enrolment], *, ground: Ground) -> tuple[Records, ...]:
    """Look each of them up, in two queries however many they are."""
    found = store.candidates(tx, enrolments)
    keys = [_source_key(one, patient, ground) for one, some in zip(enrolments, found, strict=True) for patient in some]
    procedures = procedure_store.ids_by_key(tx, keys)
    return tuple(Records(candidates=some, procedures=procedures) for some in found)


def match(enrolment: Enrolment, held: Records, *, ground: Ground) -> Patient | None:
    """The patient's record, if there is one. Raises AlreadyEnrolled when it holds this very procedure.

    Raises NotEnrollable when record number and birthday belong to two people.
    """
    known = _same_person(enrolment, held.candidates)
    standing = held.procedures.get(_source_key(enrolment, known, ground)) if known else None
    if standing is not None:
        raise AlreadyEnrolled(standing)
    return known


def _source_key(enrolment: Enrolment, patient: Patient, ground: Ground) -> str:
    return rules.source_key(enrolment, patient_id=patient.id, site_id=ground.site.id, protocol=ground.pack.slug)


def _same_person(enrolment: Enrolment, found: Sequence[Patient]) -> Patient | None:
    """The patient's record, by record number, else by names and birth. Raises NotEnrollable when the two disagree."""
    numbered = next((one for one in found if enrolment.mrn and one.mrn == enrolment.mrn), None)
    if numbered is None:
        # Two people may share names and birthday; another record number says that they do.
        return next((one for one in found if not (enrolment.mrn and one.mrn)), None)
    if numbered.born_on != enrolment.born_on:
        reason = "This record number belongs to somebody with another date of birth. Check both."
        raise NotEnrollable((Problem(column="mrn", reason=reason),))
    return numbered


def _settle_patient(tx: Tx, enrolment: Enrolment, known: Patient | None, *, by: Actor, now: datetime) -> Patient:
    if known is None:
        new = Patient(
            id=uuid4(),
            given_name=enrolment.given_name,
            family_name=enrolment.family_name,
            born_on=enrolment.born_on,
            language=enrolment.language,
            zone=enrolment.zone,
            mrn=enrolment.mrn,
            helper_may_answer=enrolment.helper_may_answer,
        )
        store.insert(tx, new, by=by.id, now=now)
        return new
    newer = replace(
        known,
        language=enrolment.language,
        zone=enrolment.zone or known.zone,
        mrn=enrolment.mrn or known.mrn,
        helper_may_answer=enrolment.helper_may_answer or known.helper_may_answer,
    )
    if newer != known:
        store.replace(tx, newer)
    return newer


def _add_procedure(
    tx: Tx, enrolment: Enrolment, patient: Patient, *, ground: Ground, import_id: UUID | None, by: Actor, now: datetime
) -> Procedure:
    new = Procedure(
        id=uuid4(),
        patient_id=patient.id,
        site_id=ground.site.id,
        protocol=ground.pack.slug,
        performed_on=enrolment.performed_on,
        body_sites=enrolment.body_sites,
        agents=enrolment.agents,
        lot=enrolment.lot,
        injector=enrolment.injector,
        context=enrolment.context,
        source_key=_source_key(enrolment, patient, ground),
        cancelled_at=None,
    )
    procedure_store.insert(tx, new, import_id=import_id, by=by.id, now=now)
    return new


def _settle_contacts(tx: Tx, checked: Checked, patient: Patient, *, by: Actor, now: datetime) -> None:
    enrolment = checked.enrolment
    for way in checked.ways:
        contact_store.record(
            tx,
            patient.id,
            way.kind,
            way.address,
            consent_how=(enrolment.consent_how or ConsentHow.SPOKEN) if enrolment.consent else None,
            consent_wording=rules.CONSENT_WORDING,
            block=way.block,
            by=by.id,
            now=now,
        )


def owners(tx: Tx, some: Sequence[Checked]) -> Mapping[str, set[UUID]]:
    """Phone number of these enrolments → whose it is by now."""
    return contact_store.sharers(tx, [way.address for one in some for way in one.ways if way.kind is ContactKind.SMS])


def notes(checked: Checked, patient: Patient | None, owners: Mapping[str, set[UUID]]) -> tuple[str, ...]:
    """What staff may want to look at; none of it keeps the patient out."""
    own = {patient.id} if patient else set()
    numbers = [way.address for way in checked.ways if way.kind is ContactKind.SMS]
    shared = [number for number in numbers if owners.get(number, set()) - own]
    place, zone = checked.enrolment.place, checked.enrolment.zone
    unclear = [f"“{place}” does not tell one time zone, so the clinic’s counts. A ZIP code tells it."] * bool(
        place and not zone
    )
    return (*("Another patient has the same number. Each gets a link of their own." for _ in shared), *unclear)
