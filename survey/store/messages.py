"""The outbox to patients: claimed with a lease, one attempt row for each call of a provider."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from survey.domain.errors import Stale
from survey.domain.messages import LEASE, Delivery, Ending, Kind, Message, MessageState
from survey.store.base import Row, identifier, instant, metadata
from survey.store.session import Tx

message = sa.Table(
    "message",
    metadata,
    identifier(primary_key=True),
    identifier("invitation_id"),
    identifier("contact_id"),
    identifier("inbound_id"),
    sa.Column("contact_no", sa.SmallInteger),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("touch_no", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    instant("due_at", nullable=False),
    instant("give_up_at", nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    identifier("lease_token"),
    instant("lease_until"),
    instant("sent_at"),
    sa.Column("reason", sa.Text),
    sa.Column("late", sa.Boolean, nullable=False),
)

message_attempt = sa.Table(
    "message_attempt",
    metadata,
    identifier(primary_key=True),
    identifier("message_id", nullable=False),
    sa.Column("attempt_no", sa.Integer, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    identifier("lease_token", nullable=False),
    instant("started_at", nullable=False),
    instant("finished_at"),
    sa.Column("outcome", sa.Text),
    sa.Column("provider_ref", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("body_sha256", sa.LargeBinary),
    sa.Column("delivery", sa.Text),
    sa.Column("delivery_rank", sa.SmallInteger, nullable=False),
    instant("delivery_at"),
)

_FIELDS = tuple(field.name for field in fields(Message))
_GET = "SELECT * FROM message WHERE id = %(id)s FOR UPDATE"
_CLAIM = """
UPDATE message m SET state = 'leased', lease_token = %(token)s, lease_until = %(until)s
WHERE m.id = ANY(ARRAY(
  SELECT id FROM message WHERE state = 'pending' AND due_at <= %(now)s
  ORDER BY due_at, kind = 'reminder' LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING m.id, m.kind, m.due_at
"""
# A lease that ends later than any that is made now was made by a clock that has been set back since.
_LAPSED = """
SELECT m.*, EXISTS (SELECT FROM message_attempt a WHERE a.message_id = m.id AND a.lease_token = m.lease_token
  AND a.outcome IS DISTINCT FROM 'try_later') AS called
FROM message m WHERE m.state = 'leased' AND (m.lease_until < %(now)s OR m.lease_until > %(latest)s)
LIMIT %(limit)s FOR UPDATE OF m SKIP LOCKED
"""
# What a number's texts take, `contact_no`, is taken and given back with them.
_CHANGES = ", ".join(f"{name} = %({name})s" for name in _FIELDS if name not in ("id", "contact_no"))
_SWAP = f"""
UPDATE message SET {_CHANGES}
WHERE id = %(id)s AND state = %(old_state)s AND attempts = %(old_attempts)s
  AND lease_token IS NOT DISTINCT FROM %(old_token)s
"""  # noqa: S608
_TOLD = """
UPDATE message_attempt told SET delivery = %(delivery)s, delivery_rank = %(rank)s, delivery_at = %(now)s
WHERE id = %(id)s AND delivery_rank < %(rank)s RETURNING message_id, NOT EXISTS (
  SELECT FROM message_attempt later WHERE later.message_id = told.message_id AND later.attempt_no > told.attempt_no
) AS of_the_last
"""
_ZONE = """
SELECT coalesce(p.zone, s.zone) AS zone FROM invitation i
JOIN procedure d ON d.id = i.procedure_id
JOIN patient p ON p.id = d.patient_id
JOIN site s ON s.id = i.site_id
WHERE i.id = %(invitation_id)s
"""


def insert(tx: Tx, new: Message) -> None:
    """Add a message. Raises Conflict (`message_once`) when the same one was queued before."""
    tx.run(sa.insert(message), _values(new))


def get_for_update(tx: Tx, message_id: UUID) -> Message:
    """That message, locked. It exists: an attempt points to it."""
    (row,) = tx.rows(_GET, {"id": message_id})
    return as_message(row)


def claim(tx: Tx, *, token: UUID, until: datetime, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Lease what is due, the longest due first, at most `limit`; what another sender holds is passed over.

    Reminders come last: where a number may get one text more, somebody who was not asked yet gets it.
    """
    found = tx.rows(_CLAIM, {"token": token, "until": until, "now": now, "limit": limit})
    return tuple(row["id"] for row in sorted(found, key=lambda row: (row["kind"] == Kind.REMINDER, row["due_at"])))


def find_lapsed(tx: Tx, *, now: datetime, limit: int) -> tuple[tuple[Message, bool], ...]:
    """Messages whose sender died, locked; with each, whether its provider may have been called."""
    rows = tx.rows(_LAPSED, {"now": now, "latest": now + 2 * LEASE, "limit": limit})
    return tuple((as_message(row), row["called"]) for row in rows)


def swap(tx: Tx, old: Message, new: Message) -> None:
    """Put `new` in the place of `old`, but for `contact_no`. Raises Stale when somebody changed it in between."""
    same = {"old_state": old.state, "old_attempts": old.attempts, "old_token": old.lease_token}
    if tx.change(_SWAP, {**_values(new), **same}) != 1:
        raise Stale("This message has changed meanwhile.")


def lapse_attempt(tx: Tx, lapsed: Message, *, now: datetime) -> Delivery | None:
    """Note that nobody knows how the call of a dead sender ended; what a receipt has said of it already."""
    same = (message_attempt.c.message_id == lapsed.id) & (message_attempt.c.lease_token == lapsed.lease_token)
    values = {"outcome": Ending.UNKNOWN, "detail": "lease_expired", "finished_at": now}
    noted = sa.update(message_attempt).where(same & message_attempt.c.outcome.is_(None)).values(**values)
    said = tx.run(noted.returning(message_attempt.c.delivery)).scalar_one_or_none()
    return Delivery(said) if said else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The message that a receipt is about, and whether it is about the last attempt to hand it over."""

    message_id: UUID
    of_the_last: bool


def note_delivery(tx: Tx, attempt_id: UUID, delivery: Delivery, *, now: datetime) -> Noted | None:
    """Note a receipt with its attempt, forward only; None when it is unknown or tells nothing new."""
    told = {"id": attempt_id, "delivery": delivery, "rank": delivery.rank, "now": now}
    row = tx.fetch(_TOLD, told)
    return Noted(**row) if row else None


def held_up(tx: Tx, *, reason: str) -> int:
    """How many pending messages wait for that reason."""
    waiting = (message.c.state == MessageState.PENDING) & (message.c.reason == reason)
    return int(tx.run(sa.select(sa.func.count()).select_from(message).where(waiting)).scalar_one())


def zone(tx: Tx, invitation_id: UUID) -> str:
    """The zone of the invitation's patient, else of its site."""
    row = tx.fetch(_ZONE, {"invitation_id": invitation_id})
    return str(row["zone"]) if row else ""


def cancel_pending(tx: Tx, invitation_id: UUID, *, reason: str) -> None:
    """Take back what has not left yet; a sender that holds one finds out when it looks."""
    waiting = (message.c.invitation_id == invitation_id) & (message.c.state == MessageState.PENDING)
    tx.run(sa.update(message).where(waiting).values(state=MessageState.CANCELLED, reason=reason))


def cancel_pending_to(tx: Tx, contact_id: UUID, invitation_id: UUID, *, reason: str) -> None:
    """Take back what of that survey waits for that contact; another contact's goes on waiting."""
    waiting = (message.c.invitation_id == invitation_id) & (message.c.state == MessageState.PENDING)
    theirs = waiting & (message.c.contact_id == contact_id)
    tx.run(sa.update(message).where(theirs).values(state=MessageState.CANCELLED, reason=reason))


def _values(one: Message) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _FIELDS}


def as_message(row: Row) -> Message:
    """The message of a row."""
    return Message(
        **{name: row[name] for name in _FIELDS} | {"kind": Kind(row["kind"]), "state": MessageState(row["state"])}
    )
