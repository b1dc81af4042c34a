"""Who was enrolled, and what became of them: counts by site and day, and whoever is counted nowhere. Reads only."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from survey.domain.conservation import Balance, Stray
from survey.store.canary import at_site, left_out
from survey.store.session import Tx

AS_OF = "SELECT set_config('daytwo.as_of', %(now)s, true)"

# The day is the site's; the bounds in UTC around it are what an index can find. Whatever is a day within them has its
# day between them in every zone: the wall is looked at for the others alone.
COUNTS = f"""
SELECT site_id, class, count(*) FROM check_in
WHERE asked AND {at_site("site_id")}
  AND due_at >= %(since)s::timestamp - interval '1 day' AND due_at < %(until)s::timestamp + interval '2 days'
  AND ((due_at >= %(since)s::timestamp + interval '1 day' AND due_at < %(until)s::timestamp)
    OR day BETWEEN %(since)s AND %(until)s)
GROUP BY site_id, class
UNION ALL
-- Nearly all have a check-in that comes after them: who has one of those is found in one go, and not one by one.
SELECT site_id, class, count(*) FROM check_in
WHERE NOT asked AND procedure_id = ANY(ARRAY(
  SELECT p.id FROM procedure p
  WHERE p.performed_on BETWEEN %(since)s AND %(until)s AND {at_site("p.site_id")}
    AND NOT EXISTS (SELECT FROM invitation i WHERE i.procedure_id = p.id
      AND i.due_at >= %(since)s::timestamp - interval '1 day'
      AND i.due_at < %(until)s::timestamp + interval '30 days')))
GROUP BY site_id, class
"""  # noqa: S608

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
SPAN = f"SELECT min(performed_on) AS first, max(performed_on) AS last FROM procedure WHERE {left_out('site_id')}"  # noqa: S608


def as_of(tx: Tx, now: datetime) -> None:
    """Let the views of this transaction take `now` for the present."""
    tx.rows(AS_OF, {"now": now.isoformat()})


def counts(tx: Tx, *, since: date, until: date, site_id: UUID | None = None) -> Mapping[UUID, Balance]:
    """Site → its check-ins that were or will be due on those days, both included, on the site's wall."""
    rows = tx.bulk(COUNTS, {"since": since, "until": until, "site_id": site_id})
    found: dict[UUID, Balance] = {}
    for site, its_class, number in rows:
        counted = {"enrolled": number} | ({its_class: number} if its_class else {})
        found[site] = found.get(site, Balance()) + Balance(**counted)
    return found


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
