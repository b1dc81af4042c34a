"""`python -m benchmarks`: ours and the comparison in turn, in one run, with the budgets beside the figures."""

import argparse
import os
from collections.abc import Callable

from benchmarks import drain, idle, importing, paging, scoring, submit
from benchmarks.figures import Figure, table
from benchmarks.world import world

PARTS: dict[str, Callable[..., list[Figure]]] = {
    "submit": submit.measure,
    "drain": drain.measure,
    "paging": paging.measure,
    "importing": importing.measure,
    "memory": idle.measure,
}
WITHOUT_CLINIC: dict[str, Callable[[], list[Figure]]] = {"scoring": scoring.measure}
"""Parts that need no services, and that take as long as they take."""


def main() -> None:
    """Measure what is asked for, each part in a clinic of its own."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("--only", choices=[*PARTS, *WITHOUT_CLINIC], help="one part alone")
    asked.add_argument("--seconds", type=float, default=20.0, help="how long each part measures (20)")
    options = asked.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; a busy machine makes all of it slow\n"
    )
    for name in [options.only] if options.only else [*PARTS, *WITHOUT_CLINIC]:
        print(table(_measure(name, options.seconds)), flush=True)


def _measure(name: str, seconds: float) -> list[Figure]:
    if name in WITHOUT_CLINIC:
        return WITHOUT_CLINIC[name]()
    with world() as made:
        return PARTS[name](made, seconds=seconds)


if __name__ == "__main__":
    main()
