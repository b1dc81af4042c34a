"""What is open when a watch changes, and the sheets that were signed."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from psycopg.types.json import Jsonb

from survey.domain import handovers as rules
from survey.domain.alerts import AlertState, ContactResult
from survey.domain.errors import NotFound
from survey.domain.handovers import Case, Handover, Side
from survey.domain.protocol import Tier
from survey.store.base import Row
from survey.store.canary import left_out
from survey.store.session import Tx

# One row for each open alert, whatever was promised how often: the newest promise that was not taken back counts.
_CASES = f"""
SELECT a.id AS alert_id, a.tier, a.state, a.acked_by AS held_by, tried.result, tried.at AS tried_at,
  CASE WHEN p.kept_at IS NULL THEN coalesce(p.due_at, a.promised_at) END AS due_at,
  p.kept_at IS NULL AND p.broken_at IS NOT NULL AS is_broken,
  (SELECT count(*) FROM alert_event e WHERE e.alert_id = a.id AND e.kind = 'contacted'
    AND e.data ->> 'result' <> 'reached') AS in_vain
FROM alert a
LEFT JOIN LATERAL (SELECT due_at, broken_at, kept_at FROM promise WHERE alert_id = a.id AND cancelled_at IS NULL
  ORDER BY made_at DESC, due_at LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT e.data ->> 'result' AS result, e.at FROM alert_event e
  WHERE e.alert_id = a.id AND e.kind = 'contacted' ORDER BY e.id DESC LIMIT 1) tried ON true
WHERE a.state <> 'resolved' AND {left_out("a.site_id")}
"""  # noqa: S608
_REPLIES = """
SELECT i.id FROM inbound i WHERE i.done_at IS NULL AND i.wants_person AND (i.is_red OR EXISTS (
  SELECT FROM inbound_patient b JOIN procedure p ON p.patient_id = b.patient_id
  JOIN invitation v ON v.procedure_id = p.id JOIN response r ON r.invitation_id = v.id
  JOIN alert a ON a.response_id = r.id WHERE b.inbound_id = i.id AND a.state <> 'resolved'))
ORDER BY i.received_at, i.id
"""
_PEOPLE = """
SELECT a.id, a.short_no, a.state, a.response_id, a.site_id, p.given_name, p.family_name
FROM alert a JOIN response r ON r.id = a.response_id JOIN invitation i ON i.id = r.invitation_id
JOIN procedure d ON d.id = i.procedure_id JOIN patient p ON p.id = d.patient_id WHERE a.id = ANY(%(ids)s)
"""
_RECEIVED = "SELECT id, received_at, is_red, done_at FROM inbound WHERE id = ANY(%(ids)s)"
_ROW = """
SELECT id, schedule_id, at, from_user_id AS giver, to_user_id AS taker, sheet, note, given_at, taken_at FROM handover
"""
_GET = _ROW + "WHERE id = %(id)s"
_STANDING = _ROW + "WHERE schedule_id = %(schedule_id)s AND at = %(at)s FOR UPDATE"
_PAST = _ROW + "WHERE schedule_id = %(schedule_id)s ORDER BY at DESC LIMIT %(limit)s OFFSET %(offset)s"
_COUNT = "SELECT count(*) AS number FROM handover WHERE schedule_id = %(schedule_id)s"
_COMPLETE = """
SELECT at FROM handover WHERE schedule_id = %(schedule_id)s AND given_at IS NOT NULL AND taken_at IS NOT NULL
  AND at >= %(since)s
"""
_INSERT = """
INSERT INTO handover (id, schedule_id, at, from_user_id, to_user_id, sheet)
VALUES (%(id)s, %(schedule_id)s, %(at)s, %(giver)s, %(taker)s, %(sheet)s)
ON CONFLICT ON CONSTRAINT handover_once DO NOTHING
"""
_SIGN = {
    Side.GIVER: """
UPDATE handover SET given_at = %(given_at)s, note = coalesce(%(note)s, note) WHERE id = %(id)s AND given_at IS NULL""",
    Side.TAKER: "UPDATE handover SET taken_at = %(taken_at)s WHERE id = %(id)s AND taken_at IS NULL",
}
_DUMPS = partial(json.dumps, default=lambda one: one.isoformat() if isinstance(one, datetime) else str(one))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom an alert is about, and how it stands now."""

    id: UUID
    short_no: int
    state: AlertState
    response_id: UUID
    site_id: UUID
    given_name: str
    family_name: str

    @property
    def name(self) -> str:
        """As staff say it."""
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A text that came in; `done_at` is None while nobody has seen to it."""

    id: UUID
    received_at: datetime
    is_red: bool
    done_at: datetime | None


def cases(tx: Tx) -> tuple[Case, ...]:
    """Every open alert, each once."""
    return tuple(_as_case(row) for row in tx.rows(_CASES, {}))


def replies(tx: Tx) -> tuple[UUID, ...]:
    """Texts that nobody has seen to and that page, oldest first."""
    return tuple(row["id"] for row in tx.rows(_REPLIES, {}))


def subjects(tx: Tx, alert_ids: Collection[UUID]) -> Mapping[UUID, Subject]:
    """Whom these alerts are about, by the alert."""
    rows = tx.rows(_PEOPLE, {"ids": list(alert_ids)})
    return {row["id"]: Subject(**row | {"state": AlertState(row["state"])}) for row in rows}


def received(tx: Tx, inbound_ids: Collection[UUID]) -> tuple[Reply, ...]:
    """These texts, oldest first."""
    found = (Reply(**row) for row in tx.rows(_RECEIVED, {"ids": list(inbound_ids)}))
    return tuple(sorted(found, key=lambda one: one.received_at))


def get(tx: Tx, handover_id: UUID) -> Handover:
    """That handover. Raises NotFound."""
    row = tx.fetch(_GET, {"id": handover_id})
    if row is None:
        raise NotFound("There is no such handover.")
    return _as_handover(row)


def standing(tx: Tx, schedule_id: UUID, at: datetime) -> Handover | None:
    """The one of that change, held against change; None while nobody has signed."""
    row = tx.fetch(_STANDING, {"schedule_id": schedule_id, "at": at})
    return _as_handover(row) if row else None


def past(tx: Tx, schedule_id: UUID, *, limit: int, offset: int) -> tuple[Handover, ...]:
    """Those of a schedule that somebody has signed, the latest change first."""
    values = {"schedule_id": schedule_id, "limit": limit, "offset": offset}
    return tuple(_as_handover(row) for row in tx.rows(_PAST, values))


def count(tx: Tx, schedule_id: UUID) -> int:
    """How many those are."""
    row = tx.fetch(_COUNT, {"schedule_id": schedule_id})
    return int(row["number"]) if row else 0


def complete(tx: Tx, schedule_id: UUID, *, since: datetime) -> tuple[datetime, ...]:
    """The changes from then on that both have signed."""
    return tuple(row["at"] for row in tx.rows(_COMPLETE, {"schedule_id": schedule_id, "since": since}))


def insert(tx: Tx, new: Handover) -> None:
    """Keep a sheet, unless one of that change is kept."""
    sheet = Jsonb(rules.as_stored(new.sheet), dumps=_DUMPS)
    values = {name: getattr(new, name) for name in ("id", "schedule_id", "at", "giver", "taker")}
    tx.change(_INSERT, values | {"sheet": sheet})


def sign(tx: Tx, new: Handover, by: Side) -> bool:
    """Put one signature under it; False when it stands there already."""
    values = {name: getattr(new, name) for name in ("id", "note", "given_at", "taken_at")}
    return tx.change(_SIGN[by], values) == 1


def _as_case(row: Row) -> Case:
    worded = {
        "tier": Tier(row["tier"]),
        "state": AlertState(row["state"]),
        "result": ContactResult(row["result"]) if row["result"] else None,
    }
    return Case(**dict(row) | worded)


def _as_handover(row: Row) -> Handover:
    return Handover(**dict(row) | {"sheet": rules.read(row["sheet"])})
