"""Runs named processes side by side: their logs in one stream, the dead restarted, all ended together in order."""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TextIO

from survey.local import pids
from survey.local.errors import LocalError
from survey.local.log_lines import LogLines

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
LIVED_WELL_S = 30.0
"""After so long alive, the next death counts as the first."""
TURN_S = 0.5
"""How long a process may take to end before the next one is asked to."""
END_S = 8.0
"""How long ending all may take before the rest is killed: below the ten seconds that most supervisors give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What to run, under the name that its log lines carry."""

    name: str
    command: list[str]


@dataclass(slots=True, kw_only=True)
class _Running:
    """One process while the runner has it: alive (`child`), or waiting until `start_at` to be started again."""

    process: Process
    lines: LogLines
    child: subprocess.Popen[bytes] | None = None
    code: int | None = None
    start_at: float = 0.0
    started_at: float = 0.0
    pause_s: float = FIRST_PAUSE_S


def run(processes: Sequence[Process], *, environ: Mapping[str, str], out: TextIO) -> int:
    """Run all until SIGINT or SIGTERM, then end them, the last named first; a second signal kills what is left.

    `environ` is the children's whole environment. Returns 0, or the first exit code of a child that was not asked for.
    Raises LocalError when a command does not exist. Call it from the main thread.
    """
    runner = Runner(processes, environ=environ, out=out)
    handlers = {number: signal.signal(number, lambda *_: runner.end()) for number in _end_signals()}
    try:
        return runner.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end_signals() -> list[signal.Signals]:
    """A closed terminal ends us too, unless we were started with nohup."""
    hang_up = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hang_up]


@contextmanager
def background(processes: Sequence[Process], *, environ: Mapping[str, str], out: TextIO) -> Iterator["Runner"]:
    """Run all while the block lasts, from a thread of its own."""
    runner = Runner(processes, environ=environ, out=out)
    thread = threading.Thread(target=runner.run, name="runner")
    thread.start()
    try:
        yield runner
    finally:
        runner.end()
        thread.join()


@dataclass(slots=True, kw_only=True)
class _Ending:
    """How far the end has come: asked for how many times, and the process whose turn it is to go."""

    asked: int = 0
    until: float = 0.0
    next_turn_at: float = 0.0
    waiting: list[_Running] = field(default_factory=list)


class Runner:
    """Starts, watches, restarts and ends the processes. One thread runs it; any thread or signal handler may end it."""

    def __init__(self, processes: Sequence[Process], *, environ: Mapping[str, str], out: TextIO) -> None:
        self._environ = {"PYTHONUNBUFFERED": "1", **environ}
        _check_programs(processes, self._environ)
        width = max(len(name) for name in ("daytwo", *(process.name for process in processes)))
        self._all = [
            _Running(process=process, lines=LogLines(name=process.name, width=width, number=number, out=out))
            for number, process in enumerate(processes)
        ]
        self._own = LogLines(name="daytwo", width=width, number=len(self._all), out=out)
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_in, False)
        self._ending = _Ending()

    def end(self) -> None:
        """Ask for the end; asked again, kill. Returns at once."""
        with contextlib.suppress(OSError):  # full or closed: it has been asked for
            os.write(self._wake_in, b".")

    def pids(self) -> dict[str, int]:
        """The process numbers of those that are alive, by name."""
        return {one.process.name: one.child.pid for one in self._all if one.child is not None}

    def run(self) -> int:
        """Run until `end` is asked for; returns as the function `run` does."""
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._asked)
        try:
            for one in self._all:
                self._start(one)
            while not self._ending.asked or self.pids():
                self._turn()
        finally:
            self._kill_all()
            self._close()
        return next((one.code for one in self._all if one.code), 0)

    def _turn(self) -> None:
        """Wait for output, a death, a signal or a time that has come, and deal with each."""
        for key, _ in self._selector.select(timeout=self._wait_s()):
            key.data()
        for one in self._all:
            self._collect(one)
        if self._ending.asked:
            self._end_next()
        else:
            self._restart_due()

    def _wait_s(self) -> float:
        """A death closes the pipe and so wakes us, but a grandchild may hold the pipe open: look often enough."""
        return 0.05 if self._ending.asked else 0.2

    def _start(self, one: _Running) -> None:
        one.child = subprocess.Popen(
            one.process.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environ,
            start_new_session=True,  # Ctrl-C reaches us alone, and the children in our order
            preexec_fn=pids.tether(signal.SIGTERM),
        )
        one.started_at = time.monotonic()
        if pipe := one.child.stdout:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, self._reader(one, pipe))

    def _reader(self, one: _Running, pipe: IO[bytes]) -> Callable[[], None]:
        def read() -> None:
            chunk = os.read(pipe.fileno(), 65536)
            one.lines.feed(chunk)
            if not chunk:
                self._selector.unregister(pipe)

        return read

    def _collect(self, one: _Running) -> None:
        """Take note of a death."""
        if one.child is None or one.child.poll() is None:
            return
        code = one.child.returncode
        self._drain(one)
        pids.signal_group(one.child.pid, signal.SIGKILL)  # what it started must not outlive it
        one.child = None
        if self._ending.asked:
            one.code = None if code == -signal.SIGTERM else _shell_code(code)
            return
        lived_well = time.monotonic() - one.started_at >= LIVED_WELL_S
        one.pause_s = FIRST_PAUSE_S if lived_well else one.pause_s
        one.start_at = time.monotonic() + one.pause_s
        self._own.say(f"{one.process.name} ended with {_in_words(code)}. Starting it again in {one.pause_s:g} s.")
        one.pause_s = min(one.pause_s * 2, LONGEST_PAUSE_S)

    def _drain(self, one: _Running) -> None:
        """What it said before it died; a grandchild may still hold the pipe, so take what is there and close it."""
        pipe = one.child.stdout if one.child else None
        if pipe is None:
            return
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(pipe.fileno(), 65536):
                one.lines.feed(chunk)
        one.lines.feed(b"")
        with contextlib.suppress(KeyError):
            self._selector.unregister(pipe)
        pipe.close()

    def _restart_due(self) -> None:
        for one in self._all:
            if one.child is None and time.monotonic() >= one.start_at:
                self._start(one)

    def _asked(self) -> None:
        """The first time: begin to end. The second: kill."""
        os.read(self._wake_out, 512)
        self._ending.asked += 1
        if self._ending.asked == 1:
            self._own.say("Ending. Ctrl-C again kills.")
            self._ending.until = time.monotonic() + END_S
            self._ending.waiting = [one for one in self._all if one.child is not None]
        else:
            self._ending.until = 0.0

    def _end_next(self) -> None:
        """Ask the next process to end, when the one before has gone or has had its turn; kill when time is up."""
        now = time.monotonic()
        if now >= self._ending.until:
            self._kill_all()
            return
        asked_all_gone = len(self.pids()) == len([one for one in self._ending.waiting if one.child is not None])
        if self._ending.waiting and (asked_all_gone or now >= self._ending.next_turn_at):
            one = self._ending.waiting.pop()
            self._ending.next_turn_at = now + TURN_S
            if one.child is not None:
                with contextlib.suppress(ProcessLookupError):
                    one.child.terminate()

    def _kill_all(self) -> None:
        for one in self._all:
            if one.child is not None:
                self._own.say(f"{one.process.name} did not end in time and is killed.")
                pids.signal_group(one.child.pid, signal.SIGKILL)
                one.child.wait()
                self._collect(one)

    def _close(self) -> None:
        self._selector.close()
        os.close(self._wake_out)
        os.close(self._wake_in)


def _check_programs(processes: Sequence[Process], environ: Mapping[str, str]) -> None:
    """Before anything starts: a misspelt program is not worth restarting."""
    for process in processes:
        if shutil.which(process.command[0], path=environ.get("PATH")) is None:
            raise LocalError(f"{process.name} cannot start: there is no program {process.command[0]}.")


def _shell_code(code: int) -> int:
    """An exit code as a shell gives it: 128 and the signal's number for a child that a signal ended."""
    return 128 - code if code < 0 else code


def _in_words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
