"""Writing a protocol on web pages: copied, edited, proved, mended, thrown away, and never a word of it lost."""

import re
from html import unescape
from typing import Any

import pytest
from werkzeug.test import TestResponse

from survey import clock
from survey.domain.errors import Unavailable
from survey.domain.versions import Version, VersionState
from survey.services import protocols, versions
from survey.web import versions as pages
from survey.web.forms.versions import MOST_CHARACTERS, MOST_PLACES
from tests import desk as clinic
from tests.cast import ANA, BEN, LENA, SAM
from tests.conftest import Database
from tests.desk import SLUG
from tests.staff import SAME_ORIGIN, TOKEN, Desk

FIRST, SECOND = f"/protocols/{SLUG}/1", f"/protocols/{SLUG}/2"
COPY, EDIT = f"{FIRST}/copy", f"{SECOND}/edit"
TEXT = clinic.PACK.read_text(encoding="utf-8")
TWO = TEXT.replace("\nversion: 1\n", "\nversion: 2\n")
SORE = "- { item: sore, at_least: 7 }\n"
"""In the rule that takes soreness seriously."""
MILD = TWO.replace(SORE, "- { item: sore, at_least: 8 }\n")
"""A pack whose promise about soreness does not hold."""


@pytest.fixture
def ana(desk: Desk) -> Desk:
    """Ana's browser."""
    return desk.signed_in(ANA)


def reading(page: str) -> str:
    """What is read on a page, its markup and line breaks gone."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def typed(page: str) -> str:
    """What stands in the editor, as a browser holds it: HTML drops the first line break."""
    (found,) = re.findall(r"<textarea[^>]*>\r?\n(.*?)</textarea>", page, re.DOTALL)
    return unescape(found)


def hidden(page: str, name: str) -> str:
    """The value of the last hidden field of that name; the first stands in the head of the page, to sign out."""
    return str(re.findall(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)[-1])


def sent(text: str, **more: str) -> dict[str, Any]:
    """A form as a browser sends it: every line break as CRLF."""
    return {"text": text.replace("\n", "\r\n"), **more}


def save(desk: Desk, text: str, *, path: str = EDIT, page: TestResponse | None = None, **more: str) -> TestResponse:
    """Open the editor, or take the page that is open, put the text in, and press Save."""
    opened = page or desk.get(path)
    fields = {"csrf_token": hidden(opened.text, "csrf_token")}
    if path.endswith("/edit"):
        fields["sha256"] = hidden(opened.text, "sha256")
    return desk.client.post(path, data=sent(text, **fields, **more), headers=SAME_ORIGIN)


def press(desk: Desk, path: str, *, of: str = SECOND) -> TestResponse:
    """Press a button that stands on a version's page."""
    assert f'action="{path}"' in desk.get(of).text
    return desk.post(path, of=of)


def second() -> Version:
    return protocols.numbered(SLUG, 2)


def drafted(text: str = TWO) -> Version:
    """Ana has this text as her draft."""
    return versions.draft(text, name="draft", by=ANA.actor, now=clock.now())


def test_a_copy_has_the_whole_text_under_the_next_free_number(ana: Desk) -> None:
    assert typed(ana.get(COPY).text) == TWO


def test_a_copy_that_is_saved_as_it_is_holds_exactly_the_text_of_the_file(ana: Desk) -> None:
    page = ana.follow(save(ana, typed(ana.get(COPY).text), path=COPY))

    assert (second().source, second().state, second().author) == (TWO, VersionState.DRAFT, ANA.id)
    assert f"Version 2 of {SLUG} is saved as your draft." in reading(page.text)


def test_the_version_page_and_the_list_lead_to_a_copy(ana: Desk) -> None:
    assert f'href="{COPY}"' in ana.get(FIRST).text
    assert f'href="{COPY}"' in ana.get("/protocols").text


def test_a_line_that_breaks_the_pack_is_shown_with_what_to_do_and_no_word_is_lost(ana: Desk) -> None:
    broken = TWO.replace("tier: urgent", "tier: dreadful", 1)
    line = broken[: broken.index("tier: dreadful")].count("\n") + 1

    refused = save(ana, broken, path=COPY)

    page = reading(refused.text)
    assert refused.status_code == 422
    assert f"One place to mend Nothing is saved yet. Your text is below, as you typed it. Line {line} : " in page
    assert re.search(r"tier: should be 'routine', 'soon', 'urgent' or 'emergency' \(found: dreadful\)", page)
    before, after = (broken.split("\n")[number].strip() for number in (line - 2, line))
    assert f"{line - 1} {before} {line} (the faulty line) tier: dreadful {line + 1} {after}" in page
    assert f'<a href="#line-{line}">' in refused.text
    assert f'<li id="line-{line}" class="bad">' in refused.text
    assert typed(refused.text) == broken
    assert [one.version for one in protocols.every()] == [1]


def test_every_place_to_mend_is_told_at_once(ana: Desk) -> None:
    broken = TWO.replace("tier: urgent", "tier: dreadful", 2).replace("\nversion: 2\n", "\nversion: two\n")

    page = reading(save(ana, broken, path=COPY).text)

    assert "3 places to mend" in page
    assert (page.count("(found: dreadful)"), page.count("(found: two)")) == (2, 1)


def test_of_very_many_places_the_first_are_shown_and_the_rest_counted(ana: Desk) -> None:
    page = reading(save(ana, TWO.replace("    tier: ", "    tear: "), path=COPY).text)

    told = re.findall(r"(\d+) places to mend .* And (\d+) more. Mend these first.", page)
    assert [int(every) - int(more) for every, more in told] == [MOST_PLACES]


def test_what_is_not_yaml_is_told_at_its_line(ana: Desk) -> None:
    page = reading(save(ana, TWO.replace("\nversion: 2\n", "\nversion: 2\n\tprotocol: x\n"), path=COPY).text)

    assert re.search(r"Line \d+ : this is not YAML: ", page)


def test_an_empty_text_and_one_without_end_are_refused_in_words(ana: Desk) -> None:
    empty = save(ana, "", path=COPY)
    endless = TWO + "# More.\n" * (MOST_CHARACTERS // 8)
    long = save(ana, endless, path=COPY)

    assert (empty.status_code, long.status_code) == (422, 422)
    assert "Enter the text of the protocol." in reading(empty.text)
    assert "Shorten this to 250,000 characters at most." in reading(long.text)
    assert typed(long.text) == endless


def test_a_text_is_taken_that_is_larger_than_any_other_form(ana: Desk) -> None:
    text = TWO + "# A note, and some more of it.\n" * 4_000

    ana.follow(save(ana, text, path=COPY))

    assert second().source == text


def test_markup_in_a_text_stays_text(ana: Desk) -> None:
    text = TWO.replace("# Day-2", "# </textarea><script>go()</script> Day-2", 1).replace("tier: urgent", "tier: x", 1)

    refused = save(ana, text, path=COPY)

    assert "<script>" not in refused.text
    assert typed(refused.text) == text


def test_a_number_that_is_taken_is_told_at_its_line_with_one_that_is_free(ana: Desk) -> None:
    refused = save(ana, TEXT, path=COPY)

    assert refused.status_code == 422
    assert f"Line 30 : Version 1 of {SLUG} exists already. Give this text another version: 2 is free." in reading(
        refused.text
    )
    assert typed(refused.text) == TEXT


def test_a_copy_under_another_name_begins_a_protocol_of_its_own(ana: Desk) -> None:
    text = TWO.replace(f"protocol: {SLUG}", "protocol: knee-injection")

    page = ana.follow(save(ana, text, path=COPY))

    assert "Version 2 of knee-injection is saved as your draft." in reading(page.text)


def test_ana_proves_reads_the_counterexample_mends_and_has_it_proved(ana: Desk) -> None:
    drafted(MILD)

    failed = press(ana, f"{SECOND}/verify")

    assert failed.headers["Location"] == f"{SECOND}#proof"
    page = reading(ana.get(SECOND).text)
    assert "The proof fails. Read what speaks against it below , mend the text, and prove it again." in page
    assert "Proof This version cannot be published: something speaks against it." in page
    told = page.partition("Fails What is promised holds")[2]
    assert "(sore_steady) does not hold. Soreness: 7 of 10 " in told
    assert "All else well, on day2: ROUTINE, by no rule" in told
    assert second().state is VersionState.DRAFT

    mended = save(ana, typed(ana.get(EDIT).text).replace("at_least: 8", "at_least: 7"), prove="1")

    assert mended.headers["Location"] == f"{SECOND}#proof"
    page = reading(ana.get(SECOND).text)
    assert "Proof Shown for each of 101,245,945,905,073,350 answer sets, none left out." in page
    assert second().state is VersionState.VERIFIED
    assert second().source == TWO


def test_a_step_that_lowers_the_tier_is_told_with_what_changed_and_both_tiers(ana: Desk) -> None:
    drafted(TWO.replace("- { item: trend, in: [worse] }\n", "- { item: trend, in: [same] }\n"))

    page = reading(ana.follow(press(ana, f"{SECOND}/verify")).text)

    told = page.partition("Fails A worse answer never lowers the tier")[2]
    assert re.search(r"Then Soreness since yesterday: About the same → Worse Gives ROUTINE, by no rule", told)


def test_a_protocol_that_cannot_be_proved_in_time_is_refused_on_its_page(
    ana: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted(TWO + "# Proved by nobody.\n")
    monkeypatch.setattr(pages, "PROOF_S", 0.0)

    refused = press(ana, f"{SECOND}/verify")

    assert refused.status_code == 422
    assert f"This could not be done The protocol {SLUG} version 2 is too large to be proved" in reading(refused.text)
    assert second().state is VersionState.DRAFT


def test_another_text_makes_a_proved_version_a_draft_and_the_editor_says_so_before(ana: Desk) -> None:
    versions.verify(drafted().id, now=clock.now())
    assert "This version is verified. With another text it is a draft again" in reading(ana.get(EDIT).text)

    ana.follow(save(ana, TWO + "# A word.\n"))

    assert (second().state, second().certificate) == (VersionState.DRAFT, None)


def test_what_another_window_saved_meanwhile_is_shown_and_not_written_over(ana: Desk) -> None:
    drafted()
    page = ana.get(EDIT)
    ana.follow(save(ana, TWO + "# The other window.\n"))

    late = save(ana, TWO + "# This window.\n", page=page)

    assert late.status_code == 409
    told = reading(late.text)
    assert "Another text was saved meanwhile Ana Reyes saved another text of this draft on " in told
    assert "− # The other window. + # This window." in told
    assert "<title>Error: " in late.text
    assert typed(late.text) == TWO + "# This window.\n"
    assert second().source == TWO + "# The other window.\n"

    ana.follow(save(ana, typed(late.text), page=late))

    assert second().source == TWO + "# This window.\n"


def test_a_version_that_was_published_meanwhile_stays_and_the_text_too(ana: Desk) -> None:
    draft = drafted()
    page = ana.get(EDIT)
    versions.verify(draft.id, now=clock.now())
    versions.publish(draft.id, approver=LENA.actor, now=clock.now())

    late = save(ana, TWO + "# Too late.\n", page=page)

    assert late.status_code == 422
    assert "is published and cannot become draft" in reading(late.text)
    assert typed(late.text) == TWO + "# Too late.\n"


def test_a_draft_that_is_gone_meanwhile_leaves_the_text(ana: Desk) -> None:
    draft = drafted()
    page = ana.get(EDIT)
    versions.discard(draft.id, by=ANA.actor, now=clock.now())

    late = save(ana, TWO + "# Too late.\n", page=page)

    assert late.status_code == 404
    assert f"There is no version 2 of a protocol called “{SLUG}”." in reading(late.text)
    assert typed(late.text) == TWO + "# Too late.\n"


def test_whoever_was_signed_out_while_writing_gets_the_text_back_and_saves_it_after_signing_in(ana: Desk) -> None:
    page = ana.get(COPY)
    ana.client.delete_cookie("daytwo")

    refused = save(ana, TWO + "# An hour’s work.\n", path=COPY, page=page)

    assert refused.status_code == 403
    assert "Not saved, and not lost You were signed out while you wrote." in reading(refused.text)
    assert typed(refused.text) == TWO + "# An hour’s work.\n"
    assert [one.version for one in protocols.every()] == [1]
    ana.signed_in(ANA)
    ana.follow(save(ana, typed(refused.text), path=COPY, page=refused))
    assert second().source == TWO + "# An hour’s work.\n"


def test_a_page_that_was_open_for_too_long_gives_the_text_back_with_a_fresh_button(ana: Desk) -> None:
    drafted()
    page = ana.get(EDIT)
    ana.client.delete_cookie("daytwo-form")

    refused = save(ana, TWO + "# Slowly.\n", page=page)

    assert refused.status_code == 400
    assert "The page was open for too long to be sent." in reading(refused.text)
    ana.follow(save(ana, typed(refused.text), page=refused))
    assert second().source == TWO + "# Slowly.\n"


def test_a_database_that_is_away_costs_no_text(ana: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ana.get(COPY)

    def away(*_: object, **__: object) -> Version:
        raise Unavailable

    monkeypatch.setattr(versions, "draft", away)

    refused = save(ana, TWO + "# Kept.\n", path=COPY, page=page)

    assert refused.status_code == 503
    assert "The database cannot be reached at the moment." in reading(refused.text)
    assert typed(refused.text) == TWO + "# Kept.\n"


def test_a_text_from_another_site_is_not_even_shown(ana: Desk) -> None:
    token = {"csrf_token": hidden(ana.get(COPY).text, "csrf_token")}

    refused = ana.client.post(COPY, data=sent(TWO, **token), headers={"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403
    assert "<textarea" not in refused.text


def test_somebody_else_s_draft_is_copied_and_not_edited(desk: Desk) -> None:
    drafted()
    desk.signed_in(LENA)

    page = desk.get(EDIT)
    assert page.status_code == 403
    assert "Ana Reyes writes this draft. Only its author may change it" in reading(page.text)
    assert f'href="{SECOND}/copy"' in page.text
    assert f'href="{SECOND}/copy"' in desk.get(SECOND).text
    assert f'action="{SECOND}/discard"' not in desk.get(SECOND).text

    token = {"csrf_token": hidden(desk.get(COPY).text, "csrf_token"), "sha256": second().sha256}
    late = desk.client.post(EDIT, data=sent(TWO + "# Mine.\n", **token), headers=SAME_ORIGIN)
    assert late.status_code == 422
    assert "This draft is somebody else’s." in reading(late.text)
    assert desk.post(f"{SECOND}/discard", of=FIRST).status_code == 422
    assert second().source == TWO


def test_a_published_version_is_copied_and_not_edited(ana: Desk) -> None:
    page = ana.get(f"{FIRST}/edit")

    assert page.status_code == 403
    assert "Version 1 is published, and a published version never changes" in reading(page.text)


def test_what_can_be_done_with_a_proved_version_is_tried_before_it_is_published(desk: Desk) -> None:
    versions.verify(drafted().id, now=clock.now())

    for person, own in ((ANA, EDIT), (LENA, f"{SECOND}/copy")):
        page = desk.signed_in(person).get(SECOND).text
        offered = re.findall(r'<a class="button[^"]*" href="([^"]+)">', page)
        assert offered == [*(f"{SECOND}/{step}" for step in ("what-if", "shadow", "burden", "publish")), own]
        assert {desk.get(path).status_code for path in offered} == {200}


def test_what_is_in_force_leads_to_its_copy_its_replay_and_its_burden(ana: Desk) -> None:
    offered = re.findall(r'<a class="button[^"]*" href="([^"]+)">', ana.get(FIRST).text)

    assert offered == [f"{FIRST}/{step}" for step in ("copy", "what-if", "burden")]
    assert {ana.get(path).status_code for path in offered} == {200}


def test_a_draft_is_thrown_away_by_its_author_who_is_asked_once_more(ana: Desk) -> None:
    drafted()
    assert "Discard it Its text is gone then, with what was tried with it. This cannot be undone." in reading(
        ana.get(SECOND).text
    )

    page = ana.follow(press(ana, f"{SECOND}/discard"))

    assert f"Version 2 of {SLUG} is discarded." in reading(page.text)
    assert [one.version for one in protocols.every()] == [1]


def test_a_manager_retires_what_is_in_force_and_nobody_else_does(desk: Desk) -> None:
    desk.signed_in(BEN)
    assert f'action="{FIRST}/retire"' not in desk.get(FIRST).text
    assert desk.post(f"{FIRST}/retire", of=FIRST).status_code == 403
    desk.signed_in(LENA)

    page = desk.follow(press(desk, f"{FIRST}/retire", of=FIRST))

    assert f"Version 1 of {SLUG} is retired. No new patient is asked with it" in reading(page.text)
    assert protocols.published() == ()
    assert desk.post(f"{FIRST}/retire", of=FIRST).status_code == 422


@pytest.mark.parametrize("path", [COPY, EDIT])
def test_staff_may_not_write(desk: Desk, path: str) -> None:
    drafted()
    desk.signed_in(SAM)

    assert desk.get(path).status_code == 403
    assert desk.post(path, {"text": TWO}).status_code == 403
    assert desk.post(f"{SECOND}/verify").status_code == 403
    assert desk.post(f"{SECOND}/discard").status_code == 403
    assert "What can be done" not in desk.get(SECOND).text
    assert "New draft" not in desk.get("/protocols").text


def test_the_editor_is_labelled_and_its_fault_is_told_beside_it(ana: Desk) -> None:
    page = save(ana, TWO.replace("tier: urgent", "tier: x", 1), path=COPY).text

    (editor,) = re.findall(r"<textarea[^>]*>", page)
    assert 'id="text"' in editor
    assert '<label for="text">' in page
    assert 'aria-describedby="text-hint text-error"' in editor
    assert 'aria-invalid="true"' in editor
    assert 'id="error-summary"' in page
    assert "<title>Error: " in page
    assert f'action="{COPY}#error-summary"' in page


def test_every_line_of_the_text_has_its_number_beside_it(ana: Desk, database: Database) -> None:
    assert database
    page = ana.get(COPY).text

    lines = TWO.count("\n") + 1
    (rows,) = re.findall(r'<textarea[^>]*rows="(\d+)"', page)
    numbers = [int(number) for number in re.findall(r'<li id="line-(\d+)">', page)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == int(rows) > lines
    assert TOKEN.search(page)
