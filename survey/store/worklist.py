"""The worklist: whatever is still open, and whatever is counted nowhere, most urgent first. Reads only."""

from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from survey.domain.worklist import Filter, Item
from survey.store.session import Tx

# Our own text; what a person typed arrives as bound parameters only.
ITEMS = """
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
         array_position(ARRAY['lost','unreachable','expired','unfinished','silent','sending','waiting'], silence.kind)
           + CASE silence.kind WHEN 'lost' THEN 2 ELSE 4 END
  FROM check_in c
  JOIN invitation i ON i.id = c.invitation_id
  JOIN procedure p ON p.id = c.procedure_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN bool_or(consented_at IS NOT NULL AND blocked_at IS NULL) THEN NULL
                WHEN count(*) = 0 THEN 'no_contact'
                ELSE coalesce(min(blocked_reason), 'no_consent') END AS why
    FROM contact WHERE patient_id = p.patient_id) reach
  CROSS JOIN LATERAL (
    SELECT CASE WHEN c.class IS NULL THEN 'lost'
                WHEN i.state = 'expired' THEN 'expired'
                WHEN i.state = 'opened' THEN 'unfinished'
                WHEN i.state = 'undeliverable' OR reach.why IS NOT NULL THEN 'unreachable'
                WHEN i.state IN ('sent', 'delivered') THEN 'silent'
                WHEN i.due_at <= as_of() THEN 'sending'
                ELSE 'waiting' END AS kind,
           CASE i.state WHEN 'expired' THEN i.expires_at WHEN 'opened' THEN coalesce(i.opened_at, i.due_at)
                        WHEN 'undeliverable' THEN i.due_at ELSE coalesce(i.sent_at, i.due_at) END AS since) silence
  WHERE c.asked AND c.state NOT IN ('completed', 'reached', 'stopped') AND coalesce(c.class, 'open') = 'open'
    AND NOT EXISTS (SELECT FROM response r JOIN alert a ON a.response_id = r.id
                    WHERE r.invitation_id = i.id AND a.state <> 'resolved')
  UNION ALL
  SELECT 'lost', NULL, NULL, NULL, invitation_id, procedure_id, coalesce(due_at, performed_on::timestamptz),
         NULL, NULL, NULL, NULL, 3
  FROM astray WHERE NOT asked OR state IN ('completed', 'reached', 'stopped')),
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
"""

KINDS = sa.text(f"{ITEMS} SELECT kind, count(*) AS number FROM chosen GROUP BY kind")  # noqa: S608

PAGE = sa.text(f"""{ITEMS}
SELECT chosen.*, (SELECT min(address) FROM contact WHERE patient_id = chosen.patient_id AND kind = 'sms'
                  AND blocked_reason IS DISTINCT FROM 'not_me') AS phone
FROM chosen
WHERE CASE WHEN :kind = '' THEN kind <> 'waiting' WHEN :kind = 'alert' THEN alert_id IS NOT NULL ELSE kind = :kind END
ORDER BY rank, since, procedure_id, invitation_id
LIMIT :limit OFFSET :offset
""")  # noqa: S608


def kinds(tx: Tx, chosen: Filter) -> dict[str, int]:
    """How many lines there are of each kind; the filter's own kind is left out of account.

    `conservation.as_of` says before what the present is; so for `page`.
    """
    return {row["kind"]: row["number"] for row in tx.run(KINDS, _parameters(chosen)).mappings()}


def page(tx: Tx, chosen: Filter, *, limit: int, offset: int) -> tuple[Item, ...]:
    """A page of lines, most urgent first, then the longest waiting. What is not due yet shows only when asked for."""
    parameters = _parameters(chosen) | {"kind": chosen.kind, "limit": limit, "offset": offset}
    names = [field.name for field in fields(Item)]
    return tuple(Item(**{name: row[name] for name in names}) for row in tx.run(PAGE, parameters).mappings())


def _parameters(chosen: Filter) -> dict[str, Any]:
    escaped = chosen.name.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return {
        "site_id": chosen.site_id,
        "owner_id": chosen.owner_id,
        "unowned": chosen.unowned,
        "like": f"%{escaped}%" if escaped else "",
    }
