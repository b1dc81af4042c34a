"""A message to a patient: whether it may leave now, and what follows from each outcome and each receipt."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain import caps, sending_hours
from survey.domain.invitations import InvitationState, Trouble

# The kinds are asked for here, wherever they stand.
from survey.domain.message_kinds import TERMS as TERMS
from survey.domain.message_kinds import Kind as Kind
from survey.domain.message_kinds import Terms as Terms
from survey.domain.patients import Block, Contact, ContactKind
from survey.domain.sites import Site
from survey.domain.suppressions import Scope

LEASE = timedelta(minutes=5)
"""After so long the sender of a message counts as dead. What is leased at once is sent well within it."""
AT_MOST = 3
"""So many automatic messages of one survey reach the patient, on whatever channel."""
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
    """What one attempt came to, with the values of the adapters' outcomes."""

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
    """One message in the outbox. `late` marks one that leaves after its time; `reason` is a code.

    It is about a survey and goes to a contact, or it answers a text that came in (`inbound_id`) and goes to whoever
    sent that. `touch_no` tells messages of one kind apart: 0 for the first, 1 and 2 for reminders. `contact_no` says
    which of the survey's automatic messages it is, once it is handed over.
    """

    id: UUID
    kind: Kind
    touch_no: int
    state: MessageState
    due_at: datetime
    give_up_at: datetime
    invitation_id: UUID | None = None
    contact_id: UUID | None = None
    inbound_id: UUID | None = None
    contact_no: int | None = None
    attempts: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    reason: str | None = None
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that decides about one message, as it stands at this moment.

    `address` and `channel` say where it goes. A reply has neither contact nor survey. `zone` is the patient's, else
    the site's. `suppressed` is what is in force for the address. `taken` are the days on which other texts went there,
    `own_day` the one that this message holds; `contact_nos` are those of the survey's other automatic messages.
    """

    message: Message
    address: str
    channel: ContactKind
    site: Site
    language: str
    zone: str
    contact: Contact | None = None
    invitation_state: InvitationState | None = None
    survey_due_at: datetime | None = None
    expires_at: datetime | None = None
    procedure_cancelled_at: datetime | None = None
    suppressed: Scope | None = None
    has_opted_out: bool = False
    """The patient has opted out since the enrolment, on this channel or another."""
    is_stopped: bool = False
    """The clinic has stopped all contact with the patient."""
    taken: tuple[date, ...] = ()
    own_day: date | None = None
    contact_nos: tuple[int, ...] = ()

    @property
    def tz(self) -> ZoneInfo:
        """The zone whose clock decides."""
        return ZoneInfo(self.zone)

    @property
    def terms(self) -> Terms:
        """What holds for this kind."""
        return TERMS[self.message.kind]

    @property
    def is_capped(self) -> bool:
        """Whether it takes one of the number's texts."""
        return self.terms.is_capped and self.channel is ContactKind.SMS

    @property
    def contact_no(self) -> int | None:
        """Its place among the survey's automatic messages; None when all are taken."""
        free = [no for no in range(1, AT_MOST + 1) if no not in self.contact_nos]
        return self.message.contact_no or next(iter(free), None)


class Act(StrEnum):
    """What to do with a message whose time has come."""

    SEND = "send"
    HOLD = "hold"
    """Not now: wait until `due_at`."""
    CANCEL = "cancel"
    """Nobody wants it any more, or it would be stale."""
    TURN = "turn"
    """This contact may not be used: turn to another one."""
    GIVE_UP = "give_up"
    """Its time is long past, and nothing of its survey has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and why; `due_at` goes with HOLD, `trouble` with TURN and GIVE_UP."""

    act: Act
    reason: str = ""
    due_at: datetime | None = None
    trouble: Trouble | None = None


CAP, OUTSIDE_HOURS = "cap", "outside_hours"


def decide(facts: Facts, *, now: datetime) -> Decision:
    """Whether the message may leave now, from current facts alone."""
    unwanted = _unwanted(facts, now)
    if unwanted:
        return Decision(act=Act.CANCEL, reason=unwanted)
    barred = _barred(facts)
    if barred is not None:
        act = Act.TURN if facts.terms.automatic else Act.CANCEL
        return Decision(act=act, reason=barred.value, trouble=barred)
    if now >= facts.message.give_up_at:
        act = Act.GIVE_UP if facts.message.kind is Kind.INVITATION else Act.CANCEL
        return Decision(act=act, reason="gave_up", trouble=Trouble.GAVE_UP)
    return _held_back(facts, now) or Decision(act=Act.SEND)


def _unwanted(facts: Facts, now: datetime) -> str:
    terms = facts.terms
    if facts.procedure_cancelled_at is not None:
        return "procedure_cancelled"
    if facts.is_stopped:
        return "contact_stopped"
    if facts.invitation_state is not None and facts.invitation_state in terms.ends:
        return terms.ends[facts.invitation_state]
    if terms.carries_link and facts.expires_at is not None and now >= facts.expires_at:
        return "expired"
    return "enough" if terms.automatic and facts.contact_no is None else ""


def _barred(facts: Facts) -> Trouble | None:
    """Why nothing of this kind may go to this address."""
    if facts.terms.confirms:
        return None
    if facts.suppressed is Scope.ALL or (facts.suppressed is not None and not facts.terms.is_asked_for):
        return Trouble.STOPPED
    if facts.has_opted_out and (facts.terms.automatic or facts.terms.is_care):
        return Trouble.STOPPED
    if facts.contact is None:
        return None
    if facts.contact.blocked_reason is not None:
        bounced = facts.contact.blocked_reason is Block.BOUNCED
        return Trouble.UNDELIVERED if bounced else Trouble(facts.contact.blocked_reason)
    return Trouble.NO_CONSENT if facts.contact.consented_at is None else None


def _held_back(facts: Facts, now: datetime) -> Decision | None:
    """The wait for its time, for the opening or for the number's next free day."""
    if now < facts.message.due_at:  # a clock was set back
        return Decision(act=Act.HOLD, reason="early", due_at=facts.message.due_at)
    opening = sending_hours.next_open(now, facts.tz) if facts.terms.keeps_hours else now
    if opening > now:
        return Decision(act=Act.HOLD, reason=OUTSIDE_HOURS, due_at=opening)
    today = now.astimezone(facts.tz).date()
    if not facts.is_capped or caps.has_room(facts.taken, today):
        return None
    if not facts.terms.automatic:
        return Decision(act=Act.CANCEL, reason=CAP)
    free = sending_hours.at_local(caps.next_free(facts.taken, today), sending_hours.OPENS, facts.tz)
    return Decision(act=Act.HOLD, reason=CAP, due_at=min(free, facts.message.give_up_at))


def give_up_at(kind: Kind, due_at: datetime, tz: ZoneInfo) -> datetime:
    """When to stop trying; for what leaves by itself, when the window of the day after its own has closed."""
    if TERMS[kind].automatic:
        return sending_hours.closing(due_at, tz, days=1)
    return due_at + TERMS[kind].lasts


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
    """The message back in the queue until `until`; a wait for the next opening or the next free day makes it late."""
    late = message.late or reason in (OUTSIDE_HOURS, CAP)
    return replace(_unleased(message, MessageState.PENDING), due_at=until, reason=reason, late=late)


def diverted(message: Message, contact_id: UUID, *, now: datetime) -> Message:
    """The message on its way to another contact of the patient's, at once."""
    return replace(_unleased(message, MessageState.PENDING), contact_id=contact_id, due_at=now, reason="diverted")


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


def told(message: Message, delivery: Delivery) -> Message:
    """The message after a receipt; unchanged when the receipt tells nothing new."""
    if message.state not in (MessageState.ACCEPTED, MessageState.UNKNOWN):
        return message
    if delivery is Delivery.DELIVERED:
        return replace(message, state=MessageState.DELIVERED, reason=None)
    if delivery in (Delivery.UNDELIVERED, Delivery.FAILED):
        return replace(message, state=MessageState.UNDELIVERED, reason=delivery.value)
    return replace(message, state=MessageState.ACCEPTED, reason=None)


def _unleased(message: Message, state: MessageState) -> Message:
    return replace(message, state=state, lease_token=None, lease_until=None)
