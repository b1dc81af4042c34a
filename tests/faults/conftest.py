"""One Daytwo for all these tests: real processes, servers of their own, and a carrier that journals the wire."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from survey import clock
from survey.local import clinic, pids, services
from survey.local.clinic import Riverside
from survey.store import session
from tests.faults.load import Load
from tests.faults.servers import Servers
from tests.faults.stack import Phones, Stack, engine, sentinels

DATABASE = "faults"
MOST_PATIENTS = 400
"""Of one test: numbers that are free for fiction are few."""

_tests = count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis that nobody else uses, so that they may be killed."""
    if not pids.PROC.is_dir():
        pytest.skip("looks into /proc")
    folder = tmp_path_factory.mktemp("faults") / ".daytwo"
    running = Servers(folder)
    yield running
    running.close()
    services.erase(folder)


@pytest.fixture(scope="session")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phones]:
    """The carrier: what stands in its journal was on the wire."""
    running = Phones(tmp_path_factory.mktemp("phones"))
    running.come()
    yield running
    running.close()


@pytest.fixture(scope="session")
def starting_stack(servers: Servers, phones: Phones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every process of a clinic, and two sentinels. They begin while there are no tables yet, which saves time."""
    servers.create_database(DATABASE)
    log: Path = tmp_path_factory.mktemp("logs") / "daytwo.log"
    stack = Stack(servers, phones, log, database=DATABASE, redis_url=servers.redis_url)
    try:
        stack.start("engine", engine())
        stack.start("sentinels", sentinels())
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="session")
def riverside(servers: Servers, starting_stack: Stack) -> Iterator[Riverside]:
    """The invented clinic with people on call, in a database that is migrated."""
    servers.migrate(starting_stack.database)
    session.configure(servers.database_url(DATABASE))
    yield clinic.settle(clock.now())
    session.dispose()


@pytest.fixture
def stack(starting_stack: Stack, servers: Servers, riverside: Riverside) -> Stack:
    """The same, whole and at rest, with this process's own services pointed to it."""
    session.configure(servers.database_url(DATABASE), pool_size=4)
    assert riverside.people, "somebody has to be on call"
    starting_stack.await_whole()
    return starting_stack


@pytest.fixture
def load(stack: Stack, riverside: Riverside) -> Iterator[Load]:
    """Patients that this test alone enrols."""
    with Load(stack, riverside, first=MOST_PATIENTS * next(_tests)) as running:
        yield running
