"""An invitation: one survey of one patient, from the day it is due to the way it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from uuid import UUID

from survey.domain import sending_hours
from survey.domain.errors import Refused
from survey.domain.patients import LATEST_DAY, Block, Contact, ContactKind, choose
from survey.domain.protocol import Touch

CALL_AFTER = timedelta(hours=24)
"""So long after it was asked or begun, a survey without an answer comes onto the call list."""
LATE_FOR = timedelta(days=5)
"""So long after its time a survey is still texted, marked late: the day-2 one to day 7. Then a person calls."""
SHORTEST_REASON = 3


class InvitationState(StrEnum):
    """How far a survey has come. The link itself stays alive to day 30, whatever the state."""

    SCHEDULED = "scheduled"
    """Its message waits for its time."""
    SENT = "sent"
    """A provider took a message, or may have taken it."""
    DELIVERED = "delivered"
    OPENED = "opened"
    """Somebody pressed Start."""
    COMPLETED = "completed"
    REACHED = "reached"
    """A person spoke to the patient, without the questions."""
    UNDELIVERABLE = "undeliverable"
    """No message can get through; a person has to call."""
    EXPIRED = "expired"
    STOPPED = "stopped"
    """Closed by the clinic, with a reason."""


_S = InvitationState
_BY_PEOPLE = frozenset({_S.COMPLETED, _S.REACHED, _S.STOPPED})
MOVES: Mapping[InvitationState, frozenset[InvitationState]] = {
    _S.SCHEDULED: frozenset({_S.SENT, _S.OPENED, _S.UNDELIVERABLE, _S.EXPIRED}) | _BY_PEOPLE,
    _S.SENT: frozenset({_S.DELIVERED, _S.OPENED, _S.UNDELIVERABLE, _S.EXPIRED}) | _BY_PEOPLE,
    # Delivered, to a person who says that it is not theirs.
    _S.DELIVERED: frozenset({_S.OPENED, _S.UNDELIVERABLE, _S.EXPIRED}) | _BY_PEOPLE,
    _S.OPENED: frozenset({_S.EXPIRED}) | _BY_PEOPLE,
    _S.COMPLETED: frozenset(),
    # Whoever was spoken to may still answer by the link.
    _S.REACHED: frozenset({_S.COMPLETED, _S.STOPPED}),
    # Staff have mended the number or the consent: its message waits again.
    _S.UNDELIVERABLE: frozenset({_S.SCHEDULED, _S.SENT, _S.DELIVERED, _S.OPENED, _S.EXPIRED}) | _BY_PEOPLE,
    # Whoever began on day 29 may finish on day 31.
    _S.EXPIRED: _BY_PEOPLE,
    _S.STOPPED: frozenset(),
}
"""From each state, the states that may follow."""

WANTED = frozenset({_S.SCHEDULED, _S.SENT, _S.DELIVERED, _S.OPENED, _S.UNDELIVERABLE})
"""The states in which an answer is still awaited."""


class Trouble(StrEnum):
    """Why no message can get through."""

    NO_CONTACT = "no_contact"
    NO_CONSENT = "no_consent"
    LANDLINE = "landline"
    FOREIGN = "foreign"
    STOPPED = "stopped"
    NOT_ME = "not_me"
    TOO_LATE = "too_late"
    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    GAVE_UP = "gave_up"


SENTENCES: Mapping[Trouble, str] = {
    Trouble.NO_CONTACT: "no mobile number and no email address is recorded",
    Trouble.NO_CONSENT: "the patient has not agreed to texts or emails",
    Trouble.LANDLINE: "the number cannot receive texts",
    Trouble.FOREIGN: "the number belongs to another country",
    Trouble.STOPPED: "the patient asked for no more texts",
    Trouble.NOT_ME: "somebody else answered on this number",
    Trouble.TOO_LATE: "it is too late to text about this procedure",
    Trouble.REFUSED: "the provider refused the message",
    Trouble.UNDELIVERED: "the message could not be delivered",
    Trouble.GAVE_UP: "the provider could not be reached in time",
}
"""What staff read after “cannot be texted:”."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """One survey. `touch` is the protocol's name for the contact; `trouble` says why it is undeliverable.

    From `call_at` on the patient is on the call list; each survey that waits for an answer has one.
    `risk` is what the flags weigh there. `asked_call_at`: the patient asked to be called.
    `sent_back_at`: the lead wants another try.
    """

    id: UUID
    procedure_id: UUID
    site_id: UUID
    touch: str
    protocol_version_id: UUID
    state: InvitationState
    due_at: datetime
    expires_at: datetime
    sent_at: datetime | None = None
    opened_at: datetime | None = None
    completed_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_reason: str | None = None
    trouble: Trouble | None = None
    call_at: datetime | None = None
    asked_call_at: datetime | None = None
    reached_at: datetime | None = None
    sent_back_at: datetime | None = None
    risk: int = 0


def due_at(performed_on: date, touch: Touch, tz: tzinfo) -> datetime:
    """When the survey is due, in UTC: the touch's day and wall-clock time where the patient lives."""
    return sending_hours.at_local(performed_on + timedelta(days=touch.day), touch.at, tz)


def expires_at(performed_on: date, tz: tzinfo) -> datetime:
    """When the link ends, in UTC: the end of day 30 where the patient lives."""
    return sending_hours.at_local(performed_on + timedelta(days=LATEST_DAY + 1), time(0), tz)


def is_stale(due: datetime, now: datetime) -> bool:
    """Whether a survey due then would be sent too late to make sense."""
    return now >= due + LATE_FOR


def advance(invitation: Invitation, to: InvitationState, *, now: datetime) -> Invitation:
    """The invitation in state `to`, the moment noted. Raises Refused when `MOVES` has no such move."""
    if to not in MOVES[invitation.state]:
        raise Refused(f"This survey is {invitation.state} and cannot become {to}.")
    stamps = {_S.SENT: "sent_at", _S.OPENED: "opened_at", _S.COMPLETED: "completed_at", _S.REACHED: "reached_at"}
    noted = {stamps[to]: now} if to in stamps else {}
    # A reminder puts no call off: not the one that the patient asked for, nor one that nothing got through for.
    is_due_anyway = invitation.asked_call_at is not None or (invitation.state is _S.UNDELIVERABLE and to is _S.SENT)
    if to in (_S.SENT, _S.OPENED) and not is_due_anyway:
        noted["call_at"] = now + CALL_AFTER
    if to is _S.EXPIRED:
        noted["call_at"] = min(invitation.call_at or now, now)
    return replace(invitation, state=to, trouble=None, **noted)  # type: ignore[arg-type]


def fail(invitation: Invitation, trouble: Trouble, *, now: datetime) -> Invitation:
    """The invitation that no message can serve, for a person to call. Raises Refused when it reached the patient.

    It was due to be asked, so it is to be called from `due_at` on: a clock that is fast would put the call off.
    """
    if _S.UNDELIVERABLE not in MOVES[invitation.state]:
        raise Refused(f"This survey is {invitation.state} and cannot become undeliverable.")
    call_at = min(invitation.call_at or now, now, invitation.due_at)
    return replace(invitation, state=_S.UNDELIVERABLE, trouble=trouble, call_at=call_at)


def mend(invitation: Invitation, *, send_at: datetime) -> Invitation:
    """The invitation waiting for its message again, which leaves at `send_at`; whoever asked for a call stays listed.

    Raises Refused when it is neither waiting nor undeliverable.
    """
    if invitation.state is not _S.SCHEDULED and _S.SCHEDULED not in MOVES[invitation.state]:
        raise Refused(f"This survey is {invitation.state} and cannot be sent anew.")
    call_at = invitation.call_at if invitation.asked_call_at else send_at + CALL_AFTER
    return replace(invitation, state=_S.SCHEDULED, trouble=None, call_at=call_at)


def ask_for_call(invitation: Invitation, *, now: datetime) -> Invitation:
    """The patient asked to be called: on the call list from now on."""
    return replace(invitation, asked_call_at=now, call_at=min(invitation.call_at or now, now))


def call_at_once(invitation: Invitation, *, now: datetime) -> Invitation:
    """The patient on the call list from now on, since what was sent went to somebody else."""
    return replace(invitation, call_at=min(invitation.call_at or now, now))


def takes_answers(invitation: Invitation, *, now: datetime) -> bool:
    """Whether a link to it opens anything: to day 30, unless the clinic has closed it."""
    return invitation.state not in (_S.STOPPED, _S.EXPIRED) and now < invitation.expires_at


def stop(invitation: Invitation, *, reason: str, now: datetime) -> Invitation:
    """The invitation closed by the clinic. Raises Refused without a reason, or when it has ended."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused("Say in a few words why no answer is needed any more.", field="reason")
    if _S.STOPPED not in MOVES[invitation.state]:
        raise Refused(f"This survey is {invitation.state} already.")
    return replace(invitation, state=_S.STOPPED, stopped_at=now, stop_reason=reason.strip(), trouble=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One survey to come: who is asked when and where, or why nobody can be."""

    touch: Touch
    due_at: datetime
    contact: Contact | None
    trouble: Trouble | None
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What staff are told at enrolment: when the patient is asked and how, or why a person has to call."""

    due_at: datetime
    channel: ContactKind | None
    blocked: str | None
    late: bool = False
    notes: tuple[str, ...] = ()


def plan(
    touches: Sequence[Touch], performed_on: date, *, contacts: tuple[Contact, ...], tz: tzinfo, now: datetime
) -> tuple[Planned, ...]:
    """The surveys of one procedure, in order.

    A touch whose time has passed goes out in the next open window, marked late; one that is stale is left out. When
    all are, the first stays, undeliverable, so that somebody calls.
    """
    timed = [(touch, due_at(performed_on, touch, tz)) for touch in sorted(touches, key=lambda one: (one.day, one.at))]
    wanted = [(touch, due) for touch, due in timed if not is_stale(due, now)]
    if not wanted:
        touch, due = timed[0]
        return (Planned(touch=touch, due_at=due, contact=None, trouble=Trouble.TOO_LATE, late=True),)
    contact = choose(contacts)
    trouble = None if contact else trouble_with(contacts)
    return tuple(
        Planned(
            touch=touch,
            due_at=due if due > now else sending_hours.next_open(now, tz),
            contact=contact,
            trouble=trouble,
            late=due <= now,
        )
        for touch, due in wanted
    )


def summary(planned: Planned, *, notes: tuple[str, ...] = ()) -> Plan:
    """The plan in words for staff."""
    return Plan(
        due_at=planned.due_at,
        channel=planned.contact.kind if planned.contact else None,
        blocked=SENTENCES[planned.trouble] if planned.trouble else None,
        late=planned.late,
        notes=notes,
    )


def trouble_with(contacts: tuple[Contact, ...]) -> Trouble:
    """Why none of these contacts can be used."""
    if not contacts:
        return Trouble.NO_CONTACT
    blocked = [one for one in contacts if one.blocked_reason is not None]
    if len(blocked) < len(contacts):
        return Trouble.NO_CONSENT
    return _OF_BLOCK[blocked[0].blocked_reason or Block.REFUSED]


_OF_BLOCK: Mapping[Block, Trouble] = {
    Block.LANDLINE: Trouble.LANDLINE,
    Block.FOREIGN: Trouble.FOREIGN,
    Block.NOT_ME: Trouble.NOT_ME,
    Block.STOPPED: Trouble.STOPPED,
    Block.REFUSED: Trouble.REFUSED,
    Block.BOUNCED: Trouble.UNDELIVERED,
}
