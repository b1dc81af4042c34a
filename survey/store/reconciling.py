"""Texts that may have left: whom to ask about them and when, and what was answered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from survey.store.session import Tx

# The newest attempt of a message is the only one that may have left: no other follows one that is unknown.
_TAKE = """
UPDATE message_attempt SET ask_at = %(now)s + CASE
  WHEN started_at > %(now)s - interval '1 hour' THEN interval '3 minutes' ELSE interval '30 minutes' END
WHERE id IN (
  SELECT a.id FROM message m JOIN message_attempt a ON a.message_id = m.id AND a.attempt_no = m.attempts
  WHERE m.state = 'unknown' AND m.sent_at > %(now)s - interval '1 day' AND a.outcome = 'unknown'
    AND a.provider = ANY(%(providers)s)
    AND coalesce(a.ask_at, a.finished_at + interval '1 minute') <= %(now)s
  ORDER BY a.started_at LIMIT %(limit)s FOR UPDATE OF a SKIP LOCKED)
RETURNING id, message_id, provider, body_sha256, started_at, finished_at, absent_at
"""
_TO = """
SELECT coalesce(c.address, i.sender) AS address
FROM message m LEFT JOIN contact c ON c.id = m.contact_id LEFT JOIN inbound i ON i.id = m.inbound_id
WHERE m.id = %(message)s
"""
_KNOWN = """
SELECT a.provider_ref FROM message_attempt a JOIN message m ON m.id = a.message_id
  LEFT JOIN contact c ON c.id = m.contact_id LEFT JOIN inbound i ON i.id = m.inbound_id
WHERE a.provider = %(provider)s AND a.provider_ref IS NOT NULL AND a.id <> %(attempt)s
  AND a.started_at BETWEEN %(since)s - interval '1 day' AND %(until)s + interval '1 day'
  AND coalesce(c.address, i.sender) = %(address)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An attempt that may have left, to be asked about now; `absent_at` is when it was first said not to have."""

    attempt_id: UUID
    message_id: UUID
    provider: str
    to: str
    body_sha256: bytes
    since: datetime
    until: datetime
    known: tuple[str, ...]
    absent_at: datetime | None


def take(tx: Tx, *, providers: Collection[str], now: datetime, limit: int) -> tuple[Unknown, ...]:
    """The attempts to ask about now, at most `limit`; nobody else is given them before their next time."""
    rows = tx.rows(_TAKE, {"providers": list(providers), "now": now, "limit": limit})
    return tuple(_as_unknown(tx, row) for row in rows)


def _as_unknown(tx: Tx, row: dict[str, Any]) -> Unknown:
    (to,) = tx.rows(_TO, {"message": row["message_id"]})
    span = {"since": row["started_at"], "until": row["finished_at"]}
    asked = {"provider": row["provider"], "attempt": row["id"], "address": to["address"], **span}
    return Unknown(
        attempt_id=row["id"],
        message_id=row["message_id"],
        provider=row["provider"],
        to=to["address"],
        body_sha256=row["body_sha256"] or b"",
        known=tuple(one["provider_ref"] for one in tx.rows(_KNOWN, asked)),
        absent_at=row["absent_at"],
        **span,
    )


def note_found(tx: Tx, attempt_id: UUID, *, provider_ref: str | None) -> None:
    """Note that the provider has the text."""
    change = "UPDATE message_attempt SET provider_ref = coalesce(%(ref)s, provider_ref) WHERE id = %(id)s"
    tx.change(change, {"id": attempt_id, "ref": provider_ref})


def note_absent(tx: Tx, attempt_id: UUID, *, now: datetime) -> None:
    """Note that the provider says, for the first time, that it has no such text."""
    tx.change("UPDATE message_attempt SET absent_at = %(now)s WHERE id = %(id)s", {"id": attempt_id, "now": now})


def note_never_left(tx: Tx, attempt_id: UUID) -> None:
    """Note that the text surely did not leave."""
    change = "UPDATE message_attempt SET outcome = 'try_later', detail = 'absent' WHERE id = %(id)s"
    tx.change(change, {"id": attempt_id})
