"""How much is due on each queue, and since when: asked apart from the code that drains it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from survey.domain.queues import Queue
from survey.store.session import Tx

# Each part reads one partial index. A page that nobody wants any more is no work.
_DUE = sa.text("""
SELECT 'scoring' AS queue, count(*) AS rows, min(answered_at) AS since FROM response WHERE revision > scored_revision
UNION ALL
SELECT 'paging', count(*), min(next_action_at) FROM alert WHERE state <> 'resolved' AND next_action_at <= :now
UNION ALL
SELECT 'paging', count(*), min(not_before) FROM page p JOIN alert a ON a.id = p.alert_id AND a.epoch = p.epoch
  WHERE p.state = 'pending' AND p.not_before <= :now
  AND a.state = CASE p.kind WHEN 'call' THEN 'triggered' ELSE 'acknowledged' END
UNION ALL
SELECT 'paging', count(*), min(lease_until) FROM page WHERE state = 'leased' AND lease_until <= :now
UNION ALL
SELECT 'sending', count(*), min(due_at) FROM message WHERE state = 'pending' AND due_at <= :now
UNION ALL
SELECT 'sending', count(*), min(lease_until) FROM message WHERE state = 'leased' AND lease_until <= :now
UNION ALL
SELECT 'inbound', count(*), min(received_at) FROM inbound WHERE handled_at IS NULL
UNION ALL
SELECT 'maintenance', count(*), min(confirmed_at) FROM import_batch WHERE state = 'confirmed'
UNION ALL
SELECT 'maintenance', count(*), min(asked_at) FROM replay WHERE state = 'running'
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits on one queue: how many rows, and since when the oldest is due."""

    rows: int
    since: datetime


def backlogs(tx: Tx, *, now: datetime) -> Mapping[Queue, Backlog]:
    """Every queue on which anything is due."""
    found: dict[Queue, Backlog] = {}
    for row in tx.run(_DUE, {"now": now}):
        if row.rows:
            queue = Queue(row.queue)
            other = found.get(queue, Backlog(rows=0, since=row.since))
            found[queue] = Backlog(rows=other.rows + row.rows, since=min(other.since, row.since))
    return found
