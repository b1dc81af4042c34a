"""The pages of a what-if: started, watched, cancelled, read; and a fault of ours said as one."""

import re
from datetime import timedelta
from uuid import UUID, uuid4
from xml.etree import ElementTree

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import clock
from survey.domain.answers import Answers
from survey.domain.versions import Version
from survey.services import replays, versions
from survey.web import charts
from survey.web.charts import Pair
from tests import second_version, surveys
from tests.cast import ANA, LENA, OLGA, ROOT, SAM, Person
from tests.conftest import Database
from tests.desk import SLUG, rows
from tests.staff import CALM, Desk, answered
from tests.web.test_trends import LABELS, texts_outside

SECOND = second_version.source()
EXERTED: Answers = {**CALM, "breath": "exert"}
"""Urgent, and under the second version an emergency."""


def response(answers: Answers = CALM) -> UUID:
    now = clock.now() - timedelta(hours=3)
    case = surveys.invited(now)
    answered(case, answers, now=now)
    return UUID(str(surveys.response_of(case)["id"]))


def candidate() -> Version:
    return versions.draft(SECOND, name="draft.yaml", by=ANA.actor, now=clock.now())


def path(version: int = 2) -> str:
    return f"/protocols/{SLUG}/{version}/what-if"


def work(*, limit: int = 100) -> None:
    while replays.replay_due(now=clock.now(), limit=limit):
        pass


def started(desk: Desk, version: int = 2) -> str:
    """Press the button; the address of what was started."""
    response = desk.post(path(version))
    assert response.status_code == 303, response.text
    return str(response.headers["Location"])


def words(page: str) -> str:
    """What stands on the page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_candidate_is_replayed_from_its_page_and_the_result_says_who_moves(desk: Desk) -> None:
    for answers in (CALM, CALM, EXERTED):
        response(answers)
    candidate()
    desk.signed_in(ANA)
    assert "Nobody has started one yet" in desk.get(path()).text

    address = started(desk)
    work()
    page = desk.get(address).text

    said = words(page)
    assert "Of 3 responses, 2 keep their tier, 1 would be taken more seriously, 0 less seriously." in said
    assert "Urgent to emergency 1" in said
    assert "Maria Lindqvist" in said
    assert "Of 3 responses" in words(desk.get(path()).text)


def test_while_it_runs_the_page_shows_how_far_it_is_and_looks_again_unless_told_to_be_still(desk: Desk) -> None:
    for _ in range(4):
        response()
    candidate()
    desk.signed_in(ANA)
    address = started(desk)
    replays.replay_due(now=clock.now(), limit=3)

    page = desk.get(address)

    assert '<progress id="progress" value="3" max="4">3 of 4</progress>' in page.text
    assert "You may leave this page" in page.text
    assert page.headers["Refresh"] == "3"
    assert "Refresh" not in desk.get(f"{address}?still=1").headers
    assert "3 of 4 responses so far" in words(desk.get(path()).text)


def test_a_second_one_beside_it_is_refused_and_the_page_leads_to_the_first(desk: Desk) -> None:
    response()
    candidate()
    desk.signed_in(ANA)
    address = started(desk)

    again = desk.post(path())

    assert again.status_code == 422
    assert "is running. Wait for its result, or cancel it." in again.text
    assert f'href="{address}"' in again.text


def test_it_is_cancelled_by_a_button_and_says_so(desk: Desk) -> None:
    response()
    candidate()
    address = started(desk.signed_in(ANA))

    page = desk.follow(desk.signed_in(LENA).post(f"{address}/cancel"))

    assert "This replay was cancelled" in page.text
    assert "Cancelled by Lena Fischer" in words(page.text)
    assert "It was cancelled" in words(desk.get(path()).text)
    assert started(desk) != address


def test_cancelling_what_has_ended_in_the_same_moment_shows_its_result(desk: Desk) -> None:
    response()
    candidate()
    address = started(desk.signed_in(ANA))
    work()

    page = desk.follow(desk.post(f"{address}/cancel"))

    assert "It had ended already" in page.text
    assert "Of 1 response," in words(page.text)


def test_a_text_that_has_changed_since_is_said_on_both_pages(desk: Desk) -> None:
    response(EXERTED)
    version = candidate()
    address = started(desk.signed_in(ANA))
    work()
    text = SECOND + "# A word.\n"
    versions.change(version.id, text, name="d", expected_sha256=version.sha256, by=ANA.actor, now=clock.now())

    assert "The text has changed since then." in desk.get(path()).text
    assert "The text has changed since." in desk.get(address).text


def test_the_list_is_narrowed_to_one_cell_and_read_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "LISTED", 2)
    for _ in range(3):
        response(EXERTED)
    candidate()
    address = started(desk.signed_in(ANA))
    work()
    cell = "before=urgent&after=emergency"

    first, second = (desk.get(f"{address}?{cell}&page={page}").text for page in (1, 2))

    assert (first.count("<bdi>Maria"), second.count("<bdi>Maria")) == (2, 1)
    assert "Page 1 of 2, 3 responses" in first
    (link,) = re.findall(r'href="([^"]+)#moves">Next', first)
    assert desk.get(link.replace("&amp;", "&")).text.count("<bdi>Maria") == 1
    assert "Nobody moves between these" in desk.get(f"{address}?before=routine&after=soon").text
    assert desk.get(f"{address}?before=x&after=&page=-1").status_code == 200
    assert desk.get(f"{address}?page=9999999999999").status_code == 200


def test_that_somebody_read_who_moves_is_kept(desk: Desk) -> None:
    response(EXERTED)
    candidate()
    address = started(desk.signed_in(ANA))
    work()

    desk.get(address)

    (read,) = rows("SELECT actor_id, object_id FROM audit_event WHERE action = 'replay.read'")
    assert (read["actor_id"], str(read["object_id"])) == (ANA.id, address.rpartition("/")[2])


def test_the_version_in_force_reproduces_all_of_its_scores(desk: Desk) -> None:
    for _ in range(3):
        response()
    desk.signed_in(ANA)
    assert "Replay of the version itself" in desk.get(path(1)).text

    address = started(desk, 1)
    work()

    page = words(desk.get(address).text)
    assert "All 3 stored scores were reproduced: the same tiers by the same rules." in page
    assert "Our fault" not in page
    assert "All 3 stored scores were reproduced." in words(desk.get(path(1)).text)


def test_a_score_that_is_not_reproduced_is_shown_as_our_fault_with_the_patient(desk: Desk, database: Database) -> None:
    response()
    touched = response()
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("ALTER TABLE score DISABLE TRIGGER append_only")
        owner.execute("UPDATE score SET tier = 'soon' WHERE response_id = %s", [touched])
        owner.execute("ALTER TABLE score ENABLE TRIGGER append_only")
    address = started(desk.signed_in(ANA), 1)
    work()

    page = words(desk.get(address).text)

    assert "Our fault: not every stored score was reproduced 1 of 2 responses would be scored otherwise today" in page
    assert page.count("Maria Lindqvist") == 1
    assert "Not every stored score was reproduced." in words(desk.get(path(1)).text)


def test_a_candidate_that_cannot_judge_says_what_to_do_and_names_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = response()
    candidate()
    address = started(desk.signed_in(ANA))

    def stumbles(*_: object) -> None:
        raise LookupError("Maria")

    monkeypatch.setattr(replays, "compare", stumbles)
    work()

    page = desk.get(address).text
    assert f"LookupError at response {failing}" in page
    assert "Prove the version, and mend what the proof names." in page
    assert "Maria" not in page
    assert "It could not be finished." in desk.get(path()).text


@pytest.mark.parametrize("person", [SAM, ROOT, OLGA])
def test_nobody_but_clinicians_and_managers_starts_or_reads_one(desk: Desk, person: Person) -> None:
    response(EXERTED)
    candidate()
    address = started(desk.signed_in(ANA))
    work()
    desk.signed_in(person)

    refused = [desk.get(path()), desk.get(address), desk.post(path()), desk.post(f"{address}/cancel")]

    assert [answer.status_code for answer in refused] == [403] * 4
    assert "Lindqvist" not in refused[1].text


def test_an_address_of_none_is_not_found(desk: Desk) -> None:
    desk.signed_in(ANA)

    assert desk.get(f"/protocols/what-if/{uuid4()}").status_code == 404
    assert desk.get(path(9)).status_code == 404
    assert desk.post(path(9)).status_code == 404


def test_a_clinic_without_responses_sees_that_too(desk: Desk) -> None:
    candidate()
    desk.signed_in(ANA)
    for version, said in ((2, "No response has been compared yet."), (1, "This version has scored no response yet.")):
        address = started(desk, version)
        work()
        assert said in words(desk.get(address).text)


COUNTS = st.integers(0, 100_000)


@settings(deadline=None)
@given(st.lists(st.tuples(LABELS, COUNTS, COUNTS), max_size=60))
def test_no_label_of_a_chart_of_pairs_is_cut(found: list[tuple[str, int, int]]) -> None:
    values = [Pair(label=label, before=before, after=after) for label, before, after in found]
    svg = charts.pairs("p", title="T", description="D", legend=("As it stands", "Under this version"), values=values)

    assert texts_outside(svg) == []
    assert len(ElementTree.fromstring(svg).findall(".//*[@class='layer was']")) == len(values) + 1  # noqa: S314
