"""The worklist: whatever is still open, and whatever is counted nowhere, most urgent first. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from survey.domain.worklist import Filter, Item
from survey.store.canary import at_site
from survey.store.session import Tx

# Our own text; what a person typed arrives as bound parameters only.
_OWNED = """(%(owner_id)s::uuid IS NULL OR a.acked_by = %(owner_id)s) AND (NOT %(unowned)s OR a.acked_by IS NULL)"""
_NAMED = """
(%(like)s = '' OR (SELECT lower(n.given_name || ' ' || n.family_name) LIKE %(like)s
   FROM procedure p JOIN patient n ON n.id = p.patient_id WHERE p.id = {0}.procedure_id))
AND {1}
"""


def _named(alias: str) -> str:
    return _NAMED.format(alias, at_site(f"{alias}.site_id"))


# Whatever has not ended, read once: for the counts of what is open, and for the lines.
# An alert's own line; a check-in without an answer whose alert is not open; and whoever the law does not find.
# One call asks about all that is due of a procedure: the most urgent check-in stands for the others.
_LINES = f"""
WITH alarm AS MATERIALIZED (
  SELECT a.*, r.invitation_id, i.procedure_id FROM alert a
  JOIN response r ON r.id = a.response_id JOIN invitation i ON i.id = r.invitation_id
  WHERE a.state <> 'resolved'),
awaited AS MATERIALIZED (
  SELECT c.invitation_id, c.procedure_id, c.site_id, c.state, c.trouble, c.class, c.due_at, c.sent_at, c.opened_at,
    c.expires_at, c.due_at < %(since)s::timestamp - interval '1 day'
      OR (c.due_at < %(since)s::timestamp + interval '1 day' AND c.day < %(since)s) AS is_older
  FROM check_in c WHERE NOT c.ended AND {at_site("c.site_id")}),
silence AS MATERIALIZED (
  SELECT CASE WHEN c.class IS NULL THEN 'lost'
      WHEN c.state = 'expired' THEN 'expired'
      WHEN c.state = 'opened' THEN 'unfinished'
      WHEN c.state = 'undeliverable' OR (SELECT true FROM procedure p JOIN contact t ON t.patient_id = p.patient_id
        WHERE p.id = c.procedure_id AND t.consented_at IS NOT NULL AND t.blocked_at IS NULL LIMIT 1) IS NULL
        THEN 'unreachable'
      WHEN c.state IN ('sent', 'delivered') THEN 'silent'
      WHEN c.due_at <= (SELECT as_of()) THEN 'sending'
      ELSE 'waiting' END AS kind,
    c.invitation_id, c.procedure_id, c.site_id, c.trouble,
    CASE c.state WHEN 'expired' THEN c.expires_at WHEN 'opened' THEN coalesce(c.opened_at, c.due_at)
      WHEN 'undeliverable' THEN c.due_at ELSE coalesce(c.sent_at, c.due_at) END AS since
  FROM awaited c
  WHERE coalesce(c.class, 'open') = 'open' AND c.invitation_id NOT IN (SELECT invitation_id FROM alarm)
    AND %(owner_id)s::uuid IS NULL AND {_named("c")}),
ranked AS (
  SELECT silence.*, CASE kind WHEN 'lost' THEN 2 ELSE 4 END
    + array_position(ARRAY['lost','unreachable','expired','unfinished','silent','sending','waiting'], kind) AS rank
  FROM silence),
folded AS (
  SELECT ranked.*, count(*) OVER same AS check_ins,
    row_number() OVER (same ORDER BY rank, since, invitation_id) AS nth
  FROM ranked WINDOW same AS (PARTITION BY procedure_id, CASE WHEN kind IN ('lost', 'waiting') THEN invitation_id END)),
line AS MATERIALIZED (
  SELECT a.tier AS kind, a.id AS alert_id, a.invitation_id, a.procedure_id, a.site_id, a.created_at AS since,
    NULL AS trouble, 1::bigint AS check_ins,
    CASE a.tier WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 2 ELSE 4 END + (a.state = 'acknowledged')::int AS rank
  FROM alarm a WHERE {_OWNED} AND {_named("a")}
  UNION ALL
  SELECT kind, NULL, invitation_id, procedure_id, site_id, since, trouble, check_ins, rank FROM folded WHERE nth = 1
  UNION ALL
  SELECT 'lost', NULL, s.invitation_id, s.procedure_id, s.site_id, coalesce(s.due_at, s.performed_on::timestamptz),
    NULL, 1, 3
  FROM astray s WHERE (NOT s.asked OR s.ended) AND %(owner_id)s::uuid IS NULL AND {_named("s")}),
"""  # noqa: S608

# Whoever it is and why are looked up for the lines of the page alone.
PAGE = f"""{_LINES}
page AS (
  SELECT * FROM line
  WHERE CASE %(kind)s WHEN '' THEN kind <> 'waiting' WHEN 'alert' THEN alert_id IS NOT NULL ELSE kind = %(kind)s END
  ORDER BY rank, since, procedure_id, invitation_id LIMIT %(limit)s OFFSET %(offset)s)
SELECT page.kind, page.alert_id, a.short_no, a.response_id, page.invitation_id, page.procedure_id, page.since,
  a.promised_at, a.contacted_at, a.acked_by AS owner_id, u.name AS owner,
  CASE WHEN page.kind = 'unreachable' THEN coalesce(page.trouble, (
    SELECT CASE WHEN count(*) = 0 THEN 'no_contact' ELSE coalesce(min(blocked_reason), 'no_consent') END
    FROM contact WHERE patient_id = p.patient_id)) END AS why,
  page.check_ins, page.site_id, p.performed_on, n.given_name, n.family_name, n.born_on,
  (SELECT min(address) FROM contact WHERE patient_id = p.patient_id AND kind = 'sms'
    AND blocked_reason IS DISTINCT FROM 'not_me') AS phone,
  kinds.numbers, apart.not_due, apart.older
FROM (SELECT jsonb_object_agg(kind, number) AS numbers
  FROM (SELECT kind, count(*) AS number FROM line GROUP BY kind) counted) kinds
CROSS JOIN (SELECT count(*) FILTER (WHERE due_at > (SELECT as_of())) AS not_due,
  count(*) FILTER (WHERE is_older) AS older FROM awaited WHERE class = 'open') apart
LEFT JOIN (page JOIN procedure p ON p.id = page.procedure_id JOIN patient n ON n.id = p.patient_id
  LEFT JOIN alert a ON a.id = page.alert_id LEFT JOIN app_user u ON u.id = a.acked_by) ON true
ORDER BY page.rank, page.since, page.procedure_id, page.invitation_id
"""  # noqa: S608

_NAMES = tuple(field.name for field in fields(Item))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of lines; and how many there are of each kind, the filter's own kind left out of account.

    Of all that is open at the site, whatever else is asked for, `not_due` are still to come, and `older` were due
    before the day given.
    """

    items: tuple[Item, ...]
    kinds: Mapping[str, int]
    not_due: int
    older: int


def look(tx: Tx, chosen: Filter, *, since: date, limit: int, offset: int) -> Found:
    """Most urgent first, then the longest waiting. What is not due yet shows only when asked for.

    `conservation.as_of` says before what the present is.
    """
    rows = tx.bulk(PAGE, parameters(chosen, since=since, limit=limit, offset=offset))
    *_, kinds, not_due, older = rows[0]
    items = (Item(**dict(zip(_NAMES, row, strict=False))) for row in rows if row[0])
    return Found(items=tuple(items), kinds=kinds or {}, not_due=not_due, older=older)


def parameters(chosen: Filter, *, since: date, limit: int, offset: int) -> dict[str, Any]:
    """What `PAGE` takes."""
    escaped = chosen.name.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return {
        "site_id": chosen.site_id,
        "owner_id": chosen.owner_id,
        "unowned": chosen.unowned,
        "like": f"%{escaped}%" if escaped else "",
        "kind": chosen.kind,
        "since": since,
        "limit": limit,
        "offset": offset,
    }
