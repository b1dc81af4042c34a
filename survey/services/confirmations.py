"""The text at the desk: it leaves at once, and tells while the patient is there whether the number gets our texts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain import confirmations as rules
from survey.domain.accounts import Actor
from survey.domain.confirmations import Progress, Skipped
from survey.domain.errors import NotFound, Refused
from survey.domain.invitations import Invitation
from survey.domain.messages import Kind
from survey.domain.patients import Block, Contact, ContactKind, choose
from survey.domain.sites import Site
from survey.interop import phones
from survey.messaging import registry
from survey.services import contacts, messages, suppressions
from survey.services.contacts import Correction
from survey.services.enrolments import CAUTIONS
from survey.store import confirmations as store
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store import sites as site_store
from survey.store.confirmations import Confirmation
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the desk sees of the text to one patient; `survey_at` is when the first survey is due."""

    procedure_id: UUID
    name: str
    site: Site
    address: str
    progress: Progress
    queued_at: datetime
    sent_at: datetime | None
    survey_at: datetime
    tz: ZoneInfo


def send(
    tx: Tx, invitation: Invitation, known: Iterable[Contact], *, site: Site, tz: ZoneInfo, now: datetime
) -> Skipped | None:
    """Text the number that the survey will go to, at once; why not, when none leaves. `tz` is the patient's zone."""
    mobile = choose(one for one in known if one.kind is ContactKind.SMS)
    if mobile is None:
        return Skipped.NO_MOBILE
    has_provider = bool(registry.carriers())
    skipped = rules.skipped(invitation.due_at, site=site, tz=tz, has_provider=has_provider, now=now)
    if skipped is None:
        messages.queue(tx, invitation, mobile, due_at=now, tz=tz, kind=Kind.CONFIRM)
    return skipped


def look(procedure_id: UUID) -> Look:
    """How far the newest text has come. Raises NotFound when none was queued."""
    with transaction() as tx:
        found = _newest(tx, procedure_id)
        procedure = procedure_store.get(tx, procedure_id)
        patient, site = patient_store.get(tx, procedure.patient_id), site_store.get(tx, procedure.site_id)
        survey_at = invitation_store.get(tx, found.invitation_id).due_at
    return Look(
        procedure_id=procedure_id,
        name=f"{patient.given_name} {patient.family_name}",
        site=site,
        address=found.address,
        progress=rules.progress(found.state, found.reason),
        queued_at=found.due_at,
        sent_at=found.sent_at,
        survey_at=survey_at,
        tz=ZoneInfo(patient.zone or site.zone),
    )


def again(procedure_id: UUID, typed: str, *, by: Actor, now: datetime) -> None:
    """Text once more, to the number that was typed; another one takes the place of the wrong one, with its consent.

    Raises Refused (field `mobile`) when no text can go there, and NotFound when none was queued before.
    """
    with transaction() as tx:
        last = _newest(tx, procedure_id)
        site = site_store.get(tx, procedure_store.get(tx, procedure_id).site_id)
        address = _texted(tx, typed, site)
    if address != last.address:
        right = Correction(mobile=address, consent_how=last.consent_how, replaces=True)
        contacts.correct(procedure_id, right, by=by, now=now)
    with transaction() as tx:
        _queue_again(tx, last, address, site, now=now)


def _newest(tx: Tx, procedure_id: UUID) -> Confirmation:
    found = store.newest(tx, procedure_id)
    if found is None:
        raise NotFound("No text was sent to confirm this patient's number.")
    return found


def _texted(tx: Tx, typed: str, site: Site) -> str:
    phone = phones.read(typed, region=phones.region_of(site.phone))
    stopped = Block.STOPPED if suppressions.find(tx, ContactKind.SMS, phone.e164) else None
    block = phone.block or stopped
    if block is not None:
        raise Refused(CAUTIONS[block], field="mobile")
    return phone.e164


def _queue_again(tx: Tx, last: Confirmation, address: str, site: Site, *, now: datetime) -> None:
    invitation = invitation_store.get_for_update(tx, last.invitation_id)
    patient = patient_store.get(tx, last.patient_id)
    contact = next(one for one in contact_store.of_patient(tx, patient.id) if one.address == address)
    tz = ZoneInfo(patient.zone or site.zone)
    messages.queue(tx, invitation, contact, due_at=now, tz=tz, kind=Kind.CONFIRM, touch_no=last.touch_no + 1)
