"""The page about pages to expect: a sentence first, both versions side by side, every number as a table too."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from survey import clock
from survey.domain.comparison import Tally, Week
from survey.domain.protocol import Tier
from survey.domain.versions import Version
from survey.services import versions
from survey.store import sites
from survey.store.session import transaction
from survey.web import burden
from tests import desk as clinic
from tests import past_weeks, second_version
from tests.cast import ANA, LENA, OLGA, RIVERSIDE, SAM, Person
from tests.staff import Desk

LIVE, CANDIDATE = (f"/protocols/{clinic.SLUG}/{version}/burden" for version in (1, 2))


@pytest.fixture
def lena(desk: Desk) -> Desk:
    return desk.signed_in(LENA)


def monday(back: int) -> date:
    """Of the full week that lies so many weeks back: 1 is the newest that has had its three days."""
    day = RIVERSIDE.local(clock.now() - timedelta(days=3)).date()
    return day - timedelta(days=day.weekday(), weeks=back)


def fill(weeks: int, *, pages: Callable[[int], int] = lambda _back: 5) -> None:
    """Full weeks of twenty who were asked and ten who answered, and the week in which the clinic began."""
    version = clinic.publish()
    for back in range(1, weeks + 2):
        past_weeks.add(version, monday(back), invited=20, answered=10, pages=pages(back), night=1)


def draft() -> Version:
    return versions.draft(second_version.source(), name="v2.yaml", by=ANA.actor, now=clock.now())


@pytest.mark.parametrize(("person", "status"), [(ANA, 200), (LENA, 200), (SAM, 403), (OLGA, 403)])
def test_clinicians_and_managers_read_it(desk: Desk, person: Person, status: int) -> None:
    assert desk.signed_in(person).get(LIVE).status_code == status


def test_a_version_that_is_not_there_is_not_found(lena: Desk) -> None:
    assert lena.get(CANDIDATE).status_code == 404


def test_too_little_history_says_what_is_missing_and_shows_no_number(lena: Desk) -> None:
    fill(3)

    page = lena.get(LIVE).text

    assert "6 weeks with responses are needed; there are 3." in page
    assert "nine weeks of ten" not in page
    assert "<svg" not in page


def test_the_sentence_comes_first_and_the_interval_is_judged_in_words(lena: Desk) -> None:
    fill(9, pages=lambda back: 9 if back == 1 else 2)

    page = lena.get(LIVE).text

    assert "pages a week</strong>" in page
    assert "2 of 3 past weeks lay within</strong>" in page
    assert "Of their night pages alone, 3 of 3." in page
    assert page.count("<circle") == 9
    assert page.count('class="missed"') == page.count(">Outside<") == 1
    assert page.index("Expect") < page.index("What it is made of") < page.index("<svg")


def test_the_factors_are_shown_and_the_rules_that_page_most(lena: Desk) -> None:
    fill(9)

    page = lena.get(LIVE).text

    assert '<th scope="row">Invitations that are answered</th><td data-label="Version 1, in force">50 of 100' in page
    assert '<th scope="row">Answered ones that page</th><td data-label="Version 1, in force">50 of 100' in page
    assert '<tr><th scope="row">U1</th>' in page
    assert '<td data-label="Pages">45</td><td data-label="In 100 responses">50</td>' in page
    assert page.count("<table") == 3


def test_a_candidate_without_a_what_if_leads_to_it_beside_what_is_in_force(lena: Desk) -> None:
    fill(9)
    draft()

    page = lena.get(CANDIDATE).text

    assert "No what-if yet." in page
    assert f"/protocols/{clinic.SLUG}/2/what-if" in page
    assert page.index("Version 2") < page.index("Version 1, in force")
    assert page.count("pages a week</strong>") == 1


def test_a_candidate_stands_beside_the_version_in_force_with_the_rules_that_change_it(lena: Desk) -> None:
    fill(9)
    tally = Tally(judged=90)
    tally.rules["U2", Tier.ROUTINE, Tier.URGENT] = 18
    tally.rules["U3", Tier.URGENT, Tier.SOON] = 9
    judged = {monday(back): Week(responses=10, before=5, after=7) for back in range(1, 11)}
    past_weeks.what_if(draft(), judged, tally=tally, asked_at=clock.now())

    page = lena.get(CANDIDATE).text

    assert page.count("pages a week</strong>") == 2
    assert page.count("<svg") == 2
    assert "<span>20 more</span>" in page
    assert "<span>10 fewer</span>" in page
    assert "By its what-if of" in page


def test_one_site_can_be_chosen_for_the_version_in_force_alone(lena: Desk) -> None:
    other = uuid4()
    with transaction() as tx:
        sites.insert(tx, replace(RIVERSIDE, id=other, slug="lakeside", name="Lakeside Pain Clinic"))
    fill(9)
    draft()

    chosen, candidate = lena.get(f"{LIVE}?site={other}").text, lena.get(f"{CANDIDATE}?site={other}").text

    assert f'value="{other}" selected' in chosen
    assert "there are 0." in chosen
    assert 'id="site"' not in candidate
    assert "pages a week</strong>" in candidate


@pytest.mark.parametrize(
    ("number", "said"), [(0.043, "0.043"), (0.5, "0.5"), (6.24, "6.2"), (9.96, "10"), (12.4, "12"), (0, "0")]
)
def test_a_forecast_has_as_many_digits_as_it_deserves(number: float, said: str) -> None:
    assert burden.amount(number) == said


@pytest.mark.parametrize(
    ("chance", "said"),
    [(0.001, "fewer than 1 of 100"), (0.31, "31 of 100"), (1, "more than 99 of 100"), (0.994, "99 of 100")],
)
def test_a_chance_is_said_of_a_hundred(chance: float, said: str) -> None:
    assert burden.of_hundred(chance) == said
