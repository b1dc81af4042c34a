"""What time does to alerts: the next step, the nudge, and the alert that was taken and then left."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from survey.domain import escalation as rules
from survey.domain.accounts import SYSTEM
from survey.domain.alerts import Alert, Change
from survey.domain.errors import DomainError, Unavailable
from survey.domain.escalation import Deed, Policy, Target
from survey.domain.pages import PageKind
from survey.services import alerts, nudges, oncall, pages, promises
from survey.store import alerts as store
from survey.store import responders
from survey.store.session import DatabaseError, Tx, transaction

log = structlog.get_logger()


def advance_due(*, now: datetime, limit: int = 20) -> int:
    """Do what is due on alerts whose time has come, each in a transaction of its own; how many were advanced.

    Broken promises come first: they may take an alert away from whoever has it.
    """
    seen_to = promises.break_due(now=now, limit=limit)
    with transaction() as tx:
        due = store.due_ids(tx, now=now, limit=limit)
    return seen_to + sum(_advance(alert_id, now=now) for alert_id in due)


def _advance(alert_id: UUID, *, now: datetime) -> int:
    try:
        with transaction() as tx:
            alert = store.claim_due(tx, alert_id, now=now)
            if alert is None:
                return 0
            policy = oncall.policy(tx, alert.policy_version_id)
            change = DEEDS[rules.due(alert, policy, now)](tx, alert, policy, now)
            alerts.record(tx, alert, change, by=SYSTEM, now=now)
    except Unavailable:
        raise
    except (DatabaseError, DomainError, LookupError, TypeError, ValueError) as error:
        # One alert that cannot be advanced must not stand before all the others, for ever.
        log.error("alerts.advance_failed", alert_id=str(alert_id), error=type(error).__name__)
        return 0
    return 1


def _step(tx: Tx, alert: Alert, policy: Policy, now: datetime) -> Change:
    step = policy.step(alert.step_seq)
    asked = [Target(user_id=one.id) for one in responders.of(tx, alert.id)]
    ways = oncall.ways(tx, [*step.targets, *asked], alert.severity, now, step.kinds)
    pages.plan(tx, alert, ways, kind=PageKind.CALL, step_seq=step.seq, now=now)
    return rules.step(alert, policy, pages=len(ways), now=now)


def _nudge(tx: Tx, alert: Alert, policy: Policy, now: datetime) -> Change:
    nudges.plan(tx, alert, now=now)
    return rules.nudge(alert, policy)


DEEDS: dict[Deed, Callable[[Tx, Alert, Policy, datetime], Change]] = {
    Deed.STEP: _step,
    Deed.NUDGE: _nudge,
    Deed.EXPIRE: lambda _tx, alert, _policy, now: rules.expire(alert, now=now),
    Deed.REMIND_TO_CLOSE: lambda _tx, alert, _policy, now: rules.remind_to_close(alert, now=now),
    Deed.OVERDUE: lambda _tx, alert, _policy, now: rules.overdue(alert, now=now),
}
