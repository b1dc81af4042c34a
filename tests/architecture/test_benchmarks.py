"""The comparison with other rule engines: not needed for anything else, and never right by accident."""

import sys
from types import SimpleNamespace

import pytest

from benchmarks import scoring


def test_without_the_other_engines_the_comparison_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "benchmarks.rules_json_logic", None)

    with pytest.raises(SystemExit, match="make bench"):
        scoring.measure()


def test_an_engine_that_finds_something_else_ends_the_run(monkeypatch: pytest.MonkeyPatch):
    def blind(_protocol: object):
        return lambda _facts: ("routine", ())

    monkeypatch.setitem(sys.modules, "benchmarks.rules_json_logic", SimpleNamespace(scorer=blind))
    monkeypatch.setitem(sys.modules, "benchmarks.rules_zen", SimpleNamespace(expression=blind, decision=blind))

    with pytest.raises(SystemExit, match="do not agree"):
        scoring.measure()
