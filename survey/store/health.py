"""What must hold at all times, each as one count of the rows that break it; conservation has a module of its own."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from survey.store.session import Tx

LATE = timedelta(seconds=60)
"""An invariant counts as broken when it has not been mended for so long."""

BREACHES: Mapping[str, str] = {
    "every answer is scored": """
        SELECT count(*) FROM response WHERE revision > scored_revision AND answered_at < :late""",
    "every worrying response has an alert": """
        SELECT count(*) FROM response r WHERE r.tier IN ('soon','urgent','emergency') AND r.scored_at < :late
        AND NOT EXISTS (SELECT FROM alert a WHERE a.response_id = r.id)""",
    "no response is worse than its alert": """
        SELECT count(*) FROM response r WHERE r.tier IN ('urgent','emergency') AND r.scored_at < :late
        AND NOT EXISTS (SELECT FROM alert a WHERE a.response_id = r.id AND
          (a.tier = 'emergency' OR a.tier = r.tier))""",
    "every open alert is looked at in time": """
        SELECT count(*) FROM alert WHERE state <> 'resolved' AND next_action_at < :late""",
    "every promised call is made, or seen not to have been": """
        SELECT count(*) FROM promise p JOIN alert a ON a.id = p.alert_id WHERE a.state <> 'resolved'
        AND p.kept_at IS NULL AND p.broken_at IS NULL AND p.cancelled_at IS NULL AND p.due_at < :late""",
    "every page is handed over in time": """
        SELECT count(*) FROM page p JOIN alert a ON a.id = p.alert_id AND a.epoch = p.epoch AND a.state = 'triggered'
        WHERE (p.state = 'pending' AND p.not_before < :late) OR (p.state = 'leased' AND p.lease_until < :late)""",
    "every urgent alert has been paged": """
        SELECT count(*) FROM alert a WHERE a.severity = 'urgent' AND a.state = 'triggered' AND a.created_at < :late
        AND NOT EXISTS (SELECT FROM page p WHERE p.alert_id = a.id)""",
    "no page is sent more than three times": """
        SELECT count(*) FROM (SELECT page_id FROM page_attempt WHERE outcome IN ('accepted','unknown','lease_expired')
        GROUP BY page_id HAVING count(*) > 3) AS repeated""",
    "every due message is sent in time": """
        SELECT count(*) FROM message WHERE (state = 'pending' AND due_at < :long_late AND attempts = 0)
        OR (state = 'leased' AND lease_until < :late)""",
    "every text that comes in is read in time": """
        SELECT count(*) FROM inbound WHERE handled_at IS NULL AND received_at < :late""",
}
"""Sentence → query that counts what breaks it."""


def breaches(tx: Tx, *, now: datetime) -> dict[str, int]:
    """How many rows break each invariant; 0 is well."""
    late = {"late": now - LATE, "long_late": now - 10 * LATE}
    return {
        name: _count(tx, query, **{key: late[key] for key in late if f":{key}" in query})
        for name, query in BREACHES.items()
    }


def unreadable_protocols(tx: Tx) -> int:
    """Open surveys whose protocol version is not in the database."""
    return _count(
        tx,
        """SELECT count(*) FROM invitation i LEFT JOIN protocol_version v ON v.id = i.protocol_version_id
        WHERE v.id IS NULL""",
    )


def scoring_faults(tx: Tx) -> int:
    """Responses whose newest scoring failed; each of them pages."""
    return _count(tx, "SELECT count(*) FROM response WHERE score_fault IS NOT NULL")


def _count(tx: Tx, query: str, **parameters: datetime) -> int:
    return int(tx.run(sa.text(query), parameters).scalar_one())
