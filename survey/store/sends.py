"""The messages of one day, and the check-ins due on it that no message can serve. Reads only."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID

from survey.domain.sends import Hour, Line, Stand
from survey.store.canary import at_site
from survey.store.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which day, on each site's own wall, and what part of it."""

    day: date
    site_id: UUID | None = None
    stand: str = ""


# A survey's messages leave within a week of its time: so far the caps can hold one back. Bounds in UTC find the index.
_LINES = f"""
WITH day AS (
  SELECT id AS site_id, zone, %(day)s::timestamp AT TIME ZONE zone AS starts_at,
    (%(day)s::date + 1)::timestamp AT TIME ZONE zone AS ends_at
  FROM site WHERE {at_site("id")}),
survey AS (
  SELECT i.id, i.procedure_id, i.site_id, i.due_at, n.given_name, n.family_name,
    coalesce(n.zone, day.zone) AS zone, day.zone AS wall, day.starts_at, day.ends_at,
    CASE WHEN i.state = 'undeliverable' THEN coalesce(reach.why, i.trouble)
         WHEN i.state = 'scheduled' THEN reach.why END AS block
  FROM day JOIN invitation i ON i.site_id = day.site_id
    AND i.due_at >= %(day)s::timestamp - interval '9 days' AND i.due_at < %(day)s::timestamp + interval '2 days'
  JOIN procedure p ON p.id = i.procedure_id AND p.cancelled_at IS NULL
  JOIN patient n ON n.id = p.patient_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN bool_or(consented_at IS NOT NULL AND blocked_at IS NULL) THEN NULL
                WHEN count(*) = 0 THEN 'no_contact'
                WHEN bool_or(blocked_at IS NULL) THEN 'no_consent'
                ELSE min(blocked_reason) END AS why
    FROM contact WHERE patient_id = p.patient_id) reach),
lines AS (
  SELECT CASE WHEN m.state = 'pending' THEN CASE WHEN m.reason IS NULL THEN 'waiting' ELSE 'held' END
              WHEN m.state IN ('leased', 'accepted', 'unknown') THEN 'sent'
              WHEN m.state IN ('undelivered', 'refused') THEN 'failed'
              WHEN m.state = 'cancelled' THEN 'dropped' ELSE m.state END AS stand,
    s.id AS invitation_id, s.procedure_id, s.site_id, s.given_name, s.family_name, s.zone, s.wall,
    m.kind, c.kind AS channel, coalesce(m.sent_at, m.due_at) AS at, m.reason, m.late
  FROM survey s JOIN message m ON m.invitation_id = s.id JOIN contact c ON c.id = m.contact_id
  WHERE (coalesce(m.sent_at, m.due_at) >= s.starts_at AND coalesce(m.sent_at, m.due_at) < s.ends_at
      OR m.state = 'pending' AND m.reason IS NOT NULL AND s.due_at >= s.starts_at AND s.due_at < s.ends_at)
    AND (s.block IS NULL OR m.state NOT IN ('pending', 'cancelled', 'refused', 'undelivered'))
  UNION ALL
  SELECT 'blocked', s.id, s.procedure_id, s.site_id, s.given_name, s.family_name, s.zone, s.wall,
    '', NULL, s.due_at, s.block, false
  FROM survey s
  WHERE s.block IS NOT NULL AND s.due_at >= s.starts_at AND s.due_at < s.ends_at)
"""  # noqa: S608

_STANDS = f"{_LINES} SELECT stand, count(*) AS number FROM lines GROUP BY stand"  # noqa: S608

_HOURS = f"""{_LINES}
SELECT extract(hour FROM at AT TIME ZONE wall)::int AS hour,
  count(*) FILTER (WHERE channel = 'sms') AS texts, count(*) FILTER (WHERE channel = 'email') AS emails
FROM lines WHERE stand IN ('waiting', 'held', 'sent', 'delivered') AND (at AT TIME ZONE wall)::date = %(day)s
GROUP BY 1 ORDER BY 1
"""  # noqa: S608

_PAGE = f"""{_LINES}
SELECT * FROM lines WHERE %(stand)s = '' OR stand = %(stand)s
ORDER BY array_position(ARRAY['blocked', 'held', 'failed'], stand), at, family_name, given_name, invitation_id, kind
LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608

_TIMES = """
SELECT coalesce(max(touch_no) + 1, 0) AS times FROM message
WHERE invitation_id = %(invitation_id)s AND contact_id = %(contact_id)s AND kind = 'invitation'
"""

_NAMES = tuple(field.name for field in fields(Line))


def stands(tx: Tx, asked: Asked) -> dict[Stand, int]:
    """How many lines of each kind the day has, whatever kind is asked for."""
    return {Stand(stand): number for stand, number in tx.bulk(_STANDS, _given(asked))}


def hours(tx: Tx, asked: Asked) -> tuple[Hour, ...]:
    """What left or will leave, by the hour."""
    return tuple(Hour(hour=hour, texts=texts, emails=emails) for hour, texts, emails in tx.bulk(_HOURS, _given(asked)))


def page(tx: Tx, asked: Asked, *, limit: int, offset: int) -> tuple[Line, ...]:
    """A page of lines: first what asks for somebody, then by the clock."""
    rows = tx.rows(_PAGE, _given(asked) | {"limit": limit, "offset": offset})
    return tuple(Line(**{name: row[name] for name in _NAMES} | {"stand": Stand(row["stand"])}) for row in rows)


def times_asked(tx: Tx, invitation_id: UUID, contact_id: UUID) -> int:
    """How many first messages of a survey were queued to one contact, whatever became of them."""
    (row,) = tx.rows(_TIMES, {"invitation_id": invitation_id, "contact_id": contact_id})
    return int(row["times"])


def _given(asked: Asked) -> dict[str, Any]:
    return {"day": asked.day, "site_id": asked.site_id, "stand": asked.stand}
