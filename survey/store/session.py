"""The one way to the database: `transaction()`, which rings the doorbells of its queues after the commit."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row, tuple_row
from sqlalchemy import exc

from survey.domain.errors import Busy, Conflict, Unavailable
from survey.domain.queues import Queue
from survey.store import doorbell, revision
from survey.store.engine import connect

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

RETRY_S = 0.5

HELD_UP = ("40", "53", "55P03", "57014", "25P03", "25P04")
"""SQLSTATEs of a deadlock, a full server, and a lock, a statement or a transaction that ran into its timeout."""

_engine: sa.Engine | None = None
_single: sa.Engine | None = None
"""The same database again, with connections that never hold a transaction open."""


class DatabaseError(RuntimeError):
    """A statement failed. Holds SQLSTATE and constraint only: PostgreSQL's own text quotes whole rows."""


class Statements:
    """A connection to run statements on, and the queues to ring once that is over."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._driver = driver
        self.queues: set[Queue] = set()

    def fetch(self, sql: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """The one row of a query in PostgreSQL's own words, or of a change that returns one; None without one.

        Costs a third of what a composed statement costs; for the paths that are walked with every tap and every page.
        """
        return self._driver.cursor(row_factory=dict_row).execute(sql, parameters).fetchone()

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All rows, as `fetch` reads one."""
        return self._driver.cursor(row_factory=dict_row).execute(sql, parameters).fetchall()

    def bulk(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows as plain tuples, planned anew for these very parameters; for a query that reads many rows."""
        return self._driver.cursor(row_factory=tuple_row).execute(sql, parameters, prepare=False).fetchall()

    def change(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Make a change in PostgreSQL's own words; how many rows it touched."""
        return self._driver.execute(sql, parameters).rowcount

    def ring(self, queue: Queue) -> None:
        """Wake that queue's worker after the commit; a lost ring costs at most the sentinel's two seconds."""
        self.queues.add(queue)


class Tx(Statements):
    """An open transaction; runs composed statements as well."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(_driver(connection.connection))
        self._connection = connection

    def run(self, statement: sa.Executable, parameters: Parameters = None) -> sa.CursorResult[Any]:
        """Execute; the result's rows are read before the transaction ends."""
        return self._connection.execute(statement, parameters)


def configure(url: str, *, pool_size: int = 8) -> None:
    """Point this process at a database, closing what it had open. `url` is SQLAlchemy's, `postgresql+psycopg://…`."""
    global _engine, _single
    dispose()
    _engine = connect(url, pool_size=pool_size)
    _single = connect(url, pool_size=pool_size, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)


def dispose() -> None:
    """Close what lies in the pools; either opens anew when it is asked."""
    for each in (_engine, _single):
        if each is not None:
            each.dispose()


def engine() -> sa.Engine:
    """This process's engine; `configure` comes first."""
    return _configured(_engine)


def _configured(made: sa.Engine | None) -> sa.Engine:
    if made is None:
        raise RuntimeError("the database is not configured: call survey.store.session.configure(url) first")
    return made


@contextmanager
def transaction() -> Iterator[Tx]:
    """One transaction: returning commits and then rings, raising rolls back.

    Raises Unavailable when the database cannot be reached, Conflict when a constraint refused (with its name).
    """
    try:
        with engine().begin() as connection:
            tx = Tx(connection)
            yield tx
    except psycopg.Error as error:
        raise translated(error) from None
    except exc.DBAPIError as error:
        raise translated(error.orig, lost=error.connection_invalidated) from None
    except exc.TimeoutError:
        raise Unavailable from None
    for queue in tx.queues:
        doorbell.ring(queue)


@contextmanager
def single_statements() -> Iterator[Statements]:
    """Each statement is a transaction of its own; raises and rings as `transaction` does.

    For the one path that is walked with every tap: one read, or a read and then one write that refuses what has
    changed in between. Half of what SQLAlchemy costs there is saved, and two round trips.
    """
    try:
        with _autocommitting() as driver:
            statements = Statements(driver)
            yield statements
    except psycopg.Error as error:
        raise translated(error) from None
    except exc.DBAPIError as error:
        raise translated(error.orig, lost=error.connection_invalidated) from None
    except exc.TimeoutError:
        raise Unavailable from None
    for queue in statements.queues:
        doorbell.ring(queue)


def _driver(pooled: sa.PoolProxiedConnection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] | None = pooled.driver_connection
    if driver is None:
        raise Unavailable
    return driver


@contextmanager
def _autocommitting() -> Iterator[psycopg.Connection[Any]]:
    """A connection on which every statement commits; the pool gets it back only while it lives."""
    with closing(_configured(_single).raw_connection()) as pooled:
        driver = _driver(pooled)
        try:
            yield driver
        finally:
            if driver.closed:
                pooled.invalidate()


def translated(error: BaseException | None, *, lost: bool = False) -> Exception:
    """Our word for a driver's error, without the row that PostgreSQL quotes; `lost` when the connection is gone."""
    diagnosis = getattr(error, "diag", None)
    state = getattr(error, "sqlstate", None)
    if state is None or state.startswith(("08", "57P")) or lost:
        return Unavailable()
    if state.startswith(HELD_UP):
        return Busy()
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


def serves() -> bool:
    """Whether the database answers and this process can go on there, asked once."""
    return _answers(revision.is_known)


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
