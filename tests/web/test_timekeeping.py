"""The web goes by the database's clock: what a patient is promised comes when the clinicians think it does."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from survey import clock
from survey.services import engine
from survey.store import session
from survey.web.timekeeping import Timekeeper
from tests import phone
from tests.conftest import Database

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    yield
    clock.agree(clock.wall())


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_a_machine_whose_clock_is_wrong_does_not_go_by_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    assert database
    right = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: right() + off)

    phone.create_app(phone.settings()).test_client().get("/live")

    assert abs(clock.now() - right()) < timedelta(seconds=5)


def test_it_asks_the_database_once_in_half_a_minute(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database
    asked: list[datetime] = []
    monkeypatch.setattr(engine, "time", lambda: asked.append(clock.now()) or clock.now())
    keeper = Timekeeper()

    for _ in range(3):
        keeper.keep()

    assert len(asked) == 1


def test_a_database_that_is_away_stops_no_request(database: Database) -> None:
    assert database
    session.configure("postgresql+psycopg://nobody@127.0.0.1:1/none")

    assert phone.create_app(phone.settings()).test_client().get("/live").status_code == 200
