"""The quick part of `make chaos`: for each kind of fault the scenario that tells most, with all twelve invariants."""

from pathlib import Path

import pytest

from survey.local import pids
from tests.chaos import run, scenarios
from tests.chaos.mutants import MUTANTS, is_found
from tests.chaos.world import world

SEED = 7
PARTS = 3
"""Each in one go, on servers of its own, so that several cores can share them."""
BESIDE_OTHER_TESTS = 4.0
QUICK = [one for one in scenarios.every() if one.quick]


@pytest.mark.processes
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_is_done_to_it_all_ends_well(part: int, tmp_path: Path) -> None:
    if not pids.PROC.is_dir():
        pytest.skip("looks into /proc")

    with world(tmp_path / "world") as made:
        played = [run.play(made, one, seed=SEED, leniency=BESIDE_OTHER_TESTS) for one in QUICK[part::PARTS]]

    print("\n".join(run.line(one) for one in played))
    assert not [run.line(one) for one in played if one.found.broken]


def test_every_mutation_still_finds_its_guard_and_its_scenario() -> None:
    assert not [one.guard for one in MUTANTS if not all(is_found(change) for change in one.changes)]
    assert {one.scenario for one in MUTANTS} <= {one.name for one in scenarios.every()}


def test_every_number_of_the_specification_is_played() -> None:
    assert {one.number for one in scenarios.every()} >= set(range(1, 19))
