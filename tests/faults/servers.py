"""PostgreSQL and Redis of a test's own, to be stopped, killed, emptied and paused; and the patience to wait."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import redis as redis_client
from psycopg import sql
from psycopg.rows import namedtuple_row

from survey.local import accounts, postgres, redis
from survey.local import folder as folders
from survey.store import migrate

PATIENCE_S = 90.0
"""For anything that merely has to happen in the end; a machine that is busy with other tests is slow."""

Found = TypeVar("Found")


def until(look: Callable[[], Found], *, what: str, patience_s: float = PATIENCE_S, every_s: float = 0.1) -> Found:
    """What `look` finds, once it is something; AssertionError with `what` was waited for when patience is over."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {patience_s:.0f} s: {what}"
        time.sleep(every_s)
    return found


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
