"""A real Chromium against a real server on a database of the test's own; whatever the browser complains of fails it."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from survey import clock
from survey.local import clinic, postgres
from survey.local.clinic import Riverside
from survey.local.services import Services
from survey.messaging import registry
from survey.settings import Settings
from survey.store import doorbell, session
from survey.web.app import create_app
from tests.browser import inspect_page, world
from tests.browser.author_tour import author_stops
from tests.browser.inspect_page import Findings
from tests.browser.patient_tour import patient_stops
from tests.browser.staff_tour import alert_stops, desk_stops, office_stops
from tests.browser.walk import Phone
from tests.conftest import Database

HERE = Path(__file__).parent
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)
SECRET = "browser-tests-sign-forms-with-this-and-nothing-else"
PATIENCE_MS = 8_000
"""How long one click may take before it counts as lost; the machine may be busy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the whole run."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        give_up = pytest.fail if os.environ.get("DAYTWO_NO_SKIPS") == "1" else pytest.skip
        give_up("there is no Chromium on this machine")
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=flags)
        yield running
        running.close()


class _Silent(WSGIRequestHandler):
    """Says nothing: a path may hold a patient's link."""

    def log(self, *_: object, **__: object) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def template(services: Services, cluster: psycopg.Connection, tablespace: str, template: str) -> Iterator[str]:
    """Here every test's database is a copy of a clinic that has ninety days behind it."""
    name = f"{template}_clinic"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {postgres.OWNER} TABLESPACE {tablespace}")
    session.configure(services.environ["DATABASE_URL"].replace(f"/{postgres.DATABASE}?", f"/{name}?"))
    world.settle(clock.now())
    session.dispose()
    yield name
    cluster.execute(f"DROP DATABASE {name}")


@pytest.fixture
def riverside(address: str) -> Riverside:
    """The clinic behind `address`."""
    assert address
    return clinic.settle(clock.now())


@lru_cache(maxsize=1)
def application() -> Flask:
    """One for all tests of this process: it goes by the database and by the providers of the process."""
    return create_app(
        Settings(
            database_url="postgresql://nobody@nowhere/none",
            redis_url="redis://127.0.0.1:1/0",
            secret_key=SECRET,
            public_url="http://127.0.0.1",
        )
    )


@pytest.fixture
def address(database: Database, redis_url: str) -> Iterator[str]:
    """Where the application answers, on a database of the test's own."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=_Silent)
    url = f"http://127.0.0.1:{server.port}"
    settings = Settings(database_url=database.url, redis_url=redis_url, secret_key=SECRET, public_url=url)
    doorbell.configure(redis_url)
    registry.configure(settings)
    server.app = application()
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    yield url
    server.shutdown()
    serving.join()
    server.server_close()


@dataclass
class Watch:
    """Listens to pages, and keeps what no page may do."""

    home: str
    troubles: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Listen to that page from now on."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.troubles.append(f"error in the page: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium reports each refused form (422) there as well; `_answered` judges answers by what they were for.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme != "data" and not request.url.startswith(self.home):
            self.troubles.append(f"off-origin request: {request.url}")
        if request.resource_type == "script":
            self.troubles.append(f"a script: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.troubles.append(f"{response.status} for {response.url}")


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Opens a page on a device of its own, at `width` CSS pixels; without JavaScript unless `script`.

    After the test each page must have been silent: no console error, no script, no request to anybody else.
    """
    watch = Watch(home=address)
    contexts: list[BrowserContext] = []

    def open_one(*, width: int = 390, height: int = 844, script: bool = False, **more: object) -> Page:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            java_script_enabled=script,
            locale="en-US",
            **more,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        watch.follow(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert watch.troubles == []


Tour = Callable[[Phone, Riverside, Database], Iterator[str]]

TOURS: dict[str, Tour] = {
    "patient, en": lambda phone, riverside, _: patient_stops(phone, riverside, clock.now(), "en"),
    "patient, es": lambda phone, riverside, _: patient_stops(phone, riverside, clock.now(), "es"),
    "desk": lambda phone, riverside, _: desk_stops(phone, riverside, clock.now()),
    "office": lambda phone, _, database: office_stops(phone, database),
    "alert": lambda phone, riverside, _: alert_stops(phone, riverside, clock.now()),
    "author": lambda phone, riverside, _: author_stops(phone, riverside, clock.now()),
}
TRANSLATED = {"patient, es"}
"""The same pages as on another tour, in other words."""
WIDTHS = {"author": 1280, "desk": 1280, "office": 1280}


@pytest.fixture
def findings(open_page: OpenPage, riverside: Riverside, database: Database) -> Callable[[str], Findings]:
    """All that was found on the tour of that name. axe needs JavaScript, and no policy that would keep it out."""

    def of(tour: str) -> Findings:
        page = open_page(width=WIDTHS.get(tour, 390), script=True, bypass_csp=True)
        stops = TOURS[tour](Phone(page), riverside, database)
        found = inspect_page.look(page, stops, in_other_words=tour in TRANSLATED)
        assert len(found.stops) > 8
        return found

    return of
