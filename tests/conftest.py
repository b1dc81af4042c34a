"""One embedded PostgreSQL and Redis for the whole run, and a fresh, migrated database for each test that asks."""

import importlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import redis

from survey.local import pids, postgres
from survey.local import services as local
from survey.local.services import Services
from tests.engines import Engines

TEMPLATE = "daytwo_template"
TOLD = "told"
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 512_000_000

# Whatever the shell of the person who tests points at, tests never touch it.
for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
    os.environ.pop(name, None)
    os.environ.pop(f"{name}_FILE", None)


NOT_HERE = ("root", "/proc", "Linux", "namespaces")
"""Words in the reason of a skip that even CI accepts: the machine is of another kind."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first: whatever comes last is waited for by everybody."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have to tell, also those that passed: `record_property(TOLD, words)`."""
    for report in terminalreporter.stats.get("passed", ()):
        for name, words in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(str(words))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With DAYTWO_NO_SKIPS=1, as in CI, a test that was skipped for want of something installable fails the run."""
    if os.environ.get("DAYTWO_NO_SKIPS") != "1":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [str(report.longrepr) for report in (reporter.stats if reporter else {}).get("skipped", ())]
    missing = [reason for reason in skipped if not any(word in reason for word in NOT_HERE)]
    if missing and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database of one test's own: `url` as the application's role, `owner_url` as the role that owns the tables."""

    name: str
    url: str
    owner_url: str


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The embedded servers of this run."""
    folder = tmp_path_factory.mktemp("daytwo") / ".daytwo"
    running = local.start(folder, environ={})
    yield running
    running.stop()
    local.erase(folder)


def _url(services: Services, role: str, database: str) -> str:
    url = services.environ["DATABASE_URL"]
    return url.replace(f"{postgres.APPLICATION}@", f"{role}@").replace(f"/{postgres.DATABASE}?", f"/{database}?")


@pytest.fixture(scope="session")
def cluster(services: Services) -> Iterator[psycopg.Connection]:
    """A superuser's connection, for making and dropping databases."""
    address = _url(services, postgres.SUPERUSER, "postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        # Only here, where nothing is worth keeping: dropping a database waits for the disk otherwise.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        yield connection


@pytest.fixture(scope="session")
def tablespace(cluster: psycopg.Connection) -> Iterator[str]:
    """Where the databases stand: in memory if the machine has room, for there a clone takes a twentieth of the time."""
    for left in MEMORY.glob("daytwo-tests-*"):
        if not pids.alive(int(left.name.rpartition("-")[2])):  # a run that was killed
            shutil.rmtree(left, ignore_errors=True)
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_NEEDED:
        yield "pg_default"
        return
    folder = MEMORY / f"daytwo-tests-{os.getpid()}"
    folder.mkdir(mode=0o700)
    (data,) = cluster.execute("SHOW data_directory").fetchone() or ("",)
    os.chown(folder, Path(data).stat().st_uid, Path(data).stat().st_gid)
    cluster.execute(f"CREATE TABLESPACE tests LOCATION '{folder}'")
    yield "tests"
    cluster.execute("DROP TABLESPACE tests")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(services: Services, cluster: psycopg.Connection, tablespace: str) -> Iterator[str]:
    """The name of a database with the newest schema and no rows, which nobody is connected to."""
    from survey.store import migrate

    cluster.execute(f"CREATE DATABASE {TEMPLATE} OWNER {postgres.OWNER} TABLESPACE {tablespace}")
    migrate.upgrade(_url(services, postgres.OWNER, TEMPLATE), app_role=postgres.APPLICATION)
    yield TEMPLATE
    cluster.execute(f"DROP DATABASE {TEMPLATE}")


@pytest.fixture(scope="session")
def store_session() -> Any:
    """The module `survey.store.session`, which puts a statement together once in this whole run."""
    module = importlib.import_module("survey.store.session")
    module.connect = Engines(module.connect).connect  # type: ignore[attr-defined]
    return module


@pytest.fixture
def database(services: Services, cluster: psycopg.Connection, template: str, store_session: Any) -> Iterator[Database]:
    """A fresh database, which `survey.store.session` points to; gone after the test."""
    name = f"test_{uuid4().hex[:12]}"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {postgres.OWNER} STRATEGY file_copy")
    made = Database(
        name=name,
        url=_url(services, postgres.APPLICATION, name),
        owner_url=_url(services, postgres.OWNER, name),
    )
    store_session.configure(made.url)
    yield made
    store_session.dispose()
    cluster.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(services: Services) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(services.environ["REDIS_URL"]) as client:
        client.flushall()
    return services.environ["REDIS_URL"]
