"""By which ways a survey was asked, and the rows of its reminders."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.messages import Kind, Message, MessageState
from survey.domain.patients import Contact, ContactKind
from survey.store.contacts import as_contact
from survey.store.session import Tx

_CONTACTS = """
SELECT c.* FROM invitation i
JOIN procedure d ON d.id = i.procedure_id
JOIN contact c ON c.patient_id = d.patient_id
WHERE i.id = %(invitation_id)s
"""
_WAYS = """
SELECT c.kind AS channel, c.blocked_at IS NOT NULL AS is_blocked, m.kind, m.touch_no, m.state, m.sent_at
FROM message m JOIN contact c ON c.id = m.contact_id
WHERE m.invitation_id = %(invitation_id)s AND m.kind IN ('invitation', 'reminder')
ORDER BY m.sent_at NULLS LAST, m.due_at
"""
_INSERT = """
INSERT INTO message (id, invitation_id, contact_id, kind, touch_no, state, due_at, give_up_at)
SELECT %(id)s, %(invitation_id)s, %(contact_id)s, %(kind)s, %(touch_no)s, %(state)s, %(due_at)s, %(give_up_at)s
WHERE NOT EXISTS (SELECT FROM message
  WHERE invitation_id = %(invitation_id)s AND kind = %(kind)s AND touch_no = %(touch_no)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One automatic message of a survey: what it was and became, and whether its address may still be used."""

    channel: ContactKind
    is_blocked: bool
    kind: Kind
    touch_no: int
    state: MessageState
    sent_at: datetime | None


def ways(tx: Tx, invitation_id: UUID) -> tuple[Way, ...]:
    """The survey's automatic messages, those that left first, in the order in which they did."""
    return tuple(
        Way(
            channel=ContactKind(row["channel"]),
            is_blocked=row["is_blocked"],
            kind=Kind(row["kind"]),
            touch_no=row["touch_no"],
            state=MessageState(row["state"]),
            sent_at=row["sent_at"],
        )
        for row in tx.rows(_WAYS, {"invitation_id": invitation_id})
    )


def contacts(tx: Tx, invitation_id: UUID) -> tuple[Contact, ...]:
    """Every contact of the survey's patient."""
    return tuple(as_contact(row) for row in tx.rows(_CONTACTS, {"invitation_id": invitation_id}))


def insert(tx: Tx, new: Message) -> bool:
    """Add a reminder, unless the survey has that one; whether it did."""
    values = {
        "id": new.id,
        "invitation_id": new.invitation_id,
        "contact_id": new.contact_id,
        "kind": new.kind,
        "touch_no": new.touch_no,
        "state": new.state,
        "due_at": new.due_at,
        "give_up_at": new.give_up_at,
    }
    return tx.change(_INSERT, values) == 1
