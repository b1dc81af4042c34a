"""Staff see to replies: the page is open to everybody on a phone and a desk, and one tap is done."""

import pytest
from playwright.sync_api import expect

from survey import clock
from survey.local.clinic import STAFF, Riverside
from tests import texting
from tests.browser import inspect_page, world
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in

PHONE = "+12025550123"


@pytest.fixture
def replies(riverside: Riverside) -> None:
    """What came in this morning."""
    now = clock.now()
    for name in ("Maria", "Pia"):
        world.enrol(riverside, now, given_name=name)
    for body in ("Can I swim today?", "I did not ask for these messages", "since an hour my chest hurts 😟", ""):
        texting.text(body, now=now, sender=PHONE)
    texting.text("Who is this?", now=now, sender=texting.STRANGER)
    texting.read(now)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.usefixtures("replies")
def test_the_page_of_replies_is_open_to_everybody_and_fits(open_page: OpenPage, width: int) -> None:
    phone = Phone(open_page(width=width, script=True, bypass_csp=True))
    sign_in(phone.page, STAFF)

    for address in ("/replies?show=done", "/replies"):
        phone.open(address)
        assert inspect_page.faults(phone.page) == []
        assert inspect_page.overflow(phone.page) == []
    phone.page.locator("main details summary").first.click()
    assert inspect_page.faults(phone.page) == []


@pytest.mark.usefixtures("replies")
def test_one_tap_is_done_and_what_is_left_is_counted(open_page: OpenPage) -> None:
    page = open_page(width=390)
    sign_in(page, STAFF)
    page.goto("/replies")
    expect(page.locator("article")).to_have_count(5)
    expect(page.locator("article").first).to_contain_text("my chest hurts")

    page.locator("article").first.get_by_role("button", name="Done").click()

    expect(page.locator("article")).to_have_count(4)
    expect(page.locator("nav a", has_text="Replies")).to_contain_text("4")
