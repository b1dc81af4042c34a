"""What an alert is: its states, the one table of moves, and the words of its story.

    triggered ──take──> acknowledged ──contact──> acknowledged ──close──> resolved (the end)
        ^                     │
        └── pass on, a worse tier, taken but not contacted in time: epoch + 1, paged again

What people's moves do stands in `survey.domain.alert_moves`, what time does in `survey.domain.escalation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.protocol import Tier
from survey.domain.sites import Site, end_of_next_workday

CALL_WITHIN = timedelta(minutes=30)
"""What an urgent patient is promised."""


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
    TAKE_OVER = "take_over"
    """From whoever has it."""
    REASSIGN = "reassign"
    """To a person by name, who is paged at once."""
    RAISE_TIER = "raise_tier"
    """Later answers are worse."""
    LEARN = "learn"
    """A further rule fired, at no higher tier."""
    WRITE = "write"
    """The patient texts while it is open."""
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
    (AlertState.TRIGGERED, Move.WRITE): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.STEP): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.REMIND): AlertState.TRIGGERED,
    (AlertState.TRIGGERED, Move.REASSIGN): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.CONTACT): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.CLOSE): AlertState.RESOLVED,
    (AlertState.ACKNOWLEDGED, Move.PASS_ON): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.RAISE_TIER): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.LEARN): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.WRITE): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.REMIND): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.EXPIRE): AlertState.TRIGGERED,
    (AlertState.ACKNOWLEDGED, Move.TAKE_OVER): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, Move.REASSIGN): AlertState.TRIGGERED,
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
    TAKEN_OVER = "taken_over"
    REASSIGNED = "reassigned"
    RESPONDER_ADDED = "responder_added"
    HELP_ASKED = "colleague_asked"
    """So many tries in vain that the last resort was asked to help."""
    PROMISE_BROKEN = "promise_broken"
    TIER_RAISED = "tier_raised"
    ANSWERS_ADDED = "answers_added"
    WROTE = "wrote"
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
