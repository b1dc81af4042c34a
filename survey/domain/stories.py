"""The story of one patient's follow-up in words: what happened, in order, as staff read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.calls import RESULT_WORDS, Result
from survey.domain.inbound import Inbound
from survey.domain.keywords import Meaning
from survey.domain.messages import Kind
from survey.domain.suppressions import Scope, Source


class Mood(StrEnum):
    """How much a moment asks for attention."""

    PLAIN = "plain"
    GOOD = "good"
    HOT = "hot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened. `lines` say more, each on its own line."""

    at: datetime
    title: str
    lines: tuple[str, ...] = ()
    mood: Mood = Mood.PLAIN


CONTACT_WORDS: Mapping[ContactResult, str] = {
    ContactResult.REACHED: "Reached the patient",
    ContactResult.VOICEMAIL: "Left a voicemail",
    ContactResult.NO_ANSWER: "No answer",
}

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.REASSURED: "Reassured, no visit needed",
    Outcome.SEEN_IN_CLINIC: "To be seen in the clinic",
    Outcome.SENT_TO_EMERGENCY: "Sent to the emergency department",
    Outcome.AMBULANCE: "Ambulance called",
    Outcome.WRONG_PERSON: "Wrong person",
    Outcome.OTHER: "Something else",
}

USEFULNESS_WORDS: Mapping[Usefulness, str] = {
    Usefulness.EVENT_CONFIRMED: "Yes: a complication was confirmed",
    Usefulness.WORTH_IT: "Yes: worth the call",
    Usefulness.NOT_NEEDED: "No: not needed",
}

_SENT: Mapping[str, tuple[str, Mood]] = {
    "pending": ("is waiting to be sent", Mood.PLAIN),
    "leased": ("is being sent", Mood.PLAIN),
    "accepted": ("was sent", Mood.PLAIN),
    "delivered": ("was delivered", Mood.GOOD),
    "undelivered": ("could not be delivered", Mood.HOT),
    "refused": ("was refused by the provider", Mood.HOT),
    "unknown": ("may have been sent", Mood.PLAIN),
    "cancelled": ("was not needed any more", Mood.PLAIN),
}


def of_message(kind: str, *, channel: str, state: str, at: datetime, late: bool) -> Moment:
    """The moment of one message to the patient."""
    words, mood = _SENT[state]
    lines = ("Later than planned.",) if late else ()
    named = f"{'Text' if channel == 'sms' else 'Email'} ({kind.replace('_', ' ')})"
    return Moment(at=at, title=f"{named} {words}", lines=lines, mood=mood)


MEANINGS: Mapping[Meaning, str] = {
    Meaning.STOP: "Asked for no more texts",
    Meaning.STOP_ALL: "Asked for no text at all",
    Meaning.START: "Wants our texts again",
    Meaning.HELP: "Asked for help",
    Meaning.CALL: "Asked to be called",
    Meaning.WRONG_NUMBER: "Says this is the wrong number",
    Meaning.TEXT: "Texted us",
}
"""What a text that came in asks for, as staff read it."""

ANSWERS: Mapping[str, str] = {
    Kind.STOPPED: "that no more texts come",
    Kind.STARTED: "that texts come again",
    Kind.HELP: "who we are and whom to call",
    Kind.CALL_BACK: "that we will call",
    Kind.WRONG_NUMBER: "that no more texts come, with an apology",
    Kind.NOT_WATCHED: "that no nurse watches this number, and whom to call",
}
"""After “We answered”."""

SOURCES: Mapping[Source, str] = {
    Source.REPLY: "asked for by text",
    Source.CARRIER: "refused by the carrier",
    Source.WRONG_NUMBER: "the wrong number, by text",
    Source.STAFF: "by a member of staff",
}
SCOPES: Mapping[Scope, str] = {
    Scope.PROGRAM: "nothing leaves by itself",
    Scope.ALL: "no text whatever",
}
"""How an opt-out reads beside the number."""


WISH = "Asked on the page for a fresh link; the check-in is closed, so none was sent"


def of_reply(inbound: Inbound, *, done_by: str | None) -> tuple[Moment, ...]:
    """What came in, and that somebody has seen to it."""
    if inbound.is_wish:
        return _seen_to(inbound, Moment(at=inbound.received_at, title=WISH), done_by)
    mood = Mood.HOT if inbound.is_red else Mood.PLAIN
    title = MEANINGS[inbound.meaning or Meaning.TEXT] + (", with red-flag words" if inbound.is_red else "")
    came = Moment(at=inbound.received_at, title=title, lines=(inbound.body,), mood=mood)
    return _seen_to(inbound, came, done_by)


def _seen_to(inbound: Inbound, came: Moment, done_by: str | None) -> tuple[Moment, ...]:
    if inbound.done_at is None:
        return (came,)
    seen = Moment(at=inbound.done_at, title=f"{done_by} saw to that", lines=(inbound.done_note or "",))
    return (came, seen)


CALL_TRIED = "call.tried"
NOTED: Mapping[str, str] = {
    CALL_TRIED: "{who} called: {result}",
    "call.asked": "A fresh link was asked for and could not be sent: call",
    "contact.not_me": "The wrong person had the link, and said so",
    "procedure.enrolled": "{who} enrolled the patient",
    "procedure.cancelled": "{who} cancelled the procedure",
    "call.sent_back": "{who} asked for another try by phone",
    "contact.stopped": "{who} stopped all contact with the patient",
    "contact.resumed": "{who} took up contact again",
}
"""Lines of the audit trail that belong to a patient's story."""


def of_call(result: Result, *, who: str, at: datetime, note: str | None) -> Moment:
    """The moment of one call outside an alert."""
    mood = Mood.GOOD if result is Result.REACHED else Mood.PLAIN
    return Moment(at=at, title=f"{who} called: {RESULT_WORDS[result].lower()}", lines=(note or "",), mood=mood)


def of_note(action: str, *, who: str | None, at: datetime, result: str) -> Moment:
    """The moment of one line of the audit trail."""
    return Moment(at=at, title=NOTED[action].format(who=who or "Daytwo", result=result.replace("_", " ")))


def age(born_on: date, today: date) -> int:
    """Full years on that day."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
