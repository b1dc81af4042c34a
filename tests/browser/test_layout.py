"""Pages fit a small phone with large text, a thumb hits what it aims at, and charts can be read."""

from collections.abc import Iterator

import pytest

from survey import clock
from survey.local.clinic import LENA, STAFF, Riverside
from tests.browser import inspect_page, world
from tests.browser.conftest import OpenPage
from tests.browser.patient_tour import patient_stops
from tests.browser.staff_tour import alert_stops, desk_stops, office_stops
from tests.browser.walk import CALL_ME, Phone, sign_in
from tests.conftest import Database

NARROW = {"width": 320, "height": 568}


def _narrow_faults(phone: Phone, stops: Iterator[str]) -> Iterator[str]:
    """What does not fit at 320 px, with the text as it is and at twice its size, and buttons that colors would hide."""
    page = phone.page
    for stop in stops:
        found = inspect_page.overflow(page)
        with inspect_page.double_text(page):
            found += [f"200 % text: {one}" for one in inspect_page.overflow(page)]
        with inspect_page.forced_colors(page):
            found += inspect_page.borderless(page)
        yield from (f"{stop}: {one}" for one in found)


def _thumb_faults(phone: Phone, stops: Iterator[str]) -> Iterator[str]:
    """As `_narrow_faults`, and what a thumb could miss."""

    def each() -> Iterator[str]:
        for stop in stops:
            yield stop
            small.extend(f"{stop}: {one}" for one in inspect_page.small_targets(phone.page))

    small: list[str] = []
    yield from _narrow_faults(phone, each())
    yield from small


@pytest.mark.parametrize("language", ["en", "es"])
def test_patient_pages_fit_a_small_phone_and_a_thumb(open_page: OpenPage, riverside: Riverside, language: str) -> None:
    phone = Phone(open_page(**NARROW))

    assert list(_thumb_faults(phone, patient_stops(phone, riverside, clock.now(), language))) == []


def test_desk_pages_fit_a_small_phone(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page(**NARROW))

    assert list(_narrow_faults(phone, desk_stops(phone, riverside, clock.now()))) == []


def test_office_pages_fit_a_small_phone(open_page: OpenPage, database: Database) -> None:
    phone = Phone(open_page(**NARROW))

    assert list(_narrow_faults(phone, office_stops(phone, database))) == []


def test_an_alert_fits_a_small_phone_and_a_thumb(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page(**NARROW))

    assert list(_thumb_faults(phone, alert_stops(phone, riverside, clock.now()))) == []


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
