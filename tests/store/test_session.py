"""What a caller hears of the database's own troubles."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg
import pytest
import sqlalchemy as sa
import structlog

from survey.domain.errors import Busy, Unavailable
from survey.store import engine, revision
from survey.store.session import Statements, single_statements, transaction, wait_until_ready
from tests import factories
from tests.conftest import Database

IMPATIENT = sa.text("SET LOCAL lock_timeout = '50ms'")
HELD = sa.text("SELECT FROM site FOR UPDATE")
BACKEND = "SELECT pg_backend_pid() AS pid"


def test_rows_that_something_else_holds_for_too_long_are_busy_and_no_fault_of_ours(database: Database) -> None:
    assert database
    factories.site()

    with transaction() as other:
        other.run(HELD)

        with pytest.raises(Busy, match="try again"):
            _hold_impatiently()


def test_the_same_holds_for_a_statement_that_goes_straight_to_the_driver(database: Database) -> None:
    assert database
    factories.site()

    with transaction() as other:
        other.run(HELD)

        with pytest.raises(Busy, match="try again"):
            _hold_by_the_driver()


def test_a_connection_that_died_while_it_lay_idle_is_replaced_unseen(
    database: Database, cluster: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database
    monkeypatch.setattr(engine, "FRESH_S", 0.0)
    first = _backend()
    _end(cluster, first)

    assert _backend() != first


def test_a_connection_that_dies_between_two_uses_is_told_of_once(
    database: Database, cluster: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database
    monkeypatch.setattr(engine, "FRESH_S", 60.0)
    first = _backend()
    _end(cluster, first)

    with pytest.raises(Unavailable):
        _backend()

    assert _backend() != first


@pytest.mark.parametrize("way", [transaction, single_statements])
def test_a_connection_that_dies_under_a_statement_is_not_used_again(
    way: Callable[[], AbstractContextManager[Statements]], database: Database, cluster: psycopg.Connection
) -> None:
    assert database

    with pytest.raises(Unavailable):
        _lose(way, cluster)

    with way() as tx:
        assert tx.rows("SELECT 1 AS one", {}) == [{"one": 1}]


def _hold_impatiently() -> None:
    with transaction() as tx:
        tx.run(IMPATIENT)
        tx.run(HELD)


def _hold_by_the_driver() -> None:
    with transaction() as tx:
        tx.run(IMPATIENT)
        tx.rows("SELECT FROM site FOR UPDATE", {})


def _lose(way: Callable[[], AbstractContextManager[Statements]], cluster: psycopg.Connection) -> None:
    with way() as tx:
        held = tx.fetch(BACKEND, {})
        assert held is not None
        _end(cluster, held["pid"])
        tx.rows("SELECT 1", {})


def _backend() -> int:
    with transaction() as tx:
        row = tx.fetch(BACKEND, {})
    assert row is not None
    return int(row["pid"])


def _end(cluster: psycopg.Connection, pid: int) -> None:
    """End a connection from the server's side, and wait until it is gone."""
    cluster.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_whoever_starts_waits_for_its_own_schema_and_tells_once_which_other_it_found(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revision, "_told", set())
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999'")

    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(Unavailable):
                wait_until_ready(patience_s=0)

    assert [(line["event"], line["found"], line["needed"]) for line in lines] == [
        ("schema.is_another", "9999", revision.newest())
    ]


def test_one_address_may_name_two_servers() -> None:
    url = "postgresql://daytwo_app:secret@/daytwo?host=a,b&port=5432,5433&target_session_attrs=read-write"

    _, told = engine.connect(url).dialect.create_connect_args(sa.make_url(url))

    assert (told["host"], told["port"], told["target_session_attrs"]) == ("a,b", "5432,5433", "read-write")
