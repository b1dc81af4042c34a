"""No address appears, vanishes or changes hands by accident."""

import re

from flask import Flask

from survey.web import guard
from tests.architecture import routes

PLAIN = {"digest", "key", "name", "token"}
"""Parameters that are words; whatever names a row is a typed id."""


def crooked(rule: str) -> list[str]:
    """What is wrong with the shape of an address."""
    found = []
    for part in rule.strip("/").split("/"):
        parameter = re.fullmatch(r"<(?:(\w+):)?(\w+)>", part)
        if parameter and parameter[1] is None and parameter[2] not in PLAIN:
            found.append(f"{part} has no type")
        if not parameter and not re.fullmatch(r"[a-z0-9]*(-[a-z0-9]+)*", part):
            found.append(f"{part} is not kebab-case")
    return found


def test_the_routes_are_those_of_the_snapshot():
    now = routes.lines(routes.application())

    before = routes.SNAPSHOT.read_text(encoding="utf-8").splitlines()

    assert now == before, "meant? then write it anew: python -m tests.architecture.routes"


def test_addresses_are_kebab_case_and_ids_are_typed():
    rules = {rule.rule for rule in routes.application().url_map.iter_rules()}

    assert not {rule: crooked(rule) for rule in rules if crooked(rule)}


def test_a_crooked_address_is_found():
    assert crooked("/onCall/<shift_id>") == ["onCall is not kebab-case", "<shift_id> has no type"]


def test_a_new_route_changes_the_snapshot():
    app = Flask("sample", static_folder=None)
    app.add_url_rule("/new", view_func=guard.public("A sample.")(lambda: ""), endpoint="new", methods=["POST"])

    (line,) = routes.lines(app)

    assert line.split() == ["/new", "POST", "public"]
    assert line not in routes.SNAPSHOT.read_text(encoding="utf-8").splitlines()
