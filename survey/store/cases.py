"""Scored responses, as they are judged again by another version of their protocol."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from survey.domain.burden import week_and_night
from survey.domain.comparison import Case, Compared, Verdict
from survey.domain.protocol import Tier
from survey.store.canary import NOT_ITS_RESPONSE
from survey.store.session import Tx

FIRST = UUID(int=0)
"""Below every id."""
ALL = {"judge": None}
"""The flags as they were taken, of every score."""

# A response and one of its scores. Without a tier it is under way, and nobody was told anything yet.
_SCORED = """
SELECT r.id AS response_id, r.invitation_id, r.answered_at, s.revision, s.tier, s.fired, s.answers, s.context, s.at,
  s.protocol_sha256 AS sha256
FROM response r JOIN score s ON s.response_id = r.id
"""
_NEWEST = f"{_SCORED} AND s.revision = r.scored_revision WHERE r.tier IS NOT NULL AND {NOT_ITS_RESPONSE}"

# Few values, and none that psycopg makes a container of: the collector's rounds would cost as much as the judging does.
_CASE = """
SELECT s.response_id, s.revision,
  floor(date_part('epoch', s.answered_at AT TIME ZONE z.zone) / 3600)::int AS hour, i.touch,
  s.answers::text AS answers,
  array_to_string(p.body_sites, E'\\x1f') AS body_sites, array_to_string(p.agents, E'\\x1f') AS agents,
  p.context::text AS given,
  CASE WHEN %(judge)s::text IS NULL OR s.sha256 = %(judge)s THEN s.context::text ELSE '{}' END AS context,
  s.sha256, s.tier, s.fired::text AS fired
"""

_PLACES = """
JOIN invitation i ON i.id = s.invitation_id
JOIN procedure p ON p.id = i.procedure_id
JOIN site z ON z.id = i.site_id
"""

# The rows of one step are found first, in the order of ids, and only then is anything fetched for them. Both tables are
# told where to begin: PostgreSQL would read the scores from the first on, more of them with each step.
_STORED = "".join(
    (
        _CASE,
        "FROM (",
        _NEWEST,
        """
  AND r.protocol_version_id = ANY(%(versions)s) AND r.answered_at <= %(until)s
  AND r.id > %(after)s AND s.response_id > %(after)s
ORDER BY r.id LIMIT %(limit)s) AS s
""",
        _PLACES,
        "ORDER BY s.response_id",
    )
)

_STORED_COUNT = f"""
SELECT count(*) AS number FROM response r JOIN score s ON s.response_id = r.id AND s.revision = r.scored_revision
WHERE r.protocol_version_id = ANY(%(versions)s) AND r.tier IS NOT NULL AND r.answered_at <= %(until)s
  AND {NOT_ITS_RESPONSE}
"""  # noqa: S608

_SHADOWED = "".join(
    (
        _CASE,
        "FROM (",
        _NEWEST,
        """
  AND r.protocol_version_id = ANY(%(versions)s)
  AND s.at >= %(since)s AND s.at < %(until)s AND r.started_at >= %(since)s
  AND NOT EXISTS (SELECT FROM shadow_score w WHERE w.protocol_version_id = %(candidate)s
    AND w.response_id = r.id AND w.revision >= s.revision)
ORDER BY s.at LIMIT %(limit)s) AS s
""",
        _PLACES,
        "ORDER BY s.at",
    )
)

_IS_CONFIRMED = """
WHERE r.protocol_version_id = ANY(%(versions)s)
  AND r.id IN (SELECT response_id FROM alert WHERE usefulness = 'event_confirmed')
"""

# Each score that a response ever had: whichever of them opened the alert, an answer may have been changed after it. One
# that could not be scored in the end paged all the same, and stands last with the tier that was acted on.
_CONFIRMED = "".join(
    (
        _CASE,
        "FROM (",
        _SCORED,
        _IS_CONFIRMED,
        """
UNION ALL
SELECT r.id, r.invitation_id, r.answered_at, r.scored_revision, r.tier, '[]',
  (SELECT coalesce(jsonb_object_agg(item, value ORDER BY revision), '{}') FROM answer WHERE response_id = r.id),
  '{}', r.scored_at, ''
FROM response r
""",
        _IS_CONFIRMED,
        " AND r.score_fault IS NOT NULL) AS s",
        _PLACES,
        "ORDER BY s.response_id, s.revision",
    )
)

# Against the score of the same answers, whatever came after it.
_TRIED = "".join(
    (
        _CASE,
        ", w.tier AS candidate_tier, w.fired::text AS candidate_fired FROM (",
        _SCORED,
        """
) AS s
JOIN shadow_score w ON w.response_id = s.response_id AND w.revision = s.revision
""",
        _PLACES,
        """
WHERE w.protocol_version_id = %(candidate)s AND w.fault IS NULL
ORDER BY s.answered_at DESC, s.response_id
""",
    )
)

_WHOSE = """
SELECT r.id, i.procedure_id, concat_ws(' ', n.given_name, n.family_name) AS name, p.performed_on
FROM response r
JOIN invitation i ON i.id = r.invitation_id
JOIN procedure p ON p.id = i.procedure_id
JOIN patient n ON n.id = p.patient_id
WHERE r.id = ANY(%(responses)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whom a response is about, for a page that lists some."""

    procedure_id: UUID
    name: str
    performed_on: date


def stored(
    tx: Tx, versions: Collection[UUID], *, until: datetime, after: UUID | None, limit: int, sha256: str
) -> Iterator[Case]:
    """Responses that began on one of these versions, each with its newest score, in the order of ids.

    Answered up to `until`, beyond the id `after`, at most `limit`. They are judged by the text of `sha256`, which needs
    the flags as they were taken of its own scores alone: those of others are left empty. Read at once and handed over
    one by one: what lives through a whole step makes the collector look through everything else.
    """
    given = {"versions": list(versions), "until": until, "after": after or FIRST, "limit": limit, "judge": sha256}
    return map(_as_case, tx.bulk(_STORED, given))


def count(tx: Tx, versions: Collection[UUID], *, until: datetime) -> int:
    """How many cases `stored` has in all."""
    row = tx.fetch(_STORED_COUNT, {"versions": list(versions), "until": until})
    return int(row["number"]) if row else 0


def shadowed(
    tx: Tx, versions: Collection[UUID], *, candidate: UUID, since: datetime, until: datetime, limit: int
) -> tuple[Case, ...]:
    """Responses begun and scored within these days whose newest score `candidate` has not been held against yet."""
    given = {"versions": list(versions), "candidate": candidate, "since": since, "until": until, "limit": limit}
    return _cases(tx.bulk(_SHADOWED, ALL | given))


def confirmed(tx: Tx, versions: Collection[UUID]) -> tuple[Case, ...]:
    """Every score, oldest first, of each response whose alert a clinician closed as a confirmed event."""
    return _cases(tx.bulk(_CONFIRMED, ALL | {"versions": list(versions)}))


def tried(tx: Tx, candidate: UUID) -> tuple[Compared, ...]:
    """What a candidate in shadow has said so far, each beside the stored score; the newest answers first."""
    rows = tx.bulk(_TRIED, ALL | {"candidate": candidate})
    return tuple(Compared(case=_as_case(row), after=_verdict(tier, fired)) for *row, tier, fired in rows)


def whose(tx: Tx, responses: Collection[UUID]) -> Mapping[UUID, Whose]:
    """Response id → whom it is about."""
    rows = tx.rows(_WHOSE, {"responses": list(responses)})
    return {row.pop("id"): Whose(**row) for row in rows}


def _cases(rows: Sequence[tuple[Any, ...]]) -> tuple[Case, ...]:
    return tuple(_as_case(row) for row in rows)


def _as_case(row: Sequence[Any]) -> Case:
    response_id, revision, hour, touch, answers, body_sites, agents, given, context, sha256, tier, fired = row
    when, where = week_and_night(hour), (_words(body_sites), _words(agents))
    before = _verdict(tier, fired)
    return Case._make((response_id, revision, *when, touch, answers, *where, given, context, sha256, before))


@lru_cache(maxsize=1 << 12)
def _words(text: str) -> tuple[str, ...]:
    """What stood in an array, put together with a sign that no word holds."""
    return tuple(text.split("\x1f")) if text else ()


@lru_cache(maxsize=1 << 14)
def _verdict(tier: str, fired: str) -> Verdict:
    return Verdict(tier=Tier(tier), fired={one["rule"]: Tier(one["tier"]) for one in json.loads(fired)})
