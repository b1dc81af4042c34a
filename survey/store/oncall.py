"""Schedules and shifts, and the ways to reach whoever is on them."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.alerts import Severity
from survey.domain.errors import NotFound
from survey.domain.oncall import Method, MethodKind, Rule, Schedule, Shift, User
from survey.store.accounts import app_user
from survey.store.base import Row, identifier, instant, metadata
from survey.store.session import Tx

contact_method = sa.Table(
    "contact_method",
    metadata,
    identifier(primary_key=True),
    identifier("user_id", sa.ForeignKey("app_user.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    instant("verified_at"),
    instant("tested_at"),
    instant("confirmed_at"),
    instant("disabled_at"),
    sa.Column("disabled_reason", sa.Text),
)

notification_rule = sa.Table(
    "notification_rule",
    metadata,
    identifier(primary_key=True),
    identifier("user_id", nullable=False),
    identifier("contact_method_id", nullable=False),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("delay_s", sa.Integer, nullable=False),
)

schedule = sa.Table(
    "schedule",
    metadata,
    identifier(primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    identifier("owner_id"),
)

shift = sa.Table(
    "shift",
    metadata,
    identifier(primary_key=True),
    identifier("schedule_id", sa.ForeignKey("schedule.id"), nullable=False),
    identifier("user_id", sa.ForeignKey("app_user.id"), nullable=False),
    sa.Column("during", pg.TSTZRANGE, nullable=False),
)

_KINDS = contact_method.c.kind.in_(list(MethodKind))
STARTS_AT = sa.func.lower(shift.c.during)
ENDS_AT = sa.func.upper(shift.c.during)


_ON_CALL = """
SELECT u.id, u.name FROM shift s JOIN app_user u ON u.id = s.user_id
WHERE s.schedule_id = %(schedule_id)s AND s.during @> %(now)s::timestamptz AND u.active
"""
_TEXTED_FROM = """
SELECT m.* FROM contact_method m JOIN app_user u ON u.id = m.user_id
WHERE m.kind = %(kind)s AND m.address = %(address)s AND m.verified_at IS NOT NULL AND m.disabled_at IS NULL AND u.active
"""
_METHODS = """
SELECT m.id, m.user_id, m.kind, m.address, m.verified_at, m.disabled_at, m.disabled_reason,
  (SELECT coalesce(json_agg(json_build_array(r.id, r.urgency, r.delay_s) ORDER BY r.id), '[]')
  FROM notification_rule r WHERE r.contact_method_id = m.id) AS rules
FROM contact_method m
WHERE user_id = ANY(%(user_ids)s) AND kind = ANY(%(kinds)s) AND verified_at IS NOT NULL AND disabled_at IS NULL
ORDER BY user_id, kind, id
"""


def on_call(tx: Tx, schedule_id: UUID, now: datetime) -> User | None:
    """Whoever has the shift of that schedule at that instant, if the account is in use."""
    row = tx.fetch(_ON_CALL, {"schedule_id": schedule_id, "now": now})
    return User(**row) if row else None


def texted_from(tx: Tx, address: str) -> Method | None:
    """The live method that texts to that number, if the account behind it is in use."""
    row = tx.fetch(_TEXTED_FROM, {"address": address, "kind": MethodKind.SMS})
    return _as_method(row) if row else None


def user(tx: Tx, user_id: UUID) -> User | None:
    """That user, if the account is in use."""
    query = sa.select(app_user.c.id, app_user.c.name).where(app_user.c.id == user_id, app_user.c.active)
    row = tx.run(query).mappings().one_or_none()
    return User(**row) if row else None


def active_by_email(tx: Tx) -> dict[str, UUID]:
    """Mailbox → account, for accounts in use."""
    query = sa.select(app_user.c.email, app_user.c.id).where(app_user.c.active)
    return {row.email: row.id for row in tx.run(query)}


def methods(tx: Tx, user_ids: Collection[UUID]) -> tuple[Method, ...]:
    """The live methods of these users that Daytwo can send on."""
    return reach(tx, user_ids)[0]


def reach(tx: Tx, user_ids: Collection[UUID]) -> tuple[tuple[Method, ...], tuple[Rule, ...]]:
    """The live methods of these users, and the cadence that they wish on them."""
    found = tx.rows(_METHODS, {"user_ids": list(user_ids), "kinds": [kind.value for kind in MethodKind]})
    wishes = [(row["id"], *wish) for row in found for wish in row.pop("rules")]
    return tuple(map(_as_method, found)), tuple(_as_rule(*wish) for wish in wishes)


def methods_of(tx: Tx, user_id: UUID) -> tuple[Method, ...]:
    """All methods of a user that were not put away, verified or not."""
    theirs = (contact_method.c.user_id == user_id) & contact_method.c.disabled_at.is_(None)
    return _methods(tx, sa.select(contact_method).where(theirs, _KINDS))


def schedules(tx: Tx) -> tuple[Schedule, ...]:
    """All schedules, by name."""
    return tuple(Schedule(**row) for row in tx.run(sa.select(schedule).order_by(schedule.c.name)).mappings())


def get_schedule(tx: Tx, schedule_id: UUID) -> Schedule:
    """That schedule. Raises NotFound."""
    found = next((one for one in schedules(tx) if one.id == schedule_id), None)
    if found is None:
        raise NotFound("There is no such roster.")
    return found


def insert_schedule(tx: Tx, new: Schedule) -> None:
    """Add a schedule. Raises Conflict when its name is taken."""
    tx.run(sa.insert(schedule).values(id=new.id, name=new.name, zone=new.zone, owner_id=new.owner_id))


def shifts(tx: Tx, schedule_id: UUID, *, since: datetime, until: datetime) -> tuple[Shift, ...]:
    """Shifts of that schedule that touch the stretch, in order."""
    touching = shift.c.during.overlaps(_stretch(since, until))
    query = _shifts().where(shift.c.schedule_id == schedule_id, touching).order_by(STARTS_AT)
    return tuple(Shift(**row) for row in tx.run(query).mappings())


def get_shift(tx: Tx, shift_id: UUID) -> Shift:
    """That shift. Raises NotFound."""
    row = tx.run(_shifts().where(shift.c.id == shift_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such shift.")
    return Shift(**row)


def insert_shift(tx: Tx, new: Shift) -> None:
    """Add a shift. Raises Conflict (`one_primary_at_a_time`) when somebody has the schedule then."""
    during = _stretch(new.starts_at, new.ends_at)
    values = {"id": new.id, "schedule_id": new.schedule_id, "user_id": new.user_id, "during": during}
    tx.run(sa.insert(shift).values(**values))


def delete_shift(tx: Tx, shift_id: UUID) -> None:
    """Take a shift off the schedule."""
    tx.run(sa.delete(shift).where(shift.c.id == shift_id))


def insert_method(tx: Tx, new: Method) -> None:
    """Add a method. Raises Conflict (`contact_method_one_live_owner`) when somebody has this address."""
    tx.run(sa.insert(contact_method).values(**{c.name: getattr(new, c.name) for c in contact_method.c}))


def is_owned(tx: Tx, kind: MethodKind, address: str) -> bool:
    """Whether somebody is reached at that address now."""
    live = contact_method.c.disabled_at.is_(None)
    theirs = sa.exists().where(contact_method.c.kind == kind, contact_method.c.address == address, live)
    return bool(tx.run(sa.select(theirs)).scalar_one())


def disable_method(tx: Tx, method_id: UUID, *, reason: str, now: datetime) -> bool:
    """Never page there again; whether there was anything to put away."""
    live = (contact_method.c.id == method_id) & contact_method.c.disabled_at.is_(None)
    return tx.run(sa.update(contact_method).where(live).values(disabled_at=now, disabled_reason=reason)).rowcount == 1


def insert_rule(tx: Tx, new: Rule, *, user_id: UUID) -> None:
    """Add a wish of that user."""
    values = {"user_id": user_id, "contact_method_id": new.method_id, "urgency": new.severity, "delay_s": new.delay_s}
    tx.run(sa.insert(notification_rule).values(id=new.id, **values))


def _shifts() -> sa.Select[Any]:
    columns = (shift.c.id, shift.c.schedule_id, shift.c.user_id)
    return sa.select(*columns, STARTS_AT.label("starts_at"), ENDS_AT.label("ends_at"))


def _stretch(since: datetime, until: datetime) -> pg.Range[datetime]:
    return pg.Range(since, until, bounds="[)")


def _methods(tx: Tx, query: sa.Select[Any]) -> tuple[Method, ...]:
    order = (contact_method.c.user_id, contact_method.c.kind, contact_method.c.id)
    return tuple(_as_method(row) for row in tx.run(query.order_by(*order)).mappings())


def _as_rule(method_id: UUID, rule_id: str, urgency: str, delay_s: int) -> Rule:
    return Rule(id=UUID(rule_id), method_id=method_id, severity=Severity(urgency), delay_s=delay_s)


def _as_method(row: Row) -> Method:
    return Method(
        **{one.name: row[one.name] for one in fields(Method) if one.name in row} | {"kind": MethodKind(row["kind"])}
    )
