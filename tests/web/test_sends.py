"""The page of a day's texts, and the form that mends what is blocked."""

from datetime import timedelta

import pytest

from survey import clock
from tests import desk as place
from tests import surveys
from tests.cast import OLGA, RIVERSIDE, SAM
from tests.staff import Desk

FILTERS = ("?day=2026-02-30", "?day=1999-01-01", "?stand=moon&site=1&page=-1", "?stand=blocked", "?page=99", "?day=x")


@pytest.fixture
def sam(desk: Desk) -> Desk:
    return desk.signed_in(SAM)


def blocked_today() -> str:
    """Maria is due today and has not agreed to be texted; the address of the form that mends it."""
    case = surveys.invited(clock.now(), consent=False)
    (row,) = place.rows("SELECT procedure_id FROM invitation WHERE id = :id", id=case.invitation_id)
    return f"/procedures/{row['procedure_id']}/contact"


def test_a_day_without_messages_says_so(sam: Desk) -> None:
    page = sam.get("/sends").text

    assert "<h1>Today’s texts</h1>" in page
    assert "Nobody is due." in page


@pytest.mark.parametrize("query", FILTERS)
def test_any_filter_makes_a_page(sam: Desk, query: str) -> None:
    surveys.invited(clock.now())

    assert sam.get(f"/sends{query}").status_code == 200


def test_tomorrow_is_one_link_away(sam: Desk) -> None:
    tomorrow = RIVERSIDE.local(clock.now()).date() + timedelta(days=1)

    assert f'href="/sends?day={tomorrow}"' in sam.get("/sends").text
    assert "<h1>Tomorrow’s texts</h1>" in sam.get(f"/sends?day={tomorrow}").text


def test_whoever_reads_no_patients_does_not_see_the_day(desk: Desk) -> None:
    desk.signed_in(OLGA)

    assert desk.get("/sends").status_code == 403


def test_what_is_blocked_leads_to_the_form_and_the_form_sends_what_waits(sam: Desk) -> None:
    mend = blocked_today()
    page = sam.get("/sends").text

    form = sam.get(mend).text
    done = sam.follow(sam.post(mend, {"consent": "y", "consent_how": "spoken"}, of=mend))

    assert "The patient has not agreed to texts or emails" in page
    assert f'href="{mend}" aria-label="Record consent: Maria Lindqvist">Record consent</a>' in page
    assert "We may send you a link to a short check-in" in form
    assert "Saved. The check-in goes out by text on" in done.text
    assert "has not agreed" not in sam.get("/sends").text


def test_what_was_typed_stays_beside_what_is_wrong_with_it(sam: Desk) -> None:
    mend = blocked_today()

    response = sam.post(mend, {"mobile": "12 & 3", "email": "a@example.org"}, of=mend)

    assert response.status_code == 422
    assert "<title>Error: " in response.text
    assert 'href="#mobile"' in response.text
    assert 'value="12 &amp; 3"' in response.text


def test_nothing_typed_is_told_what_to_enter(sam: Desk) -> None:
    mend = blocked_today()

    assert "Enter a number or an address, or record that the patient agreed." in sam.post(mend, {}, of=mend).text
