"""The promise clock's tick: when nobody has reached a patient in time, others are paged and the patient is told."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from survey.domain import promises as rules
from survey.domain.accounts import SYSTEM
from survey.domain.alerts import Alert
from survey.domain.errors import DomainError, Unavailable
from survey.domain.escalation import Policy, Target
from survey.domain.messages import Kind, MessageState
from survey.domain.pages import BESIDE, PageKind
from survey.domain.patients import ContactKind, choose
from survey.domain.promises import Promise, Remedy
from survey.services import alerts, messages, nudges, oncall, pages
from survey.store import alerts as alert_store
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store import promises as store
from survey.store.session import DatabaseError, Tx, transaction

log = structlog.get_logger()


def break_due(*, now: datetime, limit: int = 20) -> int:
    """See to promises whose time has passed with nobody reached, each in a transaction of its own; how many."""
    with transaction() as tx:
        due = store.due_ids(tx, now=now, limit=limit)
    return sum(_break_alone(promise_id, now=now) for promise_id in due)


def _break_alone(promise_id: UUID, *, now: datetime) -> int:
    try:
        with transaction() as tx:
            return _break(tx, promise_id, now=now)
    except Unavailable:
        raise
    except (DatabaseError, DomainError, LookupError, TypeError, ValueError) as error:
        # One promise that cannot be seen to must not stand before all the others, for ever.
        log.error("promises.break_failed", promise_id=str(promise_id), error=type(error).__name__)
        return 0


def _break(tx: Tx, promise_id: UUID, *, now: datetime) -> int:
    named = store.get(tx, promise_id)
    alert = alert_store.claim(tx, named.alert_id) if named else None  # lock order: alert, then promise
    promise = store.claim_due(tx, promise_id, now=now) if alert else None
    if alert is None or promise is None:
        return 0
    if not alert.is_open:
        store.cancel(tx, alert.id, now=now)
        return 1
    store.put_broken(tx, promise.id, told_at=_tell_patient(tx, alert, now=now), now=now)
    _remedy(tx, alert, promise, now=now)
    return 1


def _remedy(tx: Tx, alert: Alert, promise: Promise, *, now: datetime) -> None:
    policy = oncall.policy(tx, alert.policy_version_id)
    chosen = rules.remedy(alert)
    if chosen is Remedy.HELP:
        nudges.plan(tx, alert, now=now)
        _ask_backup(tx, alert, policy, now=now)
    new = alerts.record(tx, alert, rules.broken(alert, policy, promise, now=now), by=SYSTEM, now=now)
    if chosen is Remedy.WITHDRAW:
        ways = oncall.ways(tx, [Target(user_id=alert.acked_by)], alert.severity, now)
        pages.plan(tx, new, ways, kind=PageKind.CALL, step_seq=BESIDE, now=now)


def _ask_backup(tx: Tx, alert: Alert, policy: Policy, *, now: datetime) -> None:
    backup = policy.step(policy.backup_seq)
    alerts.ask_help(tx, alert, backup.targets, step_seq=backup.seq, now=now)


def _tell_patient(tx: Tx, alert: Alert, *, now: datetime) -> datetime | None:
    """Text the patient what to do instead; None when no text may go there, and only a call is left."""
    waiting = store.waiting(tx, alert.id)
    texted = [one for one in contact_store.of_patient(tx, waiting.patient_id) if one.kind is ContactKind.SMS]
    to = choose(texted)
    if to is None or waiting.is_stopped or waiting.has_opted_out:
        return None
    messages.queue(
        tx,
        invitation_store.get(tx, waiting.invitation_id),
        to,
        due_at=now,
        tz=ZoneInfo(waiting.zone),
        kind=Kind.NOT_REACHED,
        touch_no=waiting.told_before,
    )
    return now


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the promise of an alert stands, for whoever has to act on it."""

    due_at: datetime
    is_broken: bool
    told_at: datetime | None
    """When the patient was texted what to do instead."""
    is_text_waiting: bool
    """That text has not left yet."""
    in_vain: int
    """Tries that reached nobody."""

    @property
    def is_last_way_a_call(self) -> bool:
        """The time has passed, and the patient could not be texted."""
        return self.is_broken and self.told_at is None and not self.is_text_waiting

    @property
    def asks_for_rule(self) -> bool:
        """So many tries in vain that the clinic's own rule counts."""
        return self.in_vain >= rules.TRIES_IN_VAIN


def look(alert: Alert) -> Standing:
    """The promise of that alert; a text that has not left, or could not be delivered, has told nobody."""
    with transaction() as tx:
        last = store.last(tx, alert.id)
        text = store.text_state(tx, alert.id) if last and last.told_patient_at else None
        return Standing(
            due_at=last.due_at if last else alert.promised_at,
            is_broken=last is not None and last.broken_at is not None,
            told_at=last.told_patient_at if last and text in _LEFT else None,
            is_text_waiting=text in (MessageState.PENDING, MessageState.LEASED),
            in_vain=alert_store.tries_in_vain(tx, alert.id),
        )


_LEFT = frozenset({MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN})
