"""The steps of many sends at once: sixteen threads that call leave no time for a round trip of each message's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.errors import Stale
from survey.domain.messages import Delivery, Ending, Message
from survey.store.messages import as_message
from survey.store.session import Tx

_START = """
UPDATE message m SET attempts = v.attempts, contact_no = v.contact_no
FROM unnest(%(ids)s::uuid[], %(attempts)s::int[], %(contact_nos)s::smallint[]) AS v (id, attempts, contact_no)
WHERE m.id = v.id AND m.state = 'leased' AND m.lease_token = %(token)s AND m.attempts = v.attempts - 1
"""
_NOTE = """
INSERT INTO message_attempt
  (id, message_id, attempt_no, provider, lease_token, started_at, body_sha256, delivery_rank)
SELECT v.id, v.message_id, v.attempt_no, v.provider, %(token)s, %(now)s, v.body_sha256, 0
FROM unnest(%(references)s::uuid[], %(ids)s::uuid[], %(attempts)s::int[], %(providers)s::text[], %(marks)s::bytea[])
  AS v (id, message_id, attempt_no, provider, body_sha256)
"""
_LINK = """
INSERT INTO invitation_link (token_sha256, invitation_id, message_id, made_at, expires_at)
SELECT v.token_sha256, v.invitation_id, v.message_id, %(now)s, v.expires_at
FROM unnest(%(tokens)s::bytea[], %(invitations)s::uuid[], %(ids)s::uuid[], %(expiries)s::timestamptz[])
  AS v (token_sha256, invitation_id, message_id, expires_at)
"""
_END = """
UPDATE message_attempt a
SET outcome = v.outcome, provider_ref = v.provider_ref, detail = v.detail, finished_at = %(now)s
FROM unnest(%(references)s::uuid[], %(outcomes)s::text[], %(provider_refs)s::text[], %(details)s::text[])
  AS v (id, outcome, provider_ref, detail)
WHERE a.id = v.id RETURNING a.id, a.delivery
"""
_LOCK = "SELECT * FROM message WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"
_LEAVE = """
UPDATE message m SET state = v.state, sent_at = v.sent_at, reason = v.reason, lease_token = NULL, lease_until = NULL
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(sent)s::timestamptz[], %(reasons)s::text[])
  AS v (id, state, sent_at, reason)
WHERE m.id = v.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link that a message carries, kept as the hash of its token."""

    token_sha256: bytes
    invitation_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One attempt about to be made: `message` counts it already, `body_sha256` tells our words."""

    message: Message
    reference: UUID
    provider: str
    body_sha256: bytes
    link: NewLink | None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How one attempt ended; `detail` is a code."""

    reference: UUID
    outcome: Ending
    provider_ref: str | None
    detail: str


def start(tx: Tx, starts: Sequence[Start], *, token: UUID, now: datetime) -> None:
    """Note attempts of messages that this lease holds, with their links. Raises Stale when one was lost meanwhile."""
    if not starts:
        return
    ids = [one.message.id for one in starts]
    attempts = [one.message.attempts for one in starts]
    contact_nos = [one.message.contact_no for one in starts]
    leased = {"ids": ids, "attempts": attempts, "contact_nos": contact_nos, "token": token}
    if tx.change(_START, leased) != len(starts):
        raise Stale("A message has changed meanwhile.")
    noted = {
        "references": [one.reference for one in starts],
        "providers": [one.provider for one in starts],
        "marks": [one.body_sha256 for one in starts],
    }
    tx.change(_NOTE, {**noted, "ids": ids, "attempts": attempts, "token": token, "now": now})
    _link(tx, [(one.message.id, one.link) for one in starts if one.link is not None], now=now)


def _link(tx: Tx, links: Sequence[tuple[UUID, NewLink]], *, now: datetime) -> None:
    if not links:
        return
    columns = {
        "ids": [message_id for message_id, _ in links],
        "tokens": [link.token_sha256 for _, link in links],
        "invitations": [link.invitation_id for _, link in links],
        "expiries": [link.expires_at for _, link in links],
    }
    tx.change(_LINK, {**columns, "now": now})


def end(tx: Tx, ends: Sequence[End], *, now: datetime) -> Mapping[UUID, Delivery | None]:
    """Note how calls ended; for each attempt what a receipt that overtook the answer has said already."""
    columns = {
        "references": [one.reference for one in ends],
        "outcomes": [one.outcome for one in ends],
        "provider_refs": [one.provider_ref for one in ends],
        "details": [one.detail for one in ends],
    }
    rows = tx.rows(_END, {**columns, "now": now})
    return {row["id"]: Delivery(row["delivery"]) if row["delivery"] else None for row in rows}


def lock(tx: Tx, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
    """Those messages, locked."""
    return {row["id"]: as_message(row) for row in tx.rows(_LOCK, {"ids": list(message_ids)})}


def leave(tx: Tx, messages: Sequence[Message]) -> None:
    """Put messages that `lock` holds into the state that they reached, out of their sender's hands."""
    if not messages:
        return
    columns = {
        "ids": [one.id for one in messages],
        "states": [one.state for one in messages],
        "sent": [one.sent_at for one in messages],
        "reasons": [one.reason for one in messages],
    }
    tx.change(_LEAVE, columns)
