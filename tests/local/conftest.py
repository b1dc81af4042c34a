"""Folders for servers of a test's own, removed with everything that stands elsewhere on their behalf."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from survey.local import services
from survey.local.services import Services


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A `.daytwo` folder that nothing has run in yet."""
    path = tmp_path / ".daytwo"
    yield path
    services.erase(path)


@pytest.fixture(scope="module")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A `.daytwo` folder in which Daytwo has run before, shared by the stories of a module."""
    path = tmp_path_factory.mktemp("checkout") / ".daytwo"
    services.start(path, environ={}).stop()
    yield path
    services.erase(path)


@pytest.fixture
def start() -> Iterator[Callable[[Path], Services]]:
    """Starts the services of a folder; they end with the test."""
    started: list[Services] = []

    def start_in(path: Path) -> Services:
        started.append(services.start(path, environ={}))
        return started[-1]

    yield start_in
    for running in reversed(started):
        running.stop()


def connect(running: Services, name: str = "DATABASE_URL") -> psycopg.Connection:
    """An autocommitting connection to the database that children would use."""
    return psycopg.connect(running.environ[name].replace("+psycopg", ""), autocommit=True)


def keep(running: Services, word: str) -> None:
    """Write a word into the database as its owner."""
    with connect(running, "OWNER_DATABASE_URL") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [word])


def kept(running: Services) -> list[str]:
    """The words, as they are found later."""
    with connect(running, "OWNER_DATABASE_URL") as connection:
        return [str(row[0]) for row in connection.execute("SELECT word FROM kept ORDER BY word")]
