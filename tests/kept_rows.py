"""Rows that very many tests begin with: made once by the product, kept, and put back by COPY at a fifth of the cost."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from survey.local import postgres
from tests import engines

_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_ALWAYS = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Table → its rows as COPY tells them. `fresh` is a row that gets another id each time it is put back."""

    rows: Mapping[str, bytes]
    fresh: UUID

    def put(self) -> None:
        """Into the test's database, past its triggers: they have let these very rows in once."""
        other = str(uuid4()).encode()
        with _superuser() as connection:
            connection.execute("SET session_replication_role = replica")
            for table, rows in self.rows.items():
                with connection.cursor().copy(_copy(table, "FROM STDIN")) as copy:
                    copy.write(rows.replace(str(self.fresh).encode(), other))


def is_empty() -> bool:
    """Whether the test's database holds nothing yet; False also where it is not known, outside of `database`."""
    if engines.target() is None:
        return False
    with _superuser() as connection:
        return not _filled(connection)


def taken(*, fresh: UUID) -> Kept:
    """All that the test's database holds."""
    with _superuser() as connection:
        return Kept(rows={table: _read(connection, table) for table in _filled(connection)}, fresh=fresh)


@contextmanager
def _superuser() -> Iterator[psycopg.Connection[Any]]:
    target = engines.target()
    assert target is not None
    address = target.set(drivername="postgresql", username=postgres.SUPERUSER)
    with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
        yield connection


def _filled(connection: psycopg.Connection[Any]) -> list[str]:
    tables = [name for (name,) in connection.execute(_TABLES).fetchall() if name != _ALWAYS]
    look = sql.SQL("SELECT EXISTS (SELECT FROM {})")
    return [name for name in tables if connection.execute(look.format(sql.Identifier(name))).fetchone() == (True,)]


def _read(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(_copy(table, "TO STDOUT")) as copy:
        return b"".join(bytes(part) for part in copy)


def _copy(table: str, way: str) -> sql.Composed:
    return sql.SQL("COPY {} " + way).format(sql.Identifier(table))
