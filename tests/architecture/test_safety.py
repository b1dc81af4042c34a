"""What is promised on paper: each hazard names tests that exist, and the runbook knows every sentence of the banner."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from survey.settings import ROOT
from survey.store.health import BREACHES

HAZARDS = ROOT / "docs/clinical-safety.md"
RUNBOOK = ROOT / "docs/runbook.md"
HEALTH = ROOT / "survey/services/health.py"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| ([HD]\d\d) \|(.*)\|$", re.MULTILINE)
GIVEN = [f"H{number:02d}" for number in range(1, 19)]
"""The hazards that the clinic's own draft lists; those with a D are Daytwo's."""


def proofs(path: Path) -> set[str]:
    """Tests and chaos scenarios in a module, by its text: nothing is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in found if node.name.startswith("test_") or is_scenario(node)}


def is_scenario(function: ast.FunctionDef) -> bool:
    """Whether a function is registered as something that is done to the whole of Daytwo."""
    calls = [one.func for one in function.decorator_list if isinstance(one, ast.Call)]
    return any(isinstance(call, ast.Name) and call.id == "scenario" for call in calls)


@cache
def known(path: str) -> frozenset[str]:
    return frozenset(proofs(ROOT / path)) if (ROOT / path).is_file() else frozenset()


def rows(text: str) -> dict[str, str]:
    return dict(ROW.findall(text))


def missing(text: str) -> list[str]:
    """Tests that are named and do not exist, and hazards that name none."""
    absent = [f"{path}::{name}" for path, name in NAMED.findall(text) if name not in known(path)]
    bare = [hazard for hazard, row in rows(text).items() if not NAMED.search(row)]
    return absent + [f"{hazard} names no test" for hazard in bare]


def test_each_hazard_is_proved_by_tests_that_exist():
    assert missing(HAZARDS.read_text(encoding="utf-8")) == []


def test_every_hazard_of_the_draft_is_in_the_log_and_none_twice():
    found = [hazard for hazard, _ in ROW.findall(HAZARDS.read_text(encoding="utf-8"))]

    assert [hazard for hazard in found if hazard.startswith("H")] == GIVEN
    assert len(found) == len(set(found))


def test_each_hazard_has_cause_control_and_what_is_left():
    short = [hazard for hazard, row in rows(HAZARDS.read_text(encoding="utf-8")).items() if row.count("|") != 3]

    assert not short


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("| H01 | a | b | `tests/architecture/test_safety.py::test_no_such` | c |", 1),
        ("| H01 | a | b | `tests/nowhere.py::test_x` | c |", 1),
        ("| H01 | a | b | by hand | c |", 1),
        ("| H01 | a | b | `tests/architecture/test_safety.py::test_a_gap_in_the_log_is_found` | c |", 0),
        ("| H01 | a | b | `tests/chaos/workers.py::killed_before_the_send` | c |", 0),
        ("| H01 | a | b | `tests/chaos/workers.py::_doomed` | c |", 1),
    ],
)
def test_a_gap_in_the_log_is_found(text: str, found: int):
    assert len(missing(text)) == found


def checks(text: str) -> Iterator[str]:
    """The names that `survey/services/health.py` gives its checks."""
    for call in ast.walk(ast.parse(text)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_check", "Check"):
            named = [word.value for word in call.keywords if word.arg == "name"] or call.args[:1]
            yield from (name.value for name in named if isinstance(name, ast.Constant) and isinstance(name.value, str))


def headings(text: str) -> set[str]:
    return set(re.findall(r"^### (.+)$", text, re.MULTILINE))


def test_the_runbook_says_what_to_do_about_everything_that_the_banner_can_say_and_about_nothing_else():
    said = {*checks(HEALTH.read_text(encoding="utf-8")), *BREACHES}

    assert headings(RUNBOOK.read_text(encoding="utf-8")) == said


def test_a_check_that_is_new_is_found():
    assert list(checks('_check("new", well, "Good.", "Bad.")\nCheck(name="other", state=1, sentence="")')) == [
        "new",
        "other",
    ]
