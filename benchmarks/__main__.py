"""`python -m benchmarks`: ours and the comparison in turn, in one run, with the budgets beside the figures."""

import argparse
import os
from collections.abc import Callable

from benchmarks import drain, idle, importing, paging, replay, scoring, sending, storm, submit, worklist
from benchmarks.figures import Figure, table
from benchmarks.world import world

PARTS: dict[str, Callable[..., list[Figure]]] = {
    "submit": submit.measure,
    "drain": drain.measure,
    "paging": paging.measure,
    "storm": storm.measure,
    "closed": storm.measure_closed,
    "sending": sending.measure,
    "importing": importing.measure,
    "memory": idle.measure,
    "worklist": worklist.measure,
}
SERVERS: dict[str, dict[str, str]] = {"worklist": worklist.SERVER, "closed": storm.SERVER}
"""What a part's PostgreSQL has that differs from the demo's."""
WITH_ROWS: dict[str, Callable[..., list[Figure]]] = {"replay": replay.measure}
"""Parts that take as long as their rows take."""
WITHOUT_CLINIC: dict[str, Callable[[], list[Figure]]] = {"scoring": scoring.measure}
"""Parts that need no services, and that take as long as they take."""


def main() -> None:
    """Measure what is asked for, each part in a clinic of its own."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("--only", choices=[*PARTS, *WITH_ROWS, *WITHOUT_CLINIC], help="one part alone")
    asked.add_argument(
        "--responses", type=int, default=replay.RESPONSES, help="how many the what-if judges (a million)"
    )
    asked.add_argument("--seconds", type=float, default=20.0, help="how long each part measures (20)")
    options = asked.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; a busy machine makes all of it slow\n"
    )
    for name in [options.only] if options.only else [*PARTS, *WITH_ROWS, *WITHOUT_CLINIC]:
        print(table(_measure(name, seconds=options.seconds, responses=options.responses)), flush=True)


def _measure(name: str, *, seconds: float, responses: int) -> list[Figure]:
    if name in WITHOUT_CLINIC:
        return WITHOUT_CLINIC[name]()
    if name in WITH_ROWS:
        with world(**replay.SERVER) as made:
            return WITH_ROWS[name](made, responses=responses)
    with world(**SERVERS.get(name, {})) as made:
        return PARTS[name](made, seconds=seconds)


if __name__ == "__main__":
    main()
