"""Scores: which responses are due, and the one statement that keeps a batch of results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql as pg

from survey.domain.answers import Answers
from survey.domain.protocol import Flag, Tier
from survey.domain.responses import worst
from survey.store.base import Row, identifier, instant, metadata
from survey.store.session import Tx

score = sa.Table(
    "score",
    metadata,
    identifier("response_id", primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("fired", pg.JSONB, nullable=False),
    sa.Column("answers", pg.JSONB, nullable=False),
    sa.Column("context", pg.JSONB, nullable=False),
    sa.Column("protocol_sha256", sa.Text, nullable=False),
    instant("at", nullable=False),
)

# Alerts are read for two reasons: a tier that was acted on never falls, and answers from before a case was closed
# must not open it again. What only a response with an alert needs stands behind CASE, so that the others do not pay.
# Of two values for one key a JSON reader keeps the later, which is the newest answer; jsonb would be built for nothing.
_CLAIM = """
SELECT r.id, r.revision, r.answered_at, r.submitted_at, r.protocol_version_id,
  i.site_id, i.touch, p.body_sites, p.agents, p.context, told.tiers, told.is_open,
  (SELECT json_object_agg(item, value) FROM (
    SELECT item, value FROM answer WHERE response_id = r.id ORDER BY revision) AS given) AS answers,
  CASE WHEN told.tiers IS NOT NULL THEN
    (SELECT jsonb_path_query_array(s.fired, '$[*].rule') FROM score s WHERE s.response_id = r.id
      ORDER BY s.revision DESC LIMIT 1) END AS known_rules,
  CASE WHEN told.closed_at IS NOT NULL THEN
    ARRAY(SELECT item FROM answer WHERE response_id = r.id GROUP BY item HAVING max(at) > told.closed_at)
    END AS new_items
FROM (
  SELECT * FROM response WHERE revision > scored_revision AND (%(only)s::uuid IS NULL OR id = %(only)s)
  ORDER BY answered_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED) AS r
JOIN invitation i ON i.id = r.invitation_id
JOIN procedure p ON p.id = i.procedure_id
LEFT JOIN LATERAL (
  SELECT array_agg(tier) AS tiers, max(resolved_at) AS closed_at, bool_or(state <> 'resolved') AS is_open
  FROM alert WHERE response_id = r.id) AS told ON true
"""

_RECORD = """
WITH new AS (
  SELECT * FROM jsonb_to_recordset(%(rows)s) AS n (
    id uuid, revision int, score_tier text, tier text, fired jsonb, answers jsonb, context jsonb, sha256 text,
    fault text)),
kept AS (
  INSERT INTO score (response_id, revision, tier, fired, answers, context, protocol_sha256, at)
  SELECT id, revision, score_tier, fired, answers, context, sha256, %(now)s FROM new WHERE fault IS NULL)
UPDATE response SET scored_revision = new.revision, tier = new.tier, scored_at = %(now)s, score_fault = new.fault
FROM new WHERE response.id = new.id
"""


_FLAGS = {flag.value: flag for flag in Flag}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One response to score, locked.

    `told` is the worst tier that was ever acted on for it; `is_closed` says that it was, and that no alert is open now.
    `known_rules` are those that fired at its last score, empty where no alert was ever raised.
    `answers` are the newest of each item; `since_closed` those of them that came after an alert on the response was
    last closed, and None when none ever was.
    """

    id: UUID
    revision: int
    answered_at: datetime
    submitted_at: datetime | None
    protocol_version_id: UUID
    site_id: UUID
    touch: str
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    context: Mapping[str, Flag]
    told: Tier | None
    is_closed: bool
    known_rules: frozenset[str]
    answers: Answers
    since_closed: Answers | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One result: `score_tier` is the score's own, `tier` what the response stands at now. Or a `fault`.

    `answers` and `context` are those that were judged.
    """

    id: UUID
    revision: int
    tier: Tier | None
    score_tier: Tier | None = None
    fired: Sequence[Mapping[str, Any]] = ()
    answers: Answers | None = None
    context: Mapping[str, Flag] | None = None
    sha256: str | None = None
    fault: str | None = None


def claim(tx: Tx, *, limit: int, only: UUID | None = None) -> tuple[Due, ...]:
    """Due responses, oldest first, locked until the end of the transaction; those locked elsewhere are left out."""
    return tuple(_as_due(row) for row in tx.rows(_CLAIM, {"limit": limit, "only": only}))


def due_ids(tx: Tx, *, limit: int) -> tuple[UUID, ...]:
    """Which responses are due, without locking them."""
    query = sa.text("""SELECT id FROM response WHERE revision > scored_revision ORDER BY answered_at LIMIT :limit""")
    return tuple(tx.run(query, {"limit": limit}).scalars())


def record(tx: Tx, results: Sequence[Scored], *, now: datetime) -> None:
    """Keep the scores and set the responses to them."""
    rows = [
        {
            "id": str(one.id),
            "revision": one.revision,
            "score_tier": one.score_tier,
            "tier": one.tier,
            "fired": list(one.fired),
            "answers": dict(one.answers or {}),
            "context": dict(one.context or {}),
            "sha256": one.sha256,
            "fault": one.fault,
        }
        for one in results
    ]
    tx.change(_RECORD, {"rows": Jsonb(rows), "now": now})


def _as_due(row: Row) -> Due:
    answers, new_items = row["answers"] or {}, row["new_items"]
    return Due(
        id=row["id"],
        revision=row["revision"],
        answered_at=row["answered_at"],
        submitted_at=row["submitted_at"],
        protocol_version_id=row["protocol_version_id"],
        site_id=row["site_id"],
        touch=row["touch"],
        body_sites=tuple(row["body_sites"]),
        agents=tuple(row["agents"]),
        context={key: _FLAGS[value] for key, value in row["context"].items()},
        told=worst(*map(Tier, row["tiers"])) if row["tiers"] else None,
        is_closed=row["is_open"] is False,
        known_rules=frozenset(row["known_rules"] or ()),
        answers=answers,
        since_closed=None if new_items is None else {item: answers[item] for item in new_items},
    )
