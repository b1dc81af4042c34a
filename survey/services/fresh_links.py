"""A fresh link for whoever asks for one: to the phone or mailbox on file, or a person calls."""

from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import invitations as invitation_rules
from survey.domain import links as rules
from survey.domain.accounts import PATIENT
from survey.domain.inbound import LINK_PAGE, Inbound, Owner, Survey
from survey.domain.invitations import WANTED, Invitation, InvitationState
from survey.domain.keywords import Meaning
from survey.domain.links import Link, WayOn
from survey.domain.messages import Kind
from survey.domain.patients import Block, Contact, ContactKind, choose
from survey.services import audit, links, messages
from survey.store import contacts as contact_store
from survey.store import inbound as inbound_store
from survey.store import invitations as invitation_store
from survey.store import links as store
from survey.store import messages as message_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store.session import Tx, transaction

ON_CALL_LIST = WANTED | {InvitationState.EXPIRED}
ASKED_IN_VAIN = "(Asked on the page of an old link for a fresh one. The check-in is closed, so none was sent.)"
"""What staff read in the place of a text."""


def ask(token: str, *, now: datetime) -> Link | None:
    """Send a fresh link in the place of that one, whatever has become of it; None, and nothing sent, if it is unknown.

    The older links go on working until they are taken back.
    """
    with transaction() as tx:
        link = links.find(tx, token)
        if link is not None:
            send(tx, link.invitation_id, now)
    return link


def send(tx: Tx, invitation_id: UUID, now: datetime) -> WayOn:
    """Send that survey's patient a fresh link at once, or put the patient on the call list where no link can help.

    At most one an hour and three a day: whoever asks again meanwhile has one already.
    """
    invitation = invitation_store.get_for_update(tx, invitation_id)
    contact = _contact(tx, invitation, now)
    if contact is None:
        _ask_for_call(tx, invitation, now=now)
        return WayOn.CALL
    earlier = store.fresh_sent(tx, invitation_id)
    if rules.may_send_fresh(earlier, now=now):
        tz, number = ZoneInfo(message_store.zone(tx, invitation_id)), len(earlier) + 1
        messages.queue(tx, invitation, contact, due_at=now, tz=tz, kind=Kind.FRESH_LINK, touch_no=number)
    return WayOn.LINK


def _ask_for_call(tx: Tx, invitation: Invitation, *, now: datetime) -> None:
    """Tell staff, once an hour at most. What has ended is on no call list, so it goes to where replies are read."""
    asked = invitation.asked_call_at
    if not rules.may_send_fresh([asked] if asked else [], now=now):
        return
    invitation_store.swap(tx, invitation, invitation_rules.ask_for_call(invitation, now=now))
    if invitation.state not in ON_CALL_LIST:
        _leave_note(tx, invitation, now=now)
    audit.record(tx, "call.asked", actor=PATIENT, object_id=invitation.id, now=now)


def _leave_note(tx: Tx, invitation: Invitation, *, now: datetime) -> None:
    """The wish stands where replies are read, to be seen to by somebody; nothing where there is no number to call."""
    patient_id = procedure_store.get(tx, invitation.procedure_id).patient_id
    phone = _phone(tx, patient_id)
    if phone is None:
        return
    language = patient_store.get(tx, patient_id).language
    note = _asked_in_vain(invitation, phone.address, language=language, now=now)
    inbound_store.insert(tx, note)
    inbound_store.handled(tx, note)
    owner = Owner(patient_id=patient_id, contact_id=phone.id, language=language, surveys=(_survey(invitation),))
    inbound_store.belongs(tx, note.id, [owner])


def _phone(tx: Tx, patient_id: UUID) -> Contact | None:
    """The number that a person can call, whatever it has said of texts."""
    phones = [one for one in contact_store.of_patient(tx, patient_id) if one.kind is ContactKind.SMS]
    return next((one for one in phones if one.blocked_reason is not Block.NOT_ME), None)


def _asked_in_vain(invitation: Invitation, sender: str, *, language: str, now: datetime) -> Inbound:
    return Inbound(
        id=uuid4(),
        provider=LINK_PAGE,
        provider_ref=str(uuid4()),
        received_at=now,
        sender=sender,
        body=ASKED_IN_VAIN,
        handled_at=now,
        meaning=Meaning.CALL,
        site_id=invitation.site_id,
        language=language,
    )


def _survey(invitation: Invitation) -> Survey:
    names = ("site_id", "protocol_version_id", "touch", "state", "due_at")
    return Survey(
        invitation_id=invitation.id, is_cancelled=False, **{name: getattr(invitation, name) for name in names}
    )


def way_on(link: Link, *, now: datetime) -> WayOn:
    """What becomes of somebody who asks in the place of that link."""
    with transaction() as tx:
        invitation = invitation_store.get(tx, link.invitation_id)
        if _contact(tx, invitation, now) is not None:
            return WayOn.LINK
        patient_id = procedure_store.get(tx, invitation.procedure_id).patient_id
        hears = invitation.state in ON_CALL_LIST or _phone(tx, patient_id) is not None
        return WayOn.CALL if hears else WayOn.CLINIC


def _contact(tx: Tx, invitation: Invitation, now: datetime) -> Contact | None:
    """Where a link can be sent; None when the survey is over, or when nothing on file may be written to."""
    if not invitation_rules.takes_answers(invitation, now=now):
        return None
    patient_id = procedure_store.get(tx, invitation.procedure_id).patient_id
    return choose(contact_store.of_patient(tx, patient_id))
