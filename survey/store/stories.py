"""What the staff pages read of one patient: the survey as it stands, its messages, alerts and notes. Reads only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from survey.domain.answers import Answers
from survey.domain.protocol import Context, Flag, Tier
from survey.domain.responses import AnsweredBy, Identity, Mode
from survey.domain.triage import Fired
from survey.store.session import Tx

TOLD = sa.text("""
SELECT r.id AS response_id, r.invitation_id, r.protocol_version_id, i.touch, r.language, r.mode, r.answered_by,
  r.started_at, r.answered_at, r.submitted_at, r.identity, r.tier, r.score_fault, u.name AS entered_by,
  s.fired, s.context, s.at AS scored_at,
  (SELECT jsonb_object_agg(item, value) FROM (
    SELECT DISTINCT ON (item) item, value FROM answer WHERE response_id = r.id ORDER BY item, revision DESC
  ) AS newest) AS answers
FROM response r
JOIN invitation i ON i.id = r.invitation_id
LEFT JOIN app_user u ON u.id = r.entered_by
LEFT JOIN LATERAL (
  SELECT fired, context, at FROM score WHERE response_id = r.id ORDER BY revision DESC LIMIT 1) AS s ON true
WHERE r.id = ANY(:response_ids) OR i.procedure_id = :procedure_id
ORDER BY r.started_at
""")

SENT = sa.text("""
SELECT m.kind, m.state, m.reason, m.late, coalesce(m.sent_at, m.due_at) AS at, c.kind AS channel
FROM message m JOIN invitation i ON i.id = m.invitation_id JOIN contact c ON c.id = m.contact_id
WHERE i.procedure_id = :procedure_id ORDER BY at
""")

ALERTS = sa.text("""
SELECT a.id FROM alert a JOIN response r ON r.id = a.response_id JOIN invitation i ON i.id = r.invitation_id
WHERE i.procedure_id = :procedure_id ORDER BY a.created_at
""")

NOTES = sa.text("""
SELECT e.at, e.action, e.detail, u.name AS who
FROM audit_event e LEFT JOIN app_user u ON u.id = e.actor_id
WHERE e.object_id = ANY(:ids) AND e.action = ANY(:actions) ORDER BY e.at
""")


CLOSERS = """
SELECT i.id, u.name FROM invitation i JOIN app_user u ON u.id = i.stopped_by WHERE i.procedure_id = %(procedure_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one survey says as it stands: its newest answers, and the newest score with what it rests on."""

    response_id: UUID
    invitation_id: UUID
    protocol_version_id: UUID
    touch: str
    language: str
    mode: Mode
    answered_by: AnsweredBy
    started_at: datetime
    answered_at: datetime
    submitted_at: datetime | None
    identity: Identity
    tier: Tier | None
    score_fault: str | None
    entered_by: str | None
    scored_at: datetime | None
    fired: tuple[Fired, ...]
    context: Context
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message to the patient, and what became of it; `at` is when it left, or when it is due."""

    kind: str
    channel: str
    state: str
    reason: str | None
    late: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line of the audit trail, with the name of who did it."""

    at: datetime
    action: str
    detail: Mapping[str, str | int]
    who: str | None


def told(tx: Tx, response_ids: Collection[UUID]) -> dict[UUID, Told]:
    """Those surveys, by the response's id."""
    rows = tx.run(TOLD, {"response_ids": list(response_ids), "procedure_id": None}).mappings()
    return {row["response_id"]: _as_told(row) for row in rows}


def told_of(tx: Tx, procedure_id: UUID) -> dict[UUID, Told]:
    """The surveys of one procedure that were begun, by the invitation's id."""
    rows = tx.run(TOLD, {"response_ids": [], "procedure_id": procedure_id}).mappings()
    return {row["invitation_id"]: _as_told(row) for row in rows}


def sent(tx: Tx, procedure_id: UUID) -> tuple[Sent, ...]:
    """Every message about a procedure, in order."""
    return tuple(Sent(**row) for row in tx.run(SENT, {"procedure_id": procedure_id}).mappings())


def closers(tx: Tx, procedure_id: UUID) -> dict[UUID, str]:
    """Each survey of a procedure that somebody closed → that person's name."""
    return {row["id"]: row["name"] for row in tx.rows(CLOSERS, {"procedure_id": procedure_id})}


def alert_ids(tx: Tx, procedure_id: UUID) -> tuple[UUID, ...]:
    """Its alerts, oldest first."""
    return tuple(tx.run(ALERTS, {"procedure_id": procedure_id}).scalars())


def notes(tx: Tx, object_ids: Collection[UUID], actions: Collection[str]) -> tuple[Note, ...]:
    """What the audit trail says of these objects, of those kinds."""
    rows = tx.run(NOTES, {"ids": list(object_ids), "actions": list(actions)}).mappings()
    return tuple(Note(**row) for row in rows)


def _as_told(row: Mapping[Any, Any]) -> Told:
    worded = {
        "mode": Mode(row["mode"]),
        "answered_by": AnsweredBy(row["answered_by"]),
        "identity": Identity(row["identity"]),
        "tier": Tier(row["tier"]) if row["tier"] else None,
        "fired": tuple(_as_fired(each) for each in row["fired"] or ()),
        "context": {key: Flag(value) for key, value in (row["context"] or {}).items()},
        "answers": row["answers"] or {},
    }
    return Told(**dict(row) | worded)


def _as_fired(each: Mapping[str, Any]) -> Fired:
    return Fired(rule=each["rule"], tier=Tier(each["tier"]), because=tuple(each["because"]))
