"""A whole Daytwo of real processes, on servers and a carrier of its own, with a handle to hurt each of them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from survey.domain.queues import Queue
from survey.local import pids, ports, runner, stack
from survey.local.carrier import Carrier
from survey.local.carrier_journal import Entry
from survey.local.runner import Process, Runner
from survey.settings import Settings
from survey.store import doorbell
from tests.faults.servers import PATIENCE_S, Servers, until

FIRST_PORT = 8300
QUEUES = (Queue.SCORING, Queue.PAGING, Queue.SENDING)
WORKERS = {"scoring": ["scoring", "inbound"], "paging": ["paging"], "sending": ["sending", "maintenance"]}
SENTINELS = ("sentinel-1", "sentinel-2")
LEADS = "sentinel.leads"
LAST_LINES = 40


def child_environ() -> dict[str, str]:
    """This process's environment without any setting of Daytwo's."""
    names = {name.upper() for name in Settings.model_fields}
    ours = names | {f"{name}_FILE" for name in names}
    return {name: value for name, value in os.environ.items() if name not in ours}


class Phones:
    """The carrier, on a port where nobody answers until `come`. It sends receipts, as the real one does."""

    def __init__(self, folder: Path, *, first_port: int = FIRST_PORT) -> None:
        self._folder = folder
        self._port = ports.next_free(first_port + 200)
        self.url = f"http://127.0.0.1:{self._port}"
        self._here: Carrier | None = None

    def come(self) -> None:
        """Answer from now on."""
        self._here = Carrier(self._port, self._folder, receipts=True)
        serve = {"poll_interval": 0.05}
        threading.Thread(target=self._here.serve_forever, kwargs=serve, name="carrier", daemon=True).start()

    def close(self) -> None:
        """Never again."""
        if self._here is not None:
            self._here.close()

    def journal(self) -> list[Entry]:
        """Every request, the oldest first."""
        return self._here.journal.entries() if self._here else []

    def deal(self, number: str, mode: str) -> None:
        """How requests for that number are answered from now on."""
        if self._here is not None:
            self._here.script.add(number, mode, times=None)


class Stack:
    """Daytwo's processes on one database. `phones` are the wire, and their journal the judge of what was sent."""

    def __init__(
        self,
        servers: Servers,
        phones: Phones,
        log: Path,
        *,
        database: str,
        redis_url: str,
        web_workers: int = 2,
        first_port: int = FIRST_PORT,
    ) -> None:
        self.servers, self.phones, self.database, self._log = servers, phones, database, log
        bind = f"127.0.0.1:{ports.next_free(first_port)}"
        self.url = f"http://{bind}"
        self.redis_url = redis_url
        self.environ = child_environ() | {
            "DATABASE_URL": servers.database_url(database),
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "a-key-for-tests-" + "x" * 32,
            "PUBLIC_URL": self.url,
            "WEB_BIND": bind,
            "WEB_WORKERS": str(web_workers),
            "TWILIO_ACCOUNT_SID": "ACfaults",
            "TWILIO_AUTH_TOKEN": "a secret of the tests",
            "TWILIO_FROM": "+12025550190",
            "TWILIO_BASE_URL": phones.url,
            "PROVIDER_TIMEOUT_S": "1",
            "PAGE_LEASE_S": "2.5",
            "CANARY": "false",  # it has a story of its own
            "LOG_LEVEL": "INFO",
        }
        self._groups: dict[str, Runner] = {}
        self._open: dict[str, ExitStack] = {}

    def start(self, group: str, processes: Sequence[Process]) -> None:
        """Run those processes, each started again when it dies, until `stop`."""
        with ExitStack() as ours:
            out = ours.enter_context((self._log.parent / f"{self._log.name}-{group}").open("a", encoding="utf-8"))
            self._groups[group] = ours.enter_context(runner.background(processes, environ=self.environ, out=out))
            self._open[group] = ours.pop_all()

    def stop(self, group: str) -> None:
        """End that group in good order."""
        if group in self._open:
            self._open.pop(group).close()
            del self._groups[group]

    def close(self) -> None:
        """End everything, at once: to end in good order is tested elsewhere."""
        for one in self._groups.values():
            one.end()
            time.sleep(0.3)  # two signals at once would be one
            one.end()
        for group in tuple(self._open):
            self.stop(group)

    def pid(self, name: str) -> int | None:
        """The process of that name, if it is alive now."""
        return self.pids().get(name)

    def living(self, name: str) -> int:
        """The same, waiting until there is one."""
        return until(lambda: self.pid(name), what=f"{name} is alive") or 0

    def pids(self) -> Mapping[str, int]:
        """All that are alive."""
        return {name: pid for one in self._groups.values() for name, pid in one.pids().items()}

    def kill(self, name: str) -> None:
        """kill -9, as soon as there is something to kill."""
        os.kill(self.living(name), signal.SIGKILL)

    def web_workers(self) -> list[int]:
        """gunicorn's worker processes."""
        master = self.pid("web")
        try:
            found = (pids.PROC / f"{master}/task/{master}/children").read_text().split()
        except FileNotFoundError:
            return []
        return [int(pid) for pid in found]

    def log(self, group: str) -> list[str]:
        """What the processes of a group have said so far."""
        return (self._log.parent / f"{self._log.name}-{group}").read_text(encoding="utf-8").splitlines()

    def last_lines(self) -> list[str]:
        """The end of every log, without the requests that the web answered."""
        logs = {group: [line for line in self.log(group) if '"event": "request"' not in line] for group in self._open}
        return [f"{group}: {line}" for group, lines in logs.items() for line in lines[-LAST_LINES:]]

    def leader(self) -> str | None:
        """The sentinel that said last that it leads."""
        said = [line for line in self.log("sentinels") if LEADS in line]
        return said[-1].split()[0] if said else None

    def wire(self) -> list[Entry]:
        """Every request of this stack's that reached the carrier."""
        return [entry for entry in self.phones.journal() if entry.callback.startswith(self.url)]

    def rows(self, query: str, *values: object) -> list[Any]:
        """The rows of a query, asked apart from the product's own code."""
        with self.servers.superuser(self.database) as connection:
            return connection.execute(query, values).fetchall()

    def doctor(self) -> "subprocess.CompletedProcess[str]":
        """What `daytwo doctor` says, run as an operator would."""
        command = stack.daytwo("doctor")
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def ready(self) -> int | None:
        """The status of /ready; None when nobody listens."""
        try:
            return httpx.get(f"{self.url}/ready", timeout=5, trust_env=False).status_code
        except httpx.HTTPError:
            return None

    def await_whole(self) -> None:
        """Until the pages answer, and every worker and a sentinel has been heard of since now."""
        until(lambda: self.ready() == 200, what="the pages answer")
        self.await_beats("sentinel", *(f"worker:{queue}" for queue in QUEUES))

    def await_beats(self, *components: str) -> None:
        """Until each of them has been heard of since now; the workers are rung for that."""
        (began,) = self.rows("SELECT clock_timestamp() AS at")
        doorbell.configure(self.redis_url)

        def heard() -> bool:
            for queue in QUEUES:
                doorbell.ring(queue)
            beats = self.rows("SELECT component FROM engine_heartbeat WHERE last_ok_at > %s", began.at)
            return set(components) <= {row.component for row in beats}

        until(heard, what=f"{', '.join(components)} were heard of", every_s=0.3)


def engine() -> list[Process]:
    """Everything but the sentinels."""
    workers = [Process(name=name, command=stack.daytwo("worker", *queues)) for name, queues in WORKERS.items()]
    return [
        Process(name="web", command=stack.daytwo("web")),
        *workers,
        Process(name="beat", command=stack.daytwo("beat")),
    ]


def sentinels() -> list[Process]:
    """One that leads and one that stands by."""
    return [Process(name=name, command=stack.daytwo("sentinel")) for name in SENTINELS]
