"""How much is due on each queue, and since when: asked apart from the code that drains it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from survey.domain.queues import Queue
from survey.store.contact_proofs import PARAMETERS, UNANSWERED, UNTESTED
from survey.store.session import Tx

# Each part reads one partial index. A page that nobody wants any more is no work.
_DUE = """
SELECT 'scoring' AS queue, count(*) AS rows, min(answered_at) AS since FROM response WHERE revision > scored_revision
UNION ALL
SELECT 'paging', count(*), min(next_action_at) FROM alert WHERE state <> 'resolved' AND next_action_at <= :now
UNION ALL
SELECT 'paging', count(*), min(not_before) FROM page p JOIN alert a ON a.id = p.alert_id
  WHERE p.state = 'pending' AND p.not_before <= :now AND (p.kind = 'answer' OR a.epoch = p.epoch
  AND a.state = CASE p.kind WHEN 'call' THEN 'triggered' ELSE 'acknowledged' END)
UNION ALL
SELECT 'paging', count(*), min(due_at) FROM promise
  WHERE kept_at IS NULL AND broken_at IS NULL AND cancelled_at IS NULL AND due_at <= :now
UNION ALL
SELECT 'paging', count(*), min(owner_due_at) FROM contact_method WHERE owner_due_at <= :now
UNION ALL
SELECT 'paging', count(*), min(lease_until) FROM page WHERE state = 'leased' AND lease_until <= :now
UNION ALL
SELECT 'paging', count(*), min(due_at) FROM contact_proof WHERE state = 'pending' AND due_at <= :now
UNION ALL
SELECT 'paging', count(*), min(lease_until) FROM contact_proof WHERE state = 'leased' AND lease_until <= :now
UNION ALL
SELECT 'paging', count(*), min(since) FROM ({untested}) untested
UNION ALL
SELECT 'paging', count(*), min(since) FROM ({unanswered}) unanswered
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
UNION ALL
SELECT 'maintenance', count(*), min(tell_at) FROM shift_swap WHERE tell_at <= :now
"""
_ALL = sa.text(_DUE.format(untested=UNTESTED, unanswered=UNANSWERED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits on one queue: how many rows, and since when the oldest is due."""

    rows: int
    since: datetime


def backlogs(tx: Tx, *, now: datetime) -> Mapping[Queue, Backlog]:
    """Every queue on which anything is due."""
    found: dict[Queue, Backlog] = {}
    for row in tx.run(_ALL, {"now": now, **PARAMETERS}):
        if row.rows:
            queue = Queue(row.queue)
            other = found.get(queue, Backlog(rows=0, since=row.since))
            found[queue] = Backlog(rows=other.rows + row.rows, since=min(other.since, row.since))
    return found
