"""Patients over forty days, every habit mixed with every fault; the carriers' journal is the judge.

`DAYTWO_SEED` repeats a run (`random` makes a new one), `DAYTWO_PATIENTS` makes one larger or smaller.
"""

import os
import secrets
import time
from collections import Counter

import pytest
import structlog

from survey.services import conservation
from tests import surveys
from tests.simulation.world import START, Plan, World


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("database")
def test_forty_days_of_a_clinic_break_no_promise() -> None:
    seed = os.environ.get("DAYTWO_SEED", "d")
    seed = secrets.token_hex(4) if seed == "random" else seed
    world = World(Plan(seed=seed, size=int(os.environ.get("DAYTWO_PATIENTS", "400"))))
    print(f"seed {seed}")
    surveys.open_clinic(START)

    began = time.monotonic()
    with structlog.testing.capture_logs():
        world.run()

    tell(world, time.monotonic() - began)


def tell(world: World, seconds: float) -> None:
    """What there was of everything."""
    for name, number in sorted({**world.seen, **world.judge.counted}.items()):
        print(f"{number:7} {name}")
    for _, balance in conservation.balances(now=world.now):
        print(balance.sentence)
    plan, seen = world.plan, world.seen
    requests = Counter("emails" if one.provider == "smtp" else "texts" for one in world.journal.requests if one.arrived)
    print(f"seed {plan.seed}: {plan.size} patients, {plan.days} days, {world.steps} steps, {seconds:.0f} s")
    print(f"  {requests['texts']} texts and {requests['emails']} emails arrived, {seen['calls']} calls,")
    print(f"  {seen['answered'] + seen['asked on the phone']} check-ins answered")
    print(f"  faults: {', '.join(f'{number} {name}' for name, number in sorted(world.faults().items()))}")
    print(f"  the law that nobody is lost: {', '.join(f'{n} times {of}' for of, n in world.law_checks.items())}")
