"""What a page weighs on the wire, everything counted, on a phone that has never been here before."""

from typing import Any

from playwright.sync_api import Page

from survey import clock
from survey.local.clinic import ANA, LENA, Riverside
from tests.browser import world
from tests.browser.conftest import OpenPage
from tests.browser.walk import FINE, Phone, sign_in
from tests.browser.world import RISKY

PATIENT_BYTES, STAFF_BYTES = 15_000, 60_000
PATIENT_REQUESTS = 3
LEAST_BYTES = 1_000
"""Below it, something was not counted."""


class Meter:
    """Counts what comes over the wire, headers and redirects among it, as Chromium itself reports it."""

    def __init__(self, page: Page) -> None:
        self.bytes, self.requests = 0, 0
        self._page = page
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def weigh(self, address: str) -> int:
        """Load that page; what it weighs with all that it draws in."""
        self.bytes, self.requests = 0, 0
        response = self._page.goto(address)
        assert response is not None
        assert response.status < 500
        return self.told()

    def told(self) -> int:
        """The bytes so far: whatever the browser tells of them arrives before its answer to this question."""
        self._page.evaluate("0")
        return self.bytes

    def _asked(self, event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            self.requests += 1
            self.bytes += int(event.get("redirectResponse", {}).get("encodedDataLength", 0))

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])


def test_the_first_page_is_light(open_page: OpenPage, riverside: Riverside) -> None:
    meter = Meter(open_page())

    weight = meter.weigh(world.enrol(riverside, clock.now()).path)

    print(f"first page: {weight} bytes in {meter.requests} requests")
    assert LEAST_BYTES < weight <= PATIENT_BYTES
    assert meter.requests <= PATIENT_REQUESTS


def test_every_page_of_the_check_in_is_light(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page())
    meter = Meter(phone.page)
    answers = {**FINE, "sore": "3", "weak": "better"}

    phone.start(world.enrol(riverside, clock.now(), language="es", context=RISKY))
    weights = {}
    while key := phone.asked:
        meter.bytes = 0
        phone.answer(answers[key])
        weights[f"after {key}"] = meter.told()
    for path in (phone.path, "/check-in/review", "/check-in/questions/red"):
        weights[path] = meter.weigh(path)
    phone.open("/check-in/review")
    phone.tap("form[action$='/send'] button")
    weights["done"] = meter.weigh(phone.path)

    heaviest = max(weights, key=weights.__getitem__)
    print(f"heaviest page of the check-in: {heaviest}, {weights[heaviest]} bytes")
    assert len(weights) > len(answers)
    assert min(weights.values()) > LEAST_BYTES
    assert weights[heaviest] <= PATIENT_BYTES


def test_staff_pages_stay_light_with_ninety_days_behind_them(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    story = f"/procedures/{alert.case.procedure_id}"
    page = open_page(width=1280)
    meter = Meter(page)

    weights = {}
    for member, paths in (
        (LENA, ["/worklist", story, "/enrol", "/imports/new", "/on-call", "/trends"]),
        (ANA, [f"/alerts/{alert.alert_id}", f"/a/{alert.page_token}"]),
    ):
        page.context.clear_cookies()
        sign_in(page, member)
        weights |= {path: meter.weigh(path) for path in paths}

    print({path.split("/")[1]: weight for path, weight in weights.items()})
    assert min(weights.values()) > LEAST_BYTES
    assert max(weights.values()) <= STAFF_BYTES
