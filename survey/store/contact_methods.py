"""One way to reach somebody, proved, tested or put away; and the order in which a person's ways are used."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from survey.domain.alerts import Severity
from survey.domain.errors import NotFound
from survey.domain.oncall import Method, MethodKind, Rule
from survey.store.oncall import contact_method, notification_rule
from survey.store.session import Tx

_COLUMNS = (
    "id",
    "user_id",
    "kind",
    "address",
    "label",
    "verified_at",
    "tested_at",
    "confirmed_at",
    "disabled_at",
    "disabled_reason",
)


def get_for_update(tx: Tx, method_id: UUID) -> Method:
    """That method, in use or not, held against other changes. Raises NotFound."""
    columns = [contact_method.c[name] for name in _COLUMNS]
    query = sa.select(*columns).where(contact_method.c.id == method_id).with_for_update()
    row = tx.run(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such way to reach somebody.")
    return Method(**{**row, "kind": MethodKind(row["kind"])})


def set_verified(tx: Tx, method_id: UUID, *, now: datetime) -> None:
    """Its user has proved to hold it."""
    _set(tx, method_id, verified_at=now, confirmed_at=now)


def set_tested(tx: Tx, method_id: UUID, *, now: datetime) -> None:
    """A test page went there."""
    _set(tx, method_id, tested_at=now)


def set_confirmed(tx: Tx, method_id: UUID, *, now: datetime) -> None:
    """A test page was answered there."""
    _set(tx, method_id, confirmed_at=now)


def _set(tx: Tx, method_id: UUID, **values: datetime) -> None:
    tx.run(sa.update(contact_method).where(contact_method.c.id == method_id).values(**values))


def rules(tx: Tx, user_id: UUID) -> tuple[Rule, ...]:
    """That user's wishes on methods in use, verified or not."""
    theirs = (notification_rule.c.user_id == user_id) & contact_method.c.disabled_at.is_(None)
    joined = notification_rule.join(contact_method, contact_method.c.id == notification_rule.c.contact_method_id)
    query = sa.select(notification_rule).select_from(joined).where(theirs).order_by(notification_rule.c.id)
    return tuple(
        Rule(id=row.id, method_id=row.contact_method_id, severity=Severity(row.urgency), delay_s=row.delay_s)
        for row in tx.run(query)
    )


def delete_rule(tx: Tx, rule_id: UUID) -> None:
    """Take a wish back."""
    tx.run(sa.delete(notification_rule).where(notification_rule.c.id == rule_id))


def delete_rules_of(tx: Tx, method_id: UUID) -> None:
    """Take back every wish on a method that is put away."""
    tx.run(sa.delete(notification_rule).where(notification_rule.c.contact_method_id == method_id))
