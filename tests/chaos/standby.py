"""Scenario 9: a primary that dies for good, and a standby that has every commit and takes its place."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg

from survey.local import accounts, pids, postgres, programs, services
from survey.local import folder as folders
from survey.local.accounts import Place
from survey.local.pids import Server
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import USUAL, scenario
from tests.chaos.scene import Scene
from tests.faults.servers import Servers, until

REPLICATED = {"wal_level": "replica", "max_wal_senders": "4"}
PATIENTS = 40
NOBODY_LEADS_S = 3.0
"""So long there is no server that can be written to."""
AWAITED = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"


class Pair(Servers):
    """A primary, and a standby without whose copy nothing counts as committed. One address leads to whichever leads."""

    def __init__(self, folder: Path) -> None:
        self._place = accounts.place(folders.create(folder))
        self._second: Place = replace(
            self._place, home=self._place.home / "standby", sockets=self._place.sockets / "standby"
        )
        self._standby: Server | None = None
        with patch.dict(postgres.SETTINGS, REPLICATED):
            super().__init__(folder)

    def database_url(self, database: str, role: str = postgres.APPLICATION) -> str:
        """Both hosts, of which the one that takes writes is meant."""
        hosts = f"{self._place.sockets},{self._second.sockets}"
        return f"postgresql+psycopg://{role}@/{database}?host={hosts}&target_session_attrs=read-write"

    def take_over(self, database: str, source: Servers) -> None:
        """A copy of another server's database."""
        self.create_database(database)
        there, here = (f"--host={one}" for one in (source._sockets, self._sockets))
        folder, user = self._place.programs / "bin", f"--username={postgres.SUPERUSER}"
        dump = _run(folder / "pg_dump", "--format=custom", there, user, database)
        _run(folder / "pg_restore", here, user, f"--dbname={database}", text=dump)

    def replicate(self) -> None:
        """Make the standby, and from then on let every commit wait for it."""
        for one in {self._second.home, self._second.sockets}:
            one.mkdir(mode=0o700)
        # From the wheel: what root runs need not be where `nobody` can read it.
        program, data = programs.postgres() / "bin/pg_basebackup", self._second.home / "data"
        told = [f"--host={self._sockets}", f"--username={postgres.SUPERUSER}", f"--pgdata={data}", "--no-sync"]
        _run(program, "--write-recovery-conf", "--checkpoint=fast", *told)
        if as_user := self._second.as_user:
            for path in (self._second.home, *self._second.home.rglob("*")):
                shutil.chown(path, as_user["user"], as_user["group"])
        with patch.dict(postgres.SETTINGS, REPLICATED):
            self._standby = postgres._launch(self._second, self.folder / "standby.log")
        with self.superuser() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            until(lambda: connection.execute(AWAITED).fetchall(), what="commits wait for the standby")

    def kill_primary(self) -> None:
        """As its machine dies: the server and its sessions at once. It does not come back."""
        sessions = pids.working_on(self._place.home / "data", as_user=self._place.as_user)
        for pid in (self._postgres.server.pid, *sessions):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self._postgres.server.running(), what="the primary is dead", every_s=0.02)

    def promote(self) -> None:
        """As whoever watches over the servers does it."""
        with self._of_standby() as connection:
            assert connection.execute("SELECT pg_promote()").fetchone() == (True,)

    def _of_standby(self) -> "psycopg.Connection[Any]":
        address = postgres.url(self._second.sockets, postgres.SUPERUSER, "postgres").replace("+psycopg", "")
        return psycopg.connect(address, autocommit=True)

    def close(self) -> None:
        """End all three, and remove what they kept."""
        if self._standby is not None:
            self._standby.end((signal.SIGQUIT, 3.0))
        super().close()
        services.erase(self.folder)


def _run(program: Path, *arguments: str, text: bytes = b"") -> bytes:
    done = subprocess.run([program, *arguments], input=text, capture_output=True, check=False, cwd="/", timeout=60)
    assert done.returncode == 0, f"{program.name} failed: {done.stderr.decode()[-500:]}"
    return done.stdout


def _move(scene: Scene) -> None:
    """The clinic's database on a pair of its own; its processes know both by one address."""
    pair = Pair(scene.phones._folder / ".daytwo")
    scene.ends.callback(pair.close)
    pair.take_over(scene.database, scene.servers)
    pair.replicate()
    scene.servers = scene.stack.servers = pair
    scene.stack.redis_url = pair.redis_url
    scene.stack.environ |= {"DATABASE_URL": pair.database_url(scene.database), "REDIS_URL": pair.redis_url}
    scene._wire_up()


@scenario(9, *USUAL, terms=Terms(late_s=25, slow_submits=True), prepare=_move)
def a_standby_is_promoted(scene: Scene) -> None:
    """The primary dies under load and stays dead; what was taken and not yet paged, the promoted standby has."""
    pair = scene.servers
    assert isinstance(pair, Pair)
    processes = scene.stack.pids()
    scene.deal("slow:800")
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(scene.submit, PATIENTS)
        scene.await_pages(8)
        pair.kill_primary()
        paged, taken = len(scene.wire()), len(scene.worries)
        scene.deal("200")
        time.sleep(NOBODY_LEADS_S)
        pair.promote()
        load.result()
    assert paged < taken < PATIENTS, "when the primary died nobody who was taken still waited for the page"
    scene.submit(2)
    assert scene.stack.pids() == processes, "a process had to be started again to go over to the new primary"
