"""A number, an address or a consent is put right after the enrolment, and what waits goes out by the way that opens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain import invitations as invitation_rules
from survey.domain import sending_hours
from survey.domain.accounts import Actor
from survey.domain.errors import Refused
from survey.domain.invitations import SENTENCES, Invitation, InvitationState, Trouble
from survey.domain.messages import Kind
from survey.domain.patients import (
    CONSENT_WORDING,
    Block,
    ConsentHow,
    Contact,
    ContactKind,
    Patient,
    choose,
    is_mailbox,
)
from survey.domain.sites import Site
from survey.interop import phones
from survey.services import audit, messages, suppressions
from survey.store import contacts as store
from survey.store import invitations as invitation_store
from survey.store import links as link_store
from survey.store import messages as message_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store import sends as send_store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction

_MENDABLE = frozenset({InvitationState.SCHEDULED, InvitationState.UNDELIVERABLE})
_SENT = frozenset({InvitationState.SENT, InvitationState.DELIVERED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What staff typed. `replaces`: whatever else is on file of that kind is somebody else's, and used no more.

    `consent_how` holds for what is typed and for what is on file without consent; None: the patient did not agree now.
    """

    mobile: str | None = None
    email: str | None = None
    consent_how: ConsentHow | None = None
    replaces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who it is, and how the patient can be reached as it stands."""

    procedure_id: UUID
    patient: Patient
    site: Site
    contacts: tuple[Contact, ...]

    @property
    def name(self) -> str:
        """As staff say it."""
        return f"{self.patient.given_name} {self.patient.family_name}"

    @property
    def tz(self) -> ZoneInfo:
        """The patient's zone, else the site's."""
        return ZoneInfo(self.patient.zone or self.site.zone)

    @property
    def blocked(self) -> str | None:
        """Why no message can go out, in words; None when one can."""
        return None if choose(self.contacts) else SENTENCES[invitation_rules.trouble_with(self.contacts)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What came of it: when the first waiting survey goes out and how, or why none does."""

    channel: ContactKind | None
    send_at: datetime | None
    blocked: str | None


def look(procedure_id: UUID) -> Reach:
    """How the procedure's patient can be reached. Raises NotFound."""
    with transaction() as tx:
        return _reach(tx, procedure_id)


def correct(procedure_id: UUID, correction: Correction, *, by: Actor, now: datetime) -> Mended:
    """Record it, and send what waits by the way that is open then. Raises Refused with the field to mend."""
    with transaction() as tx:
        before = _reach(tx, procedure_id)
        ways = _ways(tx, correction, before)
        for kind, address, block in ways:
            _record(tx, before, kind, address, block, correction, by=by, now=now)
        dropped = _drop_others(tx, before, ways, now=now) if correction.replaces else []
        audit.record(tx, "contact.corrected", actor=by, object_id=procedure_id, now=now, ways=len(ways))
        after = _reach(tx, procedure_id)
        every = _surveys(tx, after)
        sent = [_send_anew(tx, one, after, now=now) for one in every if _waits(one, now)]
        if dropped:
            sent += [_send_fresh(tx, one, after, dropped, now=now) for one in every if one.state in _SENT]
    contact = choose(after.contacts)
    return Mended(channel=contact.kind if contact else None, send_at=min(sent, default=None), blocked=after.blocked)


def _reach(tx: Tx, procedure_id: UUID) -> Reach:
    procedure = procedure_store.get(tx, procedure_id)
    return Reach(
        procedure_id=procedure_id,
        patient=patient_store.get(tx, procedure.patient_id),
        site=site_store.get(tx, procedure.site_id),
        contacts=store.of_patient(tx, procedure.patient_id),
    )


def _ways(tx: Tx, correction: Correction, before: Reach) -> list[tuple[ContactKind, str, Block | None]]:
    """What is to be recorded: what was typed, else what is on file and lacks consent. Raises Refused."""
    typed = []
    if correction.mobile:
        phone = phones.read(correction.mobile, region=phones.region_of(before.site.phone))
        typed.append((ContactKind.SMS, phone.e164, phone.block))
    if correction.email:
        if not is_mailbox(correction.email):
            raise Refused("This is not an email address. Correct it or leave it empty.", field="email")
        typed.append((ContactKind.EMAIL, correction.email.lower(), None))
    if not typed and correction.consent_how is None:
        raise Refused("Enter a number or an address, or record that the patient agreed.", field="mobile")
    on_file = [(one.kind, one.address, None) for one in before.contacts if one.consented_at is None]
    return [(kind, address, block or _stopped(tx, kind, address)) for kind, address, block in typed or on_file]


def _stopped(tx: Tx, kind: ContactKind, address: str) -> Block | None:
    return Block.STOPPED if suppressions.find(tx, kind, address) else None


def _record(
    tx: Tx,
    reach: Reach,
    kind: ContactKind,
    address: str,
    block: Block | None,
    correction: Correction,
    *,
    by: Actor,
    now: datetime,
) -> None:
    store.record(
        tx,
        reach.patient.id,
        kind,
        address,
        consent_how=correction.consent_how,
        consent_wording=CONSENT_WORDING,
        block=block,
        by=by.id,
        now=now,
    )


def _drop_others(
    tx: Tx, before: Reach, ways: Iterable[tuple[ContactKind, str, Block | None]], *, now: datetime
) -> list[UUID]:
    """Whoever has the wrong number must not have this patient's link, whatever becomes of the new one."""
    kept = {(kind, address) for kind, address, _ in ways}
    kinds = {kind for kind, _ in kept}
    dropped = [one.id for one in before.contacts if one.kind in kinds and (one.kind, one.address) not in kept]
    for contact_id in dropped:
        store.block(tx, contact_id, reason=Block.NOT_ME, now=now)
    link_store.revoke_sent_to(tx, dropped, now=now)
    return dropped


def _surveys(tx: Tx, reach: Reach) -> list[Invitation]:
    procedures = [one for one in procedure_store.of_patient(tx, reach.patient.id) if one.cancelled_at is None]
    return [one for procedure in procedures for one in invitation_store.of_procedure(tx, procedure.id)]


def _waits(invitation: Invitation, now: datetime) -> bool:
    """Whether its message has not got through and still makes sense."""
    return invitation.state in _MENDABLE and not invitation_rules.is_stale(invitation.due_at, now)


def _send_anew(tx: Tx, old: Invitation, reach: Reach, *, now: datetime) -> datetime:
    """Queue the survey's message by the way that is open, in the place of whatever waits; when it leaves."""
    send_at = old.due_at if old.due_at > now else sending_hours.next_open(now, reach.tz)
    contact = choose(reach.contacts)
    if contact is None:
        return send_at
    invitation_store.swap(tx, old, invitation_rules.mend(old, send_at=send_at))
    message_store.cancel_pending(tx, old.id, reason="corrected")
    no = send_store.times_asked(tx, old.id, contact.id)
    messages.queue(tx, old, contact, due_at=send_at, tz=reach.tz, late=old.due_at <= now, touch_no=no)
    return send_at


def _send_fresh(tx: Tx, old: Invitation, reach: Reach, dropped: Iterable[UUID], *, now: datetime) -> datetime:
    """A new link in the place of the one that somebody else had; without a way to send it, a person calls."""
    for contact_id in dropped:
        message_store.cancel_pending_to(tx, contact_id, old.id, reason="corrected")
    contact = choose(reach.contacts)
    if contact is None:
        invitation_store.swap(tx, old, invitation_rules.fail(old, Trouble.NOT_ME, now=now))
        return now
    number = len(link_store.fresh_sent(tx, old.id)) + 1
    messages.queue(tx, old, contact, due_at=now, tz=reach.tz, kind=Kind.FRESH_LINK, touch_no=number)
    return now
