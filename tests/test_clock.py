"""The clock of a process: its machine's, or the one that it was told to go by."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from survey import clock
from survey.services import engine
from tests.conftest import Database

HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=5)


@pytest.fixture(autouse=True)
def right_again() -> Iterator[None]:
    yield
    clock.agree(clock.wall())


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_a_wrong_clock_goes_by_the_right_one(off: timedelta) -> None:
    right = clock.wall() + off

    assert abs(clock.agree(right) - off) < MOMENT

    assert abs(clock.now() - right) < MOMENT


def test_a_clock_that_is_right_again_is_believed_again() -> None:
    clock.agree(clock.wall() + HOUR)

    assert clock.agree(clock.wall()) == timedelta()

    assert abs(clock.now() - clock.wall()) < MOMENT


def test_a_second_apart_is_nothing(database: Database) -> None:  # noqa: ARG001 (it stands behind every call)
    assert clock.agree(clock.wall() + timedelta(seconds=1)) == timedelta()


def test_whoever_says_that_it_is_alive_is_told_the_databases_time(database: Database) -> None:  # noqa: ARG001
    told = engine.beat("worker:paging", now=clock.now() + HOUR)

    assert abs(told - clock.wall()) < MOMENT
    assert abs(engine.time() - clock.wall()) < MOMENT
