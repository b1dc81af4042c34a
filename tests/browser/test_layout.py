"""Pages fit a small phone with large text, a thumb hits what it aims at, and charts can be read."""

import pytest

from survey import clock
from survey.local.clinic import LENA, STAFF, Riverside
from tests.browser import inspect_page, world
from tests.browser.conftest import OpenPage
from tests.browser.walk import CALL_ME, Phone, sign_in


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_every_word_of_a_chart_can_be_read(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    sign_in(page, LENA)
    page.goto("/trends")

    assert page.locator("svg text").count() > 20
    assert inspect_page.chart_faults(page) == []


def test_a_clipped_word_would_have_been_seen(open_page: OpenPage) -> None:
    page = open_page(width=1280)
    sign_in(page, LENA)
    page.goto("/trends")

    page.evaluate("document.querySelector('svg text').setAttribute('x', '-40')")
    page.evaluate("document.querySelectorAll('svg text')[1].style.fontSize = '6px'")

    found = " ".join(inspect_page.chart_faults(page))
    assert "clipped" in found
    assert " px" in found


def test_printed_pages_have_no_controls(open_page: OpenPage, riverside: Riverside) -> None:
    patients, staffs = Phone(open_page()), Phone(open_page(width=1280))
    case = world.enrol(riverside, clock.now())
    patients.start(case)
    patients.answer_until(CALL_ME)
    patients.send()
    sign_in(staffs.page, STAFF)
    staffs.open(f"/procedures/{case.procedure_id}")

    for page in (patients.page, staffs.page):
        page.emulate_media(media="print")
        assert [one for one in page.locator("button, input:not([type=hidden]), nav").all() if one.is_visible()] == []
