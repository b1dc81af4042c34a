"""The kinds of messages to patients, and what holds for each: when it may leave, whether it counts, what ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from survey.domain.invitations import InvitationState


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
    NOT_REACHED = "not_reached"
    """The time of the promised call has passed: what to do instead."""
    STOPPED = "stopped"
    """The one confirmation of an opt-out."""
    STARTED = "started"
    HELP = "help"
    WRONG_NUMBER = "wrong_number"
    CALL_BACK = "call_back"
    """The patient asked to be called: somebody will."""
    NOT_WATCHED = "not_watched"
    """Nobody watches this number: the honest answer to whatever else is texted."""


_S = InvitationState
_CLOSED = {_S.STOPPED: "closed"}
_ANSWERED = _CLOSED | {_S.COMPLETED: "answered", _S.REACHED: "reached"}
_IN_GOOD_HANDS = _ANSWERED | {_S.OPENED: "opened", _S.EXPIRED: "expired"}
"""A link that was opened is in the right hands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for one kind of message."""

    automatic: bool = False
    """It leaves by itself: at most three of a survey. Whoever opted out gets none, on any channel."""
    carries_link: bool = False
    keeps_hours: bool = False
    """It leaves within the hours only, and waits for the next opening."""
    is_capped: bool = False
    """A text of it takes one of the number's: one a day, three in seven days."""
    is_asked_for: bool = False
    """The patient wants it, also whoever gets nothing that leaves by itself."""
    is_care: bool = False
    """A matter of health that nobody asked for: whoever opted out, on whatever channel, is called instead."""
    confirms: bool = False
    """It is the one confirmation that the number is off our list."""
    replies: bool = False
    """It answers a text that came in, and goes to whoever sent that."""
    lasts: timedelta = timedelta(days=1)
    """So long after its time it still makes sense; what is automatic has a rule of its own."""
    ends: Mapping[InvitationState, str] = field(default_factory=dict)
    """The survey's states in which nobody wants it any more, each with its code."""


_REPLY = Terms(replies=True, is_asked_for=True)
_AUTOMATIC = Terms(automatic=True, carries_link=True, keeps_hours=True, is_capped=True, ends=_IN_GOOD_HANDS)
TERMS: Mapping[Kind, Terms] = {
    Kind.INVITATION: _AUTOMATIC,
    Kind.REMINDER: _AUTOMATIC,
    # Whoever stands at the desk waits for it; after an hour nobody does.
    Kind.CONFIRM: Terms(is_capped=True, lasts=timedelta(hours=1), ends=_CLOSED),
    Kind.FRESH_LINK: Terms(carries_link=True, is_asked_for=True, ends=_CLOSED | {_S.EXPIRED: "expired"}),
    Kind.CALLED: Terms(keeps_hours=True, is_capped=True, lasts=timedelta(hours=4), ends=_ANSWERED),
    # About care, so neither the hour nor the day's cap keeps it back. Whoever opted out gets none.
    Kind.NOT_REACHED: Terms(is_care=True, lasts=timedelta(hours=4)),
    Kind.STOPPED: Terms(replies=True, is_asked_for=True, confirms=True),
    Kind.STARTED: _REPLY,
    Kind.HELP: _REPLY,
    Kind.WRONG_NUMBER: Terms(replies=True, is_asked_for=True, confirms=True),
    Kind.CALL_BACK: _REPLY,
    Kind.NOT_WATCHED: _REPLY,
}
