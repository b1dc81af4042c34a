"""The memory of a whole Daytwo that has nothing to do, PostgreSQL and Redis included."""

import io
import os
import time

from benchmarks import memory
from benchmarks.figures import Figure
from benchmarks.world import World
from survey.local import ports, runner, stack

SETTLED_S = 20.0


def measure(world: World, *, seconds: float) -> list[Figure]:
    """Every process that `daytwo up` runs, some while after the start. `seconds` is the least of that while."""
    port = ports.next_free(8100)
    environ = {
        **world.environ,
        "WEB_BIND": f"127.0.0.1:{port}",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "WARNING",
    }
    with runner.background(stack.processes(), environ=environ, out=io.StringIO()):
        time.sleep(max(SETTLED_S, seconds))
        shares = [share for share in memory.below(os.getpid()) if share.pid != os.getpid()]
    total = sum(share.pss_mb for share in shares)
    return [Figure(name=f"idle, {len(shares)} processes", value=total, unit="MB PSS", budget=memory.BUDGET_MB)]
