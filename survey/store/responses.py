"""Responses and their answers: one row per answer, and a revision that counts them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.answers import Answer, Answers
from survey.domain.protocol import Flag, Tier
from survey.domain.responses import AnsweredBy, Identity, Mode, Response
from survey.store.base import identifier, instant, metadata
from survey.store.session import Statements, Tx

response = sa.Table(
    "response",
    metadata,
    identifier(primary_key=True),
    identifier("invitation_id", nullable=False),
    identifier("protocol_version_id", nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("answered_by", sa.Text, nullable=False),
    identifier("entered_by"),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("scored_revision", sa.Integer, nullable=False),
    sa.Column("tier", sa.Text),
    instant("started_at", nullable=False),
    instant("answered_at", nullable=False),
    instant("submitted_at"),
    instant("scored_at"),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("score_fault", sa.Text),
)

answer = sa.Table(
    "answer",
    metadata,
    identifier("response_id", primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("value", pg.JSONB, nullable=False),
    instant("at", nullable=False),
)

# The one read of every tap: all that a page needs comes in one row, in psycopg's own types.
_VISIT = """
SELECT s.language, s.sent_at, s.answered_by, s.link_sha256,
  i.id AS invitation_id, i.site_id, i.touch, i.expires_at,
  coalesce(r.protocol_version_id, i.protocol_version_id) AS protocol_version_id,
  p.patient_id, p.performed_on, p.body_sites, p.agents, p.context,
  r.id AS response_id, r.revision, r.answered_at, r.submitted_at, r.identity,
  (SELECT jsonb_object_agg(item, jsonb_build_array(value, at >= s.made_at AND revision > coalesce(r.sent_revision, 0)))
  FROM (
    SELECT DISTINCT ON (item) item, value, at, revision FROM answer WHERE response_id = r.id
    ORDER BY item, revision DESC
  ) AS newest) AS answers
FROM patient_session s
JOIN invitation i ON i.id = s.invitation_id
JOIN procedure p ON p.id = i.procedure_id
LEFT JOIN response r ON r.invitation_id = i.id
WHERE s.token_sha256 = %(token_sha256)s AND s.ended_at IS NULL AND s.ends_at > %(now)s
"""

# The response is locked by the update before anything is added to it, so of two taps at once the second finds that
# the revision it saw is gone.
_SAVE = """
WITH moved AS (
  UPDATE response SET revision = revision + %(count)s, answered_at = %(now)s
  WHERE id = %(id)s AND revision = %(seen)s
  RETURNING id, revision),
added AS (
  INSERT INTO answer (response_id, revision, item, value, at)
  SELECT moved.id, moved.revision - %(count)s + new.place, new.pair->>0, new.pair->1, %(now)s
  FROM moved, jsonb_array_elements(%(answers)s::jsonb) WITH ORDINALITY AS new (pair, place))
SELECT revision FROM moved
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """What the database knows of a phone that is answering. `response_id` is None before "who is answering".

    `answers` are the newest of each item; `unsent` those of them that were given after Start was pressed here and
    after Send was last pressed anywhere.
    """

    language: str
    sent_at: datetime | None
    answered_by: AnsweredBy | None
    link_sha256: bytes
    invitation_id: UUID
    site_id: UUID
    touch: str
    expires_at: datetime
    protocol_version_id: UUID
    patient_id: UUID
    performed_on: date
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    context: Mapping[str, Flag]
    response_id: UUID | None
    revision: int
    answered_at: datetime | None
    submitted_at: datetime | None
    identity: Identity
    answers: Answers
    unsent: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the clinic knows: `tier` and `promised_at` of the open alert, and when one was last closed."""

    tier: Tier | None
    promised_at: datetime | None
    closed_at: datetime | None


def visit(tx: Statements, token_sha256: bytes, *, now: datetime) -> Visited | None:
    """What belongs to a live patient session; None when it has ended or never was."""
    values = tx.fetch(_VISIT, {"token_sha256": token_sha256, "now": now})
    if values is None:
        return None
    newest = values.pop("answers") or {}
    return Visited(
        **values
        | {
            "answered_by": AnsweredBy(values["answered_by"]) if values["answered_by"] else None,
            "body_sites": tuple(values["body_sites"]),
            "agents": tuple(values["agents"]),
            "context": {key: Flag(value) for key, value in values["context"].items()},
            "revision": values["revision"] or 0,
            "identity": Identity(values["identity"] or Identity.NOT_ASKED),
            "answers": {item: value for item, (value, _) in newest.items()},
            "unsent": {item: value for item, (value, is_new) in newest.items() if is_new},
        }
    )


def save(tx: Statements, response_id: UUID, answers: Sequence[tuple[str, Answer]], *, seen: int, now: datetime) -> bool:
    """Add answers as revisions `seen` + 1 and up, in one statement. False, and nothing done, when `seen` is old."""
    pairs = json.dumps([[item, value] for item, value in answers])
    parameters = {"id": response_id, "seen": seen, "count": len(answers), "answers": pairs, "now": now}
    return tx.fetch(_SAVE, parameters) is not None


def begin(tx: Tx, new: Response) -> None:
    """Open a response; where the invitation has one already, it goes on, answered by whoever answers now."""
    values = {column.name: getattr(new, column.name) for column in response.c}
    insert = pg.insert(response).values(**values)
    goes_on = {"answered_by": insert.excluded.answered_by, "language": insert.excluded.language}
    tx.run(insert.on_conflict_do_update(constraint="response_once", set_=goes_on))


def find_of(tx: Tx, invitation_id: UUID) -> Response | None:
    """The response of an invitation, locked until the end of the transaction."""
    query = sa.select(response).where(response.c.invitation_id == invitation_id).with_for_update(key_share=True)
    row = tx.run(query).mappings().one_or_none()
    return as_response(row) if row else None


def answers_of(tx: Tx, response_id: UUID, *, after: datetime | None = None) -> dict[str, Answer]:
    """The newest answer to each item, of those given after an instant if one is given."""
    columns = sa.select(answer.c.item, answer.c.value).ext(pg.distinct_on(answer.c.item))
    newest = columns.where(answer.c.response_id == response_id)
    if after is not None:
        newest = newest.where(answer.c.at > after)
    return {row.item: row.value for row in tx.run(newest.order_by(answer.c.item, answer.c.revision.desc()))}


def told(tx: Tx, response_id: UUID) -> Told:
    """What the clinic has been told of a response."""
    query = sa.text("""SELECT closed_at, promised_at, tier FROM
      (SELECT max(resolved_at) AS closed_at FROM alert WHERE response_id = :response_id) AS closed
      LEFT JOIN (SELECT promised_at, tier FROM alert WHERE response_id = :response_id AND state <> 'resolved'
        ORDER BY created_at DESC LIMIT 1) AS open ON true""")
    row = tx.run(query, {"response_id": response_id}).mappings().one()
    tier = Tier(row["tier"]) if row["tier"] else None
    return Told(tier=tier, promised_at=row["promised_at"], closed_at=row["closed_at"])


def submit(tx: Tx, response_id: UUID, *, now: datetime) -> None:
    """Mark it as sent; the first sending is the one kept. It is due for scoring again, now as a finished one."""
    sent = """UPDATE response SET submitted_at = coalesce(submitted_at, %(now)s), answered_at = %(now)s,
      revision = revision + 1, sent_revision = revision + 1 WHERE id = %(id)s"""
    tx.change(sent, {"id": response_id, "now": now})


def mark_as_phoned(tx: Tx, response_id: UUID, *, entered_by: UUID, answered_by: AnsweredBy) -> None:
    """Note that a member of staff typed the newest answers."""
    values = {"mode": Mode.PHONE, "entered_by": entered_by, "answered_by": answered_by}
    tx.run(sa.update(response).where(response.c.id == response_id).values(values))


def set_identity(tx: Tx, response_id: UUID, identity: Identity) -> None:
    """Note what the month and day of birth said."""
    tx.run(sa.update(response).where(response.c.id == response_id).values(identity=identity))


def unfinished(tx: Tx, *, before: datetime, limit: int) -> tuple[Response, ...]:
    """Responses that were begun, not sent, not touched since `before`, and that nobody has been told of; locked."""
    untold = sa.text("NOT EXISTS (SELECT FROM alert WHERE alert.response_id = response.id)")
    query = sa.select(response).where(
        response.c.submitted_at.is_(None),
        response.c.answered_at < before,
        response.c.revision > 0,
        response.c.revision == response.c.scored_revision,
        untold,
    )
    rows = tx.run(query.order_by(response.c.answered_at).limit(limit).with_for_update(key_share=True, skip_locked=True))
    return tuple(as_response(row) for row in rows.mappings())


def score_again(tx: Tx, response_id: UUID) -> None:
    """Make it due for scoring although no answer was added."""
    tx.run(sa.update(response).where(response.c.id == response_id).values(revision=response.c.revision + 1))


def as_response(row: Mapping[Any, Any]) -> Response:
    """The response of a row."""
    values = {column.name: row[column.name] for column in response.c}
    typed = {
        "mode": Mode(values["mode"]),
        "answered_by": AnsweredBy(values["answered_by"]),
        "tier": Tier(values["tier"]) if values["tier"] else None,
        "identity": Identity(values["identity"]),
    }
    return Response(**values | typed)
