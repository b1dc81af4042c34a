"""By which ways a survey was asked, and the rows of its reminders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.messages import Kind, Message, MessageState
from survey.domain.patients import Contact, ContactKind
from survey.store.base import Row
from survey.store.contacts import as_contact
from survey.store.session import Tx

_CONTACTS = """
SELECT i.id AS invitation_id, c.* FROM invitation i
JOIN procedure d ON d.id = i.procedure_id
JOIN contact c ON c.patient_id = d.patient_id
WHERE i.id = ANY(%(ids)s)
"""
_WAYS = """
SELECT m.invitation_id, m.kind, m.touch_no, m.state, m.sent_at,
  c.kind AS channel, c.blocked_at IS NOT NULL AS is_blocked
FROM message m JOIN contact c ON c.id = m.contact_id
WHERE m.invitation_id = ANY(%(ids)s) AND m.kind IN ('invitation', 'reminder')
ORDER BY m.sent_at NULLS LAST, m.due_at
"""
_GROUNDS = """
SELECT i.id, coalesce(p.zone, s.zone) AS zone
FROM invitation i JOIN procedure d ON d.id = i.procedure_id JOIN patient p ON p.id = d.patient_id
JOIN site s ON s.id = i.site_id WHERE i.id = ANY(%(ids)s)
"""
_INSERT = """
INSERT INTO message (id, invitation_id, contact_id, kind, touch_no, state, due_at, give_up_at)
SELECT v.* FROM unnest(%(ids)s::uuid[], %(invitations)s::uuid[], %(contacts)s::uuid[], %(kinds)s::text[],
  %(touch_nos)s::int[], %(states)s::text[], %(due)s::timestamptz[], %(give_up)s::timestamptz[])
  AS v (id, invitation_id, contact_id, kind, touch_no, state, due_at, give_up_at)
WHERE NOT EXISTS (SELECT FROM message o
  WHERE o.invitation_id = v.invitation_id AND o.kind = v.kind AND o.touch_no = v.touch_no)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What decides about a survey's next reminder: its patient's zone and contacts, and how it was asked so far."""

    zone: str
    contacts: tuple[Contact, ...]
    ways: tuple[Way, ...]


def grounds(tx: Tx, invitation_ids: Sequence[UUID]) -> dict[UUID, Ground]:
    """What decides about the reminders of each of these surveys."""
    asked = {"ids": list(invitation_ids)}
    zones = {row["id"]: row["zone"] for row in tx.rows(_GROUNDS, asked)}
    contacts, ways = tx.rows(_CONTACTS, asked), tx.rows(_WAYS, asked)
    return {
        one: Ground(
            zone=zone,
            contacts=tuple(as_contact(row) for row in contacts if row["invitation_id"] == one),
            ways=tuple(_as_way(row) for row in ways if row["invitation_id"] == one),
        )
        for one, zone in zones.items()
    }


def ways(tx: Tx, invitation_id: UUID) -> tuple[Way, ...]:
    """The survey's automatic messages, those that left first, in the order in which they did."""
    return tuple(_as_way(row) for row in tx.rows(_WAYS, {"ids": [invitation_id]}))


def contacts(tx: Tx, invitation_id: UUID) -> tuple[Contact, ...]:
    """Every contact of the survey's patient."""
    return tuple(as_contact(row) for row in tx.rows(_CONTACTS, {"ids": [invitation_id]}))


def _as_way(row: Row) -> Way:
    return Way(
        channel=ContactKind(row["channel"]),
        is_blocked=row["is_blocked"],
        kind=Kind(row["kind"]),
        touch_no=row["touch_no"],
        state=MessageState(row["state"]),
        sent_at=row["sent_at"],
    )


def insert(tx: Tx, new: Sequence[Message]) -> int:
    """Add reminders, without those that their surveys have; how many were added."""
    if not new:
        return 0
    columns = {
        "ids": [one.id for one in new],
        "invitations": [one.invitation_id for one in new],
        "contacts": [one.contact_id for one in new],
        "kinds": [one.kind for one in new],
        "touch_nos": [one.touch_no for one in new],
        "states": [one.state for one in new],
        "due": [one.due_at for one in new],
        "give_up": [one.give_up_at for one in new],
    }
    return tx.change(_INSERT, columns)
