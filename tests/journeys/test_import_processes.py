"""Importing with real processes: the command reads no more than it may, and a worker enrols what a page confirmed."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from survey import clock
from survey.services import imports
from survey.store import doorbell
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import SLUG
from tests.workers.processes import environment, eventually, running

pytestmark = pytest.mark.processes

HEADER = "given_name,family_name,born_on,performed_on"
TERABYTE = 1 << 40


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def file_of(rows: int) -> bytes:
    """A file of yesterday's procedures: these processes read the clock."""
    day = RIVERSIDE.local(clock.now()).date() - timedelta(days=1)
    return "\n".join([HEADER, *(f"Ida {row},Berg,1990-01-02,{day}" for row in range(rows))]).encode()


def command(file: Path, database: Database, redis_url: str) -> subprocess.CompletedProcess[str]:
    """`daytwo import FILE --yes`."""
    told = environment(database, redis_url)
    arguments = [sys.executable, "-m", "survey.cli", "import", str(file), "--yes"]
    return subprocess.run(arguments, env=told, capture_output=True, text=True, check=False, timeout=120)


def enrolled() -> int:
    return len(desk.rows("SELECT id FROM procedure"))


def test_the_command_enrols_a_file(database: Database, redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "procedures.csv"
    file.write_bytes(file_of(3))

    ended = command(file, database, redis_url)

    assert ended.stdout.splitlines()[-1] == "3 enrolled, 0 known before, 0 refused."
    assert enrolled() == 3


def test_the_command_refuses_a_file_that_would_not_fit_into_memory(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "disk.img"
    file.touch()
    os.truncate(file, TERABYTE)  # all hole: it takes no room

    ended = command(file, database, redis_url)

    assert ended.returncode == 1
    assert ended.stderr.strip() == "daytwo: The file is larger than 5 MB. Split it into smaller files."


def test_a_worker_enrols_what_a_page_has_confirmed(database: Database, redis_url: str) -> None:
    doorbell.configure(redis_url)
    rows, now = imports.SMALL + 1, clock.now()
    preview = imports.preview(file_of(rows), site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=now)
    imports.begin(preview.id, by=SAM.actor, now=now)

    with running("worker", "maintenance", environ=environment(database, redis_url)):
        eventually(lambda: imports.progress(preview.id) is None, within_s=120)

    assert enrolled() == rows
