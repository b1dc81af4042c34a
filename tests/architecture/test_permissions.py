"""Every route says who may use it, and what each role may do makes sense as a whole."""

from collections.abc import Iterator

import pytest
from flask import Flask

from survey.domain.accounts import GRANTED, Permission, Role, may
from survey.web import guard
from survey.web.guard import Kind, Policy
from tests.architecture import routes

OPEN_POSTS = {
    "/a/<token>",  # the page's own token is what it is proved by
    "/inbound/sinch",  # the provider's signature
    "/inbound/sms",
    "/receipts/sms/<uuid:attempt_id>",  # the provider's signature
    "/receipts/canary",
    "/receipts/sinch",  # likewise
    "/sign-in",
    "/sign-out",
    "/t/<token>",  # a test page's own token; for a mail's, the sign-in of its owner as well
    "/voice/twilio/<uuid:attempt_id>",  # the provider's signature
    "/voice/twilio/<uuid:attempt_id>/status",  # likewise
}
"""Whatever else changes something asks for a permission or a patient's link."""


@pytest.fixture(scope="module")
def app() -> Flask:
    return routes.application()


def policies(app: Flask) -> Iterator[tuple[str, str, Policy]]:
    """Address, method, policy."""
    for rule in app.url_map.iter_rules():
        (policy,) = guard.declared(app.view_functions[rule.endpoint])
        for method in sorted((rule.methods or set()) - routes.AUTOMATIC):
            yield rule.rule, method, policy


def test_every_route_has_exactly_one_policy(app: Flask):
    counts = {rule.rule: len(guard.declared(app.view_functions[rule.endpoint])) for rule in app.url_map.iter_rules()}

    assert set(counts.values()) == {1}, counts


def test_an_undeclared_view_keeps_the_application_from_starting():
    late = Flask("late", static_folder=None)
    late.add_url_rule("/open-door", view_func=lambda: "", endpoint="open_door")

    with pytest.raises(RuntimeError, match="/open-door"):
        guard.install(late)


def test_what_is_open_to_all_says_why(app: Flask):
    silent = [address for address, _, policy in policies(app) if policy.kind is Kind.PUBLIC and len(policy.why) < 15]

    assert not silent


def test_what_changes_something_is_not_open_to_all(app: Flask):
    open_posts = {
        address for address, method, policy in policies(app) if method == "POST" and policy.kind is Kind.PUBLIC
    }

    assert open_posts == OPEN_POSTS


def test_what_changes_something_asks_for_more_than_reading(app: Flask):
    lax = [
        address
        for address, method, policy in policies(app)
        if method == "POST" and policy.permission and policy.permission.endswith(":read")
    ]

    assert not lax


def test_an_auditor_changes_nothing(app: Flask):
    allowed = [
        address
        for address, method, policy in policies(app)
        if method == "POST" and policy.permission and may(Role.AUDITOR, policy.permission)
    ]

    assert not allowed


def test_an_admin_opens_no_page_about_a_patient():
    about_patients = {
        permission for permission in Permission if permission.startswith(("alert:", "patient:", "worklist:"))
    }

    assert not GRANTED[Role.ADMIN] & about_patients


def test_every_permission_is_held_by_somebody():
    held = frozenset().union(*GRANTED.values())

    assert held == set(Permission)
