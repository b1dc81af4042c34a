"""`make chaos`: every scenario against real servers and processes, the twelve invariants after each, and one table."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.chaos import run, scenarios
from tests.chaos.world import world


def main() -> int:
    """Play what is asked for; 0 when all of it held."""
    options = _options()
    chosen = [one for one in scenarios.every() if not options.only or one.name in options.only]
    chosen = [one for one in chosen if one.quick or not options.quick]
    if unknown := set(options.only) - {one.name for one in scenarios.every()}:
        print(
            f"No such scenario: {', '.join(sorted(unknown))}. There are: "
            f"{', '.join(one.name for one in scenarios.every())}.",
            file=sys.stderr,
        )
        return 2
    print(f"seed {options.seed}, {len(chosen)} scenarios, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    began, results = time.monotonic(), []
    print(run.HEAD, flush=True)
    with world(Path(tempfile.mkdtemp(prefix="daytwo-chaos-")) / "chaos") as made:
        for one in chosen:
            results.append(run.play(made, one, seed=options.seed, settle_s=options.settle))
            print(run.line(results[-1]), flush=True)
    print(f"\n{time.monotonic() - began:.0f} s")
    print(run.summary(results))
    return 1 if any(one.found.broken for one in results) else 0


def _options() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    asked.add_argument("--only", action="append", default=[], metavar="NAME", help="this scenario; may be repeated")
    asked.add_argument("--quick", action="store_true", help="the few that also run in `make test`")
    asked.add_argument("--seed", type=int, default=Random().randrange(1, 10_000), help="to play the same again")
    asked.add_argument(
        "--settle", type=float, default=run.SETTLES_WITHIN_S, help="how long what is amiss may mend itself, in seconds"
    )
    return asked.parse_args()


if __name__ == "__main__":
    sys.exit(main())
