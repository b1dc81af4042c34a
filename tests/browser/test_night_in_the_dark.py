"""What else a night brings, on a small dark phone: passing on, no answer, many at once, and a screen from before."""

from datetime import timedelta

import pytest

from survey import clock
from survey.domain.alerts import AlertState, ContactResult
from survey.local.clinic import ANA, BEN, Riverside
from survey.services import alerts
from tests.browser import world
from tests.browser.album import looked_at
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in

STORM = ("Ada", "Bo", "Cleo", "Dov", "Esme")
TAKE = "form[action$='/take'] button"


@pytest.fixture
def phone(open_page: OpenPage) -> Phone:
    """360 px wide, and dark."""
    return Phone(open_page(width=360, height=740, script=True, bypass_csp=True, color_scheme="dark"))


def test_whoever_cannot_take_it_passes_it_on_in_one_tap(phone: Phone, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    sign_in(phone.page, ANA)
    phone.open(f"/alerts/{alert.alert_id}")

    phone.tap("text=Pass to backup")

    assert "passed_on" in [line.kind for line in alerts.get(alert.alert_id).story]
    looked_at(phone.page, "night-passed-on")


def test_whoever_has_it_and_cannot_go_on_lets_go_of_it(phone: Phone, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    world.take(riverside, alert, clock.now())
    sign_in(phone.page, ANA)
    phone.open(f"/alerts/{alert.alert_id}")
    looked_at(phone.page, "night-taken")

    phone.tap("text=I can’t go on")

    now = alerts.get(alert.alert_id).alert
    assert (now.state, now.acked_by, now.epoch) == (AlertState.TRIGGERED, None, 2)
    assert "nobody has it yet" in phone.page.inner_text(".band")
    looked_at(phone.page, "night-let-go")


def test_no_answer_is_no_end_and_comes_again_within_a_quarter_of_an_hour(phone: Phone, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    world.take(riverside, alert, clock.now())
    sign_in(phone.page, ANA)
    phone.open(f"/alerts/{alert.alert_id}")

    phone.tap("form:has(input[value=no_answer]) button")

    now = alerts.get(alert.alert_id).alert
    assert now.contact_result is ContactResult.NO_ANSWER
    assert now.next_action_at is not None
    assert now.next_action_at - clock.now() <= timedelta(minutes=15)
    assert "Try again: did you reach the patient?" in phone.page.inner_text("main")
    assert "The patient still waits for a call." in phone.page.inner_text("main")
    looked_at(phone.page, "night-no-answer")


def test_in_a_storm_one_text_opens_a_list_and_each_is_taken_singly(phone: Phone, riverside: Riverside) -> None:
    token = world.storm(riverside, clock.now(), STORM)

    phone.open(f"/a/{token}")
    looked_at(phone.page, "night-storm")
    buttons = phone.page.locator("main button")
    before = buttons.count()
    buttons.nth(2).click()

    taken = [one for one in alerts.open_alerts() if one.state is AlertState.ACKNOWLEDGED]
    assert before == len(STORM)
    assert len(taken) == 1
    assert not any(name in phone.page.inner_text("main") for name in STORM)
    looked_at(phone.page, "night-storm-taken")


def test_a_screen_from_before_shows_how_it_stands_with_a_fresh_button(phone: Phone, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    sign_in(phone.page, ANA)
    phone.open(f"/alerts/{alert.alert_id}")
    world.take(riverside, alert, clock.now())
    alerts.pass_on(alert.alert_id, by=riverside.actor(BEN), epoch=1, now=clock.now())

    phone.tap(TAKE)
    assert alerts.get(alert.alert_id).alert.acked_by is None
    assert "nobody has it yet" in phone.page.inner_text(".band")
    looked_at(phone.page, "night-stale")

    phone.tap(TAKE)
    assert "you have it" in phone.page.inner_text(".band")
