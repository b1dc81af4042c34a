"""Draws the README's four pictures from a Daytwo of its own, with invented patients at a fixed moment."""

import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from os import geteuid
from pathlib import Path

import click
import structlog
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from survey import clock
from survey.local import carrier, clinic, postgres, seed, services
from survey.local.carrier import Carrier
from survey.local.clinic import PASSWORD, STAFF, TEAM, Member
from survey.messaging import registry
from survey.services import escalation, pages, responses, sending
from survey.settings import Settings
from survey.store import doorbell, heartbeats, migrate, session
from survey.web.app import create_app

IMAGES = Path(__file__).parent / "images"
MOMENT = datetime(2026, 3, 11, 15, 12, tzinfo=UTC)
"""A Wednesday, 11:12 on the clinic's wall; nothing in the pictures depends on when they are drawn."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--disable-background-networking", "--disable-gpu", "--disable-lcd-text", "--no-first-run")
PHONE = {"width": 390, "height": 760}
DESK = {"width": 1080, "height": 700}
SCALES = {390: 1.5, 1080: 1}
MOST_BYTES = 120_000
LINK = re.compile(r"https?://\S+?(/[sa]/\w+)")


def answer(value: str) -> str:
    """The button of that answer."""
    return f"button[name=answer][value='{value}']"


NONE = "button[name=none_of_these]"
ONWARDS = "form.sheet .finish button:not([name])"
BEFORE_WEAKNESS = [NONE, answer("no"), answer("4"), answer("same")]
AFTER_WEAKNESS = [NONE, *map(answer, ("no", "no", "no", "no", "none"))]


class _Silent(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Nothing."""


def main() -> None:
    """Draw all four."""
    clock.now = lambda: MOMENT
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        running = services.start(Path(folder) / ".daytwo", environ={})
        stack.callback(running.stop)
        migrate.upgrade(running.environ["OWNER_DATABASE_URL"], app_role=postgres.APPLICATION)
        phones = stack.enter_context(carrier.running())
        address = stack.enter_context(_web(running.environ, phones))
        _clinic()
        draw(stack.enter_context(_browser()), address, phones)


@contextmanager
def _web(environ: dict[str, str], phones: Carrier) -> Iterator[str]:
    """The web pages, in a thread of this process."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=_Silent)
    address = f"http://127.0.0.1:{server.port}"
    settings = Settings(
        database_url=environ["DATABASE_URL"],
        redis_url=environ["REDIS_URL"],
        secret_key=environ["SECRET_KEY"],
        public_url=address,
        demo=True,
        twilio_base_url=phones.url,
    )
    session.configure(environ["DATABASE_URL"])
    doorbell.configure(environ["REDIS_URL"])
    registry.configure(settings)
    server.app = create_app(settings)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield address
    server.shutdown()
    serving.join()
    session.dispose()


@contextmanager
def _browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        sys.exit("There is no Chromium on this machine. Install one, then try again.")
    with sync_playwright() as playwright:
        flags = [*FLAGS, *(["--no-sandbox"] if geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


def _clinic() -> None:
    """The demo's clinic with its past; the texts that are due have left."""
    riverside = clinic.settle(MOMENT)
    seed.past(riverside, MOMENT, progress=lambda *_: None)
    seed.today(riverside, MOMENT)
    _work()


def _work() -> None:
    """What workers and sentinel would do."""
    while responses.score_due(now=MOMENT) or escalation.advance_due(now=MOMENT):
        pass
    while pages.send_due(now=MOMENT) or sending.send_due(now=MOMENT):
        pass
    with session.transaction() as tx:
        heartbeats.beat(tx, "sentinel", now=MOMENT)


def draw(browser: Browser, address: str, phones: Carrier) -> None:
    """One patient's weakness pages the clinician; another meets a red flag; staff look at the list."""
    first, second, *_ = _english(browser, address, _links(phones, "/s/"))
    weaker = _open(browser, address, PHONE)
    _answer(weaker, first, BEFORE_WEAKNESS)
    _picture(weaker, "question")
    for control in (answer("worse"), ".onwards a", answer("trouble"), *AFTER_WEAKNESS):
        _tap(weaker, control)
    _work()
    _picture(_alert(browser, address, phones), "alert")
    flagged = _open(browser, address, PHONE)
    _answer(flagged, second, [])
    flagged.check("input[name=chest][value=yes]")
    _tap(flagged, ONWARDS)
    _picture(flagged, "help")
    _work()
    desk = _open(browser, address, DESK)
    _sign_in(desk, STAFF)
    desk.goto("/worklist")
    _picture(desk, "worklist")


def _links(phones: Carrier, kind: str) -> list[str]:
    """The paths in the texts that went out, by the number that they went to."""
    sent = sorted(phones.journal.entries(), key=lambda entry: (entry.to, entry.body))
    return [found[1] for entry in sent if (found := LINK.search(entry.body)) and found[1].startswith(kind)]


def _english(browser: Browser, address: str, links: list[str]) -> Iterator[str]:
    page = _open(browser, address, PHONE)
    for link in links:
        page.goto(link)
        if page.get_attribute("html", "lang") == "en":
            yield link


def _answer(page: Page, link: str, taps: list[str]) -> None:
    page.goto(link)
    for control in ("form[action$='/start'] button", "button[name=who][value=self]", *taps):
        _tap(page, control)


def _alert(browser: Browser, address: str, phones: Carrier) -> Page:
    """The alert as the one who was paged first sees it."""
    paged = next(entry for entry in phones.journal.entries() if "/a/" in entry.body)
    page = _open(browser, address, PHONE)
    _sign_in(page, next(member for member in TEAM if member.pager == paged.to))
    page.goto(LINK.search(paged.body)[1])
    _tap(page, "main a.second")
    return page


def _sign_in(page: Page, member: Member) -> None:
    page.goto("/sign-in")
    page.fill("input[name=email]", member.email)
    page.fill("input[name=password]", PASSWORD)
    _tap(page, "main button")


def _open(browser: Browser, address: str, size: dict[str, int]) -> Page:
    """A page on a device of its own, in light colors."""
    return browser.new_context(
        base_url=address,
        viewport=size,
        device_scale_factor=SCALES[size["width"]],
        java_script_enabled=False,
        color_scheme="light",
        locale="en-US",
    ).new_page()


def _tap(page: Page, control: str) -> None:
    with page.expect_navigation():
        page.click(control)


def _picture(page: Page, name: str) -> None:
    """What stands on the screen, under that name. Exits when the file is too large for a README."""
    drawn = page.screenshot()
    if len(drawn) > MOST_BYTES:
        sys.exit(f"{name}.png has {len(drawn)} bytes; at most {MOST_BYTES}.")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(drawn)
    click.echo(f"docs/images/{name}.png: {len(drawn)} bytes")


if __name__ == "__main__":
    main()
