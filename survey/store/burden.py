"""What a week brought under one version of a protocol: invitations, answers, pages; counts only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from survey.domain.burden import NIGHT
from survey.domain.protocol import Tier
from survey.store.canary import at_site
from survey.store.session import Tx

# A week begins on Monday on the wall of the site. Whoever was stopped before the text was due was never asked.
# An answer belongs to the week in which it came in, as in a what-if; a response without a tier is under way.
_WEEKS = f"""
WITH span AS (
  SELECT z.id, z.zone, date_trunc('week', %(since)s AT TIME ZONE z.zone) AS from_week,
    date_trunc('week', (%(now)s - interval '3 days') AT TIME ZONE z.zone) AS to_week
  FROM site z WHERE {at_site("z.id")}),
calendar AS (
  SELECT generate_series(min(from_week), min(to_week) - interval '1 week', interval '1 week')::date AS week FROM span),
due AS (
  SELECT date_trunc('week', i.due_at AT TIME ZONE z.zone)::date AS week,
    count(*) AS invited, count(*) FILTER (WHERE r.tier IS NOT NULL) AS answered
  FROM invitation i
  JOIN span z ON z.id = i.site_id
  JOIN protocol_version v ON v.id = i.protocol_version_id
  LEFT JOIN response r ON r.invitation_id = i.id
  WHERE v.slug = %(slug)s AND (i.state <> 'stopped' OR i.stopped_at >= i.due_at OR r.id IS NOT NULL)
    AND i.due_at >= z.from_week AT TIME ZONE z.zone AND i.due_at < z.to_week AT TIME ZONE z.zone
  GROUP BY 1),
came AS (
  SELECT date_trunc('week', r.answered_at AT TIME ZONE z.zone)::date AS week,
    count(*) FILTER (WHERE s.protocol_sha256 = %(sha256)s) AS scored,
    count(*) FILTER (WHERE s.protocol_sha256 <> %(sha256)s) AS scored_otherwise,
    count(*) FILTER (WHERE s.tier = ANY(%(paging)s)) AS pages,
    count(*) FILTER (WHERE s.tier = ANY(%(paging)s)
      AND ((r.answered_at AT TIME ZONE z.zone)::time >= %(evening)s
        OR (r.answered_at AT TIME ZONE z.zone)::time < %(morning)s)) AS night_pages
  FROM response r
  JOIN score s ON s.response_id = r.id AND s.revision = r.scored_revision
  JOIN invitation i ON i.id = r.invitation_id
  JOIN span z ON z.id = i.site_id
  JOIN protocol_version v ON v.id = r.protocol_version_id
  WHERE v.slug = %(slug)s AND r.tier IS NOT NULL
    AND r.answered_at >= z.from_week AT TIME ZONE z.zone AND r.answered_at < z.to_week AT TIME ZONE z.zone
  GROUP BY 1)
SELECT week AS starts_on, coalesce(invited, 0) AS invited, coalesce(answered, 0) AS answered,
  coalesce(scored, 0) AS scored, coalesce(scored_otherwise, 0) AS scored_otherwise,
  coalesce(pages, 0) AS pages, coalesce(night_pages, 0) AS night_pages
FROM calendar LEFT JOIN due USING (week) LEFT JOIN came USING (week) ORDER BY week
"""  # noqa: S608

_RULES = f"""
SELECT fired.rule, count(DISTINCT r.id) AS responses
FROM response r
JOIN score s ON s.response_id = r.id AND s.revision = r.scored_revision
JOIN invitation i ON i.id = r.invitation_id
JOIN site z ON z.id = i.site_id
JOIN protocol_version v ON v.id = r.protocol_version_id
CROSS JOIN LATERAL jsonb_to_recordset(s.fired) AS fired(rule text, tier text)
WHERE v.slug = %(slug)s AND s.protocol_sha256 = %(sha256)s AND r.tier IS NOT NULL
  AND s.tier = ANY(%(paging)s) AND fired.tier = ANY(%(paging)s)
  AND date_trunc('week', r.answered_at AT TIME ZONE z.zone)::date = ANY(%(weeks)s)
  AND {at_site("i.site_id")}
GROUP BY fired.rule ORDER BY responses DESC, fired.rule LIMIT %(limit)s
"""  # noqa: S608

_PAGING = [tier.value for tier in Tier if tier.pages]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWeek:
    """One week of a protocol, whatever its versions. Responses are counted when they come in.

    `scored` of them were scored by the version that is asked for, `scored_otherwise` by another text; `pages` and
    `night_pages` are of both.
    """

    starts_on: date
    invited: int
    answered: int
    scored: int
    scored_otherwise: int
    pages: int
    night_pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The version that is asked about, by its protocol and the hash of its text; every site when there is no id."""

    slug: str
    sha256: str
    site_id: UUID | None = None

    def parameters(self) -> dict[str, object]:
        """For the statements above."""
        return {"slug": self.slug, "sha256": self.sha256, "site_id": self.site_id, "paging": _PAGING}


def weeks(tx: Tx, asked: Asked, *, since: datetime, now: datetime) -> tuple[StoredWeek, ...]:
    """Every week from `since` on that ended three days ago or earlier, oldest first, those without anything too."""
    times = {"since": since, "now": now, "evening": NIGHT[0], "morning": NIGHT[1]}
    return tuple(StoredWeek(**row) for row in tx.rows(_WEEKS, asked.parameters() | times))


def rules(tx: Tx, asked: Asked, *, weeks: Sequence[date], limit: int) -> Mapping[str, int]:
    """Rule → how many pages of these weeks it called for, most first, at most `limit`; a page may have several."""
    rows = tx.rows(_RULES, asked.parameters() | {"weeks": list(weeks), "limit": limit})
    return {row["rule"]: row["responses"] for row in rows}
