"""The schema goes up, down and up again, matches the tables in Python, and refuses what the roles may not do."""

import importlib
import pkgutil
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg import errors

from survey import store
from survey.local import postgres
from survey.local.services import Services
from survey.store import base, migrate
from survey.store.engine import connect
from tests.conftest import Database

COMPARED = frozenset({"add_table", "add_column", "modify_type", "modify_nullable"})
"""Python's tables name what the queries use; columns, keys and indexes beyond that stand in the migrations alone."""


@pytest.fixture
def empty(services: Services, cluster: psycopg.Connection) -> Iterator[str]:
    """The owner's address of a database without a schema."""
    name = f"empty_{uuid4().hex[:12]}"
    cluster.execute(f"CREATE DATABASE {name} OWNER {postgres.OWNER}")
    url = services.environ["OWNER_DATABASE_URL"]
    yield url.replace(f"/{postgres.DATABASE}?", f"/{name}?")
    cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


def schema(url: str) -> dict[str, object]:
    """Tables with their columns, functions and triggers, as the database tells them."""
    engine = connect(url)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("""
            SELECT 'column' AS kind, table_name || '.' || column_name AS name, data_type || is_nullable AS detail
              FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
            UNION ALL SELECT 'function', proname, prosrc FROM pg_proc p
              LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
              WHERE pronamespace = 'public'::regnamespace AND d.objid IS NULL
            UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, tgtype::text FROM pg_trigger
              WHERE NOT tgisinternal
            UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
              FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
            UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes
              WHERE schemaname = 'public' AND tablename <> 'alembic_version'""")
        )
        found: dict[str, object] = {f"{row.kind} {row.name}": row.detail for row in rows}
    engine.dispose()
    return found


def test_migrations_run_up_and_down_and_up_again(empty: str):
    migrate.upgrade(empty)
    first = schema(empty)

    settings = migrate.config(empty)
    command.downgrade(settings, "base")
    settings.attributes["engine"].dispose()
    between = schema(empty)
    migrate.upgrade(empty)

    assert between == {}
    assert schema(empty) == first


def drift(database: Database) -> list[object]:
    for module in pkgutil.iter_modules(store.__path__):
        importlib.import_module(f"survey.store.{module.name}")
    engine = connect(database.owner_url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), base.metadata)
    engine.dispose()
    single = [change for entry in found for change in (entry if isinstance(entry, list) else [entry])]
    return [change for change in single if change[0] in COMPARED]


def test_the_tables_in_python_are_those_of_the_migrated_database(database: Database):
    assert drift(database) == []


def test_a_column_that_changed_is_found(database: Database):
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("ALTER TABLE site ALTER COLUMN name DROP NOT NULL")
        owner.execute("ALTER TABLE site DROP COLUMN phone")

    assert {change[0] for change in drift(database)} == {"modify_nullable", "add_column"}


@pytest.fixture
def application(database: Database) -> Iterator[psycopg.Connection]:
    """A connection as the application's role."""
    with psycopg.connect(database.url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("table", migrate.APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_change_what_happened(application: psycopg.Connection, table: str, statement: str):
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement.format(table))


def test_the_application_may_change_what_is_not_append_only(application: psycopg.Connection):
    assert application.execute("UPDATE site SET name = name").rowcount == 0


@pytest.mark.parametrize("table", migrate.APPEND_ONLY)
def test_not_even_the_owner_changes_what_happened(database: Database, table: str):
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        triggers = owner.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass", (table,)).fetchall()

        with pytest.raises(errors.RestrictViolation):
            owner.execute(f"TRUNCATE {table} CASCADE")

    assert {"append_only", "never_emptied"} <= {name for (name,) in triggers}


def test_an_audit_event_once_written_stands(database: Database):
    with psycopg.connect(database.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(
            "INSERT INTO audit_event (id, at, actor_kind, action) VALUES (gen_random_uuid(), now(), 'system', 'a.b')"
        )

        for statement in ("UPDATE audit_event SET action = 'c.d'", "DELETE FROM audit_event"):
            with pytest.raises(errors.RestrictViolation):
                owner.execute(statement)


def test_the_application_owns_nothing_and_is_no_superuser(application: psycopg.Connection):
    (owned,) = (
        application.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole").fetchone() or ()
    )
    (above,) = (
        application.execute(
            "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        or ()
    )

    assert owned == 0
    assert above is False
