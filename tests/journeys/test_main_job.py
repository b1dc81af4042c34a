"""The main job, end to end, on real processes and over HTTP alone."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

OK = re.compile(r"^main job: ok, submit to page \d+ ms$")

pytestmark = pytest.mark.processes


def check(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`daytwo demo --check` in a process of its own; temporary folders go to `TMPDIR`."""
    command = [sys.executable, "-m", "survey.cli", "demo", "--check", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environ)


def test_from_the_imported_file_to_the_closed_alert_and_nothing_is_left_behind() -> None:
    # A short path, for sockets stand in it; and open to PostgreSQL's own user, which it has where root runs this.
    with tempfile.TemporaryDirectory(prefix="d2-", dir="/tmp") as place:
        Path(place).chmod(0o711)
        done = check(PATH="/usr/bin:/bin", HOME=place, TMPDIR=place)
        left = [path for path in Path(place).iterdir() if path.name.startswith("daytwo-check-")]

    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len([line for line in lines if line.endswith(" ms") and not line.startswith("main job")]) == 9
    assert OK.match(lines[-1])
    assert left == []


def test_a_daytwo_that_does_not_answer_is_named_and_the_exit_code_says_so() -> None:
    done = check(
        *("--url", "http://127.0.0.1:9", "--phones", "http://127.0.0.1:9", "--patience", "1"),
        PATH="/usr/bin:/bin",
    )

    assert done.returncode == 1
    assert "Nothing answers at http://127.0.0.1:9/ready" in done.stderr
