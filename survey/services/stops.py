"""Stop all contact with a patient, within one look of the sender, and take that back when it was a mistake."""

from datetime import datetime
from uuid import UUID

from survey.domain import stops as rules
from survey.domain.accounts import Actor
from survey.domain.errors import Refused
from survey.domain.stops import STOPS, Reason, Stop
from survey.domain.suppressions import Scope, Source
from survey.services import audit, invitations, suppressions
from survey.store import contacts as contact_store
from survey.store import patients as patient_store
from survey.store import stops as store
from survey.store.session import Tx, transaction


def stop(patient_id: UUID, *, reason: Reason, note: str | None, everywhere: bool, by: Actor, now: datetime) -> int:
    """Nobody writes to the patient any more and no answer is awaited; how many surveys that closed.

    What waits is taken back, what a sender holds is dropped when it looks the last time. `everywhere` also suppresses
    the patient's addresses, for whoever else has them. Alerts that are open stay open. Raises Refused without a reason.
    """
    if by.id is None:
        raise ValueError("contact is stopped by a person")
    if reason not in STOPS:
        raise Refused("Choose why all contact stops.", field="reason")
    words = rules.in_words(reason, note)
    with transaction() as tx:
        patient_store.get(tx, patient_id)
        open_ones = store.open_of(tx, patient_id)
        for invitation_id in open_ones:
            invitations.close(tx, invitation_id, reason=words, by=by, now=now)
        store.stop(tx, patient_id, reason=reason, note=(note or "").strip() or None, by=by.id, now=now)
        if everywhere:
            _suppress(tx, patient_id, by=by, now=now)
        audit.record(tx, "contact.stopped", actor=by, object_id=patient_id, now=now, reason=reason)
    return len(open_ones)


def lift(patient_id: UUID, *, by: Actor, now: datetime) -> bool:
    """Contact the patient again; surveys that were closed stay closed. False when nothing was stopped.

    What the patient opted out of stays so: only what staff suppressed is lifted.
    """
    if by.id is None:
        raise ValueError("contact is taken up by a person")
    with transaction() as tx:
        if store.stopped(tx, patient_id) is None:
            return False
        for contact in contact_store.of_patient(tx, patient_id):
            standing = suppressions.find(tx, contact.kind, contact.address)
            if standing is not None and standing.source is Source.STAFF:
                suppressions.lift(tx, contact.kind, contact.address, now, by=by)
        lifted = store.lift(tx, patient_id, by=by.id, now=now)
        audit.record(tx, "contact.resumed", actor=by, object_id=patient_id, now=now)
    return lifted


def standing(patient_id: UUID) -> Stop | None:
    """The stop in force, if all contact with the patient has stopped."""
    with transaction() as tx:
        return store.stopped(tx, patient_id)


def _suppress(tx: Tx, patient_id: UUID, *, by: Actor, now: datetime) -> None:
    for contact in contact_store.of_patient(tx, patient_id):
        suppressions.suppress(tx, contact.kind, contact.address, scope=Scope.ALL, source=Source.STAFF, now=now, by=by)
