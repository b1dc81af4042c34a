"""Who was enrolled, and what became of them: counts by site and day, and whoever is counted nowhere. Reads only."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from uuid import UUID

from survey.domain.conservation import Balance, Stray
from survey.store.session import Tx

AS_OF = "SELECT set_config('daytwo.as_of', %(now)s, true)"

# The day is the site's; the bounds in UTC around it are what an index can find.
COUNTS = """
SELECT site_id, count(*) AS enrolled,
  count(*) FILTER (WHERE class = 'answered') AS answered,
  count(*) FILTER (WHERE class = 'reached') AS reached,
  count(*) FILTER (WHERE class = 'closed') AS closed,
  count(*) FILTER (WHERE class = 'open') AS open
FROM (
  SELECT site_id, class, day FROM check_in WHERE asked AND (%(site_id)s::uuid IS NULL OR site_id = %(site_id)s)
    AND due_at >= %(since)s::timestamp - interval '1 day' AND due_at < %(until)s::timestamp + interval '2 days'
  UNION ALL
  SELECT site_id, class, day FROM check_in WHERE NOT asked AND (%(site_id)s::uuid IS NULL OR site_id = %(site_id)s)
    AND performed_on BETWEEN %(since)s AND %(until)s) AS counted
WHERE day BETWEEN %(since)s AND %(until)s
GROUP BY site_id
"""

OPEN = """
SELECT count(*) FILTER (WHERE due_at > as_of()) AS not_due, count(*) FILTER (WHERE day < %(since)s) AS older
FROM check_in WHERE asked AND state NOT IN ('completed', 'reached', 'stopped') AND class = 'open'
  AND (%(site_id)s::uuid IS NULL OR site_id = %(site_id)s)
"""

COUNT_ASTRAY = "SELECT count(*) AS number FROM astray"
ASTRAY = (
    "SELECT procedure_id, invitation_id, site_id, day, state FROM astray ORDER BY day, procedure_id LIMIT %(limit)s"
)
ALL_ASTRAY = """
SELECT procedure_id, invitation_id, site_id, day, state FROM check_in
WHERE class IS NULL AND asked AND due_at >= %(since)s AND due_at < %(until)s
UNION ALL
SELECT procedure_id, invitation_id, site_id, day, state FROM check_in
WHERE class IS NULL AND NOT asked AND performed_on >= %(since)s AND performed_on < %(until)s
ORDER BY 4, 1 LIMIT %(limit)s
"""
SPAN = "SELECT min(performed_on) AS first, max(performed_on) AS last FROM procedure"

_COUNTED = tuple(field.name for field in fields(Balance))


def as_of(tx: Tx, now: datetime) -> None:
    """Let the views of this transaction take `now` for the present."""
    tx.rows(AS_OF, {"now": now.isoformat()})


def counts(tx: Tx, *, since: date, until: date, site_id: UUID | None = None) -> Mapping[UUID, Balance]:
    """Site → its check-ins that were or will be due on those days, both included, on the site's wall."""
    rows = tx.bulk(COUNTS, {"since": since, "until": until, "site_id": site_id})
    return {site: Balance(**dict(zip(_COUNTED, numbers, strict=True))) for site, *numbers in rows}


def open_apart(tx: Tx, *, since: date, site_id: UUID | None) -> tuple[int, int]:
    """Of the open ones: how many are not due yet, and how many were due before `since`."""
    ((not_due, older),) = tx.bulk(OPEN, {"since": since, "site_id": site_id})
    return not_due, older


def count_astray(tx: Tx) -> int:
    """How many are counted nowhere, by the quick look."""
    (row,) = tx.rows(COUNT_ASTRAY, {})
    return int(row["number"])


def astray(tx: Tx, *, limit: int) -> tuple[Stray, ...]:
    """Who is counted nowhere, by the quick look: whatever has not ended, and what ended in the last days."""
    return tuple(Stray(**row) for row in tx.rows(ASTRAY, {"limit": limit}))


def all_astray(tx: Tx, *, since: date, until: date, limit: int) -> tuple[Stray, ...]:
    """Who is counted nowhere, of those whose survey was due, or whose procedure was done without one, from
    `since` to before `until` (UTC)."""
    return tuple(Stray(**row) for row in tx.rows(ALL_ASTRAY, {"since": since, "until": until, "limit": limit}))


def span(tx: Tx) -> tuple[date, date] | None:
    """The first and the last day of a procedure; None before the first one."""
    (row,) = tx.rows(SPAN, {})
    return (row["first"], row["last"]) if row["first"] else None
