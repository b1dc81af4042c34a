"""The texts that patients sent, as staff read them: whose they may be, and what we answered."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from survey.domain.alerts import AlertState, ContactResult
from survey.domain.inbound import Inbound
from survey.store.inbound import as_inbound
from survey.store.session import Tx

# What nobody has read yet is open, too: a worker that stands still must not hide it. It is nobody's yet, and like a
# stranger's it stands at each site.
_OPEN = "i.done_at IS NULL AND i.wants_person"
_AT = """(%(site_id)s::uuid IS NULL OR i.site_id = %(site_id)s
  OR NOT EXISTS (SELECT FROM inbound_patient b WHERE b.inbound_id = i.id))"""

# Our own words are put together here; what a person typed arrives as parameters only.
_COUNT = f"""
SELECT count(*) FILTER (WHERE {_OPEN}) AS open, count(*) FILTER (WHERE {_OPEN} AND i.is_red) AS red,
  count(*) FILTER (WHERE i.done_at IS NOT NULL) AS done
FROM inbound i WHERE {_AT}
"""  # noqa: S608
_OPEN_PAGE = f"""
SELECT i.*, NULL AS done_name FROM inbound i WHERE {_OPEN} AND {_AT}
ORDER BY i.is_red DESC, EXISTS (
  SELECT FROM inbound_patient b JOIN procedure p ON p.patient_id = b.patient_id
  JOIN invitation v ON v.procedure_id = p.id JOIN response r ON r.invitation_id = v.id
  JOIN alert a ON a.response_id = r.id WHERE b.inbound_id = i.id AND a.state <> 'resolved') DESC,
  i.received_at DESC, i.id LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608
_DONE_PAGE = f"""
SELECT i.*, u.name AS done_name FROM inbound i LEFT JOIN app_user u ON u.id = i.done_by
WHERE i.done_at IS NOT NULL AND {_AT} ORDER BY i.done_at DESC, i.id LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608

_PEOPLE = """
SELECT b.inbound_id, b.patient_id, p.given_name, p.family_name, pr.id AS procedure_id
FROM inbound_patient b
JOIN patient p ON p.id = b.patient_id
LEFT JOIN invitation i ON i.id = b.invitation_id
LEFT JOIN LATERAL (SELECT id FROM procedure WHERE patient_id = p.id AND (i.id IS NULL OR id = i.procedure_id)
  ORDER BY performed_on DESC LIMIT 1) pr ON true
WHERE b.inbound_id = ANY(%(ids)s) ORDER BY p.family_name, p.given_name, p.id
"""

_ALERTS = """
SELECT DISTINCT b.inbound_id, a.id, a.short_no, a.state, a.contact_result
FROM inbound_patient b JOIN procedure p ON p.patient_id = b.patient_id JOIN invitation v ON v.procedure_id = p.id
JOIN response r ON r.invitation_id = v.id JOIN alert a ON a.response_id = r.id
WHERE b.inbound_id = ANY(%(ids)s) AND a.state <> 'resolved' ORDER BY a.short_no
"""

_ANSWERS = """
SELECT inbound_id, kind, state, coalesce(sent_at, due_at) AS at FROM message
WHERE inbound_id = ANY(%(ids)s) ORDER BY due_at
"""

_CLOSE = """
UPDATE inbound SET done_at = %(now)s, done_by = %(by)s, done_note = %(note)s WHERE id = %(id)s AND done_at IS NULL
"""

_OF_PATIENT = """
SELECT i.*, u.name AS done_name FROM inbound_patient b JOIN inbound i ON i.id = b.inbound_id
LEFT JOIN app_user u ON u.id = i.done_by
WHERE b.patient_id = %(patient_id)s AND i.received_at >= %(since)s ORDER BY i.received_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many texts wait for a person, how many of them with words of danger, and how many somebody saw to."""

    open: int
    red: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A patient whose number it is. `procedure_id` names the page to look at."""

    patient_id: UUID
    given_name: str
    family_name: str
    procedure_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert of a sender's that is open, and how far it came."""

    id: UUID
    short_no: int
    state: AlertState
    contact_result: ContactResult | None

    @property
    def stands(self) -> str:
        """How far it came, in words."""
        if self.state is AlertState.TRIGGERED:
            return "nobody has it yet"
        reached = self.contact_result is ContactResult.REACHED
        return "the patient was reached" if reached else "taken, the patient was not reached yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One text that we answered with: its kind, how far it came, and when."""

    kind: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A text, and the name of whoever saw to it."""

    inbound: Inbound
    done_name: str | None


def counts(tx: Tx, *, site_id: UUID | None) -> Counts:
    """The texts of one site, or of all."""
    row = tx.fetch(_COUNT, {"site_id": site_id}) or {}
    return Counts(**row)


def open_count(tx: Tx) -> int:
    """How many texts wait for a person; reads one small index."""
    row = tx.fetch("SELECT count(*) AS open FROM inbound i WHERE i.done_at IS NULL AND i.wants_person", {})
    return int(row["open"]) if row else 0


def page(tx: Tx, *, site_id: UUID | None, done: bool, limit: int, offset: int) -> tuple[Received, ...]:
    """Open ones with words of danger first, then the newest; those done, the last done first."""
    values = {"site_id": site_id, "limit": limit, "offset": offset}
    return tuple(_as_received(row) for row in tx.rows(_DONE_PAGE if done else _OPEN_PAGE, values))


def senders(tx: Tx, inbound_ids: Collection[UUID]) -> Mapping[UUID, tuple[Sender, ...]]:
    """Whose each of the texts may be; a stranger's is left out."""
    found: dict[UUID, tuple[Sender, ...]] = {}
    for row in tx.rows(_PEOPLE, {"ids": list(inbound_ids)}):
        inbound_id = row.pop("inbound_id")
        found[inbound_id] = (*found.get(inbound_id, ()), Sender(**row))
    return found


def alerts(tx: Tx, inbound_ids: Collection[UUID]) -> Mapping[UUID, tuple[OpenAlert, ...]]:
    """The open alerts of whoever may have sent each of the texts."""
    found: dict[UUID, tuple[OpenAlert, ...]] = {}
    for row in tx.rows(_ALERTS, {"ids": list(inbound_ids)}):
        inbound_id, result = row.pop("inbound_id"), row.pop("contact_result")
        one = OpenAlert(
            **row | {"state": AlertState(row["state"]), "contact_result": ContactResult(result) if result else None}
        )
        found[inbound_id] = (*found.get(inbound_id, ()), one)
    return found


def answers(tx: Tx, inbound_ids: Collection[UUID]) -> Mapping[UUID, tuple[Answer, ...]]:
    """What was answered to each of the texts."""
    found: dict[UUID, tuple[Answer, ...]] = {}
    for row in tx.rows(_ANSWERS, {"ids": list(inbound_ids)}):
        inbound_id = row.pop("inbound_id")
        found[inbound_id] = (*found.get(inbound_id, ()), Answer(**row))
    return found


def of_patient(tx: Tx, patient_id: UUID, *, since: date) -> tuple[Received, ...]:
    """Every text from that day on that may be this patient's, in order."""
    return tuple(_as_received(row) for row in tx.rows(_OF_PATIENT, {"patient_id": patient_id, "since": since}))


def close(tx: Tx, inbound_id: UUID, *, by: UUID, note: str | None, now: datetime) -> bool:
    """Note that somebody has seen to it; False when somebody had before."""
    return tx.change(_CLOSE, {"id": inbound_id, "by": by, "note": note, "now": now}) == 1


def _as_received(row: dict[str, Any]) -> Received:
    return Received(inbound=as_inbound(row), done_name=row["done_name"])
