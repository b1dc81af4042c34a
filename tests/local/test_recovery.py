"""Whatever was killed, and whatever it left behind, the next start finds the data and works."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from survey.local import accounts, pids, postgres, redis
from survey.local import folder as folders
from survey.local.pids import Server
from survey.local.services import Services
from tests.local.conftest import connect, keep, kept

pytestmark = [pytest.mark.processes, pytest.mark.skipif(not pids.PROC.is_dir(), reason="looks into /proc")]

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[Path], Services]


def postmaster(folder: Path) -> int:
    return int((folder / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert pids.wait_until(lambda: not pids.alive(pid), patience_s=10)


def test_data_is_there_after_the_database_was_killed(used_folder: Path, start: Start) -> None:
    keep(start(used_folder), "before the kill")

    killed(postmaster(used_folder))

    assert "before the kill" in kept(start(used_folder))


def test_a_busy_back_end_that_outlived_its_server_is_ended_first(used_folder: Path, start: Start) -> None:
    running = start(used_folder)
    with closing(connect(running)) as connection:
        (back_end,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
        assert pids.wait_until(lambda: _is_busy(running, back_end), patience_s=10)
        killed(postmaster(used_folder))
        orphaned = pids.alive(back_end)

        keep(start(used_folder), "after the orphan")

        assert orphaned
        assert not pids.alive(back_end)


def _is_busy(running: Services, back_end: int) -> bool:
    with connect(running) as connection:
        found = connection.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [back_end]).fetchone()
    return found == ("active",)


SCRIPT = """
import json, os, sys, signal
from pathlib import Path
from survey.local import services
print(json.dumps(services.start(Path(sys.argv[1]), environ={}).environ), flush=True)
signal.pause()
"""


def test_servers_end_when_the_python_that_started_them_is_killed_and_the_data_stays(
    used_folder: Path, start: Start
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(used_folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout
        keep(Services(environ=json.loads(parent.stdout.readline()), stop=lambda: None), "before the parent died")
        server = postmaster(used_folder)
        parent.kill()
    ended = pids.wait_until(lambda: not pids.alive(server), patience_s=10)

    running = start(used_folder)

    assert "before the parent died" in kept(running)
    assert ended or sys.platform != "linux"


def test_everything_killed_at_once_is_brought_up_again(used_folder: Path, start: Start) -> None:
    command = [sys.executable, "-c", SCRIPT, str(used_folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout
        keep(Services(environ=json.loads(parent.stdout.readline()), stop=lambda: None), "before everything died")
        place = accounts.place(used_folder)
        left = pids.working_on(place.home / "data", as_user=place.as_user) + pids.working_on(used_folder / "redis")
        for pid in (parent.pid, *left):
            os.kill(pid, signal.SIGKILL)

    running = start(used_folder)

    assert len(left) > 2
    assert "before everything died" in kept(running)


def test_a_healthy_server_that_was_left_running_is_taken_over_and_ended(used_folder: Path, start: Start) -> None:
    left = start(used_folder)
    pid = postmaster(used_folder)

    second = postgres.start(used_folder)
    second.stop()

    assert second.server.pid == pid
    assert not Server(pid=pid).running()
    left.stop()


def test_a_server_that_hangs_is_replaced(used_folder: Path, start: Start) -> None:
    start(used_folder)
    hung = postmaster(used_folder)
    os.kill(hung, signal.SIGSTOP)

    running = start(used_folder)
    keep(running, "in its place")

    assert postmaster(used_folder) != hung
    assert not pids.alive(hung)


def test_a_recorded_number_that_now_belongs_to_somebody_else_is_forgotten(used_folder: Path, start: Start) -> None:
    status = used_folder / "postgres/data/postmaster.pid"
    somebody = subprocess.Popen(["sleep", "600"])
    status.write_text(f"{somebody.pid}\n{used_folder}/postgres/data\n1\n5432\n\n\n  1 1\nready\n")

    running = start(used_folder)

    keep(running, "not stopped")
    assert somebody.poll() is None
    somebody.kill()
    somebody.wait()


def test_a_first_start_that_died_half_way_is_done_again(folder: Path, start: Start) -> None:
    start(folder).stop()
    data = folder / "postgres/data"
    data.rename(data.with_name("data.new"))
    (data.with_name("data.new") / "PG_VERSION").unlink()

    running = start(folder)

    keep(running, "whole")
    assert kept(running) == ["whole"]
    assert not data.with_name("data.new").exists()


def test_a_redis_that_was_left_or_hangs_is_replaced(folder: Path) -> None:
    folders.create(folder)
    left = redis.start(folder)
    hung = redis.start(folder)
    os.kill(hung.server.pid, signal.SIGSTOP)

    fresh = redis.start(folder)

    assert redis.answers(fresh.socket)
    assert not left.server.running()
    assert not hung.server.running()
    fresh.stop()
    assert not fresh.server.running()
