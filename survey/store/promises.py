"""What patients were promised, what became of it, and the text that tells them what to do instead."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from survey.domain.messages import Kind
from survey.domain.promises import Promise
from survey.store.base import Row, identifier, instant, metadata, names
from survey.store.session import Tx

promise = sa.Table(
    "promise",
    metadata,
    identifier(primary_key=True),
    identifier("alert_id", sa.ForeignKey("alert.id"), nullable=False),
    instant("made_at", nullable=False),
    instant("due_at", nullable=False),
    instant("kept_at"),
    instant("broken_at"),
    instant("cancelled_at"),
    instant("told_patient_at"),
)

_OPEN = "kept_at IS NULL AND broken_at IS NULL AND cancelled_at IS NULL"

# Our own words are put together here; what a person typed arrives as parameters only.
_DUE = f"SELECT id FROM promise WHERE {_OPEN} AND due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s"  # noqa: S608
_GET = f"SELECT {names(promise)} FROM promise WHERE id = %(id)s"  # noqa: S608
_CLAIM = f"""
SELECT {names(promise, "p")} FROM promise p WHERE p.id = %(id)s AND {_OPEN} AND p.due_at <= %(now)s FOR UPDATE OF p
"""  # noqa: S608
_MAKE = """
INSERT INTO promise (id, alert_id, made_at, due_at) VALUES (%(id)s, %(alert_id)s, %(now)s, %(due_at)s)
ON CONFLICT ON CONSTRAINT promise_once DO NOTHING
"""
_CANCEL = f"UPDATE promise SET cancelled_at = %(now)s WHERE alert_id = %(alert_id)s AND {_OPEN}"  # noqa: S608
_KEEP = """
UPDATE promise SET kept_at = %(now)s
WHERE alert_id = %(alert_id)s AND kept_at IS NULL AND cancelled_at IS NULL
"""
_BREAK = "UPDATE promise SET broken_at = %(now)s, told_patient_at = %(told_at)s WHERE id = %(id)s"
_LAST = f"""
SELECT {names(promise)} FROM promise WHERE alert_id = %(alert_id)s AND cancelled_at IS NULL
ORDER BY made_at DESC LIMIT 1
"""  # noqa: S608
_PATIENT = """
SELECT i.id AS invitation_id, d.patient_id, coalesce(p.zone, s.zone) AS zone,
  EXISTS (SELECT FROM contact_stop e WHERE e.patient_id = p.id AND e.lifted_at IS NULL) AS is_stopped,
  EXISTS (SELECT FROM contact c JOIN suppression x ON x.kind = c.kind AND x.address = c.address
    WHERE c.patient_id = p.id AND x.lifted_at IS NULL AND x.source <> 'wrong_number') AS has_opted_out,
  (SELECT count(*) FROM message m WHERE m.invitation_id = i.id AND m.kind = %(kind)s) AS told_before
FROM alert a JOIN response r ON r.id = a.response_id JOIN invitation i ON i.id = r.invitation_id
JOIN procedure d ON d.id = i.procedure_id JOIN patient p ON p.id = d.patient_id JOIN site s ON s.id = i.site_id
WHERE a.id = %(alert_id)s
"""
_TEXT = """
SELECT m.state FROM alert a JOIN response r ON r.id = a.response_id JOIN message m ON m.invitation_id = r.invitation_id
WHERE a.id = %(alert_id)s AND m.kind = %(kind)s ORDER BY m.touch_no DESC LIMIT 1
"""
_HUSH = """
UPDATE message m SET state = 'cancelled', reason = 'reached' FROM alert a JOIN response r ON r.id = a.response_id
WHERE a.id = %(alert_id)s AND m.invitation_id = r.invitation_id AND m.kind = %(kind)s AND m.state = 'pending'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The patient behind an alert, as far as a text about it needs: `told_before` counts those that were queued."""

    invitation_id: UUID
    patient_id: UUID
    zone: str
    is_stopped: bool
    has_opted_out: bool
    told_before: int


def due_ids(tx: Tx, *, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Promises whose time has passed with nobody reached, the longest past first."""
    return tuple(row["id"] for row in tx.rows(_DUE, {"now": now, "limit": limit}))


def get(tx: Tx, promise_id: UUID) -> Promise | None:
    """That promise."""
    return _as_promise(tx.fetch(_GET, {"id": promise_id}))


def claim_due(tx: Tx, promise_id: UUID, *, now: datetime) -> Promise | None:
    """That promise, held against change; None when it was kept, broken or cancelled meanwhile."""
    return _as_promise(tx.fetch(_CLAIM, {"id": promise_id, "now": now}))


def make(tx: Tx, alert_id: UUID, *, due_at: datetime, now: datetime) -> None:
    """Another time was promised; what was promised before does not count any more."""
    tx.change(_CANCEL, {"alert_id": alert_id, "now": now})
    tx.change(_MAKE, {"id": uuid4(), "alert_id": alert_id, "due_at": due_at, "now": now})


def keep(tx: Tx, alert_id: UUID, *, now: datetime) -> None:
    """The patient was reached, be it late; a text that would say otherwise is taken back."""
    tx.change(_KEEP, {"alert_id": alert_id, "now": now})
    tx.change(_HUSH, {"alert_id": alert_id, "kind": Kind.NOT_REACHED})


def cancel(tx: Tx, alert_id: UUID, *, now: datetime) -> None:
    """The alert has ended without the patient: nobody is to call any more."""
    tx.change(_CANCEL, {"alert_id": alert_id, "now": now})
    tx.change(_HUSH, {"alert_id": alert_id, "kind": Kind.NOT_REACHED})


def put_broken(tx: Tx, promise_id: UUID, *, told_at: datetime | None, now: datetime) -> None:
    """Nobody reached the patient by then; `told_at` when a text says what to do instead."""
    tx.change(_BREAK, {"id": promise_id, "told_at": told_at, "now": now})


def last(tx: Tx, alert_id: UUID) -> Promise | None:
    """What the patient of that alert was promised last."""
    return _as_promise(tx.fetch(_LAST, {"alert_id": alert_id}))


def waiting(tx: Tx, alert_id: UUID) -> Waiting:
    """Who waits for the call."""
    (row,) = tx.rows(_PATIENT, {"alert_id": alert_id, "kind": Kind.NOT_REACHED})
    return Waiting(**row)


def text_state(tx: Tx, alert_id: UUID) -> str | None:
    """What became of the last text that said what to do instead."""
    row = tx.fetch(_TEXT, {"alert_id": alert_id, "kind": Kind.NOT_REACHED})
    return str(row["state"]) if row else None


def _as_promise(row: Row | None) -> Promise | None:
    return Promise(**{field.name: row[field.name] for field in fields(Promise)}) if row else None
