"""Patients with whom all contact has stopped."""

from datetime import datetime
from uuid import UUID, uuid4

from survey.domain.stops import Reason, Stop
from survey.store.session import Tx

_OPEN_OF_PATIENT = """
SELECT i.id FROM invitation i JOIN procedure p ON p.id = i.procedure_id
WHERE p.patient_id = %(patient_id)s AND i.state NOT IN ('completed', 'reached', 'stopped') ORDER BY i.id
"""
_STOP = """
INSERT INTO contact_stop (id, patient_id, at, by, reason, note)
VALUES (%(id)s, %(patient_id)s, %(now)s, %(by)s, %(reason)s, %(note)s)
ON CONFLICT (patient_id) WHERE lifted_at IS NULL DO NOTHING
"""
_LIFT = """
UPDATE contact_stop SET lifted_at = %(now)s, lifted_by = %(by)s WHERE patient_id = %(patient_id)s AND lifted_at IS NULL
"""
_STOPPED = """
SELECT t.id, t.at, u.name AS by, t.reason, t.note FROM contact_stop t JOIN app_user u ON u.id = t.by
WHERE t.patient_id = %(patient_id)s AND t.lifted_at IS NULL
"""
_BLOCK = """
UPDATE contact SET blocked_at = %(now)s, blocked_reason = 'stopped'
WHERE patient_id = %(patient_id)s AND blocked_at IS NULL
"""
_UNBLOCK = """
UPDATE contact c SET blocked_at = NULL, blocked_reason = NULL
WHERE c.patient_id = %(patient_id)s AND c.blocked_reason = 'stopped' AND NOT EXISTS (
  SELECT FROM suppression s WHERE s.kind = c.kind AND s.address = c.address AND s.lifted_at IS NULL)
"""


def open_of(tx: Tx, patient_id: UUID) -> tuple[UUID, ...]:
    """The patient's surveys that nothing has ended."""
    return tuple(row["id"] for row in tx.rows(_OPEN_OF_PATIENT, {"patient_id": patient_id}))


def stop(tx: Tx, patient_id: UUID, *, reason: Reason, note: str | None, by: UUID, now: datetime) -> bool:
    """Note that all contact stops, and block each way to the patient; False when it had stopped already."""
    new = {"id": uuid4(), "patient_id": patient_id, "reason": reason, "note": note, "by": by, "now": now}
    tx.change(_BLOCK, {"patient_id": patient_id, "now": now})
    return tx.change(_STOP, new) == 1


def lift(tx: Tx, patient_id: UUID, *, by: UUID, now: datetime) -> bool:
    """Contact again, but for addresses that are suppressed; False when nothing was stopped."""
    lifted = tx.change(_LIFT, {"patient_id": patient_id, "by": by, "now": now}) == 1
    if lifted:
        tx.change(_UNBLOCK, {"patient_id": patient_id})
    return lifted


def stopped(tx: Tx, patient_id: UUID) -> Stop | None:
    """The stop in force."""
    row = tx.fetch(_STOPPED, {"patient_id": patient_id})
    return Stop(**row | {"reason": Reason(row["reason"])}) if row else None
