"""Patients over forty days, every habit mixed with every fault; the carriers' journal is the judge.

`DAYTWO_SEED` repeats a run (`random` makes a new one), `DAYTWO_PATIENTS` makes one larger or smaller.
"""

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import structlog

from survey.services import conservation
from tests import surveys
from tests.conftest import TOLD
from tests.simulation.world import START, Plan, World


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("database")
def test_forty_days_of_a_clinic_break_no_promise(record_property: Callable[[str, object], None]) -> None:
    seed = os.environ.get("DAYTWO_SEED", "d")
    seed = secrets.token_hex(4) if seed == "random" else seed
    world = World(Plan(seed=seed, size=int(os.environ.get("DAYTWO_PATIENTS", "5000"))))
    print(f"seed {seed}")
    surveys.open_clinic(START)

    began = time.monotonic()
    with structlog.testing.capture_logs():
        world.run()

    for name, number in sorted({**world.seen, **world.judge.counted}.items()):
        print(f"{number:7} {name}")
    sums = "\n".join(tell(world, time.monotonic() - began))
    print(sums)
    record_property(TOLD, sums)


def tell(world: World, seconds: float) -> Iterator[str]:
    """What there was, in sums."""
    plan, seen = world.plan, world.seen
    requests = Counter("emails" if one.provider == "smtp" else "texts" for one in world.journal.requests if one.arrived)
    yield f"simulation, seed {plan.seed}: {plan.size} patients, {plan.days} days, {world.steps} steps, {seconds:.0f} s"
    yield f"  {requests['texts']} texts and {requests['emails']} emails arrived, {seen['calls']} calls,"
    yield f"  {seen['answered'] + seen['asked on the phone']} check-ins answered"
    for _, balance in conservation.balances(now=world.now):
        yield f"  {balance.sentence}"
    yield f"  faults: {', '.join(f'{number} {name}' for name, number in sorted(world.faults().items()))}"
    yield f"  the law that nobody is lost: {', '.join(f'{n} times {of}' for of, n in world.law_checks.items())}"
    yield f"  promises broken: {len(world.judge.findings)}"
