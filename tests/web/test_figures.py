"""The page of figures: few are said to be few, and whoever reads trends reads it."""

from datetime import timedelta

import pytest

from survey import clock
from survey.domain.alerts import ContactResult
from survey.services import alerts
from survey.web.figures import took
from tests import staff
from tests.cast import ANA, OLGA, ROOT, SAM, Person
from tests.staff import Desk


def test_no_alert_is_an_empty_page_and_not_an_error(desk: Desk) -> None:
    page = desk.signed_in(SAM).get("/on-call/figures")

    assert page.status_code == 200
    assert "No alerts in this period" in page.text


def test_one_alert_is_too_few_to_say_and_its_number_is_told(desk: Desk) -> None:
    now = clock.now()
    alert_id = staff.alarm(now=now)
    alerts.record_contact(alert_id, result=ContactResult.REACHED, epoch=1, by=ANA.actor, now=now + timedelta(minutes=4))

    page = desk.signed_in(ANA).get("/on-call/figures").text

    assert "too few to say (1)" in page
    assert "4 min" not in page
    assert ANA.name in page


@pytest.mark.parametrize(("person", "status"), [(OLGA, 200), (SAM, 200), (ROOT, 403)])
def test_whoever_reads_trends_reads_it(desk: Desk, person: Person, status: int) -> None:
    assert desk.signed_in(person).get("/on-call/figures").status_code == status


@pytest.mark.parametrize("query", ["?weeks=nonsense", "?weeks=52&site=x", "?site="])
def test_an_old_link_still_shows_the_page(desk: Desk, query: str) -> None:
    assert desk.signed_in(SAM).get(f"/on-call/figures{query}").status_code == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.02, "under 1 s"),
        (8.4, "8 s"),
        (150, "2 min 30 s"),
        (180, "3 min"),
        (1265, "21 min"),
        (4320, "1 h 12 min"),
    ],
)
def test_a_time_is_said_as_exactly_as_somebody_would(seconds: float, words: str) -> None:
    assert took(seconds) == words
