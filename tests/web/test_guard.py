"""Nobody opens what is not theirs, and no route is forgotten."""

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import IntegerConverter

from survey.domain.accounts import Permission, Role, may
from survey.store.session import transaction
from survey.web import guard
from tests.cast import ANA, LENA, OLGA, PEOPLE, ROOT, SAM, Person
from tests.conftest import Database
from tests.staff import Desk, application, settings

PAGES = {
    "/worklist": Permission.WORKLIST_READ,
    "/enrol": Permission.PATIENT_WRITE,
    "/imports/new": Permission.PATIENT_WRITE,
    "/on-call": Permission.ONCALL_READ,
    "/trends": Permission.TREND_READ,
    "/users": Permission.USER_WRITE,
}
ELSEWHERE = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
    "evil.example", "/worklist\\..", "/\tevil", "", None,
)  # fmt: skip


def app_with(view: object) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/thing", "thing", view)  # type: ignore[arg-type]
    return app


def test_an_undeclared_route_keeps_the_application_from_starting() -> None:
    with pytest.raises(RuntimeError, match="/thing"):
        guard.install(app_with(lambda: "hello"))


def test_a_route_with_two_policies_keeps_the_application_from_starting() -> None:
    twice = guard.public("once")(guard.requires(Permission.AUDIT_READ)(lambda: "hello"))

    with pytest.raises(RuntimeError, match="/thing"):
        guard.install(app_with(twice))


def test_flasks_own_static_route_counts_as_a_route() -> None:
    app = Flask(__name__, static_folder="static")

    with pytest.raises(RuntimeError, match="static"):
        guard.install(app)


def test_a_stranger_is_sent_to_sign_in_and_back(desk: Desk) -> None:
    response = desk.get("/worklist?kind=urgent")

    assert response.status_code == 303
    assert response.headers["Location"] == "/sign-in?next=/worklist?kind%3Durgent"


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.role.value)
def test_each_role_opens_its_own_pages_and_no_other(desk: Desk, person: Person) -> None:
    desk.signed_in(person)

    opened = {path: desk.get(path).status_code for path in PAGES}

    assert opened == {path: 200 if may(person.role, needed) else 403 for path, needed in PAGES.items()}


def test_every_route_that_asks_for_a_permission_refuses_the_outsider(database: Database, desk: Desk) -> None:
    app = application(database)
    desk.signed_in(OLGA)
    some_id = "00000000-0000-4000-8000-00000000ffff"
    with app.app_context():
        guarded = [
            (rule, policy.permission)
            for rule in app.url_map.iter_rules()
            if (policy := guard.policy_of(rule.endpoint)) and policy.permission
        ]

    for rule, permission in guarded:
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        numbers = {name for name, kind in rule._converters.items() if isinstance(kind, IntegerConverter)}
        values = {name: 1 if name in numbers else some_id for name in rule.arguments}
        path = (rule.build(values) or ("", ""))[1]
        sent = desk.get(path) if method == "GET" else desk.post(path)
        assert (sent.status_code == 403) is not may(Role.AUDITOR, permission), path

    assert len(guarded) > 20


def test_what_was_read_and_what_was_refused_is_on_the_trail(desk: Desk) -> None:
    desk.signed_in(SAM).get("/worklist")
    desk.get("/users")

    with transaction() as tx:
        kept = tx.run(text("SELECT action FROM audit_event WHERE actor_id = :id ORDER BY at"), {"id": SAM.id}).scalars()
        assert list(kept)[-2:] == ["worklist.read", "access.refused"]


def test_an_admin_sees_no_patient(desk: Desk) -> None:
    desk.signed_in(ROOT)

    response = desk.get("/procedures/00000000-0000-4000-8000-00000000ffff")

    assert response.status_code == 403
    assert "admin" in response.text


def test_a_disabled_account_is_out_within_one_request(desk: Desk) -> None:
    desk.signed_in(SAM)
    assert desk.get("/worklist").status_code == 200

    with transaction() as tx:
        tx.run(text("UPDATE app_user SET active = false WHERE id = :id"), {"id": SAM.id})

    assert desk.get("/worklist").status_code == 303


def test_a_changed_role_counts_from_the_next_request(desk: Desk) -> None:
    desk.signed_in(LENA)
    assert desk.get("/worklist").status_code == 200

    with transaction() as tx:
        tx.run(text("UPDATE app_user SET role = 'auditor' WHERE id = :id"), {"id": LENA.id})

    assert desk.get("/worklist").status_code == 403


def test_pages_behind_a_permission_stay_out_of_caches(desk: Desk) -> None:
    desk.signed_in(ANA)

    assert desk.get("/worklist").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ELSEWHERE)
def test_nobody_is_sent_elsewhere_after_signing_in(address: str | None) -> None:
    assert guard.own_path(address) is None


def test_a_path_of_our_own_is_kept() -> None:
    assert guard.own_path("/alerts/1?outcome=other") == "/alerts/1?outcome=other"


def test_the_cookie_is_bound_to_the_host_where_there_is_https(database: Database) -> None:
    from survey.web.app import create_app

    app = create_app(settings(database, public_url="https://daytwo.example.org"))

    with app.app_context():
        assert guard.cookie_name() == "__Host-daytwo"
