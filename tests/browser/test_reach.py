"""“How I am paged” on a phone in the dark and on a desk: add, type the code, test, remove; a manager's list."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from survey import clock
from survey.local.clinic import ANA, LENA, Riverside
from survey.messaging import registry
from survey.services import contact_proofs
from tests.browser.album import looked_at
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in
from tests.fakes import FakeSms


@pytest.fixture(autouse=True)
def carrier(riverside: Riverside) -> Iterator[FakeSms]:
    assert riverside
    wired, taken = registry._wiring, FakeSms()
    assert wired is not None
    registry.wire(replace(wired, sms=taken))
    yield taken
    registry.wire(wired)


def work() -> None:
    while contact_proofs.send_due(now=clock.now()):
        pass


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_a_phone_is_added_proved_tested_and_removed(
    open_page: OpenPage, carrier: FakeSms, width: int, height: int
) -> None:
    phone = Phone(open_page(width=width, height=height, script=True, bypass_csp=True, color_scheme="dark"))
    page = phone.page
    sign_in(page, ANA)
    phone.open("/me/reach")
    looked_at(page, f"reach-start-{width}")

    page.fill("[name=address]", "(202) 555-0119")
    page.fill("[name=label]", "My own phone")
    phone.tap("button:has-text('Add and send a code')")
    work()
    page.reload()
    looked_at(page, f"reach-code-{width}")
    page.fill("[name=code]", "1")
    refused = phone.tap("button:has-text('Verify')")
    looked_at(page, f"reach-refused-{width}")
    assert refused.status == 422
    code = re.search(r"\d{6}", carrier.wire[-1].body)
    assert code
    page.fill("[name=code]", code[0])
    phone.tap("button:has-text('Verify')")
    assert "Verified. Pages go there from now on." in page.inner_text("main")
    looked_at(page, f"reach-verified-{width}")

    phone.tap("section:has-text('My own phone') button:has-text('Send me a test page now')")
    work()
    link = re.search(r"/t/\w+", carrier.wire[-1].body)
    assert link
    phone.open(link[0])
    looked_at(page, f"reach-test-{width}")
    phone.tap("button:has-text('It has reached me')")
    looked_at(page, f"reach-answered-{width}")

    phone.open("/me/reach")
    phone.tap("a:has-text('My own phone'):has-text('Remove')")
    looked_at(page, f"reach-remove-{width}")
    phone.tap("button:has-text('Remove it')")
    assert "My own phone" not in page.inner_text("main .columns")


def test_a_manager_sees_who_can_be_paged(open_page: OpenPage) -> None:
    phone = Phone(open_page(width=390, height=740, script=True, bypass_csp=True, color_scheme="dark"))
    sign_in(phone.page, LENA)
    phone.open("/reach")
    looked_at(phone.page, "reach-people")

    phone.tap(f"a:has-text('{ANA.name}')")

    assert "Send me a test page" not in phone.page.inner_text("main")
    looked_at(phone.page, "reach-theirs")
