"""What every response carries, what no request may be, and what the log never says."""

import json
import re

import psycopg
import pytest
import structlog
from flask import Flask, request

from survey import clock
from survey.store import session as database_session
from survey.web import errors, guard, headers
from survey.web.app import create_app
from tests.conftest import Database
from tests.phone import ORIGIN, Phone, application, settings
from tests.surveys import invited, open_clinic

NOW = clock.now()
SAFE_PAGES = ("/live", "/ready", "/sign-in", "/check-in", "/check-in/closed", "/nowhere", "/s/unknown", "/worklist")


@pytest.fixture
def app(database: Database) -> Flask:
    assert database
    open_clinic(NOW)
    return application()


def sheet(app: Flask) -> str:
    with app.test_request_context():
        return app.jinja_env.globals["asset"]("patient.css")


@pytest.mark.parametrize("path", SAFE_PAGES)
def test_every_answer_of_every_kind_carries_the_same_headers(app: Flask, path: str):
    answer = app.test_client().get(path)

    assert {name: answer.headers.get(name) for name in headers.HEADERS} == headers.HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers
    assert not {"Access-Control-Allow-Origin", "X-Powered-By"} & set(answer.headers.keys())


def test_nothing_may_run_be_framed_or_come_from_elsewhere():
    rules = dict(rule.split(" ", 1) for rule in headers.POLICY.split("; "))

    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "script-src" not in rules
    assert "unsafe" not in headers.POLICY


def test_over_https_browsers_are_told_to_stay_there(database: Database):
    assert database
    app = application(public_url="https://localhost")

    answer = app.test_client().get("/live", base_url="https://localhost")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_a_style_sheet_is_kept_for_good_at_the_address_of_its_content(app: Flask):
    address = sheet(app)

    answer = app.test_client().get(address)
    old = app.test_client().get(re.sub("[0-9a-f]{12}", "0" * 12, address))

    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "text/css; charset=utf-8"
    assert old.status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 400),
        ({"Origin": ORIGIN}, 400),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(app: Flask, sent: dict[str, str], status: int):
    """400 is the next check: the form's token."""
    assert app.test_client().post("/check-in/send", headers=sent).status_code == status


def test_start_needs_no_form_token_but_our_own_page(app: Flask):
    case = invited(NOW)

    ours = app.test_client().post(f"/s/{case.token}/start", headers={"Origin": ORIGIN})
    theirs = app.test_client().post(f"/s/{case.token}/start", headers={"Origin": "https://example.org"})

    assert (ours.status_code, theirs.status_code) == (303, 403)


def test_the_form_token_is_waived_for_what_a_link_or_a_signature_proves_and_nothing_else(app: Flask):
    csrf = app.extensions["csrf"]

    views = {"start", "not_me", "ask_for_fresh"}
    assert csrf._exempt_views == {f"survey.web.links.{view}" for view in views}
    assert {blueprint.name for blueprint in csrf._exempt_blueprints} == {"inbound", "receipts", "voice"}


def test_a_form_that_lay_open_for_two_hours_is_still_taken(app: Flask):
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None


def test_another_host_name_is_not_answered(app: Flask):
    assert app.test_client().get("/live", base_url="http://evil.example").status_code == 400
    assert app.test_client().get("/live", base_url="http://127.0.0.1:8000").status_code == 200


def test_the_callers_address_is_believed_from_as_many_proxies_as_there_are(database: Database):
    assert database
    seen: list[str | None] = []

    for proxies in (0, 1):
        app = application(trusted_proxies=proxies)
        app.before_request(lambda: seen.append(request.remote_addr))
        app.test_client().get("/live", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})

    assert seen == ["127.0.0.1", "198.51.100.7"]


def test_a_page_is_packed_for_whoever_can_unpack_it(app: Flask):
    packed = app.test_client().get("/sign-in", headers={"Accept-Encoding": "gzip"})
    plain = app.test_client().get("/sign-in", headers={"Accept-Encoding": "gzip;q=0"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_a_request_is_one_line_in_the_log_without_its_path_or_anything_in_it(app: Flask):
    case = invited(NOW)

    with structlog.testing.capture_logs() as lines:
        phone = Phone(app).begin(case.token).answer("note", answer="my secret note")
        phone.open(f"/s/{case.token}?language=es&name=Maria")

    logged = json.dumps(lines, default=str)
    requests = [line for line in lines if line["event"] == "request"]
    assert {key: requests[-1][key] for key in ("route", "method", "status")} == {
        "route": "/s/<path:token>",
        "method": "GET",
        "status": 200,
    }
    assert not re.search(f"{case.token}|secret note|Maria|{phone.client.get_cookie('daytwo-patient').value}", logged)


def test_a_fault_is_logged_by_its_kind_and_our_own_lines(app: Flask):
    assert app
    case, app = invited(NOW), create_app(settings())  # one that is not shared, since it is broken here
    phone = Phone(app).begin(case.token)

    @guard.patient_link
    def fail() -> str:
        raise RuntimeError("Maria Lindqvist, +12025550121")

    app.view_functions["answers.review"] = fail
    with structlog.testing.capture_logs() as lines:
        phone.open("/check-in/review")

    (failed,) = [line for line in lines if line["event"] == "request.failed"]
    assert failed["error"] == "RuntimeError"
    assert "Maria" not in json.dumps(lines, default=str)
    assert phone.status == 500
    assert "Something went wrong on our side" in phone.text


def test_alive_and_ready_say_nothing_else(app: Flask):
    client = app.test_client()

    assert (client.get("/live").data, client.get("/ready").data) == (b"ok\n", b"ready\n")


def test_without_a_database_the_process_is_alive_and_not_ready(app: Flask):
    database_session.configure("postgresql+psycopg://nobody@127.0.0.1:1/none")
    client = app.test_client()

    assert (client.get("/live").status_code, client.get("/ready").status_code) == (200, 503)


@pytest.mark.parametrize(("revision", "status"), [("0001", 503), ("9999", 200)])
def test_a_process_serves_on_the_next_releases_schema_and_not_on_an_older_one(
    app: Flask, database: Database, revision: str, status: int
):
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("UPDATE alembic_version SET version_num = %s", (revision,))

    assert app.test_client().get("/ready").status_code == status


def test_code_that_was_compiled_ahead_by_a_name_from_the_root_on_is_told_as_ours() -> None:
    compiled = compile("1 / 0", "survey/web/answers.py", "exec")

    with pytest.raises(ZeroDivisionError) as fault:
        exec(compiled)  # noqa: S102

    assert errors.own_frames(fault.tb) == ["survey/web/answers.py:1 <module>"]
