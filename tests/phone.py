"""A patient's phone without a screen: opens pages, presses buttons, keeps cookies, runs no JavaScript."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from survey.settings import Settings
from survey.web import limits
from survey.web.app import create_app

ORIGIN = "http://localhost"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
TAG = re.compile(r"<[^>]+>")


def settings(**changes: object) -> Settings:
    """Settings of a web process that nothing else hangs on."""
    usual = {
        "database_url": "postgresql://nobody@nowhere/none",
        "redis_url": "redis://127.0.0.1:1/0",
        "secret_key": "web-tests-sign-forms-with-this-and-nothing-else",
        "public_url": ORIGIN,
    }
    return Settings(**usual | changes)  # type: ignore[arg-type]


def application(**changes: object) -> Flask:
    """The whole application, put together once for the same settings, with nobody's misses counted yet."""
    app = _made(**changes)
    limits.install(app)
    return app


@lru_cache(maxsize=8)
def _made(**changes: object) -> Flask:
    return create_app(settings(**changes))


@dataclass
class Phone:
    """`page` is what is on the screen, after every redirect; `trail` the addresses on the way."""

    app: Flask
    headers: dict[str, str] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)
    page: TestResponse | None = None

    def __post_init__(self) -> None:
        self.client: FlaskClient = self.app.test_client()

    def open(self, path: str) -> "Phone":
        """Follow a link."""
        return self._show(self.client.get(path, headers=self.headers))

    def press(self, path: str, **fields: str) -> "Phone":
        """Send the form at `path` from the page on the screen."""
        token = TOKEN.search(self.html)
        data = {"csrf_token": token[1], **fields} if token else fields
        return self._show(self.client.post(path, data=data, headers={"Origin": ORIGIN, **self.headers}))

    def begin(self, token: str, who: str = "self") -> "Phone":
        """Open the link, press Start, say who is answering."""
        return self.open(f"/s/{token}").press(f"/s/{token}/start", language="en").press("/check-in/who", who=who)

    def answer(self, item: str, **fields: str) -> "Phone":
        """Send one question's page."""
        return self.press(f"/check-in/questions/{item}", **fields)

    def finish(self) -> "Phone":
        """From the birth page to the result."""
        return self.press("/check-in/birth", skip="1").press("/check-in/send")

    @property
    def html(self) -> str:
        """The page's source."""
        return self.page.get_data(as_text=True) if self.page else ""

    @property
    def text(self) -> str:
        """The page's words."""
        return " ".join(unescape(TAG.sub(" ", self.html)).split())

    @property
    def path(self) -> str:
        """Where the phone has got to."""
        return self.trail[-1]

    @property
    def status(self) -> int:
        """The status of the page."""
        assert self.page
        return self.page.status_code

    def _show(self, response: TestResponse) -> "Phone":
        self.trail.append(response.request.path)
        while response.status_code == 303:
            response = self.client.get(response.location, headers=self.headers)
            self.trail.append(response.request.path)
        self.page = response
        return self
