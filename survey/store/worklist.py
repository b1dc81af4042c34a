"""The worklist: every check-in counted once, and whatever is still open, most urgent first."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from survey.domain.worklist import Counts, Filter, Item
from survey.store.session import Tx

# One row of `invitation` falls into exactly one of four classes, whatever became of it: the law that nobody is lost.
CLASS = """
CASE
  WHEN i.state = 'stopped' THEN 'closed'
  WHEN i.state = 'completed' AND r.mode = 'phone' THEN 'phoned'
  WHEN i.state = 'completed' THEN 'answered'
  WHEN i.state = 'reached' THEN 'phoned'
  WHEN p.cancelled_at IS NOT NULL THEN 'closed'
  WHEN a.reached AND NOT a.is_open THEN 'phoned'
  ELSE 'open'
END"""

# A response may have several alerts, one after the other: they are gathered, so that no check-in counts twice.
ALERTS = """
LEFT JOIN LATERAL (
  SELECT bool_or(state <> 'resolved') AS is_open, bool_or(state = 'resolved' AND contact_result = 'reached') AS reached
  FROM alert WHERE response_id = r.id) a ON true"""

# CLASS and ALERTS are our own text; what a person typed arrives as bound parameters only.
COUNTS = sa.text(f"""
WITH classed AS (
  SELECT {CLASS} AS class, i.due_at
  FROM invitation i
  JOIN procedure p ON p.id = i.procedure_id
  LEFT JOIN response r ON r.invitation_id = i.id
  {ALERTS}
  WHERE (CAST(:site_id AS uuid) IS NULL OR i.site_id = :site_id)
    AND (i.due_at >= :since OR i.state NOT IN ('completed', 'reached', 'stopped')))
SELECT count(*) FILTER (WHERE due_at >= :since) AS enrolled,
       count(*) FILTER (WHERE due_at >= :since AND class = 'answered') AS answered,
       count(*) FILTER (WHERE due_at >= :since AND class = 'phoned') AS phoned,
       count(*) FILTER (WHERE due_at >= :since AND class = 'closed') AS closed,
       count(*) FILTER (WHERE due_at >= :since AND class = 'open') AS open,
       count(*) FILTER (WHERE due_at > :now AND class = 'open') AS not_due,
       count(*) FILTER (WHERE due_at < :since AND class = 'open') AS older_open
FROM classed
""")  # noqa: S608

ITEMS = f"""
WITH items AS (
  SELECT a.tier AS kind, a.id AS alert_id, a.short_no, r.id AS response_id, i.id AS invitation_id, i.procedure_id,
         a.created_at AS since, a.promised_at, a.contacted_at, a.acked_by AS owner_id, NULL AS why,
         CASE a.tier WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 2 ELSE 4 END
           + (a.state = 'acknowledged')::int AS rank
  FROM alert a JOIN response r ON r.id = a.response_id JOIN invitation i ON i.id = r.invitation_id
  WHERE a.state <> 'resolved'
  UNION ALL
  SELECT silence.kind, NULL, NULL, NULL, i.id, i.procedure_id, silence.since, NULL, NULL, NULL,
         CASE WHEN silence.kind = 'unreachable' THEN coalesce(i.trouble, reach.why) END,
         array_position(ARRAY['unreachable','expired','unfinished','silent','sending','waiting'], silence.kind) + 5
  FROM invitation i
  JOIN procedure p ON p.id = i.procedure_id
  LEFT JOIN response r ON r.invitation_id = i.id
  {ALERTS}
  CROSS JOIN LATERAL (
    SELECT CASE WHEN bool_or(consented_at IS NOT NULL AND blocked_at IS NULL) THEN NULL
                WHEN count(*) = 0 THEN 'no_contact'
                ELSE coalesce(min(blocked_reason), 'no_consent') END AS why
    FROM contact WHERE patient_id = p.patient_id) reach
  CROSS JOIN LATERAL (
    SELECT CASE WHEN i.state = 'expired' THEN 'expired'
                WHEN i.state = 'opened' THEN 'unfinished'
                WHEN i.state = 'undeliverable' OR reach.why IS NOT NULL THEN 'unreachable'
                WHEN i.state IN ('sent', 'delivered') THEN 'silent'
                WHEN i.due_at <= :now THEN 'sending'
                ELSE 'waiting' END AS kind,
           CASE i.state WHEN 'expired' THEN i.expires_at WHEN 'opened' THEN coalesce(i.opened_at, i.due_at)
                        WHEN 'undeliverable' THEN i.due_at ELSE coalesce(i.sent_at, i.due_at) END AS since) silence
  WHERE i.state NOT IN ('completed', 'reached', 'stopped') AND p.cancelled_at IS NULL
    AND NOT coalesce(a.is_open OR a.reached, false)),
chosen AS (
  SELECT items.*, p.site_id, p.performed_on, p.patient_id, n.given_name, n.family_name, n.born_on, u.name AS owner
  FROM items
  JOIN procedure p ON p.id = items.procedure_id
  JOIN patient n ON n.id = p.patient_id
  LEFT JOIN app_user u ON u.id = items.owner_id
  WHERE (CAST(:site_id AS uuid) IS NULL OR p.site_id = :site_id)
    AND (CAST(:owner_id AS uuid) IS NULL OR items.owner_id = :owner_id)
    AND (NOT :unowned OR items.owner_id IS NULL)
    AND (:like = '' OR lower(n.given_name || ' ' || n.family_name) LIKE :like))
"""  # noqa: S608

KINDS = sa.text(f"{ITEMS} SELECT kind, count(*) AS number FROM chosen GROUP BY kind")  # noqa: S608

PAGE = sa.text(f"""{ITEMS}
SELECT chosen.*, (SELECT min(address) FROM contact WHERE patient_id = chosen.patient_id AND kind = 'sms'
                  AND blocked_reason IS DISTINCT FROM 'not_me') AS phone
FROM chosen
WHERE CASE WHEN :kind = '' THEN kind <> 'waiting' WHEN :kind = 'alert' THEN alert_id IS NOT NULL ELSE kind = :kind END
ORDER BY rank, since, invitation_id
LIMIT :limit OFFSET :offset
""")  # noqa: S608


def counts(tx: Tx, *, site_id: UUID | None, since: datetime, now: datetime) -> Counts:
    """The four counts and their sum, for what was or will be due from `since` on."""
    row = tx.run(COUNTS, {"site_id": site_id, "since": since, "now": now}).mappings().one()
    return Counts(**row)


def kinds(tx: Tx, chosen: Filter, *, now: datetime) -> dict[str, int]:
    """How many lines there are of each kind; the filter's own kind is left out of account."""
    return {row["kind"]: row["number"] for row in tx.run(KINDS, _parameters(chosen, now)).mappings()}


def page(tx: Tx, chosen: Filter, *, now: datetime, limit: int, offset: int) -> tuple[Item, ...]:
    """A page of lines, most urgent first, then the longest waiting. What is not due yet shows only when asked for."""
    parameters = _parameters(chosen, now) | {"kind": chosen.kind, "limit": limit, "offset": offset}
    names = [field.name for field in fields(Item)]
    return tuple(Item(**{name: row[name] for name in names}) for row in tx.run(PAGE, parameters).mappings())


def _parameters(chosen: Filter, now: datetime) -> dict[str, Any]:
    escaped = chosen.name.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return {
        "now": now,
        "site_id": chosen.site_id,
        "owner_id": chosen.owner_id,
        "unowned": chosen.unowned,
        "like": f"%{escaped}%" if escaped else "",
    }
