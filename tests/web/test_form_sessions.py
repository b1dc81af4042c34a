"""The cookie that holds a form's token: read once, trusted only when it is ours, never shared."""

import pytest
from flask import Flask, flash, get_flashed_messages, session
from werkzeug.http import parse_cookie

from survey.web import form_sessions


@pytest.fixture
def app() -> Flask:
    small = Flask(__name__)
    small.config.update(SECRET_KEY="for this test alone", SESSION_COOKIE_NAME="form")
    form_sessions.install(small)

    @small.get("/note/<text>")
    def note(text: str) -> str:
        flash(text)
        return ""

    @small.get("/read")
    def read() -> str:
        return ", ".join(get_flashed_messages())

    @small.get("/keep")
    def keep() -> str:
        session["csrf_token"] = "kept"
        return ""

    @small.get("/token")
    def token() -> str:
        return str(session.get("csrf_token"))

    return small


def cookie(app: Flask, path: str, value: str = "") -> str:
    """What the browser holds after that page."""
    answer = app.test_client(use_cookies=False).get(path, headers={"Cookie": f"form={value}"})
    return parse_cookie(answer.headers.get("Set-Cookie", ""))["form"] or value


def told(app: Flask, path: str, value: str) -> str:
    return app.test_client(use_cookies=False).get(path, headers={"Cookie": f"form={value}"}).text


def test_what_a_cookie_holds_is_there_however_often_it_comes_back(app: Flask) -> None:
    mine = cookie(app, "/keep")

    assert [told(app, "/token", mine) for _ in range(3)] == ["kept"] * 3


def test_a_cookie_that_we_did_not_sign_holds_nothing(app: Flask) -> None:
    mine = cookie(app, "/keep")
    forged = mine[:-4] + ("A" if mine[-4] != "A" else "B") + mine[-3:]  # of the last sign only some bits count

    assert [told(app, "/token", forged) for _ in range(2)] == ["None", "None"]


def test_a_cookie_of_another_secret_holds_nothing(app: Flask) -> None:
    mine = cookie(app, "/keep")
    other = Flask(__name__)
    other.config.update(SECRET_KEY="another", SESSION_COOKIE_NAME="form")
    form_sessions.install(other)
    other.add_url_rule("/token", view_func=app.view_functions["token"])

    assert told(other, "/token", mine) == "None"


def test_a_notice_is_not_added_to_what_another_request_reads(app: Flask) -> None:
    first = cookie(app, "/note/one")
    told(app, "/read", first)

    cookie(app, "/note/two", first)

    assert told(app, "/read", first) == "one"


def test_a_page_that_changes_nothing_sets_no_cookie(app: Flask) -> None:
    mine = cookie(app, "/keep")

    answer = app.test_client(use_cookies=False).get("/token", headers={"Cookie": f"form={mine}"})

    assert "Set-Cookie" not in answer.headers
