"""The end of a night on a dark phone: the sheet is read, signed by both and printed; the figures can be read."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page

from survey import clock
from survey.domain.alerts import ContactResult
from survey.domain.oncall import Shift
from survey.local.clinic import ANA, BEN, LENA, Riverside
from survey.services import alerts
from survey.store import oncall as store
from survey.store.session import transaction
from tests import factories
from tests.browser import album, inspect_page, world
from tests.browser.album import looked_at
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in

NAMES = ("Ada", "Cara", "Emil", "Ida", "Maria", "Nora", "Otto", "Rosa", "Walter")
"""More than a night has had yet, and still one sheet."""


@pytest.fixture
def phone(open_page: OpenPage) -> Phone:
    """360 px wide, and dark."""
    return Phone(open_page(width=360, height=740, script=True, bypass_csp=True, color_scheme="dark"))


def sheets(page: Page, name: str) -> int:
    """How many pages of A4 it takes."""
    page.emulate_media(media="print", color_scheme="light")
    printed = page.pdf(format="A4")
    album.keep(printed, f"night-{name}")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 less its margins
    album.picture(page, f"night-{name}-print")
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(media="screen", color_scheme="dark")
    return printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ")


def watch(riverside: Riverside, at: datetime) -> UUID:
    """A roster on which Ben follows Ana."""
    nights = factories.schedule("nights")
    half = timedelta(hours=12)
    with transaction() as tx:
        for member, starts_at in ((ANA, at - half), (BEN, at)):
            times = {"starts_at": starts_at, "ends_at": starts_at + half}
            who = riverside.people[member.email]
            store.insert_shift(tx, Shift(id=uuid4(), schedule_id=nights.id, user_id=who, **times))
    return nights.id


def a_busy_night(riverside: Riverside, now: datetime) -> None:
    """Some that nobody has, some tried in vain, some reached."""
    results = (None, ContactResult.VOICEMAIL, ContactResult.REACHED)
    for number, given in enumerate(NAMES):
        alarm = world.alarm(riverside, now - timedelta(minutes=9), given_name=given, family_name="Haas")
        result = results[number % len(results)]
        if result is not None:
            by = riverside.actor(ANA)
            alerts.record_contact(alarm.alert_id, result=result, epoch=1, by=by, now=now - timedelta(minutes=2))


def test_a_night_is_handed_over_on_the_phone_and_on_one_sheet_of_paper(phone: Phone, riverside: Riverside) -> None:
    now = clock.now()
    a_busy_night(riverside, now)
    address = f"/on-call/{watch(riverside, now + timedelta(minutes=20))}/handover"
    sign_in(phone.page, ANA)
    phone.open("/on-call")
    phone.page.locator(f"a[href='{address}']").click()
    looked_at(phone.page, "night-handover")
    assert sheets(phone.page, "handover") == 1
    refused = phone.tap("main form.steps button")
    looked_at(phone.page, "night-handover-refused")
    phone.page.fill("[name=note]", "A-1042: the daughter has the key")
    phone.page.check("[name=sure]")
    phone.tap("main form.steps button")

    assert refused.status == 422
    assert phone.page.locator("main form.steps").count() == 0
    phone.page.context.clear_cookies()
    sign_in(phone.page, BEN)
    phone.open(address)
    phone.page.check("[name=sure]")
    phone.tap("main form.steps button")
    looked_at(phone.page, "night-handover-signed")
    assert phone.page.inner_text("dl.signatures").count("signed") == 2
    assert "not signed" not in phone.page.inner_text("dl.signatures")
    assert sheets(phone.page, "handover-signed") == 1
    phone.tap("section.past tbody a")
    assert "the daughter has the key" in phone.page.inner_text("main")


def test_the_figures_can_be_read_on_the_phone(phone: Phone, riverside: Riverside) -> None:
    a_busy_night(riverside, clock.now())
    sign_in(phone.page, LENA)
    phone.open("/on-call/figures")

    looked_at(phone.page, "night-figures")

    assert inspect_page.chart_faults(phone.page) == []
    assert ANA.name in phone.page.inner_text("main")


def test_the_story_of_an_alert_is_printed_without_its_buttons(phone: Phone, riverside: Riverside) -> None:
    now = clock.now()
    alarm = world.alarm(riverside, now)
    world.take(riverside, alarm, now)
    sign_in(phone.page, ANA)
    phone.open(f"/alerts/{alarm.alert_id}")

    told = phone.page.inner_text("ol.story")
    assert "was paged by text" in told
    assert f"{ANA.name} took alert" in told
    looked_at(phone.page, "night-story")
    assert sheets(phone.page, "story") <= 2
    phone.page.emulate_media(media="print")
    assert not any(one.is_visible() for one in phone.page.locator("main button").all())
    assert phone.page.locator("ol.story li").first.is_visible()
