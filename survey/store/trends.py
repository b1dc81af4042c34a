"""What the trends page counts, week by week; counts only, no row of a patient leaves here."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from survey.store.canary import at_site
from survey.store.session import Tx

# A week begins on Monday on the wall of the site. A check-in counts once it has had a day to be answered.
RATES = sa.text(f"""
SELECT date_trunc('week', i.due_at AT TIME ZONE s.zone)::date AS week, count(*) AS due,
       count(*) FILTER (WHERE r.mode = 'web') AS answered, count(*) FILTER (WHERE r.mode = 'phone') AS phoned
FROM invitation i
JOIN site s ON s.id = i.site_id
LEFT JOIN response r ON r.invitation_id = i.id AND i.state = 'completed'
WHERE i.due_at >= :since AND i.due_at <= CAST(:now AS timestamptz) - interval '1 day' AND i.state <> 'stopped'
  AND {at_site("i.site_id", ":site_id")}
GROUP BY week ORDER BY week
""")  # noqa: S608

TIERS = sa.text(f"""
SELECT date_trunc('week', r.answered_at AT TIME ZONE s.zone)::date AS week, r.tier, count(*) AS number
FROM response r
JOIN invitation i ON i.id = r.invitation_id
JOIN site s ON s.id = i.site_id
WHERE r.answered_at >= :since AND r.answered_at <= :now AND r.tier IS NOT NULL
  AND {at_site("i.site_id", ":site_id")}
GROUP BY week, r.tier ORDER BY week
""")  # noqa: S608

MOST_ASKED = sa.text(f"""
SELECT (array_agg(v.id ORDER BY v.version DESC))[1] AS version_id
FROM invitation i
JOIN protocol_version v ON v.id = i.protocol_version_id
WHERE i.due_at >= :since AND i.due_at <= :now AND {at_site("i.site_id", ":site_id")}
GROUP BY v.slug ORDER BY count(*) DESC, v.slug LIMIT 1
""")  # noqa: S608

SCALE = sa.text(f"""
SELECT (newest.value #>> '{{}}')::int AS number, count(*) AS people
FROM (
  SELECT DISTINCT ON (w.response_id) w.value
  FROM response r
  JOIN invitation i ON i.id = r.invitation_id
  JOIN protocol_version v ON v.id = i.protocol_version_id
  JOIN answer w ON w.response_id = r.id
  WHERE r.answered_at >= :since AND r.answered_at <= :now AND v.slug = :slug AND w.item = :item
    AND {at_site("i.site_id", ":site_id")}
  ORDER BY w.response_id, w.revision DESC) newest
WHERE jsonb_typeof(newest.value) = 'number'
GROUP BY number ORDER BY number
""")  # noqa: S608

CONTACTS = sa.text(f"""
SELECT extract(epoch FROM a.contacted_at - a.created_at)::float AS seconds, a.contacted_at <= a.promised_at AS kept
FROM alert a
WHERE a.created_at >= :since AND a.created_at <= :now AND a.severity = 'urgent'
  AND {at_site("a.site_id", ":site_id")}
""")  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time and the site that are looked at; every site when `site_id` is None."""

    since: datetime
    now: datetime
    site_id: UUID | None = None

    def parameters(self) -> dict[str, object]:
        """For the statements above."""
        return {"since": self.since, "now": self.now, "site_id": self.site_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateWeek:
    """Check-ins that fell due in the week, more than a day ago, and how many were answered by link or by phone."""

    week: date
    due: int
    answered: int
    phoned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One urgent alert: seconds until somebody tried to reach the patient, and whether in the promised time.

    None while nobody has.
    """

    seconds: float | None
    kept: bool | None


def rates(tx: Tx, span: Span) -> tuple[RateWeek, ...]:
    """Due and answered, by week."""
    return tuple(RateWeek(**row) for row in tx.run(RATES, span.parameters()).mappings())


def tiers(tx: Tx, span: Span) -> dict[date, dict[str, int]]:
    """How many responses of each tier, by week."""
    weeks: dict[date, dict[str, int]] = {}
    for row in tx.run(TIERS, span.parameters()).mappings():
        weeks.setdefault(row["week"], {})[row["tier"]] = row["number"]
    return weeks


def most_asked(tx: Tx, span: Span) -> UUID | None:
    """The protocol with the most check-ins: the newest of its versions that was asked; None when there was none."""
    found: UUID | None = tx.run(MOST_ASKED, span.parameters()).scalar_one_or_none()
    return found


def scale(tx: Tx, span: Span, *, slug: str, item: str) -> dict[int, int]:
    """How many people chose each number of a protocol's scale; the newest answer of each counts."""
    rows = tx.run(SCALE, span.parameters() | {"slug": slug, "item": item}).mappings()
    return {row["number"]: row["people"] for row in rows}


def contacts(tx: Tx, span: Span) -> tuple[Contact, ...]:
    """Every alert that paged somebody, and how long the patient waited for our call."""
    return tuple(Contact(**row) for row in tx.run(CONTACTS, span.parameters()).mappings())
