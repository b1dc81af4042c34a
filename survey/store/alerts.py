"""Alerts and their append-only story."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql as pg

from survey.domain import canary
from survey.domain.accounts import Actor, ActorKind
from survey.domain.alerts import (
    Alert,
    AlertState,
    ContactResult,
    Event,
    EventKind,
    Outcome,
    Usefulness,
)
from survey.domain.errors import NotFound, Stale
from survey.domain.protocol import Tier
from survey.store.accounts import app_user
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

alert = sa.Table(
    "alert",
    metadata,
    identifier(primary_key=True),
    sa.Column("short_no", sa.BigInteger, sa.Identity(always=True, start=1001), nullable=False),
    sa.Column("dedup_key", sa.Text, nullable=False),
    identifier("response_id", nullable=False),
    identifier("site_id", nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    identifier("policy_version_id", nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("step_seq", sa.Integer, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    instant("created_at", nullable=False),
    instant("next_action_at"),
    instant("promised_at", nullable=False),
    identifier("acked_by"),
    instant("acked_at"),
    identifier("contacted_by"),
    instant("contacted_at"),
    sa.Column("contact_result", sa.Text),
    identifier("resolved_by"),
    instant("resolved_at"),
    sa.Column("outcome", sa.Text),
    sa.Column("usefulness", sa.Text),
)

alert_event = sa.Table(
    "alert_event",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    identifier("alert_id", sa.ForeignKey("alert.id"), nullable=False),
    instant("at", nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    identifier("actor_id"),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("from_state", sa.Text),
    sa.Column("to_state", sa.Text),
    sa.Column("data", pg.JSONB, nullable=False),
    sa.Column("idem_key", sa.Text),
)

# The first line of a story is never told twice, so none of them needs a key for that. No alert is without a promise.
_OPEN = """
WITH new AS (
  INSERT INTO alert (id, dedup_key, response_id, site_id, tier, severity, policy_version_id, state, epoch, step_seq,
    cycle, created_at, next_action_at, promised_at)
  VALUES (%(id)s, %(dedup_key)s, %(response_id)s, %(site_id)s, %(tier)s, %(severity)s, %(policy_version_id)s,
    %(state)s, %(epoch)s, %(step_seq)s, %(cycle)s, %(created_at)s, %(next_action_at)s, %(promised_at)s)
  RETURNING id, short_no),
told AS (
  INSERT INTO alert_event (alert_id, at, kind, actor_kind, actor_id, epoch, from_state, to_state, data, idem_key)
  SELECT new.id, %(created_at)s, kind, %(actor_kind)s, %(actor_id)s, line.epoch, from_state, to_state, data, idem_key
  FROM new, ROWS FROM (jsonb_to_recordset(%(lines)s) AS (
    kind text, epoch int, from_state text, to_state text, data jsonb, idem_key text)) WITH ORDINALITY AS line
  ORDER BY line.ordinality),
promised AS (
  INSERT INTO promise (id, alert_id, made_at, due_at)
  SELECT gen_random_uuid(), new.id, %(created_at)s, %(promised_at)s FROM new)
SELECT short_no FROM new
"""

# The canary's has a number of its own, and uses up none of the clinic's.
_OPEN_NUMBERED = _OPEN.replace("INSERT INTO alert (", "INSERT INTO alert (short_no, ").replace(
    "VALUES (%(id)s,", "OVERRIDING SYSTEM VALUE VALUES (%(short_no)s, %(id)s,"
)

_OPEN_OF_PATIENTS = """
SELECT a.id FROM alert a JOIN response r ON r.id = a.response_id JOIN invitation i ON i.id = r.invitation_id
JOIN procedure p ON p.id = i.procedure_id
WHERE a.state <> 'resolved' AND p.patient_id = ANY(%(patients)s) ORDER BY a.id
"""

_IN_VAIN = """
SELECT count(*) AS tries FROM alert_event
WHERE alert_id = %(alert_id)s AND kind = 'contacted' AND data ->> 'result' <> 'reached'
"""

OPEN = alert.c.state != AlertState.RESOLVED
_FIXED = {"id", "short_no", "dedup_key", "response_id", "site_id", "policy_version_id", "created_at"}
_WORDS = {
    "tier": Tier,
    "state": AlertState,
    "contact_result": ContactResult,
    "outcome": Outcome,
    "usefulness": Usefulness,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One told event, with the name of the person who acted, if it was one."""

    at: datetime
    kind: EventKind
    actor_kind: ActorKind
    actor_id: UUID | None
    actor_name: str | None
    epoch: int
    from_state: AlertState | None
    to_state: AlertState | None
    data: Mapping[str, str | int]


def get(tx: Tx, alert_id: UUID) -> Alert:
    """That alert. Raises NotFound."""
    return _one(tx, sa.select(alert).where(alert.c.id == alert_id))


def numbered(tx: Tx, short_no: int) -> Alert:
    """The alert that people call by that number. Raises NotFound."""
    return _one(tx, sa.select(alert).where(alert.c.short_no == short_no))


def get_for_update(tx: Tx, alert_id: UUID) -> Alert:
    """That alert, held against every other change until the transaction ends. Raises NotFound."""
    return _one(tx, sa.select(alert).where(alert.c.id == alert_id).with_for_update(key_share=True))


def newest_of(tx: Tx, response_id: UUID) -> tuple[Alert | None, int]:
    """The newest alert of a response, held against change, and how many the response has had."""
    theirs = sa.select(alert).where(alert.c.response_id == response_id)
    newest = theirs.order_by(alert.c.created_at.desc(), alert.c.short_no.desc()).with_for_update(key_share=True)
    found = tx.run(newest).mappings().all()
    return (_as_alert(found[0]) if found else None), len(found)


def insert(tx: Tx, new: Alert, story: Sequence[Event], *, actor: Actor) -> Alert:
    """Add it with the first lines of its story; answers it with its number, which the database gives if it has none."""
    lines = Jsonb([asdict(event) for event in story])
    values = {**_values(new), "lines": lines, "actor_kind": actor.kind, "actor_id": actor.id}
    (row,) = tx.rows(_OPEN_NUMBERED, values | {"short_no": new.short_no}) if new.short_no else tx.rows(_OPEN, values)
    return replace(new, short_no=row["short_no"])


def swap(tx: Tx, old: Alert, new: Alert) -> None:
    """Put `new` where `old` stands. Raises Stale when it does not stand there any more."""
    same = (
        (alert.c.id == old.id)
        & (alert.c.state == old.state)
        & (alert.c.epoch == old.epoch)
        & (alert.c.step_seq == old.step_seq)
        & (alert.c.cycle == old.cycle)
    )
    changed = {name: value for name, value in _values(new).items() if name not in _FIXED}
    if tx.run(sa.update(alert).where(same).values(**changed)).rowcount != 1:
        raise Stale("This alert was changed by somebody else just now. Look at it as it stands now.")


def due_ids(tx: Tx, *, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Open alerts whose next action has come, longest due first."""
    ready = sa.select(alert.c.id).where(OPEN, alert.c.next_action_at <= now)
    return tuple(tx.run(ready.order_by(alert.c.next_action_at).limit(limit)).scalars())


def claim_due(tx: Tx, alert_id: UUID, *, now: datetime) -> Alert | None:
    """That alert, held against change; None when it is not due any more or somebody else has hold of it."""
    still = sa.select(alert).where(alert.c.id == alert_id, OPEN, alert.c.next_action_at <= now)
    row = tx.run(still.with_for_update(key_share=True, skip_locked=True)).mappings().one_or_none()
    return _as_alert(row) if row else None


def claim(tx: Tx, alert_id: UUID) -> Alert | None:
    """That alert, held against change; None while somebody else has hold of it."""
    held = sa.select(alert).where(alert.c.id == alert_id).with_for_update(key_share=True, skip_locked=True)
    row = tx.run(held).mappings().one_or_none()
    return _as_alert(row) if row else None


def pull_forward(tx: Tx, alert_id: UUID, *, now: datetime) -> None:
    """Let the next step come now, if the alert is still being paged."""
    waiting = (alert.c.id == alert_id) & (alert.c.state == AlertState.TRIGGERED) & (alert.c.next_action_at > now)
    tx.run(sa.update(alert).where(waiting).values(next_action_at=now))


def open_alerts(tx: Tx, site_id: UUID | None) -> tuple[Alert, ...]:
    """What is open, at one site or at all: emergencies first, then by promise."""
    worst = sa.case({Tier.EMERGENCY: 0, Tier.URGENT: 1}, value=alert.c.tier, else_=2)
    query = sa.select(alert).where(OPEN).order_by(worst, alert.c.promised_at)
    query = query.where(alert.c.site_id == site_id if site_id is not None else alert.c.site_id != canary.SITE_ID)
    return tuple(_as_alert(row) for row in tx.run(query).mappings())


def open_of_patients(tx: Tx, patient_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """Those patients' open alerts."""
    return tuple(row["id"] for row in tx.rows(_OPEN_OF_PATIENTS, {"patients": list(patient_ids)}))


def tell(tx: Tx, alert_id: UUID, event: Event, *, actor: Actor, at: datetime) -> bool:
    """Add a line to the story; whether it was new."""
    row = pg.insert(alert_event).values(
        alert_id=alert_id,
        at=at,
        kind=event.kind,
        actor_kind=actor.kind,
        actor_id=actor.id,
        epoch=event.epoch,
        from_state=event.from_state,
        to_state=event.to_state,
        data=dict(event.data),
        idem_key=event.idem_key,
    )
    once = row.on_conflict_do_nothing(constraint="alert_event_once").returning(alert_event.c.id)
    return tx.run(once).scalar_one_or_none() is not None


def story(tx: Tx, alert_id: UUID) -> tuple[Line, ...]:
    """All lines of an alert, oldest first."""
    joined = alert_event.outerjoin(app_user, app_user.c.id == alert_event.c.actor_id)
    query = sa.select(alert_event, app_user.c.name.label("actor_name")).select_from(joined)
    rows = tx.run(query.where(alert_event.c.alert_id == alert_id).order_by(alert_event.c.id)).mappings()
    return tuple(_as_line(row) for row in rows)


def tries_in_vain(tx: Tx, alert_id: UUID) -> int:
    """How often somebody called the patient of an alert and did not reach anybody."""
    row = tx.fetch(_IN_VAIN, {"alert_id": alert_id})
    return int(row["tries"]) if row else 0


def _one(tx: Tx, query: sa.Select[Any]) -> Alert:
    row = tx.run(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such alert.")
    return _as_alert(row)


def _values(new: Alert) -> dict[str, object]:
    names = [field.name for field in fields(new) if field.name != "short_no"]
    return {name: getattr(new, name) for name in names} | {"severity": new.severity}


def _as_alert(row: sa.RowMapping) -> Alert:
    worded = {name: None if row[name] is None else word(row[name]) for name, word in _WORDS.items()}
    return Alert(**{field.name: row[field.name] for field in fields(Alert)} | worded)


def _as_line(row: sa.RowMapping) -> Line:
    return Line(
        at=row["at"],
        kind=EventKind(row["kind"]),
        actor_kind=ActorKind(row["actor_kind"]),
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        epoch=row["epoch"],
        from_state=AlertState(row["from_state"]) if row["from_state"] else None,
        to_state=AlertState(row["to_state"]) if row["to_state"] else None,
        data=row["data"],
    )
