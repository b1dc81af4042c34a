"""Scenarios 9 and 10: a database that crashes, ends connections at any statement, and a session that hangs."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import psycopg

from survey import clock
from survey.domain.errors import DomainError
from survey.domain.queues import Queue
from survey.local import clinic
from survey.services import alerts, escalation, pages, scores
from survey.store import doorbell
from survey.store.session import DatabaseError
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import ENGINE, USUAL, scenario
from tests.chaos.scene import Scene
from tests.faults.servers import until

AT_ONCE_S = 3.5
"""Below the five seconds for which a lock is waited for."""
FREED_WITHIN_S = 12.0
"""A hung session is ended by the server after ten seconds at most."""
MOST_STATEMENTS = 60


@scenario(9, *USUAL, terms=Terms(late_s=25, slow_submits=True), quick=True)
def postgres_crashes(scene: Scene) -> None:
    """No good-byes, recovery from the log, twice, in the midst of answers."""
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(scene.submit, 12)
        for _ in range(2):
            time.sleep(0.4)
            scene.servers.halt_postgres(signal.SIGQUIT)
            scene.servers.raise_postgres()
        load.result()


@scenario(9, *USUAL, terms=Terms(late_s=25, slow_submits=True))
def connections_are_cut(scene: Scene) -> None:
    """pg_terminate_backend on every connection, twenty times a second."""
    cut = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    with ThreadPoolExecutor(1) as pool, scene.servers.superuser(scene.database) as connection:
        load, until_s = pool.submit(scene.submit, 12), time.monotonic() + 3
        while time.monotonic() < until_s:
            connection.execute(cut)
            time.sleep(0.05)
        load.result()


class Cut:
    """Ends the connection of whoever makes the nth statement from now, before it or after its commit."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._left, self._after_commit = scene, 0, False
        self.fired = False
        self._me = threading.get_ident()

    def at(self, number: int, *, after_commit: bool) -> None:
        """The statement of that number."""
        self._left, self._after_commit, self.fired = number, after_commit, False

    def _counts(self) -> bool:
        if threading.get_ident() != self._me or self._left == 0:
            return False
        self._left -= 1
        self.fired = self._left == 0
        return self.fired

    def _end(self, connection: psycopg.Connection[Any]) -> None:
        pid = connection.info.backend_pid
        with self._scene.servers.superuser() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    @contextlib.contextmanager
    def armed(self) -> Iterator[None]:
        """While the block lasts."""
        execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

        def counting(cursor: Any, *told: Any, **named: Any) -> Any:
            if not self._after_commit and self._is_ours(cursor.connection) and self._counts():
                self._end(cursor.connection)
            return execute(cursor, *told, **named)

        def forgetful(connection: Any) -> None:
            commit(connection)
            if self._after_commit and self._is_ours(connection) and self._counts():
                self._end(connection)
                raise psycopg.OperationalError("the commit stands, and its acknowledgment is lost")

        with patch.object(psycopg.Cursor, "execute", counting), patch.object(psycopg.Connection, "commit", forgetful):
            yield

    def _is_ours(self, connection: psycopg.Connection[Any]) -> bool:
        return bool(connection.info.user == "daytwo_app" and connection.info.dbname == self._scene.database)


def _work() -> None:
    """Score, advance, send, as a worker would; what fails is tried again later, as a worker would."""
    for part in (scores.score_due, escalation.advance_due, pages.send_due):
        with contextlib.suppress(DomainError, DatabaseError):
            while part(now=clock.now()):
                pass


@scenario(9, terms=Terms(late_s=60, well=None), quick=True)
def a_cut_at_each_statement(scene: Scene) -> None:
    """From the answer to the page, the connection ends before each statement in turn, then after each commit."""
    cut = Cut(scene)
    with cut.armed():
        for after_commit in (False, True):
            for number in range(1, MOST_STATEMENTS):
                scene.commit()
                cut.at(number, after_commit=after_commit)
                _work()
                if not cut.fired:
                    cut.at(0, after_commit=after_commit)
                    break
                _mend(scene)
            else:
                raise AssertionError("there are more statements than were looked for")
    scene.rest()


def _mend(scene: Scene) -> None:
    """The next worker comes by; a lease that was lost is over."""
    scene.run("UPDATE page SET lease_until = clock_timestamp() WHERE state = 'leased'")
    for _ in range(3):
        _work()


@scenario(10, *ENGINE, terms=Terms(late_s=FREED_WITHIN_S + 10))
def a_session_hangs_on_an_alert(scene: Scene) -> None:
    """It holds an alert whose next step is due; other alerts never notice, and the server ends the session."""
    scene.stack.stop("sentinels")
    scene.commit()
    (held,) = scene.await_alerts(1)
    scene.rest()
    scene.run("UPDATE alert SET next_action_at = clock_timestamp() + interval '1 s'")
    with _hanging(scene, "SELECT id FROM alert WHERE id = %s FOR UPDATE", held.id) as since:
        time.sleep(1)
        _others_are_paged_at_once(scene)
        until(lambda: _hung(scene) == 0, what="the server ends the session", every_s=0.1)
        assert time.monotonic() - since < FREED_WITHIN_S
    scene.up("sentinels")


@scenario(10, *ENGINE, terms=Terms(late_s=FREED_WITHIN_S + 20))
def a_session_hangs_on_a_page(scene: Scene) -> None:
    """It holds a page that is due: whoever sends takes the next one."""
    scene.deal("503")
    scene.commit()
    scene.await_pages(4)
    scene.stack.stop("sentinels")
    with _hanging(scene, "SELECT id FROM page WHERE state = 'pending' FOR UPDATE"):
        scene.deal("200")
        due = "SELECT FROM page WHERE state = 'pending' AND not_before <= clock_timestamp()"
        until(lambda: scene.rows(due), what="the page that is held is due")
        _others_are_paged_at_once(scene)
    scene.up("sentinels")


@contextlib.contextmanager
def _hanging(scene: Scene, statement: str, *values: object) -> Iterator[float]:
    """A session of the application's role, with the application's timeouts, that holds rows and says nothing."""
    address = scene.servers.database_url(scene.database).replace("+psycopg", "")
    connection = psycopg.connect(
        address, options="-c idle_in_transaction_session_timeout=10s", application_name="hung", autocommit=False
    )
    try:
        while not connection.execute(statement, values).fetchone():
            connection.rollback()
        yield time.monotonic()
    finally:
        with contextlib.suppress(psycopg.Error):
            connection.close()


def _hung(scene: Scene) -> int:
    return int(scene.rows("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'hung'")[0].n)


def _others_are_paged_at_once(scene: Scene) -> None:
    """While every thread of the worker has tried its luck with the row that is held."""
    before = len(scene.wire())
    for _ in range(8):
        doorbell.ring(Queue.PAGING)
        time.sleep(0.05)
    began = time.monotonic()
    scene.commit(2)
    scene.await_pages(before + 2, patience_s=20)
    took = time.monotonic() - began
    assert took < AT_ONCE_S, f"other alerts were paged after {took:.1f} s"


@scenario(18, "scoring", terms=Terms(late_s=30, well=None), quick=True)
def every_guard_has_a_row_to_refuse(scene: Scene) -> None:
    """One alert that nobody has, one that is taken, and pages: the guards of the database are asked afterwards."""
    scene.commit(2)
    one, _ = scene.await_alerts(2)
    while pages.send_due(now=clock.now()):
        pass
    alerts.take(one.id, by=scene.world.riverside.actor(clinic.ANA), epoch=1, now=clock.now())
