"""The texts that confirm a number at the desk."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.messages import MessageState
from survey.domain.patients import ConsentHow
from survey.store.session import Tx

_NEWEST = """
SELECT m.state, m.reason, m.touch_no, m.due_at, m.sent_at, m.invitation_id, c.patient_id, c.address, c.consent_how
FROM message m JOIN invitation i ON i.id = m.invitation_id JOIN contact c ON c.id = m.contact_id
WHERE i.procedure_id = %(procedure_id)s AND m.kind = 'confirm' ORDER BY m.touch_no DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The newest such text about a procedure, with the contact that it goes to; `touch_no` counts them from 0."""

    state: MessageState
    reason: str | None
    touch_no: int
    due_at: datetime
    sent_at: datetime | None
    invitation_id: UUID
    patient_id: UUID
    address: str
    consent_how: ConsentHow | None


def newest(tx: Tx, procedure_id: UUID) -> Confirmation | None:
    """The newest text that confirms the number; None when none was queued."""
    row = tx.fetch(_NEWEST, {"procedure_id": procedure_id})
    if row is None:
        return None
    how = ConsentHow(row["consent_how"]) if row["consent_how"] else None
    plain = {name: row[name] for name in Confirmation.__slots__ if name not in ("state", "consent_how")}
    return Confirmation(**plain, state=MessageState(row["state"]), consent_how=how)
