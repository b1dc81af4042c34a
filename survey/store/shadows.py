"""What a candidate in shadow says of new responses: only its own page reads it, never what scores, pages or tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from survey.domain.comparison import Verdict
from survey.store.session import Tx

_KEEP = """
INSERT INTO shadow_score (protocol_version_id, response_id, revision, tier, fired, fault, at)
SELECT %(version_id)s, new.response_id, new.revision, new.tier, new.fired, new.fault, %(now)s
FROM jsonb_to_recordset(%(rows)s) AS new (response_id uuid, revision int, tier text, fired jsonb, fault text)
ON CONFLICT (protocol_version_id, response_id) DO UPDATE SET
  revision = EXCLUDED.revision, tier = EXCLUDED.tier, fired = EXCLUDED.fired, fault = EXCLUDED.fault, at = EXCLUDED.at
WHERE shadow_score.revision < EXCLUDED.revision
"""

_FAULTS = """
SELECT fault, count(*) AS number FROM shadow_score
WHERE protocol_version_id = %(version_id)s AND fault IS NOT NULL GROUP BY fault ORDER BY number DESC, fault
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One response as the candidate judges it, or the type of the `fault` that kept it from that."""

    response_id: UUID
    revision: int
    verdict: Verdict | None = None
    fault: str | None = None


def keep(tx: Tx, version_id: UUID, tried: Sequence[Tried], *, now: datetime) -> None:
    """Keep these, each in the place of an older one of its response."""
    if tried:
        tx.change(_KEEP, {"version_id": version_id, "rows": Jsonb([_as_json(one) for one in tried]), "now": now})


def forget(tx: Tx, version_id: UUID) -> int:
    """Drop all that a candidate said, as when its text is another one; how much that was."""
    return tx.change("DELETE FROM shadow_score WHERE protocol_version_id = %(id)s", {"id": version_id})


def faults(tx: Tx, version_id: UUID) -> Mapping[str, int]:
    """Why responses could not be judged → how many."""
    return {row["fault"]: row["number"] for row in tx.rows(_FAULTS, {"version_id": version_id})}


def _as_json(one: Tried) -> dict[str, object]:
    verdict = one.verdict
    return {
        "response_id": str(one.response_id),
        "revision": one.revision,
        "tier": verdict.tier if verdict else None,
        "fired": [{"rule": rule, "tier": tier} for rule, tier in verdict.fired.items()] if verdict else [],
        "fault": one.fault,
    }
