"""The desk in a browser: a number is caught and put right, the leaflet fits one sheet, a manager sets a site."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from survey import clock
from survey.local.clinic import LENA, STAFF, Riverside
from survey.messaging import registry
from survey.services import sending
from tests.browser import album
from tests.browser.album import looked_at
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in
from tests.fakes import FakeSms

WIDTHS = [390, 1280]


@pytest.fixture(autouse=True)
def carrier(riverside: Riverside, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSms]:
    """A carrier that takes every text, at a clinic that is open."""
    assert riverside
    wired, taken = registry._wiring, FakeSms()
    assert wired is not None
    monkeypatch.setattr("survey.domain.confirmations.is_open", lambda *_: True)
    registry.wire(replace(wired, sms=taken, senders=("+12025550100",)))
    yield taken
    registry.wire(wired)


def enrol(phone: Phone, *, mobile: str) -> None:
    page = phone.page
    for name, value in (
        ("given_name", "Ada"),
        ("family_name", "Nilsson"),
        ("born_on", "1979-04-02"),
        ("mobile", mobile),
        ("place", "79901"),
    ):
        page.fill(f"[name={name}]", value)
    page.check("[name=consent]")
    phone.tap("main form.card > button")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_number_is_caught_then_put_right_and_the_page_says_what_becomes_of_the_text(
    open_page: OpenPage, width: int
) -> None:
    phone = Phone(open_page(width=width, script=True, bypass_csp=True))
    sign_in(phone.page, STAFF)
    phone.open("/enrol")
    enrol(phone, mobile="(202) 555-0141 ext. 7")
    looked_at(phone.page, f"caught-{width}")
    caught = phone.page.inner_text("#error-summary")
    phone.page.fill("[name=mobile]", "(202) 555-0141")
    phone.tap("main form.card > button")
    waiting = phone.page.inner_text("main")
    while sending.send_due(now=clock.now()):
        pass
    phone.open(f"{phone.path}?still=1")
    looked_at(phone.page, f"confirmation-{width}")
    phone.page.fill("[name=mobile]", "(202) 555-0149")
    phone.tap("form.card button")

    assert "cannot receive texts" in caught
    assert "Ada Nilsson is enrolled and will be texted on" in waiting
    assert "(202) 555-0149" in phone.page.inner_text("main")


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_leaflet_fits_one_sheet_of_paper(open_page: OpenPage, language: str) -> None:
    phone = Phone(open_page(width=390, script=True, bypass_csp=True))
    sign_in(phone.page, STAFF)
    phone.open("/enrol")
    enrol(phone, mobile="(202) 555-0141")
    leaflet = phone.path.removesuffix("/confirmation") + f"/leaflet?language={language}"
    phone.open(leaflet)
    looked_at(phone.page, f"leaflet-{language}")

    phone.page.emulate_media(media="print", color_scheme="light")
    for paper in ("A4", "Letter"):
        printed = phone.page.pdf(format=paper, prefer_css_page_size=False)
        album.keep(printed, f"leaflet-{language}-{paper}")
        assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") == 1, paper


@pytest.mark.parametrize("width", WIDTHS)
def test_a_manager_sees_each_text_before_the_settings_are_saved(open_page: OpenPage, width: int) -> None:
    phone = Phone(open_page(width=width, script=True, bypass_csp=True))
    sign_in(phone.page, LENA)
    phone.open("/settings")
    looked_at(phone.page, f"settings-{width}")
    phone.tap("table.cards th a")
    looked_at(phone.page, f"site-{width}")
    phone.page.fill("[name=sms_name]", "Clínica Río")
    refused = phone.tap("main form.card button:not([name])")
    looked_at(phone.page, f"site-refused-{width}")
    phone.page.fill("[name=sms_name]", "Northgate")
    phone.tap("main form.card button:not([name])")

    assert refused.status == 422
    assert "are saved" in phone.page.inner_text("[role=status]")


def test_everybody_may_read_about_our_texts(open_page: OpenPage) -> None:
    phone = Phone(open_page(width=390, script=True, bypass_csp=True))
    phone.open("/about-our-texts")

    looked_at(phone.page, "about")

    assert phone.heading == "About our texts"
