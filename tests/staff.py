"""The staff desk over HTTP: somebody signs in, opens pages, fills forms and presses buttons, as a browser would."""

import hashlib
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from survey import clock
from survey.domain.answers import Answers
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import alerts, escalation, pages, scores, sheets
from survey.settings import Settings
from survey.store import accounts as store
from survey.store.session import transaction
from survey.web import limits
from survey.web.app import create_app
from tests import surveys
from tests.cast import SAM, Person
from tests.conftest import Database
from tests.fakes import FakeSms
from tests.surveys import Case

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')

CALM: Answers = {
    "red": dict.fromkeys(("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord"), "no"),
    "breath": "no",
    "sore": 3,
    "trend": "better",
    "weak": "no",
    "skin": dict.fromkeys(("grow", "hot", "pus", "streak"), "no"),
    "fever": "no",
    "bleed": "no",
    "allergy": "no",
    "faint": "no",
    "help": "none",
}
BREATHLESS: Answers = {**CALM, "breath": "deep"}
"""Urgent."""


class Desk:
    """One browser."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def signed_in(self, person: Person, *, now: datetime | None = None) -> "Desk":
        """The same browser, with a session of that person's; no password is hashed for it."""
        token, at = uuid4().hex, now or clock.now()
        digest = hashlib.sha256(token.encode()).digest()
        with transaction() as tx:
            store.insert_session(tx, token_sha256=digest, user_id=person.id, now=at, ends_at=at + timedelta(hours=12))
        self.client.set_cookie("daytwo", token)
        return self

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, data: dict[str, Any] | None = None, *, of: str = "/on-call") -> TestResponse:
        """Send a form that stood on the page `of`, with its token."""
        found = TOKEN.search(self.get(of).text)
        token = {"csrf_token": found.group(1)} if found else {}
        return self.client.post(path, data=token | (data or {}), headers=SAME_ORIGIN)

    def follow(self, response: TestResponse) -> TestResponse:
        """Go where a form led to."""
        assert response.status_code == 303, response.text
        return self.get(response.headers["Location"])


def application(database: Database) -> Flask:
    """The whole web application on that database, without https."""
    app = _made(settings(database, database_url="postgresql://nobody@nowhere/none"))
    limits.install(app)
    return app


@lru_cache(maxsize=8)
def _made(settings: Settings) -> Flask:
    """The web goes by the database of the process, which is the test's: one application does for all of them."""
    return create_app(settings)


def settings(database: Database, **changes: Any) -> Settings:
    """Settings of a web process in a test."""
    usual = {
        "database_url": database.url,
        "redis_url": "redis://localhost:1",
        "secret_key": "k" * 40,
        "public_url": "http://localhost",
    }
    return Settings(**usual | changes)


def answered(case: Case, answers: Answers, *, now: datetime) -> None:
    """Sam has asked on the phone, and the answers are scored."""
    sheets.enter_by_phone(case.invitation_id, answers, by=SAM.actor, now=now)
    while scores.score_due(now=now):
        pass


def alarm(*, now: datetime, answers: Answers = BREATHLESS) -> UUID:
    """An open alert about Maria."""
    answered(surveys.invited(now), answers, now=now)
    return alerts.open_alerts()[0].id


def paged_token(*, now: datetime) -> str:
    """Page whoever is on call; the token in the text that left."""
    carrier = FakeSms(now=now)
    registry.wire(Wiring(public_url="http://localhost", sms=carrier, email=None))
    while escalation.advance_due(now=now) or pages.send_due(now=now):
        pass
    return carrier.wire[-1].token
