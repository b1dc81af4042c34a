"""The clinic's patients."""

from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from survey.domain.errors import NotFound
from survey.domain.patients import Patient
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

patient = sa.Table(
    "patient",
    metadata,
    identifier(primary_key=True),
    sa.Column("given_name", sa.Text, nullable=False),
    sa.Column("family_name", sa.Text, nullable=False),
    sa.Column("born_on", sa.Date, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("zone", sa.Text),
    sa.Column("mrn", sa.Text),
    instant("created_at", nullable=False),
    identifier("created_by"),
)

_FIELDS = ("id", "given_name", "family_name", "born_on", "language", "zone", "mrn")
_COLUMNS = [patient.c[name] for name in _FIELDS]


def get(tx: Tx, patient_id: UUID) -> Patient:
    """That patient. Raises NotFound."""
    row = tx.run(sa.select(*_COLUMNS).where(patient.c.id == patient_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such patient.")
    return Patient(**row)


def candidates(tx: Tx, *, mrn: str | None, given_name: str, family_name: str, born_on: date) -> tuple[Patient, ...]:
    """Patients with that record number, or with these names (capitals aside) and that birthday; the oldest first."""
    named = (
        (sa.func.lower(patient.c.family_name) == sa.func.lower(family_name))
        & (sa.func.lower(patient.c.given_name) == sa.func.lower(given_name))
        & (patient.c.born_on == born_on)
    )
    same = named | (patient.c.mrn == mrn) if mrn else named
    query = sa.select(*_COLUMNS).where(same).order_by(patient.c.created_at, patient.c.id)
    return tuple(Patient(**row) for row in tx.run(query).mappings())


def hold_identity(tx: Tx, *keys: str) -> None:
    """Keep two people who enrol the same patient at once from adding the patient twice; ends with the transaction."""
    locks = (sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0)) for key in sorted(keys))
    tx.run(sa.select(*locks))


def insert(tx: Tx, new: Patient, *, by: UUID | None, now: datetime) -> None:
    """Add a patient. Raises Conflict (`patient_mrn_once`) when the record number is taken."""
    tx.run(sa.insert(patient), asdict(new) | {"created_at": now, "created_by": by})


def replace(tx: Tx, new: Patient) -> None:
    """Set what is known of an existing patient."""
    tx.run(sa.update(patient).where(patient.c.id == new.id).values(**asdict(new)))
