"""The quick part of `make chaos`: for each kind of fault the scenario that tells most, with all twelve invariants."""

from collections.abc import Iterator

import pytest

from survey.local import pids
from tests.chaos import run, scenarios
from tests.chaos.mutants import MUTANTS, is_found
from tests.chaos.scenarios import Scenario
from tests.chaos.world import World, world

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

SEED = 7
QUICK = [one for one in scenarios.every() if one.quick]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not pids.PROC.is_dir():
        pytest.skip("looks into /proc")
    with world(tmp_path_factory.mktemp("chaos") / "world") as ours:
        yield ours


@pytest.mark.parametrize("scenario", QUICK, ids=lambda one: one.name)
def test_it_ends_well(made: World, scenario: Scenario) -> None:
    result = run.play(made, scenario, seed=SEED)

    assert not result.found.broken, run.line(result)


def test_every_mutation_still_finds_its_guard_and_its_scenario() -> None:
    assert not [one.guard for one in MUTANTS if not all(is_found(change) for change in one.changes)]
    assert {one.scenario for one in MUTANTS} <= {one.name for one in scenarios.every()}


def test_every_number_of_the_specification_is_played() -> None:
    assert {one.number for one in scenarios.every()} >= set(range(1, 18))
