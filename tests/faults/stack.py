"""A whole Daytwo of real processes, on servers and a carrier of its own, with a handle to hurt each of them."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import redis as redis_client
from psycopg import sql
from psycopg.rows import namedtuple_row

from survey.domain.queues import Queue
from survey.local import accounts, pids, ports, postgres, redis, runner, stack
from survey.local import folder as folders
from survey.local.carrier import Carrier
from survey.local.carrier_journal import Entry
from survey.local.runner import Process, Runner
from survey.settings import Settings
from survey.store import doorbell, migrate

PATIENCE_S = 90.0
"""For anything that merely has to happen in the end; a machine that is busy with other tests is slow."""
FIRST_PORT = 8300
QUEUES = (Queue.SCORING, Queue.PAGING, Queue.SENDING)
WORKERS = {"scoring": ["scoring"], "paging": ["paging"], "sending": ["sending", "maintenance"]}
SENTINELS = ("sentinel-1", "sentinel-2")
LEADS = "sentinel.leads"
LAST_LINES = 40

Found = TypeVar("Found")


def until(look: Callable[[], Found], *, what: str, patience_s: float = PATIENCE_S, every_s: float = 0.1) -> Found:
    """What `look` finds, once it is something; AssertionError with `what` was waited for when patience is over."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {patience_s:.0f} s: {what}"
        time.sleep(every_s)
    return found


def child_environ() -> dict[str, str]:
    """This process's environment without any setting of Daytwo's."""
    names = {name.upper() for name in Settings.model_fields}
    ours = names | {f"{name}_FILE" for name in names}
    return {name: value for name, value in os.environ.items() if name not in ours}


class Servers:
    """PostgreSQL and Redis in a folder of their own. Started from the thread that lives longest: they end with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folders.create(folder)
        self._postgres = postgres.start(self.folder)
        self._redis = redis.start(self.folder)
        self._sockets = accounts.place(self.folder).sockets
        with self.superuser() as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # processes are killed here, no machine is
            connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        """End both, and remove what they kept."""
        self._redis.stop()
        self._postgres.stop()

    def database_url(self, database: str, role: str = postgres.APPLICATION) -> str:
        """SQLAlchemy's address."""
        return postgres.url(self._sockets, role, database)

    @property
    def redis_url(self) -> str:
        """redis-py's address."""
        return redis.url(redis.socket_path(self.folder))

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """An autocommitting connection that may do anything, and whose rows have names."""
        address = self.database_url(database, postgres.SUPERUSER).replace("+psycopg", "")
        return psycopg.connect(address, autocommit=True, row_factory=namedtuple_row)

    def create_database(self, name: str) -> None:
        """An empty database, as an operator makes it."""
        with self.superuser() as connection:
            owner = sql.Identifier(postgres.OWNER)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))

    def migrate(self, name: str) -> None:
        """Bring it to the newest schema."""
        migrate.upgrade(self.database_url(name, postgres.OWNER), app_role=postgres.APPLICATION)

    def halt_postgres(self, number: signal.Signals) -> None:
        """SIGINT is PostgreSQL's fast end, SIGQUIT its immediate one, which recovers at the next start."""
        os.kill(self._postgres.server.pid, number)
        until(lambda: not self._postgres.server.running(), what="PostgreSQL ends", every_s=0.02)

    def raise_postgres(self) -> None:
        """Start it again."""
        self._postgres = postgres.start(self.folder)

    def kill_redis(self) -> None:
        """As the kernel kills it when memory runs out."""
        os.kill(self._redis.server.pid, signal.SIGKILL)
        until(lambda: not self._redis.server.running(), what="Redis is dead", every_s=0.02)

    def raise_redis(self) -> None:
        """Start it again, empty."""
        self._redis = redis.start(self.folder)

    def flush(self) -> None:
        """FLUSHALL: every doorbell that waits is forgotten."""
        with self._client() as client:
            client.flushall()

    def listeners(self) -> int:
        """How many clients wait for a doorbell at this moment."""
        with self._client() as client:
            return int(client.info("clients")["blocked_clients"])

    @contextlib.contextmanager
    def redis_paused(self) -> Iterator[None]:
        """It accepts connections and never answers."""
        with frozen(self._redis.server.pid):
            yield

    def _client(self) -> redis_client.Redis:
        return redis_client.Redis.from_url(self.redis_url, socket_timeout=5)


@contextlib.contextmanager
def frozen(*process_ids: int) -> Iterator[None]:
    """SIGSTOP now, SIGCONT at the end."""
    for pid in process_ids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in process_ids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


class Phones:
    """The carrier, on a port where nobody answers until `come`. It sends receipts, as the real one does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = ports.next_free(FIRST_PORT + 200)
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
        self, servers: Servers, phones: Phones, log: Path, *, database: str, redis_url: str, web_workers: int = 2
    ) -> None:
        self.servers, self.phones, self.database, self._log = servers, phones, database, log
        bind = f"127.0.0.1:{ports.next_free(FIRST_PORT)}"
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
