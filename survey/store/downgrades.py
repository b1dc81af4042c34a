"""Signatures under downgrades, which are never changed, and the confirmed events that they are about."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from survey.domain.alerts import Outcome
from survey.domain.downgrades import Event, Signature, Terms
from survey.domain.protocol import Tier
from survey.store.base import Row
from survey.store.session import Tx

# Of several confirmed alerts of one response the last that was closed speaks for it.
_EVENTS = """
SELECT DISTINCT ON (r.id) r.id AS response_id, i.procedure_id,
  concat_ws(' ', n.given_name, n.family_name) AS name, p.performed_on, a.id AS alert_id, a.short_no, a.outcome
FROM alert a
JOIN response r ON r.id = a.response_id
JOIN invitation i ON i.id = r.invitation_id
JOIN procedure p ON p.id = i.procedure_id
JOIN patient n ON n.id = p.patient_id
WHERE r.id = ANY(%(responses)s) AND a.usefulness = 'event_confirmed'
ORDER BY r.id, a.resolved_at DESC
"""

_SIGNATURES = """
SELECT response_id, sha256, before, after, signed_by, signed_at, reason
FROM downgrade_signature WHERE protocol_version_id = %(version_id)s
"""

_SIGN = """
INSERT INTO downgrade_signature
  (id, protocol_version_id, sha256, response_id, before, after, signed_by, signed_at, reason)
VALUES (%(id)s, %(version_id)s, %(sha256)s, %(response_id)s, %(before)s, %(after)s, %(by)s, %(at)s, %(reason)s)
"""


def events(tx: Tx, responses: Collection[UUID]) -> Mapping[UUID, Event]:
    """Response id → its confirmed event."""
    return {row["response_id"]: _as_event(row) for row in tx.rows(_EVENTS, {"responses": list(responses)})}


def signatures(tx: Tx, version_id: UUID) -> Mapping[tuple[UUID, Terms | None], Signature]:
    """What was signed of a version: (response id, what it was bound to) → the signature. Of older texts as well."""
    return {_key(row): _as_signature(row) for row in tx.rows(_SIGNATURES, {"version_id": version_id})}


def insert(tx: Tx, version_id: UUID, response_id: UUID, terms: Terms, *, by: UUID, at: datetime, reason: str) -> None:
    """Add a signature. Raises Conflict (`downgrade_signed_once`) when there is one on the same terms."""
    bound = {"sha256": terms.sha256, "before": terms.before, "after": terms.after}
    given = {"id": uuid4(), "version_id": version_id, "response_id": response_id, "by": by, "at": at, "reason": reason}
    tx.change(_SIGN, bound | given)


def _key(row: Row) -> tuple[UUID, Terms | None]:
    terms = Terms(sha256=row["sha256"], before=Tier(row["before"]), after=Tier(row["after"]))
    return row["response_id"], terms


def _as_signature(row: Row) -> Signature:
    return Signature(by=row["signed_by"], at=row["signed_at"], reason=row["reason"])


def _as_event(row: Row) -> Event:
    return Event(
        procedure_id=row["procedure_id"],
        name=row["name"],
        performed_on=row["performed_on"],
        alert_id=row["alert_id"],
        short_no=row["short_no"],
        outcome=Outcome(row["outcome"]),
    )
