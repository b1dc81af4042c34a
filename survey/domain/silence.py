"""Why nothing has come from a patient, or how it ended: one word for each survey, from the facts of this moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from survey.domain.alerts import Alert, ContactResult
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.patients import Block, Contact


class Silence(StrEnum):
    """What staff may say of one survey. Each survey is in exactly one, at every moment."""

    NOT_DUE = "not_due"
    SENDING = "sending"
    """Due, and its message has not left."""
    SENT = "sent"
    """A provider took the message; no receipt says that it arrived."""
    DELIVERED_NOT_OPENED = "delivered_not_opened"
    OPENED_NOT_FINISHED = "opened_not_finished"
    UNDELIVERABLE = "undeliverable"
    OPTED_OUT = "opted_out"
    WRONG_NUMBER = "wrong_number"
    LINK_ENDED = "link_ended"
    """Thirty days have passed. The patient stays on the list."""
    RED_UNREACHABLE = "red_unreachable"
    """Answers need a clinician now, and nobody picks up."""
    WITH_CLINICIAN = "with_clinician"
    """An alert is open: a clinician calls, and the alert pages until one does."""
    ANSWERED = "answered"
    REACHED = "reached"
    """By phone: the questions were asked, or a person spoke to the patient without them."""
    CLOSED = "closed"
    """With a reason, by somebody."""


ENDED = frozenset({Silence.ANSWERED, Silence.REACHED, Silence.CLOSED})
"""Nobody needs to call."""


class Alarm(StrEnum):
    """What the alerts of a survey amount to."""

    NONE = "none"
    OPEN = "open"
    IN_VAIN = "in_vain"
    """One that pages is open, the patient was tried, and nobody has spoken to the patient since."""
    REACHED = "reached"
    """All are closed, and through one of them the patient was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that decides. `blocks` are those of the patient's contacts; `is_usable`: a message may go to one."""

    state: InvitationState
    trouble: Trouble | None = None
    is_due: bool = True
    is_cancelled: bool = False
    """The procedure did not take place."""
    by_phone: bool = False
    """Staff asked the questions and typed the answers."""
    alarm: Alarm = Alarm.NONE
    is_usable: bool = True
    blocks: frozenset[Block] = frozenset()


_S = InvitationState
_OF_STATE: Mapping[InvitationState, Silence] = {
    _S.EXPIRED: Silence.LINK_ENDED,
    _S.OPENED: Silence.OPENED_NOT_FINISHED,
    _S.DELIVERED: Silence.DELIVERED_NOT_OPENED,
    _S.SENT: Silence.SENT,
}
_FOR_GOOD = frozenset({_S.EXPIRED, _S.OPENED})
"""How the message travels does not matter any more."""


def silence(facts: Facts) -> Silence:
    """The one word for a survey. What asks for a person most comes first."""
    if facts.state is _S.STOPPED or (facts.is_cancelled and facts.state not in (_S.COMPLETED, _S.REACHED)):
        return Silence.CLOSED
    if facts.alarm is Alarm.IN_VAIN:
        return Silence.RED_UNREACHABLE
    return _ended(facts) or _waiting(facts)


def _ended(facts: Facts) -> Silence | None:
    if facts.state is _S.COMPLETED:
        return Silence.REACHED if facts.by_phone else Silence.ANSWERED
    if facts.state is _S.REACHED or facts.alarm is Alarm.REACHED:
        return Silence.REACHED
    return Silence.WITH_CLINICIAN if facts.alarm is Alarm.OPEN else None


def _waiting(facts: Facts) -> Silence:
    if facts.state not in _FOR_GOOD and (facts.state is _S.UNDELIVERABLE or not facts.is_usable):
        return _no_way(facts)
    if facts.state in _OF_STATE:
        return _OF_STATE[facts.state]
    return Silence.SENDING if facts.is_due else Silence.NOT_DUE


def _no_way(facts: Facts) -> Silence:
    """Why no message gets through: an opt-out weighs more than a wrong number, and that more than the rest."""
    if facts.trouble is Trouble.STOPPED or (not facts.is_usable and Block.STOPPED in facts.blocks):
        return Silence.OPTED_OUT
    if facts.trouble is Trouble.NOT_ME or (not facts.is_usable and Block.NOT_ME in facts.blocks):
        return Silence.WRONG_NUMBER
    return Silence.UNDELIVERABLE


def ways(contacts: Iterable[Contact]) -> tuple[bool, frozenset[Block]]:
    """Of a patient's contacts: whether one is usable, and the reasons why others are not."""
    every = tuple(contacts)
    blocks = frozenset(one.blocked_reason for one in every if one.blocked_reason is not None)
    return any(one.usable for one in every), blocks


def alarm(alerts: Iterable[Alert], *, spoken_at: datetime | None = None) -> Alarm:
    """What these alerts of one survey amount to; `spoken_at`: when somebody last reached the patient by a call."""
    every = tuple(alerts)
    open_ones = [one for one in every if one.is_open]
    if any(_is_in_vain(one, spoken_at) for one in open_ones):
        return Alarm.IN_VAIN
    if open_ones:
        return Alarm.OPEN
    return Alarm.REACHED if any(one.contact_result is ContactResult.REACHED for one in every) else Alarm.NONE


def _is_in_vain(alert: Alert, spoken_at: datetime | None) -> bool:
    if not alert.tier.pages or alert.contacted_at is None or alert.contact_result is ContactResult.REACHED:
        return False
    return spoken_at is None or spoken_at < alert.contacted_at
