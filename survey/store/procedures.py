"""Procedures that patients are asked about."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.errors import NotFound
from survey.domain.patients import Procedure
from survey.domain.protocol import Flag
from survey.store.base import identifier, instant, metadata
from survey.store.canary import left_out
from survey.store.session import Tx

procedure = sa.Table(
    "procedure",
    metadata,
    identifier(primary_key=True),
    identifier("patient_id", nullable=False),
    identifier("site_id", nullable=False),
    sa.Column("protocol", sa.Text, nullable=False),
    sa.Column("performed_on", sa.Date, nullable=False),
    sa.Column("body_sites", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("agents", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("lot", sa.Text),
    sa.Column("injector", sa.Text),
    sa.Column("context", pg.JSONB, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    identifier("import_id"),
    instant("cancelled_at"),
    identifier("cancelled_by"),
    instant("created_at", nullable=False),
    identifier("created_by"),
)

# By site, since the index by day is one for each site.
_LAST_USED = f"""
SELECT protocol FROM site CROSS JOIN LATERAL (
  SELECT protocol, created_at, created_by FROM procedure WHERE site_id = site.id AND performed_on >= %(since)s) recent
WHERE {left_out("site.id")}
GROUP BY protocol
ORDER BY max(created_at) FILTER (WHERE created_by = %(by)s) DESC NULLS LAST, max(created_at) DESC
"""  # noqa: S608


def get(tx: Tx, procedure_id: UUID) -> Procedure:
    """That procedure. Raises NotFound."""
    row = tx.run(sa.select(procedure).where(procedure.c.id == procedure_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such procedure.")
    return as_procedure(row)


def ids_by_key(tx: Tx, source_keys: Sequence[str]) -> dict[str, UUID]:
    """Key → procedure, for those of the keys under which one was recorded already."""
    found = "SELECT source_key, id FROM procedure WHERE source_key = ANY(%(keys)s)"
    return {row["source_key"]: row["id"] for row in tx.rows(found, {"keys": list(source_keys)})}


def of_patient(tx: Tx, patient_id: UUID) -> tuple[Procedure, ...]:
    """A patient's procedures, the newest first."""
    query = sa.select(procedure).where(procedure.c.patient_id == patient_id)
    return tuple(
        as_procedure(row) for row in tx.run(query.order_by(procedure.c.performed_on.desc(), procedure.c.id)).mappings()
    )


def protocols_used(tx: Tx, *, by: UUID | None, since: date) -> tuple[str, ...]:
    """Protocols of procedures from that day on: first what `by` enrolled with last, then what anybody did."""
    return tuple(row["protocol"] for row in tx.rows(_LAST_USED, {"by": by, "since": since}))


def insert(tx: Tx, new: Procedure, *, import_id: UUID | None, by: UUID | None, now: datetime) -> None:
    """Add a procedure. Raises Conflict (`procedure_once`) when it was recorded already."""
    given = {
        name: getattr(new, name)
        for name in ("id", "patient_id", "site_id", "protocol", "performed_on", "lot", "injector", "source_key")
    }
    lists = {"body_sites": list(new.body_sites), "agents": list(new.agents), "context": dict(new.context)}
    made = {"import_id": import_id, "created_at": now, "created_by": by}
    tx.run(sa.insert(procedure), given | lists | made)


def cancel(tx: Tx, procedure_id: UUID, *, by: UUID | None, now: datetime) -> bool:
    """Mark it cancelled; False when it was cancelled already."""
    once = (procedure.c.id == procedure_id) & procedure.c.cancelled_at.is_(None)
    return tx.run(sa.update(procedure).where(once).values(cancelled_at=now, cancelled_by=by)).rowcount == 1


def as_procedure(row: sa.RowMapping) -> Procedure:
    """The procedure of a row."""
    return Procedure(
        id=row["id"],
        patient_id=row["patient_id"],
        site_id=row["site_id"],
        protocol=row["protocol"],
        performed_on=row["performed_on"],
        body_sites=tuple(row["body_sites"]),
        agents=tuple(row["agents"]),
        lot=row["lot"],
        injector=row["injector"],
        context={key: Flag(value) for key, value in row["context"].items()},
        source_key=row["source_key"],
        cancelled_at=row["cancelled_at"],
    )
