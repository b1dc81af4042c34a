"""The on-call clinician's phone at night: from the text to the closed alert, one screen and few taps."""

import pytest

from survey import clock
from survey.domain.alerts import AlertState
from survey.local.clinic import ANA, BEN, Riverside
from survey.services import alerts
from tests.browser import world
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in

SMALL_PHONE = {"width": 360, "height": 640}
MOST_TAPS = 5
"""From the open text to the end: take, the call, reached, outcome, useful."""


def test_from_the_text_to_the_end_in_five_taps(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(**SMALL_PHONE))
    sign_in(phone.page, ANA)

    phone.open(f"/alerts/{alert.alert_id}")
    phone.tap("form[action$='/take'] button")
    assert phone.page.locator(".steps a[href='tel:+12025550123']").is_visible()
    phone.taps += 1  # the call itself
    phone.tap("form:has(input[value=reached]) button")
    phone.tap(".steps a.button >> nth=1")
    phone.tap("form[action$='/close'] button >> nth=0")

    assert alerts.get(alert.alert_id).alert.state is AlertState.RESOLVED
    assert phone.page.inner_text(".band") == "Closed"
    assert phone.taps <= MOST_TAPS


def test_looking_through_the_door_changes_nothing(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(**SMALL_PHONE))
    before = alerts.get(alert.alert_id)

    for _ in range(3):
        phone.open(f"/a/{alert.page_token}")

    assert alerts.get(alert.alert_id) == before


def test_the_door_takes_the_alert_and_tells_no_health_fact(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(**SMALL_PHONE))

    phone.open(f"/a/{alert.page_token}")
    said = phone.page.inner_text("body")
    phone.tap("main button")

    assert alerts.get(alert.alert_id).alert.state is AlertState.ACKNOWLEDGED
    assert not [word for word in ("Maria", "Lindqvist", "breath", "Weak", "trigger") if word in said]
    assert phone.page.inner_text(".band") == "You have it"


def test_whoever_comes_second_reads_who_was_first(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    anas, bens = Phone(open_page(**SMALL_PHONE)), Phone(open_page(**SMALL_PHONE))
    sign_in(anas.page, ANA)
    sign_in(bens.page, BEN)
    bens.open(f"/alerts/{alert.alert_id}")
    anas.open(f"/alerts/{alert.alert_id}")

    anas.tap("form[action$='/take'] button")
    bens.tap("form[action$='/take'] button")

    assert f"{ANA.name} took this" in bens.page.inner_text("main")
    assert bens.page.locator("form[action$='/take']").count() == 0


def test_taking_over_is_one_tap_on_a_button_that_names_whoever_has_it(
    open_page: OpenPage, riverside: Riverside
) -> None:
    alert = world.alarm(riverside, clock.now())
    alerts.take(alert.alert_id, by=riverside.actor(ANA), epoch=1, now=clock.now())
    phone = Phone(open_page(**SMALL_PHONE))
    sign_in(phone.page, BEN)

    phone.open(f"/alerts/{alert.alert_id}")
    said = phone.page.inner_text("form[action$='/take-over'] button")
    phone.tap("form[action$='/take-over'] button")

    assert said == f"Take over from {ANA.name}"
    assert "you have it" in phone.page.inner_text(".band")


def test_a_colleague_is_brought_in_and_nothing_sticks_out_of_the_screen(
    open_page: OpenPage, riverside: Riverside
) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(**SMALL_PHONE))
    sign_in(phone.page, ANA)
    phone.open(f"/alerts/{alert.alert_id}")

    phone.page.click("details:has(#helper) summary")
    phone.page.select_option("#helper", label=BEN.name)
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    phone.tap("form[action$='/responders'] button")

    assert wide <= SMALL_PHONE["width"]
    phone.page.click("details:has(#helper) summary")
    assert f"Asked to help: {BEN.name}" in phone.page.inner_text("details:has(#helper)")


@pytest.mark.parametrize("height", [640, 740])
def test_the_button_is_on_the_first_screen_of_a_small_phone(
    open_page: OpenPage, riverside: Riverside, height: int
) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(width=360, height=height))
    sign_in(phone.page, ANA)

    phone.open(f"/alerts/{alert.alert_id}")
    box = phone.page.locator("form[action$='/take'] button").bounding_box()

    assert box is not None
    assert box["y"] + box["height"] <= height


def test_the_alert_says_first_why_and_about_whom(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(**SMALL_PHONE))
    sign_in(phone.page, ANA)

    phone.open(f"/alerts/{alert.alert_id}")

    text = phone.page.inner_text("main")
    assert "Maria Lindqvist" in text
    assert "nobody has it yet" in phone.page.inner_text(".band").lower()
    assert any(reason in phone.heading for reason in ("Breathing", "Weakness"))
