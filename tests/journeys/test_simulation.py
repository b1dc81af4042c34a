"""A thousand patients over forty days, every habit mixed with every fault; the carriers' journal is the judge.

`DAYTWO_SEED` repeats a run (`random` makes a new one), `DAYTWO_PATIENTS` makes one larger or smaller.
"""

import os
import secrets

import pytest
import structlog

from survey.services import conservation
from tests import surveys
from tests.simulation.world import START, Plan, World


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("database")
def test_forty_days_of_a_clinic_break_no_promise() -> None:
    seed = os.environ.get("DAYTWO_SEED", "d")
    seed = secrets.token_hex(4) if seed == "random" else seed
    world = World(Plan(seed=seed, size=int(os.environ.get("DAYTWO_PATIENTS", "1000"))))
    surveys.open_clinic(START)

    with structlog.testing.capture_logs():
        world.run()

    print(f"seed {seed}, {world.steps} steps")
    for name, number in sorted({**world.seen, **world.judge.counted}.items()):
        print(f"{number:7} {name}")
    for _, balance in conservation.balances(now=world.now):
        print(balance.sentence)
