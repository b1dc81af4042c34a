"""Processes by number: is one alive, which ones work in a folder, end one for certain."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLL_S = 0.01
PROC = Path("/proc")
PR_SET_PDEATHSIG = 1
NOBODY_ELSE: Mapping[str, Any] = {}
LIST_CURRENT_FOLDERS = """
for link in /proc/[0-9]*/cwd; do
  if [ "$link" -ef "$1" ]; then pid=${link%/cwd}; echo "${pid#/proc/}"; fi
done
"""

# Looked up once, before any fork: between fork and exec nothing may be loaded.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is running: one we started (`child`), or one that we found."""

    pid: int
    child: subprocess.Popen[bytes] | None = None

    def running(self) -> bool:
        """Whether it still is; collects a child that has ended."""
        return self.child.poll() is None if self.child else alive(self.pid)

    def end(self, *signals: tuple[signal.Signals, float]) -> None:
        """Send each (signal, seconds to wait) in turn until it is gone."""
        for number, patience_s in (*signals, (signal.SIGKILL, 5.0)):
            if not self.running():
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            wait_until(lambda: not self.running(), patience_s=patience_s)


def exists(pid: int) -> bool:
    """Whether the number is taken, be it by the corpse of a process that nobody has collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def alive(pid: int) -> bool:
    """Whether that process exists and is more than a corpse."""
    return exists(pid) and not _is_corpse(pid)


def _is_corpse(pid: int) -> bool:
    """Linux only: in a container without an init, an orphan that died stays in the table for ever."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def working_on(folder: Path, *, as_user: Mapping[str, Any] = NOBODY_ELSE) -> list[int]:
    """Processes whose current folder is `folder`, as PostgreSQL's and Redis's is their data folder.

    Outside Linux none are found. `as_user` goes to subprocess: in a container even root may see the current folder of
    its own processes only, so the question is put as the user whose processes they are.
    """
    asked = subprocess.run(
        ["/bin/sh", "-c", LIST_CURRENT_FOLDERS, "sh", str(folder)], capture_output=True, cwd="/", check=False, **as_user
    )
    return [pid for pid in map(int, asked.stdout.split()) if alive(pid)]


def end_all(pids: Iterable[int], number: signal.Signals, *, patience_s: float) -> None:
    """End processes that nobody is responsible for any more, with SIGKILL when `number` has not in time."""
    servers = [Server(pid=pid) for pid in pids]
    for server in servers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, number)
    wait_until(lambda: not any(server.running() for server in servers), patience_s=patience_s)
    for server in servers:
        server.end()


def wait_until(condition: Callable[[], bool], *, patience_s: float) -> bool:
    """Ask again every hundredth of a second; False when it has not come true in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def tether(number: signal.Signals) -> Callable[[], None]:
    """For Popen's `preexec_fn`: the kernel sends the child `number` when the thread that started it ends.

    Also by kill -9. Does nothing outside Linux; there the next start clears up what was left.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _prctl is None:
            return
        _prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died between fork and here
            os._exit(1)

    return before_exec


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send to the process and all that it started, when it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
