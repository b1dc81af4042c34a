"""Walks the pages as a person with one thumb does."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Page, Response

from survey.local.clinic import PASSWORD, Member
from tests.browser.world import Case

NONE_OF_THESE = "none_of_these"
SKIP = "skip"

FINE: Mapping[str, str] = {
    "red": NONE_OF_THESE,
    "breath": "no",
    "sore": "0",
    "trend": "better",
    "weak": "no",
    "weakfx": "ok",
    "skin": NONE_OF_THESE,
    "fever": "no",
    "bleed": "no",
    "allergy": "no",
    "faint": "no",
    "headneck": "no",
    "sugar": "ok",
    "help": "none",
    "note": SKIP,
}
"""Item key to what is tapped: the answers of most people."""
WORSE: Mapping[str, str] = {**FINE, "sore": "6", "weak": "worse", "weakfx": "trouble"}
"""Weakness that grows: urgent."""
CALL_ME: Mapping[str, str] = {**FINE, "help": "next"}
"""Soon."""
BREATHLESS: Mapping[str, str] = {**FINE, "red": "breath"}
"""An emergency on the first page of questions."""

FRESH = "form:not([action]) button"
"""Send me a fresh link."""
QUESTIONS = "/check-in/questions/"
HELP, BIRTH, DONE = "/check-in/help", "/check-in/birth", "/check-in/done"


@dataclass
class Phone:
    """One person's phone, and how often it was tapped."""

    page: Page
    taps: int = 0

    def open(self, path: str) -> Response:
        """Open an address, as from a message."""
        response = self.page.goto(path)
        assert response is not None
        return response

    def tap(self, control: str) -> Response:
        """Tap what leads to another page."""
        self.taps += 1
        with self.page.expect_navigation() as leaving:
            self.page.click(control)
        return leaving.value

    def mark(self, control: str) -> None:
        """Tap what stays on the page."""
        self.taps += 1
        self.page.click(control)

    @property
    def path(self) -> str:
        """Where we are. A form's fragment stays in the address through a redirect, so it is left out."""
        return urlsplit(self.page.url).path

    @property
    def asked(self) -> str | None:
        """The key of the question on the screen."""
        return self.path.removeprefix(QUESTIONS) if self.path.startswith(QUESTIONS) else None

    @property
    def heading(self) -> str:
        """What the page says first."""
        return " ".join(self.page.inner_text("h1").split())

    def start(self, case: Case, *, who: str = "self") -> None:
        """From the link to the first question."""
        self.open(case.path)
        self.tap("form[action$='/start'] button")
        self.tap(f"button[name=who][value={who}]")

    def answer(self, value: str) -> Response:
        """Answer the question on the screen."""
        if value in (NONE_OF_THESE, SKIP):
            return self.tap(f"button[name={value}]")
        if self.page.locator("fieldset.line").count():
            self.mark(f"input[name={value}][value=yes]")
            return self.go_on()
        return self.tap(f"button[name=answer][value='{value}']")

    def go_on(self) -> Response:
        """Continue."""
        return self.tap("form.sheet .finish button:not([name])")

    def answer_until(self, answers: Mapping[str, str], *, until: str | None = None) -> list[str]:
        """Answer whatever is asked, up to that question or to the last; the keys in the order they were asked."""
        asked: list[str] = []
        while self.asked and self.asked != until:
            asked.append(self.asked)
            self.answer(answers[self.asked])
        return asked

    def send(self) -> None:
        """From the page after the questions to the result."""
        self.skip_birth()
        self.tap("form[action$='/send'] button")

    def skip_birth(self) -> None:
        """Month and year of birth are asked last, and nobody has to give them."""
        if self.path == BIRTH:
            self.tap("button[name=skip]")


def sign_in(page: Page, member: Member) -> None:
    """Sign in on the staff's page."""
    page.goto("/sign-in")
    page.fill("input[name=email]", member.email)
    page.fill("input[name=password]", PASSWORD)
    with page.expect_navigation():
        page.click("main button")
