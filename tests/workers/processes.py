"""Real Daytwo processes, as `daytwo` starts them, and waiting for what they do."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.conftest import Database

SECRET = "a secret of at least thirty-two characters"


def environment(database: Database, redis_url: str, **more: str) -> dict[str, str]:
    """What a process is told."""
    ours = {"DATABASE_URL": database.url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET}
    return {**os.environ, **ours, "PUBLIC_URL": "http://127.0.0.1:8000", "CANARY": "false", **more}


@contextmanager
def running(*arguments: str, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A `daytwo` process that ends with the block."""
    process = subprocess.Popen([sys.executable, "-m", "survey.cli", *arguments], env=environ)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def eventually(holds: Callable[[], object], *, within_s: float) -> float:
    """Wait until `holds` is true; how long that took. Fails the test after `within_s`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        time.sleep(0.05)
    return time.monotonic() - began
