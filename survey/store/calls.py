"""The call list and the calls: whom to call, most urgent first, and what came of each try."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from survey.domain.calls import OF_SILENCE, OF_TIER, TRIES, Attempt, Line, Result, Wanted
from survey.domain.patients import Contact
from survey.domain.protocol import Flag, Tier
from survey.domain.silence import Silence
from survey.store.canary import at_site
from survey.store.contacts import as_contact
from survey.store.session import Tx

# `survey.domain.silence`, said in SQL: `facts` are its Facts, SILENCE its function.
_FACTS = """
SELECT i.id AS invitation_id, i.procedure_id, i.site_id, i.protocol_version_id, i.state, i.trouble, i.call_at,
  i.asked_call_at, i.sent_back_at, i.risk, i.due_at <= %(now)s AS is_due,
  p.patient_id, p.performed_on, p.body_sites, p.agents, p.context,
  p.cancelled_at IS NOT NULL AS is_cancelled, r.tier, coalesce(r.mode = 'phone', false) AS by_phone,
  coalesce(r.answered_by = 'helper', false) AS is_helped, alarm.*, ways.*
FROM chosen JOIN invitation i ON i.id = chosen.id
JOIN procedure p ON p.id = i.procedure_id
LEFT JOIN response r ON r.invitation_id = i.id
CROSS JOIN LATERAL (
  SELECT max(at) AS at FROM call_attempt WHERE invitation_id = i.id AND result = 'reached') spoken
CROSS JOIN LATERAL (
  SELECT coalesce(bool_or(a.state <> 'resolved' AND a.tier IN ('urgent', 'emergency')
      AND a.contact_result IN ('voicemail', 'no_answer')
      AND (spoken.at IS NULL OR spoken.at < a.contacted_at)), false) AS in_vain,
    coalesce(bool_or(a.state <> 'resolved'), false) AS is_open,
    coalesce(bool_or(a.contact_result = 'reached'), false) AS reached,
    (array_agg(a.id ORDER BY a.created_at DESC) FILTER (WHERE a.state <> 'resolved'))[1] AS alert_id,
    min(a.promised_at) FILTER (WHERE a.state <> 'resolved') AS promised_at
  FROM alert a WHERE a.response_id = r.id) alarm
CROSS JOIN LATERAL (
  SELECT coalesce(bool_or(consented_at IS NOT NULL AND blocked_at IS NULL), false) AS is_usable,
    coalesce(bool_or(blocked_reason = 'stopped'), false) AS has_stopped,
    coalesce(bool_or(blocked_reason = 'not_me'), false) AS is_not_me
  FROM contact WHERE patient_id = p.patient_id) ways
"""

_SILENCE = """
CASE
  WHEN state = 'stopped' OR (is_cancelled AND state NOT IN ('completed', 'reached')) THEN 'closed'
  WHEN in_vain THEN 'red_unreachable'
  WHEN state = 'completed' THEN CASE WHEN by_phone THEN 'reached' ELSE 'answered' END
  WHEN state = 'reached' OR (reached AND NOT is_open) THEN 'reached'
  WHEN is_open THEN 'with_clinician'
  WHEN state = 'expired' THEN 'link_ended'
  WHEN state = 'opened' THEN 'opened_not_finished'
  WHEN state = 'undeliverable' OR NOT is_usable THEN CASE
    WHEN trouble IS NOT DISTINCT FROM 'stopped' OR (has_stopped AND NOT is_usable) THEN 'opted_out'
    WHEN trouble IS NOT DISTINCT FROM 'not_me' OR (is_not_me AND NOT is_usable) THEN 'wrong_number'
    ELSE 'undeliverable' END
  WHEN state = 'delivered' THEN 'delivered_not_opened'
  WHEN state = 'sent' THEN 'sent'
  WHEN is_due THEN 'sending'
  ELSE 'not_due'
END"""

_EVERY = f"""
WITH chosen AS (SELECT id FROM invitation), facts AS ({_FACTS})
SELECT invitation_id, {_SILENCE} AS silence FROM facts
"""  # noqa: S608

# Whoever waits for an answer and has a time to be called at; and whoever a clinician has called in vain.
_CHOSEN = """
SELECT id FROM invitation WHERE call_at <= %(now)s AND state NOT IN ('completed', 'reached', 'stopped')
UNION
SELECT r.invitation_id FROM alert a JOIN response r ON r.id = a.response_id
WHERE a.state <> 'resolved' AND a.tier IN ('urgent', 'emergency') AND a.contact_result IN ('voicemail', 'no_answer')
"""

_PHONE = """
SELECT * FROM contact WHERE patient_id = %(patient_id)s AND kind = 'sms' AND blocked_reason IS DISTINCT FROM 'not_me'
ORDER BY blocked_at IS NOT NULL, consented_at DESC NULLS LAST, address LIMIT 1
"""


def _cases(weights: Mapping[Any, int]) -> str:
    """`WHEN 'key' THEN number`, from our own constants."""
    return " ".join(f"WHEN '{key.value}' THEN {number}" for key, number in weights.items())


_LINES = f"""
WITH chosen AS ({_CHOSEN}), facts AS ({_FACTS}),
told AS (SELECT facts.*, {_SILENCE} AS silence FROM facts),
every AS (
  SELECT told.*, n.given_name, n.family_name, n.born_on, n.language, n.helper_may_answer,
    coalesce(n.zone, s.zone) AS zone,
    phone.address AS phone, coalesce(phone.consented_at IS NOT NULL AND phone.blocked_at IS NULL, false) AS may_text,
    tried.tries, tried.last_result, tried.last_at,
    tried.last_half IS NOT DISTINCT FROM lower(to_char(%(now)s AT TIME ZONE coalesce(n.zone, s.zone), 'YYYY-MM-DD AM'))
      AS is_tried,
    told.silence <> 'red_unreachable' AND tried.halves >= {TRIES}
      AND (told.sent_back_at IS NULL OR tried.vain_at > told.sent_back_at) AS is_for_lead,
    CASE WHEN told.silence = 'red_unreachable' THEN 0 WHEN told.asked_call_at IS NOT NULL THEN 1 ELSE 2 END AS place,
    CASE told.silence {_cases(OF_SILENCE)} ELSE 0 END + told.risk
      + CASE told.tier {_cases(OF_TIER)} ELSE 0 END AS weight
  FROM told
  JOIN patient n ON n.id = told.patient_id
  JOIN site s ON s.id = told.site_id
  LEFT JOIN LATERAL ({_PHONE.replace("%(patient_id)s", "told.patient_id")}) phone ON true
  CROSS JOIN LATERAL (
    SELECT count(*) AS tries, count(DISTINCT half_day) FILTER (WHERE result <> 'reached') AS halves,
      max(at) FILTER (WHERE result <> 'reached') AS vain_at, max(at) AS last_at,
      (array_agg(result ORDER BY at DESC))[1] AS last_result, (array_agg(half_day ORDER BY at DESC))[1] AS last_half
    FROM call_attempt WHERE invitation_id = told.invitation_id) tried
  WHERE told.silence <> ALL(ARRAY['answered', 'reached', 'closed', 'with_clinician'])
    AND {at_site("told.site_id")}),
-- One call asks about all that is open of a procedure: the most urgent check-in stands for the others.
lines AS (
  SELECT * FROM (SELECT every.*, row_number() OVER (PARTITION BY procedure_id, is_for_lead
    ORDER BY place, weight DESC, call_at, invitation_id) AS nth FROM every) ranked
  WHERE nth = 1)
"""  # noqa: S608

_PAGE = f"""{_LINES}
SELECT * FROM lines
WHERE CASE %(kind)s WHEN 'lead' THEN is_for_lead WHEN '' THEN NOT is_for_lead
  WHEN 'asked' THEN asked_call_at IS NOT NULL AND NOT is_for_lead ELSE silence = %(kind)s AND NOT is_for_lead END
ORDER BY place, is_tried, weight DESC, call_at NULLS FIRST, invitation_id
LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608

_KINDS = f"""{_LINES}
SELECT silence AS kind, count(*) AS number FROM lines WHERE NOT is_for_lead GROUP BY silence
UNION ALL SELECT 'asked', count(*) FROM lines WHERE NOT is_for_lead AND asked_call_at IS NOT NULL
UNION ALL SELECT 'lead', count(*) FROM lines WHERE is_for_lead
"""  # noqa: S608

_INSERT = """
INSERT INTO call_attempt (id, invitation_id, at, by, result, half_day, note)
VALUES (%(id)s, %(invitation_id)s, %(at)s, %(by)s, %(result)s, %(half_day)s, %(note)s)
"""
_ATTEMPTS = f"""
SELECT {", ".join(field.name for field in fields(Attempt))} FROM call_attempt
WHERE invitation_id = %(invitation_id)s ORDER BY at, id
"""  # noqa: S608 (no value in it)
_OF_PROCEDURE = """
SELECT t.at, t.result, t.note, u.name AS who FROM call_attempt t
JOIN invitation i ON i.id = t.invitation_id JOIN app_user u ON u.id = t.by
WHERE i.procedure_id = %(procedure_id)s ORDER BY t.at, t.id
"""
_WRONG = """
UPDATE contact SET blocked_reason = 'not_me', blocked_at = coalesce(blocked_at, %(now)s) WHERE id = %(contact_id)s
"""
_TOLD = """
SELECT 1 AS told FROM message m JOIN contact c ON c.id = m.contact_id
WHERE m.kind = 'called' AND m.touch_no = %(day)s AND c.address = %(address)s LIMIT 1
"""
_NAMES = tuple(field.name for field in fields(Line))


def silences(tx: Tx, *, now: datetime) -> dict[UUID, Silence]:
    """Each survey there is → its one word."""
    return {row["invitation_id"]: Silence(row["silence"]) for row in tx.rows(_EVERY, {"now": now})}


def page(tx: Tx, wanted: Wanted, *, now: datetime, limit: int, offset: int) -> tuple[Line, ...]:
    """A page of the call list, most urgent first."""
    given = {"now": now, "site_id": wanted.site_id, "kind": wanted.kind, "limit": limit, "offset": offset}
    return tuple(_as_line(row) for row in tx.rows(_PAGE, given))


def kinds(tx: Tx, wanted: Wanted, *, now: datetime) -> dict[str, int]:
    """How many lines there are of each kind at that site, whatever kind is asked for; `asked` and `lead` among them."""
    rows = tx.rows(_KINDS, {"now": now, "site_id": wanted.site_id})
    return {row["kind"]: row["number"] for row in rows if row["number"]}


def insert(tx: Tx, new: Attempt) -> None:
    """Add a try; it is never changed."""
    tx.change(_INSERT, asdict(new))


def attempts(tx: Tx, invitation_id: UUID) -> tuple[Attempt, ...]:
    """The tries of one survey, the first first."""
    rows = tx.rows(_ATTEMPTS, {"invitation_id": invitation_id})
    return tuple(Attempt(**row | {"result": Result(row["result"])}) for row in rows)


def told(tx: Tx, procedure_id: UUID) -> tuple[tuple[datetime, Result, str, str | None], ...]:
    """The tries about a procedure, in order: when, what came of it, who called, and what was noted."""
    rows = tx.rows(_OF_PROCEDURE, {"procedure_id": procedure_id})
    return tuple((row["at"], Result(row["result"]), row["who"], row["note"]) for row in rows)


def phone(tx: Tx, patient_id: UUID) -> Contact | None:
    """The number to call: one that may be texted before others; never one that somebody else has."""
    row = tx.fetch(_PHONE, {"patient_id": patient_id})
    return as_contact(row) if row else None


def mark_wrong(tx: Tx, contact_id: UUID, *, now: datetime) -> None:
    """Somebody else has the number."""
    tx.change(_WRONG, {"contact_id": contact_id, "now": now})


def is_told(tx: Tx, address: str, *, day: int) -> bool:
    """Whether a text that we called was queued to that number for that day already."""
    return tx.fetch(_TOLD, {"address": address, "day": day}) is not None


def _as_line(row: Mapping[str, Any]) -> Line:
    worded = {
        "silence": Silence(row["silence"]),
        "tier": Tier(row["tier"]) if row["tier"] else None,
        "body_sites": tuple(row["body_sites"]),
        "agents": tuple(row["agents"]),
        "context": {key: Flag(value) for key, value in row["context"].items()},
        "last_result": Result(row["last_result"]) if row["last_result"] else None,
    }
    return Line(**{name: row[name] for name in _NAMES} | worded)
