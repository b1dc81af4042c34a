"""The clinic's patients."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from survey.domain.errors import NotFound
from survey.domain.patients import Enrolment, Patient
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
    sa.Column("helper_may_answer", sa.Boolean, nullable=False),
    instant("created_at", nullable=False),
    identifier("created_by"),
)

_FIELDS = ("id", "given_name", "family_name", "born_on", "language", "zone", "mrn", "helper_may_answer")
_COLUMNS = [patient.c[name] for name in _FIELDS]
# Two joins and not one with OR: each of them has an index to go by.
_CANDIDATES = """
WITH wanted AS (
  SELECT * FROM unnest(%(mrn)s::text[], %(given_name)s::text[], %(family_name)s::text[], %(born_on)s::date[])
    WITH ORDINALITY AS one (mrn, given_name, family_name, born_on, place)),
same AS (
  SELECT w.place, p.id FROM wanted w JOIN patient p ON p.mrn = w.mrn
  UNION
  SELECT w.place, p.id FROM wanted w JOIN patient p ON lower(p.family_name) = lower(w.family_name)
    AND lower(p.given_name) = lower(w.given_name) AND p.born_on = w.born_on)
SELECT same.place, p.* FROM same JOIN patient p ON p.id = same.id ORDER BY p.created_at, p.id
"""


def get(tx: Tx, patient_id: UUID) -> Patient:
    """That patient. Raises NotFound."""
    row = tx.run(sa.select(*_COLUMNS).where(patient.c.id == patient_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such patient.")
    return Patient(**row)


def candidates(tx: Tx, people: Sequence[Enrolment]) -> tuple[tuple[Patient, ...], ...]:
    """For each enrolment, in order: patients with its record number, or with its names and birthday; oldest first.

    Capitals do not count. One query, however many they are.
    """
    wanted = {name: [getattr(one, name) for one in people] for name in ("mrn", "given_name", "family_name", "born_on")}
    found: list[list[Patient]] = [[] for _ in people]
    for row in tx.rows(_CANDIDATES, wanted):
        found[row["place"] - 1].append(Patient(**{name: row[name] for name in _FIELDS}))
    return tuple(tuple(some) for some in found)


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
