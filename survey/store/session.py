"""The one way to the database: `transaction()`, which rings the doorbells of its queues after the commit."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from survey.domain.errors import Conflict, Unavailable
from survey.domain.queues import Queue
from survey.store import doorbell, revision
from survey.store.engine import connect

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

RETRY_S = 0.5

_engine: sa.Engine | None = None


class DatabaseError(RuntimeError):
    """A statement failed. Holds SQLSTATE and constraint only: PostgreSQL's own text quotes whole rows."""


class Tx:
    """An open transaction: runs statements, and remembers which queues to ring once it is committed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.queues: set[Queue] = set()

    def run(self, statement: sa.Executable, parameters: Parameters = None) -> sa.CursorResult[Any]:
        """Execute; the result's rows are read before the transaction ends."""
        return self._connection.execute(statement, parameters)

    def ring(self, queue: Queue) -> None:
        """Wake that queue's worker after the commit; a lost ring costs at most the sentinel's two seconds."""
        self.queues.add(queue)


def configure(url: str, *, pool_size: int = 8) -> None:
    """Point this process at a database, closing what it had open. `url` is SQLAlchemy's, `postgresql+psycopg://…`."""
    global _engine
    if _engine is not None:
        _engine.dispose()
    _engine = connect(url, pool_size=pool_size)


def engine() -> sa.Engine:
    """This process's engine; `configure` comes first."""
    if _engine is None:
        raise RuntimeError("the database is not configured: call survey.store.session.configure(url) first")
    return _engine


@contextmanager
def transaction() -> Iterator[Tx]:
    """One transaction: returning commits and then rings, raising rolls back.

    Raises Unavailable when the database cannot be reached, Conflict when a constraint refused (with its name).
    """
    try:
        with engine().begin() as connection:
            tx = Tx(connection)
            yield tx
    except exc.DBAPIError as error:
        raise translated(error) from None
    except exc.TimeoutError:
        raise Unavailable from None
    for queue in tx.queues:
        doorbell.ring(queue)


def translated(error: exc.DBAPIError) -> Exception:
    """Our word for a driver's error, without the row that PostgreSQL quotes in its text."""
    diagnosis = getattr(error.orig, "diag", None)
    state = getattr(error.orig, "sqlstate", None)
    if state is None or state.startswith(("08", "57P")) or error.connection_invalidated:
        return Unavailable()
    if state.startswith("23"):
        return Conflict(constraint=getattr(diagnosis, "constraint_name", None) or state)
    return DatabaseError(f"SQLSTATE {state}, constraint {getattr(diagnosis, 'constraint_name', None)}")


def wait_until_ready(*, patience_s: float = 60.0) -> None:
    """Try until the database answers and is migrated, so that nothing depends on which process starts first.

    Raises Unavailable after `patience_s`.
    """
    _wait_until(revision.is_current, patience_s=patience_s)


def wait_until_reachable(*, patience_s: float = 60.0) -> None:
    """Try until the database answers, migrated or not. Raises Unavailable after `patience_s`."""
    _wait_until(lambda connection: not connection.closed, patience_s=patience_s)


def _wait_until(holds: Callable[[sa.Connection], bool], *, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not _answers(holds):
        if time.monotonic() > deadline:
            raise Unavailable
        time.sleep(RETRY_S)


def _answers(holds: Callable[[sa.Connection], bool]) -> bool:
    try:
        with engine().connect() as connection:
            return holds(connection)
    except (exc.DBAPIError, exc.TimeoutError):
        return False
