"""The phones and mailboxes of patients, with consent and blocks."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.patients import Block, ConsentHow, Contact, ContactKind
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

contact = sa.Table(
    "contact",
    metadata,
    identifier(primary_key=True),
    identifier("patient_id", nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    instant("consented_at"),
    identifier("consent_by"),
    sa.Column("consent_how", sa.Text),
    sa.Column("consent_wording", sa.Text),
    instant("blocked_at"),
    sa.Column("blocked_reason", sa.Text),
)


def of_patient(tx: Tx, patient_id: UUID) -> tuple[Contact, ...]:
    """All contacts of a patient, usable or not."""
    query = sa.select(contact).where(contact.c.patient_id == patient_id).order_by(contact.c.kind, contact.c.address)
    return tuple(as_contact(row) for row in tx.run(query).mappings())


def of_patients(tx: Tx, patient_ids: Collection[UUID]) -> dict[UUID, tuple[Contact, ...]]:
    """The contacts of each of these patients; who has none is left out."""
    found: dict[UUID, tuple[Contact, ...]] = {}
    query = "SELECT * FROM contact WHERE patient_id = ANY(%(ids)s) ORDER BY kind, address"
    for row in tx.rows(query, {"ids": list(patient_ids)}):
        found[row["patient_id"]] = (*found.get(row["patient_id"], ()), as_contact(row))
    return found


def sharers(tx: Tx, addresses: Collection[str]) -> dict[str, set[UUID]]:
    """Which patients each of these addresses belongs to."""
    query = "SELECT address, patient_id FROM contact WHERE address = ANY(%(addresses)s)"
    found: dict[str, set[UUID]] = {}
    for row in tx.rows(query, {"addresses": list(addresses)}):
        found.setdefault(row["address"], set()).add(row["patient_id"])
    return found


def record(
    tx: Tx,
    patient_id: UUID,
    kind: ContactKind,
    address: str,
    *,
    consent_how: ConsentHow | None,
    consent_wording: str | None,
    block: Block | None,
    by: UUID | None,
    now: datetime,
) -> None:
    """Add a contact, or note a consent that it lacked. What is blocked stays blocked, and consent given stays given."""
    agreed = consent_how is not None
    new = pg.insert(contact).values(
        id=uuid4(),
        patient_id=patient_id,
        kind=kind,
        address=address,
        consented_at=now if agreed else None,
        consent_by=by if agreed else None,
        consent_how=consent_how,
        consent_wording=consent_wording if agreed else None,
        blocked_at=now if block else None,
        blocked_reason=block,
    )
    renewed = {name: new.excluded[name] for name in ("consented_at", "consent_by", "consent_how", "consent_wording")}
    tx.run(
        new.on_conflict_do_update(
            constraint="contact_once",
            set_=renewed,
            where=new.excluded.consented_at.is_not(None),
        )
    )


def block(tx: Tx, contact_id: UUID, *, reason: Block, now: datetime) -> None:
    """Use a contact no more; the first reason stands."""
    once = (contact.c.id == contact_id) & contact.c.blocked_at.is_(None)
    tx.run(sa.update(contact).where(once).values(blocked_at=now, blocked_reason=reason))


def as_contact(row: sa.RowMapping | dict[str, Any]) -> Contact:
    """The contact of a row."""
    return Contact(
        id=row["id"],
        patient_id=row["patient_id"],
        kind=ContactKind(row["kind"]),
        address=row["address"],
        consented_at=row["consented_at"],
        blocked_at=row["blocked_at"],
        blocked_reason=Block(row["blocked_reason"]) if row["blocked_reason"] else None,
    )
