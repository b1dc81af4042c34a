"""The worklist page: what is open, in words, and filters that can be sent to a colleague as an address."""

import pytest

from survey import clock
from survey.services import patients
from tests import surveys
from tests.cast import ANA, SAM
from tests.staff import BREATHLESS, Desk, answered

FILTERS = (
    "?kind=urgent", "?kind=alert&owner=nobody", "?owner=me", "?days=1", "?q=Lindqvist", "?page=9",
    "?kind=nonsense&days=x&page=-1&site=1&owner=x", "?page=99999999999999999999", "?page=²", "?q=" + "x" * 500,
)  # fmt: skip


def test_an_empty_list_says_so_kindly(desk: Desk) -> None:
    desk.signed_in(SAM)

    assert "All clear." in desk.get("/worklist").text


def test_an_urgent_alert_is_on_top_with_reason_and_number(desk: Desk) -> None:
    answered(surveys.invited(clock.now()), BREATHLESS, now=clock.now())
    desk.signed_in(ANA)

    page = desk.get("/worklist").text

    assert "Maria Lindqvist" in page
    assert "Breathing: " in page
    assert 'href="tel:+12025550121"' in page
    assert "Nobody yet" in page


@pytest.mark.parametrize("query", FILTERS)
def test_any_filter_makes_a_page(desk: Desk, query: str) -> None:
    surveys.invited(clock.now())
    desk.signed_in(SAM)

    assert desk.get(f"/worklist{query}").status_code == 200


def test_a_filter_that_matches_nobody_leads_back_to_all(desk: Desk) -> None:
    desk.signed_in(SAM)

    assert "Nothing matches." in desk.get("/worklist?q=nobody").text


def test_a_name_is_shown_as_text(desk: Desk) -> None:
    surveys.invited(clock.now(), given_name="<b>Bo", family_name="O’Hara & Sons", mobile=None, consent=False)
    desk.signed_in(SAM)

    page = desk.get("/worklist").text

    assert "&lt;b&gt;Bo O’Hara &amp; Sons" in page
    assert "<b>Bo" not in page


def test_the_bare_address_leads_to_work_or_to_sign_in(desk: Desk) -> None:
    assert desk.get("/").headers["Location"] == "/sign-in"

    desk.signed_in(SAM)

    assert desk.get("/").headers["Location"] == "/worklist"


def test_the_counts_stand_on_the_page_and_add_up(desk: Desk) -> None:
    now = clock.now()
    answered(surveys.invited(now), BREATHLESS, now=now)
    stopped = surveys.invited(now)
    surveys.invited(now)
    patients.stop(stopped.invitation_id, reason="Moved away", by=SAM.actor, now=now)
    desk.signed_in(SAM)

    page = desk.get("/worklist").text
    numbers = [int(part.split("<")[0]) for part in page.split('<dl class="sum">')[1].split("<dd>")[1:6]]

    assert numbers[0] == sum(numbers[1:]) == 6  # of each, day 2 and day 7
