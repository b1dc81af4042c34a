"""The life of an alert: its states, the one table of moves, and what people's moves do to it.

    triggered ──take──> acknowledged ──contact──> acknowledged ──close──> resolved (the end)
        ^                     │
        └── pass on, a worse tier, taken but not contacted in time: epoch + 1, paged again

The moves that time makes stand in `survey.domain.escalation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.errors import Refused, Stale
from survey.domain.protocol import Tier
from survey.domain.sites import Site, end_of_next_workday

CALL_WITHIN = timedelta(minutes=30)
"""What an urgent patient is promised."""
CLOSE_WITHIN = timedelta(hours=4)
"""A patient was reached and the alert is still open: so often somebody is reminded to close it."""


class AlertState(StrEnum):
    """Where an alert stands."""

    TRIGGERED = "triggered"
    """Nobody has it: people are being paged, or it waits on the worklist."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has taken it. That is not contact: a clock runs until the patient was tried."""
    RESOLVED = "resolved"
    """Closed with contact, outcome and usefulness. A new worry is a new alert."""


class Severity(StrEnum):
    """Whether it may disturb anybody."""

    URGENT = "urgent"
    ROUTINE = "routine"


class Move(StrEnum):
    """What can happen to an alert."""

    TAKE = "take"
    CONTACT = "contact"
    """The patient was tried; on an alert that nobody had taken, this takes it too."""
    CLOSE = "close"
    PASS_ON = "pass_on"  # noqa: S105 (no password)
    """On to the backup at once."""
    RAISE_TIER = "raise_tier"
    """Later answers are worse."""
    LEARN = "learn"
    """A further rule fired, at no higher tier."""
    STEP = "step"
    """Time: the next step of the policy is paged."""
    REMIND = "remind"
    """Time: a nudge to the one who took it, or a worklist row past its promise."""
    EXPIRE = "expire"
    """Time: taken, and not contacted."""


MOVES: dict[tuple[AlertState, Move], AlertState] = {
    (AlertState.TRIGGERED, Move.TAKE): AlertState.ACKNOWLEDGED,
    (AlertState.TRIGGERED, Move.CONTACT): AlertState.ACKNOWLEDGED,
    (AlertState.TRIGGERED, Move.PASS_ON): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.RAISE_TIER): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.LEARN): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.STEP): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.REMIND): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.CONTACT): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.CLOSE): AlertState.RESOLVED,
    (AlertState.ACKNOWLEDGED, Move.PASS_ON): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.RAISE_TIER): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.LEARN): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.REMIND): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.EXPIRE): AlertState.TRIGGERED,
}
"""Every legal move; the database's own guard checks the same pairs of states."""


class ContactResult(StrEnum):
    """What came of trying to reach the patient."""

    REACHED = "reached"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"


class Outcome(StrEnum):
    """What was decided for the patient."""

    REASSURED = "reassured"
    SEEN_IN_CLINIC = "seen_in_clinic"
    SENT_TO_EMERGENCY = "sent_to_emergency"
    AMBULANCE = "ambulance"
    WRONG_PERSON = "wrong_person"
    OTHER = "other"


WITHOUT_REACHING = frozenset({Outcome.AMBULANCE, Outcome.WRONG_PERSON, Outcome.OTHER})
"""Outcomes that are possible although the patient was tried in vain, as when help was sent to the door."""


class Usefulness(StrEnum):
    """Whether the alert deserved its page, in the eyes of the one who closes it."""

    EVENT_CONFIRMED = "event_confirmed"
    WORTH_IT = "worth_it"
    NOT_NEEDED = "not_needed"


class EventKind(StrEnum):
    """What the story of an alert can tell."""

    OPENED = "opened"
    TAKEN = "taken"
    CONTACTED = "contacted"
    CLOSED = "closed"
    PASSED_ON = "passed_on"
    TIER_RAISED = "tier_raised"
    ANSWERS_ADDED = "answers_added"
    PAGED = "paged"
    NOBODY_REACHABLE = "nobody_reachable"
    NUDGED = "nudged"
    TAKE_EXPIRED = "take_expired"
    OVERDUE = "overdue"
    CLOSE_REMINDED = "close_reminded"
    PAGE_FAILED = "page_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One worry about one response.

    `epoch` rises with every re-trigger and fences off whatever was begun before it. `cycle` counts the rounds of the
    last step and, while somebody has the alert, the nudges. `short_no` is 0 until the database has numbered it.
    """

    id: UUID
    short_no: int = 0
    dedup_key: str
    response_id: UUID
    site_id: UUID
    tier: Tier
    policy_version_id: UUID
    state: AlertState = AlertState.TRIGGERED
    epoch: int = 1
    step_seq: int = 0
    cycle: int = 0
    created_at: datetime
    next_action_at: datetime | None
    promised_at: datetime
    acked_by: UUID | None = None
    acked_at: datetime | None = None
    contacted_by: UUID | None = None
    contacted_at: datetime | None = None
    contact_result: ContactResult | None = None
    resolved_by: UUID | None = None
    resolved_at: datetime | None = None
    outcome: Outcome | None = None
    usefulness: Usefulness | None = None

    @property
    def severity(self) -> Severity:
        """Urgent pages; routine never does."""
        return Severity.URGENT if self.tier.pages else Severity.ROUTINE

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return self.state is not AlertState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of an alert's story. `data` holds ids, numbers and codes only."""

    kind: EventKind
    epoch: int
    from_state: AlertState | None
    to_state: AlertState
    data: Mapping[str, str | int] = field(default_factory=dict)
    idem_key: str | None = None
    """Set where a machine may tell the same thing twice: the second telling is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a move made of an alert, and the line that tells of it."""

    alert: Alert
    event: Event


def promised_at(tier: Tier, now: datetime, site: Site) -> datetime:
    """When the patient may expect our call, for a tier above routine: the one answer for result page and alert."""
    return now + CALL_WITHIN if tier.pages else end_of_next_workday(site, now)


def opened(
    *, alert_id: UUID, response_id: UUID, site: Site, tier: Tier, policy_version_id: UUID, ordinal: int, now: datetime
) -> Change:
    """A new alert. `ordinal` is 1 for the first of its response, and 1 more for each that follows a closed one."""
    promise = promised_at(tier, now, site)
    alert = Alert(
        id=alert_id,
        dedup_key=f"survey_response:{response_id}:{ordinal}",
        response_id=response_id,
        site_id=site.id,
        tier=tier,
        policy_version_id=policy_version_id,
        created_at=now,
        next_action_at=now if tier.pages else promise,
        promised_at=promise,
    )
    event = Event(kind=EventKind.OPENED, epoch=1, from_state=None, to_state=alert.state, data={"tier": tier.value})
    return Change(alert=alert, event=event)


def take(alert: Alert, *, by: UUID, epoch: int, ack_ttl: timedelta, now: datetime) -> Change:
    """Make `by` the one who has it; half of `ack_ttl` later a nudge is due. Raises Stale when it is not to be had."""
    _refuse_old(alert, epoch)
    state = after(alert, Move.TAKE)
    new = replace(
        alert, state=state, acked_by=by, acked_at=now, cycle=0, next_action_at=_look(alert, now + ack_ttl / 2)
    )
    return told(alert, new, EventKind.TAKEN)


def contact(alert: Alert, *, result: ContactResult, by: UUID, epoch: int, ack_ttl: timedelta, now: datetime) -> Change:
    """Record a try to reach the patient. Reached stops the clock; anything else starts it again from now."""
    _refuse_old(alert, epoch)
    state = after(alert, Move.CONTACT)
    wait = CLOSE_WITHIN if result is ContactResult.REACHED else ack_ttl / 2
    new = replace(
        alert,
        state=state,
        acked_by=alert.acked_by or by,
        acked_at=alert.acked_at or now,
        contacted_by=by,
        contacted_at=now,
        contact_result=result,
        next_action_at=_look(alert, now + wait),
    )
    return told(alert, new, EventKind.CONTACTED, result=result.value)


def close(alert: Alert, *, outcome: Outcome, usefulness: Usefulness, by: UUID, epoch: int, now: datetime) -> Change:
    """End it. Raises Refused before contact was recorded, and for an outcome that needs a patient who was reached."""
    _refuse_old(alert, epoch)
    if alert.is_open and alert.contact_result is None:
        raise Refused("Record first whether you reached the patient. Then choose the outcome.", field="result")
    state = after(alert, Move.CLOSE)
    if alert.contact_result is not ContactResult.REACHED and outcome not in WITHOUT_REACHING:
        raise Refused(
            "This outcome needs a patient who was reached. Record the contact, or choose another.", field="outcome"
        )
    new = replace(
        alert,
        state=state,
        next_action_at=None,
        resolved_by=by,
        resolved_at=now,
        outcome=outcome,
        usefulness=usefulness,
    )
    return told(alert, new, EventKind.CLOSED, outcome=outcome.value, usefulness=usefulness.value)


def pass_on(alert: Alert, *, to_step: int, epoch: int, now: datetime) -> Change:
    """Page `to_step` now: the backup, or further on if the alert has got further already."""
    _refuse_old(alert, epoch)
    if after(alert, Move.PASS_ON) is alert.state:
        new = replace(alert, step_seq=max(alert.step_seq, to_step), next_action_at=_look(alert, now))
    else:
        new = retriggered(alert, step_seq=to_step, now=now)
    return told(alert, new, EventKind.PASSED_ON)


def raise_tier(alert: Alert, *, tier: Tier, site: Site, now: datetime) -> Change:
    """A higher tier. Whoever was not being paged is paged from the first step; pages already under way go on."""
    after(alert, Move.RAISE_TIER)
    promise = min(alert.promised_at, promised_at(tier, now, site))
    worse = replace(alert, tier=tier, promised_at=promise)
    already_paging = alert.state is AlertState.TRIGGERED and alert.tier.pages
    new = worse if already_paging else retriggered(worse, step_seq=0, now=now)
    return told(alert, new, EventKind.TIER_RAISED, tier=tier.value)


def learn(alert: Alert, *, rules: tuple[str, ...]) -> Change:
    """Further rules fired at no higher tier: nobody is paged, but whoever has it must look before closing.

    The epoch rises while somebody has the alert, so that a screen from before is refused as stale.
    """
    after(alert, Move.LEARN)
    held = alert.state is AlertState.ACKNOWLEDGED
    new = replace(alert, epoch=alert.epoch + 1) if held else alert
    return told(alert, new, EventKind.ANSWERS_ADDED, rules=",".join(rules))


def retriggered(alert: Alert, *, step_seq: int, now: datetime) -> Alert:
    """Back to nobody's, one epoch on; what was done under the last epoch is told by the events alone."""
    return replace(
        alert,
        state=AlertState.TRIGGERED,
        epoch=alert.epoch + 1,
        step_seq=step_seq,
        cycle=0,
        next_action_at=_look(alert, now),
        acked_by=None,
        acked_at=None,
        contacted_by=None,
        contacted_at=None,
        contact_result=None,
    )


def after(alert: Alert, move: Move) -> AlertState:
    """The state that `move` leads to. Raises Stale where the table has no such move."""
    state = MOVES.get((alert.state, move))
    if state is None:
        raise Stale(_SINCE[alert.state])
    return state


_SINCE = {
    AlertState.TRIGGERED: "Nobody has this alert any more. Look at it as it stands now.",
    AlertState.ACKNOWLEDGED: "Somebody has taken this alert already.",
    AlertState.RESOLVED: "This alert is closed.",
}


def told(old: Alert, new: Alert, kind: EventKind, *, idem_key: str | None = None, **data: str | int) -> Change:
    """A change with its line of the story."""
    event = Event(kind=kind, epoch=new.epoch, from_state=old.state, to_state=new.state, data=data, idem_key=idem_key)
    return Change(alert=new, event=event)


def _refuse_old(alert: Alert, epoch: int) -> None:
    if alert.is_open and epoch != alert.epoch:
        raise Stale("This alert has moved on since the page was shown. Look at it as it stands now.")


def _look(alert: Alert, urgent: datetime) -> datetime | None:
    """When to look next: a routine alert knows only its promise, whatever people do with it."""
    return urgent if alert.tier.pages else alert.next_action_at
