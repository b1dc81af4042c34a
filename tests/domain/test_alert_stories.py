"""The words of a night: every event has its own, and a page says to whom, by what, and what came of it."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from survey.domain.alert_stories import EVENTS, FAILURES, METHODS, of_event, of_page
from survey.domain.alerts import EventKind
from survey.domain.oncall import MethodKind
from survey.domain.pages import AttemptOutcome, Page, PageKind, PageState
from survey.domain.stories import Mood
from tests.cast import NIGHT

PAGE = Page(
    id=uuid4(),
    alert_id=uuid4(),
    epoch=1,
    cycle=0,
    step_seq=0,
    user_id=uuid4(),
    contact_method_id=uuid4(),
    rule_delay_s=0,
    not_before=NIGHT,
    give_up_at=NIGHT + timedelta(minutes=10),
)
DATA = {
    EventKind.PAGED: {"step": 0, "pages": 2},
    EventKind.NOBODY_REACHABLE: {"step": 1, "pages": 0},
    EventKind.PAGE_FAILED: {"page": str(uuid4()), "outcome": "refused"},
    EventKind.CONTACTED: {"result": "voicemail"},
    EventKind.CLOSED: {"outcome": "reassured", "usefulness": "worth_it"},
    EventKind.HELP_ASKED: {"tries": 3, "pages": 1},
    EventKind.WROTE: {"inbound": str(uuid4()), "red": 1},
}


def event(kind: EventKind):
    return of_event(kind, at=NIGHT, no=1001, who="Ana Reyes", whom="Ben Okafor", data=DATA.get(kind, {}))


def page(state: PageState, **changes: object):
    return of_page(replace(PAGE, state=state, **changes), who="Ana Reyes", method="sms")


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_has_its_own_words(kind: EventKind) -> None:
    moment = event(kind)

    assert "{" not in moment.title
    assert not any("_" in words for words in (moment.title, *moment.lines))
    assert len({sentence for sentence, _ in EVENTS.values()}) == len(EventKind)


def test_the_codes_of_an_event_are_put_into_words() -> None:
    assert event(EventKind.PAGED).title == "Step 1 of the paging order for alert 1001"
    assert event(EventKind.PAGED).lines == ("2 pages are planned",)
    assert event(EventKind.NOBODY_REACHABLE).lines == ()
    assert event(EventKind.PAGE_FAILED).lines == ("The provider does not send there",)
    assert event(EventKind.CONTACTED).lines == ("Left a voicemail",)
    assert event(EventKind.CLOSED).lines == ("Reassured, no visit needed", "Useful? Yes: worth the call")
    assert event(EventKind.HELP_ASKED).lines == ("3 calls in vain", "1 page is planned")
    assert event(EventKind.WROTE).lines == ("With words of danger",)


def test_whoever_was_asked_is_named() -> None:
    assert event(EventKind.REASSIGNED).title == "Ana Reyes gave alert 1001 to Ben Okafor"
    assert event(EventKind.RESPONDER_ADDED).title == "Ana Reyes asked Ben Okafor to help with alert 1001"


def test_every_way_and_every_failure_has_a_word() -> None:
    assert set(METHODS) == {kind.value for kind in MethodKind}
    assert set(FAILURES) == {outcome.value for outcome in AttemptOutcome}


@pytest.mark.parametrize(
    ("state", "title", "came", "mood"),
    [
        (PageState.PENDING, "Ana Reyes is to be paged by text", "Waits to be sent", Mood.PLAIN),
        (PageState.ACCEPTED, "Ana Reyes was paged by text", "The provider took it; no receipt has come", Mood.PLAIN),
        (PageState.DELIVERED, "Ana Reyes was paged by text", "Arrived", Mood.PLAIN),
        (PageState.UNDELIVERED, "Ana Reyes could not be paged by text", "The network could not deliver it", Mood.HOT),
    ],
)
def test_a_page_says_what_came_of_it(state: PageState, title: str, came: str, mood: Mood) -> None:
    moment = page(state)

    assert moment is not None
    assert (moment.title, moment.lines, moment.mood) == (title, (came,), mood)


def test_a_page_says_how_often_it_was_tried_and_in_whose_text_it_went() -> None:
    moment = page(PageState.ACCEPTED, attempts=3, maybe_sent=2, bundled_in=uuid4())

    assert moment is not None
    assert moment.lines[1:] == ("3 tries, at most 2 on the phone", "Within one text about several alerts")


def test_a_page_that_was_put_away_unsent_tells_nothing_and_one_that_may_have_left_does() -> None:
    left = page(PageState.SUPERSEDED, attempts=1, maybe_sent=1)

    assert page(PageState.SUPERSEDED) is None
    assert left is not None
    assert left.lines == ("Not sent again: it was not wanted any more",)


def test_each_kind_of_page_has_its_own_deed() -> None:
    titles = [page(PageState.DELIVERED, kind=kind) for kind in PageKind]

    assert [one.title for one in titles if one] == [
        "Ana Reyes was paged by text",
        "Ana Reyes was reminded by text",
        "Ana Reyes was asked to help by text",
        "Ana Reyes was told how it stands by text",
    ]
