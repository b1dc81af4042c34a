"""What every table shares: the metadata, and column types that refuse naive times."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect

metadata = sa.MetaData()

Row = Mapping[str, Any] | sa.RowMapping
"""Column → value, as psycopg or SQLAlchemy reads it."""


class Instant(sa.TypeDecorator[datetime]):
    """`timestamptz`, aware UTC on both sides; a naive datetime is a fault of ours and raises ValueError."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime on its way into the database")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


def names(table: sa.Table, alias: str | None = None) -> str:
    """Its columns, under that name of the table, for a statement in PostgreSQL's own words.

    A `*` would read what the next release adds as well, and what is prepared by then refuses to give a column more.
    """
    return ", ".join(f"{alias or table.name}.{column.name}" for column in table.c)


def identifier(name: str = "id", *constraints: Any, **options: Any) -> sa.Column[UUID]:
    """A UUID column; the application makes the values, so that a row can be named before it is stored."""
    return sa.Column(name, pg.UUID(as_uuid=True), *constraints, **options)


def instant(name: str, **options: Any) -> sa.Column[datetime]:
    """A `timestamptz` column."""
    return sa.Column(name, Instant, **options)
