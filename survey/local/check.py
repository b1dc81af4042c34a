"""`daytwo demo --check`: the main job against a fresh Daytwo of its own, or against one that runs already."""

import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from survey import clock
from survey.local import clinic, demo, ports, runner, services, stack
from survey.local.browser import BrowserError
from survey.local.errors import LocalError
from survey.local.main_job import Access, MainJob
from survey.settings import Settings

LAST_LINES = 60
"""Of the processes' log, shown when the check fails."""


def against(access: Access) -> int:
    """Do the main job there and print each stage; 0 when all of it went well, else 1 with the failing one in words."""
    job = MainJob(access)
    try:
        for stage in job.stages():
            print(f"  {stage.words:58} {stage.took_ms:8.0f} ms", flush=True)
    except BrowserError as fault:
        print(f"main job: {fault.message}", file=sys.stderr)
        return 1
    finally:
        job.close()
    print(f"main job: ok, submit to page {job.submit_to_page_ms:.0f} ms")
    return 0


def fresh(*, history: bool) -> int:
    """The same against processes and services of its own, in a temporary folder that is gone afterwards."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="daytwo-check-") as place:
        folder, log = Path(place) / "daytwo", Path(place) / "log"
        code = 1
        try:
            with log.open("w", encoding="utf-8") as out, _running(folder, out, history=history) as access:
                code = against(access)
        finally:
            if code and log.exists():
                _show_end_of(log)
            services.erase(folder)
    return code


@contextmanager
def _running(folder: Path, out: TextIO, *, history: bool) -> Iterator[Access]:
    _forget_settings()
    phones = ports.next_free(demo.PHONES_PORT + 100)
    with stack.ready(folder, port=demo.PORT + 100, extra=demo.environ(phones)) as ready:
        demo.connect(ready.settings)
        riverside = clinic.settle(clock.now())
        if history:
            demo.bring_to_life(riverside)
        processes = [demo.carrier_process(folder, ready.settings.twilio_base_url), *stack.processes()]
        with runner.background(processes, environ=ready.environ, out=out):
            access = Access(url=ready.settings.public_url, phones=ready.settings.twilio_base_url)
            demo.wait_for(f"{access.url}/ready")
            demo.wait_for(f"{access.phones}/")
            yield access


def _forget_settings() -> None:
    """Whatever this shell points at, a fresh check touches nothing of it."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
        os.environ.pop(f"{name.upper()}_FILE", None)


def _show_end_of(log: Path) -> None:
    with log.open(encoding="utf-8") as lines:
        last = deque(lines, maxlen=LAST_LINES)
    print("The last lines of the processes:", *(line.rstrip() for line in last), sep="\n  ", file=sys.stderr)


def reachable(url: str, phones: str, *, patience_s: float) -> None:
    """Wait for a running Daytwo and its phones. Raises LocalError."""
    for address in (f"{url}/ready", f"{phones}/"):
        try:
            demo.wait_for(address, patience_s=patience_s)
        except LocalError:
            raise LocalError(f"Nothing answers at {address}. Is Daytwo running there, as a demo?") from None
