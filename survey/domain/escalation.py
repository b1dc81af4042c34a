"""Policy and time: which step is paged next, and what happens to an alert that was taken and then left."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.alert_moves import CLOSE_WITHIN, after, retriggered, told
from survey.domain.alerts import Alert, AlertState, Change, ContactResult, EventKind, Move
from survey.domain.oncall import MethodKind

OVERDUE_EVERY = timedelta(days=1)
"""A routine alert past its promise is told of so often, until it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a step pages: whoever is on call on a schedule then, or one named user. Exactly one of the two is set."""

    schedule_id: UUID | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; `wait` is how long it has before the next.

    `kinds` are by what it pages; empty: by whatever each person has.
    """

    seq: int
    wait: timedelta
    targets: tuple[Target, ...]
    kinds: tuple[MethodKind, ...] = ()
    is_last_resort: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One published version; it never changes. Steps are in order and their `seq` counts from 0.

    The last step is the last resort and repeats every `loop_every` for as long as nobody takes the alert.
    """

    id: UUID
    policy: str
    version: int
    published_at: datetime
    ack_ttl: timedelta
    loop_every: timedelta
    steps: tuple[Step, ...]

    def step(self, seq: int) -> Step:
        """That step; beyond the end it is the last."""
        return self.steps[min(seq, len(self.steps) - 1)]

    @property
    def backup_seq(self) -> int:
        """The first step that pages somebody else than the first step does."""
        others = (step.seq for step in self.steps if step.targets != self.steps[0].targets)
        return next(others, len(self.steps) - 1)


class Deed(StrEnum):
    """What is due on an alert whose time has come."""

    STEP = "step"
    NUDGE = "nudge"
    EXPIRE = "expire"
    REMIND_TO_CLOSE = "remind_to_close"
    OVERDUE = "overdue"


def due(alert: Alert, policy: Policy, now: datetime) -> Deed:
    """What has to happen to an open alert whose `next_action_at` has passed."""
    if not alert.tier.pages:
        return Deed.OVERDUE
    if alert.state is AlertState.TRIGGERED:
        return Deed.STEP
    if alert.contact_result is ContactResult.REACHED:
        return Deed.REMIND_TO_CLOSE
    return Deed.EXPIRE if now >= expires_at(alert, policy) else Deed.NUDGE


def expires_at(alert: Alert, policy: Policy) -> datetime:
    """When a taken alert goes back to being paged: `ack_ttl` after the last try to reach the patient, or the taking."""
    since = alert.contacted_at or alert.acked_at
    if since is None:
        raise ValueError("only a taken alert expires")
    return since + policy.ack_ttl


def step(alert: Alert, policy: Policy, *, pages: int, now: datetime) -> Change:
    """One step is fired: `pages` is how many pages were planned for it.

    Nobody reachable means no waiting for an answer that cannot come. Only the last step waits all the same, since it
    is followed by itself.
    """
    after(alert, Move.STEP)
    fired = policy.step(alert.step_seq)
    if fired.seq == policy.steps[-1].seq:
        new = replace(alert, step_seq=fired.seq, cycle=alert.cycle + 1, next_action_at=now + policy.loop_every)
    else:
        new = replace(alert, step_seq=fired.seq + 1, next_action_at=now + fired.wait if pages else now)
    kind = EventKind.PAGED if pages else EventKind.NOBODY_REACHABLE
    return told(alert, new, kind, idem_key=_once(kind, alert), step=fired.seq, cycle=alert.cycle, pages=pages)


def nudge(alert: Alert, policy: Policy) -> Change:
    """Taken, half the time is gone, and nobody has tried the patient: tell the one who took it."""
    after(alert, Move.REMIND)
    new = replace(alert, cycle=alert.cycle + 1, next_action_at=expires_at(alert, policy))
    return told(alert, new, EventKind.NUDGED, idem_key=_once(EventKind.NUDGED, alert))


def expire(alert: Alert, *, now: datetime) -> Change:
    """Taken and not contacted in time: page from the first step again."""
    after(alert, Move.EXPIRE)
    new = retriggered(alert, step_seq=0, now=now)
    return told(alert, new, EventKind.TAKE_EXPIRED, idem_key=_once(EventKind.TAKE_EXPIRED, alert))


def remind_to_close(alert: Alert, *, now: datetime) -> Change:
    """The patient was reached, the alert is still open: no page, a line in the story."""
    after(alert, Move.REMIND)
    new = replace(alert, cycle=alert.cycle + 1, next_action_at=now + CLOSE_WITHIN)
    return told(alert, new, EventKind.CLOSE_REMINDED, idem_key=_once(EventKind.CLOSE_REMINDED, alert))


def overdue(alert: Alert, *, now: datetime) -> Change:
    """A routine alert is past its promise: it stays on the worklist, and its story says so."""
    after(alert, Move.REMIND)
    new = replace(alert, cycle=alert.cycle + 1, next_action_at=now + OVERDUE_EVERY)
    return told(alert, new, EventKind.OVERDUE, idem_key=_once(EventKind.OVERDUE, alert))


def _once(kind: EventKind, alert: Alert) -> str:
    return f"{kind}:{alert.epoch}:{alert.cycle}:{alert.step_seq}"
