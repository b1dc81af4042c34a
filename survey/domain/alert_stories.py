"""The night of one alert in words: each event, and each page with what came of it."""

from collections.abc import Callable, Mapping
from datetime import datetime

from survey.domain.alerts import ContactResult, EventKind, Outcome, Usefulness
from survey.domain.pages import Page, PageKind, PageState
from survey.domain.stories import CONTACT_WORDS, OUTCOME_WORDS, USEFULNESS_WORDS, Moment, Mood

EVENTS: Mapping[EventKind, tuple[str, Mood]] = {
    EventKind.OPENED: ("Alert {no} opened", Mood.HOT),
    EventKind.TAKEN: ("{who} took alert {no}", Mood.GOOD),
    EventKind.CONTACTED: ("{who} called the patient", Mood.GOOD),
    EventKind.CLOSED: ("{who} closed alert {no}", Mood.GOOD),
    EventKind.PASSED_ON: ("{who} passed alert {no} on", Mood.HOT),
    EventKind.TAKEN_OVER: ("{who} took alert {no} over", Mood.GOOD),
    EventKind.REASSIGNED: ("{who} gave alert {no} to {whom}", Mood.HOT),
    EventKind.RESPONDER_ADDED: ("{who} asked {whom} to help with alert {no}", Mood.PLAIN),
    EventKind.HELP_ASKED: ("Nobody answers: the last resort was asked to help with alert {no}", Mood.HOT),
    EventKind.PROMISE_BROKEN: ("The promised call was not made in time: alert {no}", Mood.HOT),
    EventKind.TIER_RAISED: ("Later answers made alert {no} more serious", Mood.HOT),
    EventKind.ANSWERS_ADDED: ("Later answers were added to alert {no}", Mood.PLAIN),
    EventKind.WROTE: ("The patient texted while alert {no} was open", Mood.HOT),
    EventKind.PAGED: ("Step {step} of the paging order for alert {no}", Mood.PLAIN),
    EventKind.NOBODY_REACHABLE: ("Step {step} of the paging order for alert {no}: nobody could be paged", Mood.HOT),
    EventKind.NUDGED: ("Reminder about alert {no}: the patient was not called yet", Mood.PLAIN),
    EventKind.TAKE_EXPIRED: ("Alert {no} was taken, and nobody called in time: paged again", Mood.HOT),
    EventKind.OVERDUE: ("Alert {no} is past its promised time", Mood.HOT),
    EventKind.CLOSE_REMINDED: ("Reminder to close alert {no}", Mood.PLAIN),
    EventKind.PAGE_FAILED: ("A page for alert {no} failed", Mood.HOT),
}
"""What is told of each kind, and how much it asks for attention."""

PEOPLE = ("to", "user")
"""Where an event names the person whom something was asked of."""


def of_event(
    kind: EventKind, *, at: datetime, no: int, who: str | None, whom: str | None, data: Mapping[str, str | int]
) -> Moment:
    """The moment of one event of alert `no`; `whom` is the person that the event names beside the one who acted."""
    sentence, mood = EVENTS[kind]
    step = int(data.get("step", 0)) + 1
    title = sentence.format(who=who or "Daytwo", whom=whom or "somebody", no=no, step=step)
    return Moment(at=at, title=title, lines=tuple(_details(kind, data)), mood=mood)


def _details(kind: EventKind, data: Mapping[str, str | int]) -> list[str]:
    """The codes in an event that mean something to a person, in words."""
    said = _FAILED if kind is EventKind.PAGE_FAILED else _SAID
    return [words for name, say in said.items() if name in data if (words := say(str(data[name])))]


FAILURES: Mapping[str, str] = {
    "refused": "The provider does not send there",
    "try_later": "No provider took it in time",
    "unknown": "It may have arrived; it was not sent again",
    "lease_expired": "It may have arrived; it was not sent again",
    "accepted": "It may have arrived; it was not sent again",
}
"""How a page ended whose outcome has that name."""


def _planned(count: str) -> str:
    return {"0": "", "1": "1 page is planned"}.get(count, f"{count} pages are planned")


_SAID: Mapping[str, Callable[[str], str]] = {
    "tier": str.capitalize,
    "result": lambda code: CONTACT_WORDS[ContactResult(code)],
    "outcome": lambda code: OUTCOME_WORDS[Outcome(code)],
    "usefulness": lambda code: f"Useful? {USEFULNESS_WORDS[Usefulness(code)]}",
    "tries": lambda count: f"{count} calls in vain",
    "pages": _planned,
    "red": lambda flag: "With words of danger" if flag == "1" else "",
}
_FAILED: Mapping[str, Callable[[str], str]] = {"outcome": FAILURES.__getitem__}

_DEEDS: Mapping[PageKind, str] = {
    PageKind.CALL: "paged",
    PageKind.NUDGE: "reminded",
    PageKind.HELP: "asked to help",
    PageKind.ANSWER: "told how it stands",
}
METHODS: Mapping[str, str] = {"sms": "text", "voice": "phone call", "email": "email", "apprise": "push message"}
_STANDS: Mapping[PageState, tuple[str, str, Mood]] = {
    PageState.PENDING: ("is to be {deed}", "Waits to be sent", Mood.PLAIN),
    PageState.LEASED: ("is being {deed}", "", Mood.PLAIN),
    PageState.ACCEPTED: ("was {deed}", "The provider took it; no receipt has come", Mood.PLAIN),
    PageState.DELIVERED: ("was {deed}", "Arrived", Mood.PLAIN),
    PageState.UNDELIVERED: ("could not be {deed}", "The network could not deliver it", Mood.HOT),
    PageState.FAILED: ("could not be {deed}", "", Mood.HOT),
}
"""Page state → how the deed reads, what came of it, and the mood. A superseded page reached nobody."""


def of_page(page: Page, *, who: str, method: str) -> Moment | None:
    """The moment of one page; None for one that was put away before it was sent."""
    if page.state not in _STANDS and not page.maybe_sent:
        return None
    deed, came, mood = _STANDS.get(page.state, ("was {deed}", "Not sent again: it was not wanted any more", Mood.PLAIN))
    title = f"{who} {deed.format(deed=_DEEDS[page.kind])} by {METHODS[method]}"
    lines = (came, _tries(page), "Within one text about several alerts" if page.bundled_in else "")
    return Moment(at=page.sent_at or page.not_before, title=title, lines=tuple(filter(None, lines)), mood=mood)


def _tries(page: Page) -> str:
    if page.attempts < 2:
        return ""
    copies = f", at most {page.maybe_sent} on the phone" if page.maybe_sent > 1 else ""
    return f"{page.attempts} tries{copies}"
