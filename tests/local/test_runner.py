"""Processes side by side: one stream of lines, the dead restarted, all ended in order."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from survey.local import pids, runner
from survey.local.errors import LocalError
from survey.local.log_lines import LogLines
from survey.local.runner import Process, Runner
from tests.local.children import STUBBORN, WAITS, python

pytestmark = pytest.mark.processes

ENVIRON = {"PATH": os.defpath}


def wait_for(condition: Callable[[], bool]) -> None:
    assert pids.wait_until(condition, patience_s=20), "it did not happen in time"


def test_each_line_carries_the_name_of_its_process() -> None:
    out = io.StringIO()

    with runner.background([python("web", WAITS), python("scoring", WAITS)], environ=ENVIRON, out=out):
        wait_for(lambda: out.getvalue().count("ready") == 2)

    lines = out.getvalue().splitlines()
    assert "web     | ready" in lines
    assert "scoring | ready" in lines


def test_a_process_that_was_killed_is_started_again_and_the_log_says_so() -> None:
    out = io.StringIO()

    with runner.background([python("web", WAITS)], environ=ENVIRON, out=out) as running:
        wait_for(lambda: "ready" in out.getvalue())
        first = running.pids()["web"]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: out.getvalue().count("ready") == 2)
        second = running.pids()["web"]

    assert first != second
    assert "web ended with signal SIGKILL. Starting it again in 0.5 s." in out.getvalue()


def test_a_process_that_dies_at_once_is_started_again_ever_more_slowly() -> None:
    out = io.StringIO()

    with runner.background([python("beat", "print('no database'); exit(3)")], environ=ENVIRON, out=out):
        wait_for(lambda: out.getvalue().count("Starting it again") == 3)

    pauses = [line.split(" in ")[1] for line in out.getvalue().splitlines() if "Starting it again" in line]
    assert pauses == ["0.5 s.", "1 s.", "2 s."]
    assert "beat   | no database" in out.getvalue()
    assert "beat ended with exit code 3." in out.getvalue()


def test_what_a_dead_process_left_running_ends_with_it() -> None:
    out = io.StringIO()
    parent = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid); input()"
    holds_on = [sys.executable, "-c", parent.replace("input()", "import signal; signal.pause()")]

    with runner.background([Process(name="web", command=holds_on)], environ=ENVIRON, out=out) as running:
        wait_for(lambda: "\n" in out.getvalue())
        grandchild = int(out.getvalue().split("|")[1])
        os.kill(running.pids()["web"], signal.SIGKILL)
        wait_for(lambda: not pids.alive(grandchild))


def test_all_end_in_reverse_order_each_after_the_one_before_is_gone() -> None:
    out = io.StringIO()
    goodbye = "import signal, sys\ndef bye(*_):\n print('bye'); sys.exit(0)\nsignal.signal(signal.SIGTERM, bye)\n"
    says_bye = goodbye + "print('ready'); signal.pause()"
    names = ["maintenance", "scoring", "web"]

    with runner.background([python(name, says_bye) for name in names], environ=ENVIRON, out=out):
        wait_for(lambda: out.getvalue().count("ready") == 3)

    order = [line.split()[0] for line in out.getvalue().splitlines() if line.endswith("bye")]
    assert order == ["web", "scoring", "maintenance"]


def test_one_that_does_not_end_is_killed_and_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "END_S", 0.5)
    out = EndsAtReady(io.StringIO(), count=2)
    running = Runner([python("web", STUBBORN), python("scoring", WAITS)], environ=ENVIRON, out=out)
    out.runner = running

    code = running.run()

    assert code == 128 + signal.SIGKILL
    assert "web did not end in time and is killed." in out.out.getvalue()
    assert running.pids() == {}


class EndsAtReady(io.TextIOBase):
    """An output that asks its runner to end when everybody has said "ready"."""

    def __init__(self, out: io.StringIO, *, count: int) -> None:
        self.out, self.count = out, count
        self.runner: Runner | None = None

    def write(self, text: str) -> int:
        written = self.out.write(text)
        if self.runner and text.endswith("ready\n") and self.out.getvalue().count("ready") == self.count:
            self.runner.end()
        return written


def test_the_exit_code_is_zero_when_all_ended_as_asked() -> None:
    out = EndsAtReady(io.StringIO(), count=2)
    running = Runner([python("web", WAITS), python("scoring", WAITS)], environ=ENVIRON, out=out)
    out.runner = running

    assert running.run() == 0


def test_a_program_that_does_not_exist_is_refused_before_anything_starts() -> None:
    processes = [python("web", WAITS), Process(name="beat", command=["no-such-program"])]

    with pytest.raises(LocalError, match=r"beat cannot start: there is no program no-such-program\."):
        runner.run(processes, environ=ENVIRON, out=io.StringIO())


SCRIPT = """
import os, signal, sys
from survey.local import runner
from tests.local.children import WAITS, python
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may have been started with nohup
sys.exit(runner.run([python("scoring", WAITS), python("web", WAITS)], environ=os.environ, out=sys.stdout))
"""


@pytest.fixture
def outside() -> Callable[[], "subprocess.Popen[str]"]:
    """Starts a runner in a process of its own and waits until its children are up."""
    root = Path(__file__).resolve().parents[2]

    def start() -> "subprocess.Popen[str]":
        child = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, cwd=root)
        assert child.stdout
        assert sorted(child.stdout.readline().split()[2] for _ in range(2)) == ["ready", "ready"]
        return child

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_ends_everything_in_order(
    outside: Callable[[], "subprocess.Popen[str]"], number: signal.Signals
) -> None:
    with outside() as child:
        child.send_signal(number)

        code = child.wait(timeout=30)

    assert code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_children_end_when_their_runner_is_killed(outside: Callable[[], "subprocess.Popen[str]"]) -> None:
    with outside() as child:
        children = (pids.PROC / f"{child.pid}/task/{child.pid}/children").read_text().split()

        child.kill()

        wait_for(lambda: not any(pids.alive(int(pid)) for pid in children))
    assert len(children) == 2


def test_output_without_line_ends_is_shown_in_pieces_and_a_cut_line_is_not_lost() -> None:
    out = io.StringIO()
    lines = LogLines(name="web", width=3, number=0, out=out)

    lines.feed(b"x" * 70_000)
    lines.feed(b"half \xff")
    lines.feed(b"")

    assert [len(line) for line in out.getvalue().splitlines()] == [70_000 + 6, 12]
    assert out.getvalue().endswith("web | half �\n")


def test_names_are_coloured_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, file = Terminal(), io.StringIO()

    LogLines(name="web", width=3, number=0, out=terminal).say("up")
    LogLines(name="web", width=3, number=0, out=file).say("up")

    assert terminal.getvalue() == "\x1b[36mweb |\x1b[0m up\n"
    assert file.getvalue() == "web | up\n"
