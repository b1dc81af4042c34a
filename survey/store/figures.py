"""How soon alerts were paged, taken and followed by a talk with the patient, counted from events and tries alone."""

from collections.abc import Mapping
from typing import Any

from survey.domain.figures import Share, Spread, Times
from survey.domain.protocol import Tier
from survey.store.canary import at_site
from survey.store.session import Tx
from survey.store.trends import Span

# On the wire, also within the text of another alert's page, is what a provider took, or may have taken: the instant at
# which the try began, so that the provider's own time is left out. Whoever notes a call without taking the alert takes
# it with that, so the move of states counts and not the button.
_ON_WIRE = "t.outcome IN ('accepted','unknown','lease_expired')"
_TIMES = f"""
WITH one AS (
  SELECT a.id, a.tier, a.severity = 'urgent' AS pages,
    date_trunc('week', a.created_at AT TIME ZONE s.zone)::date AS week, a.created_at,
    paged.at AS paged_at, taken.at AS taken_at, taken.actor_id AS taken_by, reached.at AS reached_at,
    reached.actor_id AS reached_by
  FROM alert a JOIN site s ON s.id = a.site_id
  LEFT JOIN LATERAL (SELECT min(t.started_at) AS at FROM page p
    JOIN page_attempt t ON t.page_id IN (p.id, p.bundled_in)
    WHERE p.alert_id = a.id AND t.started_at >= a.created_at AND {_ON_WIRE}) paged ON true
  LEFT JOIN LATERAL (SELECT e.at, e.actor_id FROM alert_event e WHERE e.alert_id = a.id
    AND e.from_state = 'triggered' AND e.to_state = 'acknowledged' ORDER BY e.id LIMIT 1) taken ON true
  LEFT JOIN LATERAL (SELECT e.at, e.actor_id FROM alert_event e WHERE e.alert_id = a.id
    AND e.kind = 'contacted' AND e.data ->> 'result' = 'reached' ORDER BY e.id LIMIT 1) reached ON true
  WHERE a.created_at >= %(since)s AND a.created_at <= %(now)s
    AND {at_site("a.site_id")}),
"""  # noqa: S608
_QUARTILES = "percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM {0} - {1})::float)"


def _measured(name: str, until: str, since: str) -> str:
    return f"count({until} - {since}) AS {name}_count, {_QUARTILES.format(until, since)} AS {name}"


_BY_TIER_AND_WEEK = f"""{_TIMES}
told AS (SELECT tier, of_week AS week, count(*) AS alerts, {_measured("paged", "paged_at", "created_at")},
    {_measured("taken", "taken_at", "created_at")}, {_measured("reached", "reached_at", "created_at")}
  FROM (SELECT one.*, CASE WHEN pages THEN week END AS of_week FROM one) AS dated
  GROUP BY GROUPING SETS ((tier), (of_week)))
SELECT * FROM told WHERE tier IS NOT NULL OR week IS NOT NULL ORDER BY week NULLS FIRST, tier
"""  # noqa: S608
# What never pages is a matter of days, and would drown the minutes of a night: weeks and people are without it.
# A person's clock begins with the first page that went to that person, and with the taking; not with the alert.
_BY_PERSON = f"""{_TIMES}
called AS (
  SELECT p.alert_id, p.user_id, min(t.started_at) AS at FROM one JOIN page p ON p.alert_id = one.id
  JOIN page_attempt t ON t.page_id IN (p.id, p.bundled_in)
  WHERE p.kind = 'call' AND t.started_at >= one.created_at AND {_ON_WIRE}
  GROUP BY p.alert_id, p.user_id),
had AS (
  SELECT alert_id AS id, user_id FROM called UNION SELECT id, taken_by FROM one WHERE taken_by IS NOT NULL
  UNION SELECT id, reached_by FROM one WHERE reached_by IS NOT NULL),
each AS (
  SELECT had.user_id, called.at AS called_at, CASE WHEN called.at <= one.taken_at THEN called.at END AS since,
    CASE WHEN one.taken_by = had.user_id THEN one.taken_at END AS taken_at,
    CASE WHEN one.reached_by = had.user_id THEN one.reached_at END AS reached_at
  FROM had JOIN one ON one.id = had.id AND one.pages
  LEFT JOIN called ON called.alert_id = had.id AND called.user_id = had.user_id)
SELECT u.id AS user_id, u.name, count(called_at) AS alerts, count(taken_at) AS took, count(reached_at) AS talked,
  {_measured("taken", "taken_at", "since")}, {_measured("reached", "reached_at", "taken_at")}
FROM each JOIN app_user u ON u.id = each.user_id GROUP BY u.id, u.name ORDER BY u.name
"""  # noqa: S608


def times(tx: Tx, span: Span) -> tuple[Times, ...]:
    """By tier, and what pages by the week in which it was opened on the wall of its site."""
    return tuple(_as_times(row) for row in tx.rows(_BY_TIER_AND_WEEK, span.parameters()))


def shares(tx: Tx, span: Span) -> tuple[Share, ...]:
    """What pages, by person, in order of the names."""
    return tuple(_as_share(row) for row in tx.rows(_BY_PERSON, span.parameters()))


def _as_times(row: Mapping[str, Any]) -> Times:
    tier = Tier(row["tier"]) if row["tier"] else None
    spreads = {name: _spread(row, name) for name in ("paged", "taken", "reached")}
    return Times(tier=tier, week=row["week"], alerts=row["alerts"], **spreads)


def _as_share(row: Mapping[str, Any]) -> Share:
    counts = {name: row[name] for name in ("user_id", "name", "alerts", "took", "talked")}
    return Share(**counts, taken=_spread(row, "taken"), reached=_spread(row, "reached"))


def _spread(row: Mapping[str, Any], name: str) -> Spread:
    median, p95 = row[name] or (None, None)
    return Spread(count=row[f"{name}_count"], median=median, p95=p95)
