"""The promise clock: when a patient was told to expect our call, and what follows when nobody was reached by then."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.alert_moves import after, retriggered, told
from survey.domain.alerts import Alert, AlertState, Change, ContactResult, EventKind, Move
from survey.domain.escalation import Policy

TRIES_IN_VAIN = 3
"""After each so many tries in vain the last resort is asked to help, and the clinic's own rule is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One time that the patient was told.

    Only a contact that reached the patient keeps it, be it late. `told_patient_at` is None when the patient could not
    be texted what to do instead.
    """

    id: UUID
    alert_id: UUID
    made_at: datetime
    due_at: datetime
    kept_at: datetime | None = None
    broken_at: datetime | None = None
    cancelled_at: datetime | None = None
    told_patient_at: datetime | None = None


class Remedy(StrEnum):
    """What is done about an alert whose promise is broken."""

    TELL = "tell"
    """It never pages; its story tells it."""
    HURRY = "hurry"
    """Nobody has it: the next step at once."""
    WITHDRAW = "withdraw"
    """Somebody has it and has tried nothing: the backup is paged beside whoever had it, and the first of them wins."""
    HELP = "help"
    """Whoever has it tries in vain: reminded, and the backup is asked to help."""


def remedy(alert: Alert) -> Remedy:
    """What is due on an open alert whose patient was not reached by the promised time."""
    if not alert.tier.pages:
        return Remedy.TELL
    if alert.state is AlertState.TRIGGERED:
        return Remedy.HURRY
    return Remedy.WITHDRAW if alert.contact_result is None else Remedy.HELP


def broken(alert: Alert, policy: Policy, promise: Promise, *, now: datetime) -> Change:
    """The alert after its promise was broken."""
    key = f"{EventKind.PROMISE_BROKEN}:{promise.id}"
    new = _remedied(alert, policy, now=now)
    return told(alert, new, EventKind.PROMISE_BROKEN, idem_key=key, promise=str(promise.id))


def _remedied(alert: Alert, policy: Policy, *, now: datetime) -> Alert:
    chosen = remedy(alert)
    after(alert, Move.EXPIRE if chosen is Remedy.WITHDRAW else Move.REMIND)
    match chosen:
        case Remedy.TELL:
            return alert
        case Remedy.HURRY:
            return replace(alert, next_action_at=now)
        case Remedy.WITHDRAW:
            return retriggered(alert, step_seq=policy.backup_seq, now=now)
        case Remedy.HELP:
            return replace(alert, cycle=alert.cycle + 1)


def wants_last_resort(result: ContactResult, *, in_vain: int) -> bool:
    """Whether more people have to help: `in_vain` tries reached nobody, this one counted."""
    return result is not ContactResult.REACHED and in_vain % TRIES_IN_VAIN == 0
