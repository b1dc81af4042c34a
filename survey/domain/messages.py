"""A message to a patient: whether it may leave now, and what follows from each outcome and each receipt."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain import sending_hours
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.patients import Block, Contact
from survey.domain.sites import Site


class Kind(StrEnum):
    """What a message is for; also the folder of its words in `templates/messages`."""

    INVITATION = "invitation"
    """Carries the link for the first time."""
    REMINDER = "reminder"
    CONFIRM = "confirm"
    """Sent at the desk, to see whether the number gets our texts."""
    FRESH_LINK = "fresh_link"
    """The patient asked for a new link."""
    CALLED = "called"
    """We called, nobody answered, and we will call again."""
    STOPPED = "stopped"
    """The one confirmation of an opt-out."""
    STARTED = "started"
    HELP = "help"
    WRONG_NUMBER = "wrong_number"
    CALL_BACK = "call_back"
    """The patient asked to be called: somebody will."""
    NOT_WATCHED = "not_watched"
    """Nobody watches this number: the honest answer to whatever else is texted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for one kind of message."""

    automatic: bool = False
    """It leaves by itself: at most three of a survey, one a day and three a week to a number, within the hours."""
    replies: bool = False
    """It answers a text that came in, and goes to whoever sent that, at any hour."""


TERMS: Mapping[Kind, Terms] = {
    Kind.INVITATION: Terms(automatic=True),
    Kind.REMINDER: Terms(automatic=True),
    Kind.CONFIRM: Terms(),
    Kind.FRESH_LINK: Terms(),
    Kind.CALLED: Terms(),
    Kind.STOPPED: Terms(replies=True),
    Kind.STARTED: Terms(replies=True),
    Kind.HELP: Terms(replies=True),
    Kind.WRONG_NUMBER: Terms(replies=True),
    Kind.CALL_BACK: Terms(replies=True),
    Kind.NOT_WATCHED: Terms(replies=True),
}
LEASE = timedelta(minutes=5)
"""After so long the sender of a message counts as dead. A batch of slow sends stays well below it."""
GIVE_UP_AFTER = timedelta(days=1)
NO_PROVIDER_PAUSE = timedelta(minutes=5)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)


class MessageState(StrEnum):
    """How far one message has come."""

    PENDING = "pending"
    LEASED = "leased"
    """A sender has it."""
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It may have left. Never sent again on a guess; a receipt may still tell."""
    CANCELLED = "cancelled"
    """It was not wanted any more when its time came."""


class Ending(StrEnum):
    """What one attempt came to; the adapters' outcomes carry the same values."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    TRY_LATER = "try_later"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """What a receipt says; only ever moves forward."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"

    @property
    def rank(self) -> int:
        """Later is higher; the three endings are equal, so that the first one told stands."""
        return {Delivery.QUEUED: 1, Delivery.SENT: 2}.get(self, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in the outbox. `late` marks one that leaves after its time; `reason` is a code."""

    id: UUID
    invitation_id: UUID
    contact_id: UUID
    kind: Kind
    touch_no: int
    state: MessageState
    due_at: datetime
    give_up_at: datetime
    attempts: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    reason: str | None = None
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that decides about one message, as it stands at this moment."""

    message: Message
    contact: Contact
    site: Site
    language: str
    zone: str
    """The patient's, else the site's."""
    invitation_state: InvitationState
    expires_at: datetime
    procedure_cancelled_at: datetime | None

    @property
    def tz(self) -> ZoneInfo:
        """The zone whose clock decides."""
        return ZoneInfo(self.zone)


class Act(StrEnum):
    """What to do with a message whose time has come."""

    SEND = "send"
    HOLD = "hold"
    """Outside the hours: wait for the next opening."""
    CANCEL = "cancel"
    """Nobody wants it any more."""
    TURN = "turn"
    """This contact may not be used: turn to another one."""
    GIVE_UP = "give_up"
    """Its time is long past: stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and why; `due_at` goes with HOLD, `trouble` with TURN and GIVE_UP."""

    act: Act
    reason: str = ""
    due_at: datetime | None = None
    trouble: Trouble | None = None


ENDED = {  # a link that was opened is in the right hands
    InvitationState.OPENED: "opened",
    InvitationState.STOPPED: "closed",
    InvitationState.COMPLETED: "answered",
    InvitationState.REACHED: "reached",
    InvitationState.EXPIRED: "expired",
}


def decide(facts: Facts, *, now: datetime) -> Decision:
    """Whether the message may leave now, from current facts alone."""
    unwanted = _unwanted(facts, now)
    if unwanted:
        return Decision(act=Act.CANCEL, reason=unwanted)
    if facts.contact.blocked_reason is not None:
        return Decision(act=Act.TURN, reason=facts.contact.blocked_reason, trouble=_trouble(facts.contact))
    if facts.contact.consented_at is None:
        return Decision(act=Act.TURN, reason="no_consent", trouble=Trouble.NO_CONSENT)
    if now >= facts.message.give_up_at:
        return Decision(act=Act.GIVE_UP, reason="gave_up", trouble=Trouble.GAVE_UP)
    opening = sending_hours.next_open(now, facts.tz)
    if opening > now:
        return Decision(act=Act.HOLD, reason="outside_hours", due_at=opening)
    return Decision(act=Act.SEND)


def _unwanted(facts: Facts, now: datetime) -> str:
    if facts.procedure_cancelled_at is not None:
        return "procedure_cancelled"
    if facts.invitation_state in ENDED:
        return ENDED[facts.invitation_state]
    return "expired" if now >= facts.expires_at else ""


def _trouble(contact: Contact) -> Trouble:
    bounced = contact.blocked_reason is Block.BOUNCED
    return Trouble.UNDELIVERED if bounced else Trouble(contact.blocked_reason or Block.REFUSED)


def give_up_at(due_at: datetime, tz: ZoneInfo) -> datetime:
    """When to stop trying: a day after the window of the due day has closed."""
    return sending_hours.closing(due_at, tz) + GIVE_UP_AFTER


def lease(message: Message, *, token: UUID, now: datetime) -> Message:
    """The message in the hands of one sender."""
    return replace(message, state=MessageState.LEASED, lease_token=token, lease_until=now + LEASE)


def started(message: Message) -> Message:
    """The leased message whose provider is about to be called."""
    return replace(message, attempts=message.attempts + 1)


def released(message: Message) -> Message:
    """The message back in the queue, never handed over: its sender died before the call."""
    return _unleased(message, MessageState.PENDING)


def held(message: Message, *, until: datetime, reason: str) -> Message:
    """The message back in the queue until `until`; a wait for the next opening makes it late."""
    late = message.late or reason == "outside_hours"
    return replace(_unleased(message, MessageState.PENDING), due_at=until, reason=reason, late=late)


def ended(message: Message, state: MessageState, *, reason: str) -> Message:
    """The message at an end that no provider had a part in."""
    return replace(_unleased(message, state), reason=reason[:40])


def after(message: Message, ending: Ending, *, detail: str, now: datetime, wait_s: int | None = None) -> Message:
    """The message after one attempt."""
    if ending is Ending.TRY_LATER:
        return held(message, until=now + pause(message.attempts, wait_s=wait_s), reason=f"try_later {detail}"[:40])
    sent_at = now if ending in (Ending.ACCEPTED, Ending.UNKNOWN) else None
    reason = None if ending is Ending.ACCEPTED else detail[:40]
    return replace(_unleased(message, MessageState(ending.value)), sent_at=sent_at, reason=reason)


def pause(attempts: int, *, wait_s: int | None = None) -> timedelta:
    """How long to wait after that many attempts: 30 s, doubling, or as the provider asked; at most 15 min."""
    doubled = FIRST_PAUSE * (1 << min(max(attempts, 1) - 1, 10))
    asked = timedelta(seconds=wait_s or 0)
    return min(max(doubled, asked), LONGEST_PAUSE)


_AWAITS_RECEIPT = {MessageState.ACCEPTED, MessageState.UNKNOWN}


def told(message: Message, delivery: Delivery) -> Message:
    """The message after a receipt; unchanged when the receipt tells nothing new."""
    if message.state not in _AWAITS_RECEIPT:
        return message
    if delivery is Delivery.DELIVERED:
        return replace(message, state=MessageState.DELIVERED, reason=None)
    if delivery in (Delivery.UNDELIVERED, Delivery.FAILED):
        return replace(message, state=MessageState.UNDELIVERED, reason=delivery.value)
    return replace(message, state=MessageState.ACCEPTED, reason=None)


def _unleased(message: Message, state: MessageState) -> Message:
    return replace(message, state=state, lease_token=None, lease_until=None)
