"""The protocols to read: which there are, one in words with translations and sources, and what a version changed."""

import re
from html import unescape

import pytest

from survey import clock
from survey.services import versions
from survey.settings import ROOT as ROOT_FOLDER
from tests import factories, second_version, staff
from tests.cast import ANA, LENA, OLGA, PEOPLE, ROOT, SAM, Person
from tests.conftest import Database
from tests.domain.pack import PROTOCOL
from tests.staff import Desk

SLUG = "trigger-point-injection"
FIRST, SECOND, BETWEEN = f"/protocols/{SLUG}/1", f"/protocols/{SLUG}/2", f"/protocols/{SLUG}/2/diff/1"


def drafted() -> None:
    """Ana has a draft of the second version."""
    versions.draft(second_version.source(), name="v2.yaml", by=ANA.actor, now=clock.now())


def reading(page: str) -> str:
    """What is read on a page, its markup and line breaks gone."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.role)
def test_every_role_may_read_the_protocols(desk: Desk, person: Person) -> None:
    drafted()
    desk.signed_in(person)

    assert {desk.get(path).status_code for path in ("/protocols", FIRST, SECOND, BETWEEN)} == {200}


def test_whoever_is_not_signed_in_is_sent_to_sign_in(desk: Desk) -> None:
    assert desk.get(FIRST).headers["Location"] == f"/sign-in?next={FIRST}"


@pytest.mark.parametrize("person", [SAM, ROOT, OLGA], ids=lambda person: person.role)
def test_the_navigation_leads_there_and_marks_it(desk: Desk, person: Person) -> None:
    desk.signed_in(person)

    assert '<a href="/protocols" aria-current="page">Protocols</a>' in desk.get(FIRST).text
    assert '<a href="/protocols">Protocols</a>' in desk.get("/on-call").text or person is OLGA


@pytest.mark.parametrize("page", ["copy", "what-if", "shadow", "burden", "publish"])
def test_what_becomes_of_a_version_belongs_to_the_protocols(desk: Desk, page: str) -> None:
    desk.signed_in(LENA)

    assert '<a href="/protocols" aria-current="page">Protocols</a>' in desk.get(f"{FIRST}/{page}").text


def test_a_published_version_names_who_wrote_and_who_approved_it_when_and_its_certificate(desk: Desk) -> None:
    desk.signed_in(SAM)

    page = reading(desk.get("/protocols").text)

    row = page.partition("Compare Version 1")[2]
    assert row.startswith(" Published Ana Reyes Mar 9, 2026 Lena Fischer Mar 9, 2026")
    assert re.search(r"Mar 9, 2026 [0-9a-f]{12}\b", row)


def test_a_protocol_that_takes_no_text_has_no_danger_phrases(desk: Desk) -> None:
    knee = ROOT_FOLDER / "tests/interop/knee-injection/v1.yaml"
    versions.draft(knee.read_text(encoding="utf-8"), name="v1.yaml", by=ANA.actor, now=clock.now())
    desk.signed_in(ANA)

    page = desk.get("/protocols/knee-injection/1")

    assert page.status_code == 200
    assert "Is your knee swollen?" in page.text
    assert "Danger phrases" not in page.text


def test_a_draft_is_told_from_what_patients_are_asked(desk: Desk) -> None:
    drafted()
    desk.signed_in(SAM)

    page = reading(desk.get("/protocols").text)

    assert "Version 2 Draft Ana Reyes" in page
    assert "not proved What changed in version 2 Version 1 Published" in page


def test_before_the_first_protocol_the_page_says_how_to_begin(database: Database) -> None:
    factories.people(PEOPLE)
    desk = Desk(staff.application(database).test_client()).signed_in(LENA)

    page = reading(desk.get("/protocols").text)

    assert "No protocol yet. Publish the first with daytwo protocol publish" in page


def test_every_text_that_a_patient_may_read_stands_there_in_each_language(desk: Desk) -> None:
    desk.signed_in(SAM)
    page = reading(desk.get(FIRST).text)

    texts = [text for item in PROTOCOL.items for text in item.text.values()]
    texts += [
        answer.text[code] for item in PROTOCOL.items for answer in (*item.options, *item.lines) for code in answer.text
    ]
    texts += [text for rule in PROTOCOL.rules for text in (rule.advice or {}).values()]
    texts += [text for tier in PROTOCOL.tiers.values() for part in (tier.heading, *tier.body) for text in part.values()]
    texts += [text for words in PROTOCOL.words.values() for text in words.values()]
    texts += [phrase for phrases in PROTOCOL.red_words.values() for phrase in phrases]

    assert not [text for text in texts if "{" not in text and text not in page]
    assert "{emergency}" not in page
    assert "emergency number" in page


def test_words_in_another_language_are_marked_so_that_they_are_read_aloud_in_it(desk: Desk) -> None:
    desk.signed_in(SAM)

    assert re.search(r'<div lang="es">\s*<p class="asked">¿Cuánto le duele', desk.get(FIRST).text)


def test_every_rule_stands_there_under_its_tier_with_its_thought_and_its_source(desk: Desk) -> None:
    desk.signed_in(SAM)
    page = reading(desk.get(FIRST).text)

    for rule in PROTOCOL.rules:
        start = page.index(f" {rule.id} {rule.why} ")
        assert f"Where it comes from: {rule.source}" in page[start:]
    order = [page.index(f"Rules that make it {tier}") for tier in ("Emergency", "Urgent", "Soon")]
    assert order == sorted(order)


def test_a_rule_reads_as_a_sentence_with_its_shared_conditions_explained(desk: Desk) -> None:
    desk.signed_in(SAM)

    page = reading(desk.get(FIRST).text)

    assert (
        "E10 Fever with lasting faintness, the pattern of sepsis Both of these: “true fever” holds Faint or dizzy is "
        "“Yes, I still feel it or it keeps coming back” “true fever” means: Fever or chills is “Yes, 100.4°F (38°C) or "
        "more” or “Yes, shaking chills” Where it comes from: NHS"
    ) in page


def test_the_parts_of_a_condition_are_lists_inside_lists(desk: Desk) -> None:
    desk.signed_in(SAM)
    page = desk.get(FIRST).text

    rule = page.partition('id="rule-E11"')[2].partition("</article>")[0].partition('<div class="where">')[0]

    assert re.sub(r">[^<]+<", "><", rule.partition("</h3>")[2].strip()) == (
        '<ul class="tree"><li><ul><li></li><li><ul><li></li><li></li><li></li></ul></li></ul></li></ul>'
    )


def test_lists_are_closed_as_often_as_they_are_opened(desk: Desk) -> None:
    desk.signed_in(SAM)
    page = desk.get(FIRST).text

    assert [page.count(f"<{tag}>") + page.count(f"<{tag} ") - page.count(f"</{tag}>") for tag in ("ul", "li")] == [0, 0]


def test_the_contents_lead_to_places_that_are_there(desk: Desk) -> None:
    desk.signed_in(SAM)
    drafted()

    for path in (FIRST, BETWEEN):
        page = desk.get(path).text
        places = re.findall(r'href="#([^"]+)"', page)
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(places) > 3
        assert set(places) <= set(ids)
        assert len(ids) == len(set(ids))


def test_the_difference_of_two_versions_is_told_word_by_word(desk: Desk) -> None:
    drafted()
    desk.signed_in(SAM)
    response = desk.get(BETWEEN)

    page = reading(response.text)

    assert "in version 2 against version 1 : 3 differences." in page
    assert "Condition changed Before Both Breathing is" in page
    assert "Now Breathing is “I get short of breath when I walk or move”" in page
    assert "Danger phrase, English heart attack" in page
    assert "Is the soreness better <del>or worse</del> <ins>&lt;now&gt;</ins> than <del>it was</del> yesterday?" in (
        re.sub(r"\s+", " ", response.text)
    )


def test_the_difference_the_other_way_round_takes_back_what_was_new(desk: Desk) -> None:
    drafted()
    desk.signed_in(SAM)

    page = desk.get(f"/protocols/{SLUG}/1/diff/2").text

    assert "<del>heart attack</del>" in page


def test_a_version_against_itself_says_that_nothing_differs(desk: Desk) -> None:
    desk.signed_in(SAM)

    assert "The two versions say the same." in reading(desk.get(f"/protocols/{SLUG}/1/diff/1").text)


@pytest.mark.parametrize("path", [SECOND, BETWEEN, "/protocols/no-such-protocol/1", f"/protocols/{SLUG}/x"])
def test_a_version_that_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    desk.signed_in(SAM)

    assert desk.get(path).status_code == 404


def test_a_published_version_shows_what_was_proved_of_it_over_how_many_answer_sets(desk: Desk) -> None:
    desk.signed_in(SAM)

    page = reading(desk.get(FIRST).text).partition("Proof Shown for")[2]

    assert page.startswith(" each of 101,245,945,905,073,350 answer sets, none left out.")
    assert "A worse answer never lowers the tier Holds" in page


def test_a_draft_shows_what_speaks_against_it(desk: Desk) -> None:
    spoilt = second_version.source().replace("- { item: sore, at_least: 7 }\n", "- { item: sore, at_least: 8 }\n")
    draft = versions.draft(spoilt, name="v2.yaml", by=ANA.actor, now=clock.now())
    desk.signed_in(SAM)
    assert "Nobody has proved this version yet." in reading(desk.get(SECOND).text)

    versions.verify(draft.id, now=clock.now())

    page = reading(desk.get(SECOND).text)
    assert "This version cannot be published: something speaks against it." in page
    assert "(sore_steady) does not hold. Soreness: 7 of 10 " in page
    assert " All else well, on day2: ROUTINE, by no rule" in page
