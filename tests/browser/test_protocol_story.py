"""Two people change a rule: drafted, refused by its proof, mended, replayed, signed, tried in shadow, published."""

from survey import clock
from survey.local.clinic import ANA, LENA, Riverside
from survey.services import alerts
from tests.browser import author_tour as steps
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in


def test_two_people_change_a_rule_and_know_what_it_does(open_page: OpenPage, riverside: Riverside) -> None:
    steps.confirmed_event(riverside, clock.now())
    ana, lena = Phone(open_page(width=1280)), Phone(open_page(width=1280))
    sign_in(ana.page, ANA)
    sign_in(lena.page, LENA)
    first, second = (f"/protocols/{riverside.protocol}/{number}" for number in (1, 2))

    ana_copies_it_without_the_rule_and_reads_what_speaks_against_it(ana, first)
    ana_mends_the_promise(ana)
    ana_sees_who_would_move(ana, second)
    ana_tries_it_in_shadow(ana, riverside, second)
    ana_cannot_publish_it(ana, second)
    lena_signs_what_it_takes_less_seriously(lena, second)
    lena_publishes_it(lena, first, second)


def ana_copies_it_without_the_rule_and_reads_what_speaks_against_it(ana: Phone, first: str) -> None:
    ana.open(first)
    ana.tap("a[href$='/copy']")
    assert "\nversion: 2\n" in ana.page.input_value(steps.TEXT)

    steps.edit(ana, steps.RULE, "")

    proof = ana.page.inner_text("section[aria-labelledby=proof]")
    assert "“Very high blood sugar pages” (sugar_very_high) does not hold." in proof
    assert "Blood sugar: 400 or more, or the meter said HI" in proof
    assert "SOON, by S6" in proof
    assert not ana.page.locator("main a[href$='/publish']").count()


def ana_mends_the_promise(ana: Phone) -> None:
    ana.tap("main a[href$='/edit']")
    steps.edit(ana, steps.PROMISE, steps.SMALLER_PROMISE)

    assert "none left out" in ana.page.inner_text("section[aria-labelledby=proof]")


def ana_sees_who_would_move(ana: Phone, second: str) -> None:
    ana.open(f"{second}/what-if")
    ana.tap("main form button")
    assert ana.page.locator("progress").count() == 1
    steps.replay()
    ana.open(ana.path)

    assert "less seriously" in ana.page.inner_text("main")
    assert "U13" in ana.page.inner_text("main")
    assert "Maria Lindqvist" in ana.page.inner_text("section[aria-labelledby=moves]")


def ana_tries_it_in_shadow(ana: Phone, riverside: Riverside, second: str) -> None:
    ana.open(f"{second}/shadow")
    ana.page.fill("input[name=days]", "14")
    ana.tap("main form button")
    before = {one.id for one in alerts.open_alerts()}
    steps.rosa_answers(riverside, clock.now())
    steps.shadow()
    ana.open(f"{second}/shadow")

    assert "Day 1 of 14" in ana.page.inner_text("main")
    assert "Rosa Ibarra" in ana.page.inner_text("main")
    # Rosa is judged by the version in force, whatever the candidate says.
    assert [one.tier for one in alerts.open_alerts() if one.id not in before] == ["urgent"]


def ana_cannot_publish_it(ana: Phone, second: str) -> None:
    ana.open(f"{second}/publish")

    assert not ana.page.locator("form[action*='/publish']").count()
    assert "Two people are needed" in ana.page.inner_text("main")


def lena_signs_what_it_takes_less_seriously(lena: Phone, second: str) -> None:
    lena.open(f"{second}/publish")
    assert not lena.page.locator("form[action*='/publish']").count()
    event = "article:has-text('Maria Lindqvist')"
    assert "U13" in lena.page.inner_text(event)

    lena.tap(f"{event} form button")
    assert "Write why this is acceptable" in lena.page.inner_text("#error-summary")
    lena.page.fill(f"{event} textarea", "Seen the next day by the diabetes nurse; a call is enough.")
    lena.tap(f"{event} form button")
    assert "Signed by Lena Storystone" in lena.page.inner_text(event)
    steps.sign_all(lena)  # what the clinic's past holds besides


def lena_publishes_it(lena: Phone, first: str, second: str) -> None:
    lena.page.check("form[action*='/publish'] input[name=agreed]")
    lena.tap("form[action*='/publish'] button")

    lena.open(second)
    assert "Published" in lena.page.inner_text("main .head")
    lena.open(first)
    assert "Retired" in lena.page.inner_text("main .head")
