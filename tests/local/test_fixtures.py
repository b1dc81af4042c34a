"""The tests' own database is fresh each time and is used as the application's role."""

import os

import pytest
import redis
import sqlalchemy as sa

from survey.store import session
from tests.conftest import Database

COUNT = "SELECT count(*) FROM engine_heartbeat"
BEAT = "INSERT INTO engine_heartbeat (component, last_ok_at) VALUES ('test', now())"


@pytest.mark.parametrize("_turn", ["first", "second"])
def test_each_test_finds_an_empty_database(database: Database, _turn: str) -> None:
    with session.transaction() as tx:
        before = tx.run(sa.text(COUNT)).scalar_one()
        tx.run(sa.text(BEAT))

    assert before == 0
    assert database.name in database.url


def test_the_application_works_as_its_own_role(database: Database) -> None:
    with session.transaction() as tx:
        role, name = tx.run(sa.text("SELECT current_user, current_database()")).one()

    assert (role, name) == ("daytwo_app", database.name)


@pytest.mark.parametrize("_turn", ["first", "second"])
def test_each_test_finds_an_empty_redis(redis_url: str, _turn: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        before = client.dbsize()
        client.set("rung", 1)

    assert before == 0


def test_the_addresses_of_the_shell_never_reach_a_test() -> None:
    assert not {"DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "SECRET_KEY"} & set(os.environ)
