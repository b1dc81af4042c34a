"""The whole check-in on a phone with JavaScript off: every way through it, and every way it can end."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from survey import clock
from survey.local.clinic import Riverside
from survey.services import responses
from tests.browser import world
from tests.browser.conftest import OpenPage
from tests.browser.walk import CALL_ME, DONE, FINE, HELP, WORSE, Phone
from tests.browser.world import RISKY

HEADINGS = {
    ("routine", "en"): "Thank you. Your answers did not show a warning sign.",
    ("routine", "es"): "Gracias. Sus respuestas no mostraron ninguna señal de alarma.",
    ("urgent", "en"): "We are sending your answers to the doctor on call.",
    ("urgent", "es"): "Estamos enviando sus respuestas al médico de guardia.",
}
MOST_TAPS = 15
"""Start, who, eleven questions, the year of birth skipped, Send."""


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("tier", "answers"), [("routine", FINE), ("urgent", WORSE)])
def test_a_survey_is_answered_by_tapping(
    open_page: OpenPage, riverside: Riverside, tier: str, answers: Mapping[str, str], language: str, width: int
) -> None:
    case = world.enrol(riverside, clock.now(), language=language)
    phone = Phone(open_page(width=width, height=640))

    phone.start(case)
    phone.answer_until(answers)
    if phone.path == HELP:
        assert phone.heading == HEADINGS[tier, language]
        phone.tap(".onwards a")
        phone.answer_until(answers)
    phone.send()

    assert phone.path == DONE
    assert phone.heading == HEADINGS[tier, language]
    assert phone.page.get_attribute("html", "lang") == language


def test_a_survey_without_trouble_takes_few_taps(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now())
    phone = Phone(open_page())

    phone.start(case)
    asked = phone.answer_until(FINE)
    phone.send()

    print(f"{phone.taps} taps for {len(asked)} questions")
    assert phone.taps <= MOST_TAPS


def test_everybody_with_more_risks_is_asked_more(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now(), context=RISKY)
    phone = Phone(open_page())

    phone.start(case)
    asked = phone.answer_until({**FINE, "sore": "3", "weak": "better"})

    assert asked == list(FINE)


def test_a_warning_sign_is_met_with_help_before_any_other_question(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now())
    phone = Phone(open_page())

    phone.start(case)
    phone.answer("breath")

    assert phone.heading == "Call 911 now."
    assert phone.page.locator("main a[href='tel:911']").first.is_visible()
    assert "by" in phone.page.inner_text("main")


def test_back_leads_to_the_question_before_with_its_answer(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())
    phone.start(world.enrol(riverside, clock.now()))
    phone.answer_until(FINE, until="sore")

    phone.tap("a.back")

    assert phone.asked == "breath"
    assert phone.page.locator("button.chosen").get_attribute("value") == FINE["breath"]


def test_an_answer_is_changed_from_the_list(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())
    phone.start(world.enrol(riverside, clock.now()))
    phone.answer_until(FINE)
    phone.skip_birth()

    phone.tap(".rows a[href$='/help'][href*='questions']")
    phone.answer("next")
    phone.skip_birth()

    assert "Please call me by the next work day." in phone.page.inner_text(".rows")
    phone.tap("form[action$='/send'] button")
    assert phone.heading.startswith("Thank you. A nurse will call you by")


def test_the_same_link_goes_on_where_the_first_phone_stopped(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now())
    first, second = Phone(open_page()), Phone(open_page())
    first.start(case)
    first.answer_until(FINE, until="weak")

    second.start(case)

    assert second.asked == "weak"


def test_another_language_is_one_tap_away_and_keeps_the_place(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())
    phone.start(world.enrol(riverside, clock.now()))
    phone.answer_until(FINE, until="fever")

    phone.tap("button[name=language][value=es]")

    assert phone.asked == "fever"
    assert phone.heading == "¿Ha tenido fiebre o escalofríos con temblor desde la inyección?"


def test_the_first_page_changes_its_language_too(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())
    phone.open(world.enrol(riverside, clock.now()).path)

    phone.tap("a[hreflang=es]")
    phone.tap("form[action$='/start'] button")

    assert phone.heading == "¿Quién responde?"


def test_lines_left_open_are_asked_for_with_the_focus_on_the_summary(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page(script=True))
    phone.start(world.enrol(riverside, clock.now()))

    refused = phone.go_on()

    assert refused.status == 422
    assert phone.page.title().startswith("Error:")
    assert phone.page.evaluate("document.activeElement.id") == "error-summary"
    phone.page.click("#error-summary a >> nth=0")
    assert phone.page.evaluate("document.activeElement.name") == "breath"


def test_what_was_marked_is_kept_when_a_line_is_missing(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())
    phone.start(world.enrol(riverside, clock.now()))

    phone.mark("input[name=breath][value=no]")
    refused = phone.go_on()

    assert refused.status == 422
    assert phone.page.locator("input[name=breath][value=no]").is_checked()
    assert phone.page.locator("fieldset.line.bad").count() == 6


def test_the_wrong_person_is_let_go_and_the_link_ends(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now())
    phone = Phone(open_page())
    phone.start(case, who="not_me")

    assert phone.heading == "Thank you for telling us"
    assert phone.open(case.path).status == 410
    assert phone.heading == "This link is closed"
    assert phone.page.locator("a[href='tel:911']").is_visible()


def test_the_wrong_person_is_thanked_in_the_language_of_the_page(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())

    phone.start(world.enrol(riverside, clock.now(), language="es"), who="not_me")

    assert phone.page.get_attribute("html", "lang") == "es"


def test_an_old_link_still_shows_whom_to_call(open_page: OpenPage, riverside: Riverside) -> None:
    now = clock.now()
    case = world.enrol(riverside, now)
    token = world.link(case.invitation_id, now - timedelta(days=30), expires_at=now - timedelta(minutes=1))
    phone = Phone(open_page())

    ended = phone.open(f"/s/{token}")

    assert ended.status == 410
    assert phone.heading == "This link has ended"
    assert phone.page.locator("a[href='tel:911']").is_visible()
    assert phone.page.locator(f"a[href='tel:{riverside.site.phone}']").is_visible()


def test_an_unknown_link_still_shows_whom_to_call(open_page: OpenPage) -> None:
    phone = Phone(open_page())

    unknown = phone.open(f"/s/{'z' * 22}")

    assert unknown.status == 404
    assert phone.heading == "We do not know this link"
    assert phone.page.locator("a[href='tel:911']").is_visible()


def test_a_used_link_shows_no_answers_and_takes_what_has_changed(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now())
    first, second = Phone(open_page()), Phone(open_page())
    first.start(case)
    first.answer_until(FINE)
    first.send()

    second.open(case.path)
    assert second.heading == "We have your answers"
    second.tap("form[action$='/start'] button")
    second.tap("button[name=who][value=self]")
    assert second.asked == "red"
    assert second.page.locator("input:checked, .chosen").count() == 0
    second.answer_until(CALL_ME)
    second.send()

    assert second.heading.startswith("Thank you. A nurse will call you by")


def test_looking_at_a_link_changes_nothing(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now())
    phone = Phone(open_page())

    for _ in range(3):
        phone.open(case.path)

    assert responses.sheet(case.invitation_id).answers == {}
    assert phone.page.context.cookies() == []
