"""People asked by name: the alert is given to one of them, or they are paged beside whoever the policy pages."""

from datetime import datetime
from uuid import UUID

from survey.domain import alert_moves as rules
from survey.domain.accounts import Actor
from survey.domain.alerts import Alert, AlertState, Event, EventKind
from survey.domain.errors import Refused, Stale
from survey.domain.escalation import Target
from survey.domain.oncall import User
from survey.domain.pages import BESIDE, PageKind
from survey.services import alerts, audit, oncall, pages
from survey.store import accounts as account_store
from survey.store import alerts as alert_store
from survey.store import responders as store
from survey.store.session import Tx, transaction


def able() -> tuple[User, ...]:
    """Everybody who may take an alert, by name."""
    with transaction() as tx:
        return tuple(User(id=one.id, name=one.name) for one in account_store.responders(tx))


def asked(alert_id: UUID) -> tuple[User, ...]:
    """Who was asked to help with that alert."""
    with transaction() as tx:
        return store.of(tx, alert_id)


def reassign(alert_id: UUID, *, to: UUID, by: Actor, epoch: int, now: datetime) -> Alert:
    """Page `to` at once, in the place of whoever has it; if it is not taken, the policy goes on from its first step.

    Raises Refused when that person cannot be reached, Stale when the alert has moved on.
    """
    with transaction() as tx:
        old = alert_store.get_for_update(tx, alert_id)
        _refuse_quiet(old)
        ways = oncall.ways(tx, [_target(tx, to)], old.severity, now)
        if not ways:
            raise Refused(_OUT_OF_REACH, field="user_id")
        wait = oncall.policy(tx, old.policy_version_id).steps[0].wait
        change = rules.reassign(old, to=to, wait=wait, pages=len(ways), epoch=epoch, now=now)
        audit.record(tx, "alert.reassigned", actor=by, object_id=alert_id, now=now, to=str(to))
        new = alerts.record(tx, old, change, by=by, now=now)
        pages.plan(tx, new, ways, kind=PageKind.CALL, step_seq=BESIDE, now=now)
        return new


def add(alert_id: UUID, user_id: UUID, *, by: Actor, epoch: int, now: datetime) -> Alert:
    """Page that person too: now, and with every step until somebody has it; once, to help, while somebody has it.

    Raises Refused for whoever cannot be reached or was asked before, Stale when the alert has moved on.
    """
    if by.id is None:
        raise Refused("Only a person can ask another one. Sign in first.")
    with transaction() as tx:
        alert = alert_store.get_for_update(tx, alert_id)
        if not alert.is_open or alert.epoch != epoch:
            raise Stale("This alert has moved on since the page was shown. Look at it as it stands now.")
        _refuse_quiet(alert)
        target = _target(tx, user_id)
        if not oncall.ways(tx, [target], alert.severity, now):
            raise Refused(_OUT_OF_REACH, field="user_id")
        if not store.add(tx, alert_id, user_id, by=by.id, now=now):
            raise Refused("This person was asked to help already.", field="user_id")
        asked = _page(tx, alert, target, now=now)
        _tell(tx, alert, user_id, pages_planned=asked, by=by, now=now)
        audit.record(tx, "alert.responder_added", actor=by, object_id=alert_id, now=now, user=str(user_id))
        return alert


_OUT_OF_REACH = "This person cannot be paged now. Choose somebody else."


def _refuse_quiet(alert: Alert) -> None:
    if not alert.tier.pages:
        raise Refused("This alert pages nobody. Talk to your colleague in working hours.")


def _target(tx: Tx, user_id: UUID) -> Target:
    user = account_store.get(tx, user_id)
    if not user.takes_alerts:
        raise Refused("This person does not take alerts. Choose somebody else.", field="user_id")
    return Target(user_id=user_id)


def _page(tx: Tx, alert: Alert, target: Target, *, now: datetime) -> int:
    if alert.state is AlertState.ACKNOWLEDGED:
        return alerts.ask_help(tx, alert, [target], step_seq=BESIDE, now=now)
    ways = oncall.ways(tx, [target], alert.severity, now)
    pages.plan(tx, alert, ways, kind=PageKind.CALL, step_seq=BESIDE, now=now)
    return len(ways)


def _tell(tx: Tx, alert: Alert, user_id: UUID, *, pages_planned: int, by: Actor, now: datetime) -> None:
    event = Event(
        kind=EventKind.RESPONDER_ADDED,
        epoch=alert.epoch,
        from_state=alert.state,
        to_state=alert.state,
        data={"user": str(user_id), "pages": pages_planned},
    )
    alert_store.tell(tx, alert.id, event, actor=by, at=now)
