"""Who asks for a fresh link twice at once gets one: whoever decides about it has the survey alone."""

from uuid import UUID

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from survey.domain.links import WayOn
from survey.services import fresh_links
from survey.store.session import transaction
from tests import desk
from tests.conftest import Database
from tests.desk import WEDNESDAY_TEN, enrol, maria


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    desk.open_clinic()


def is_held(database: Database, invitation_id: UUID) -> bool:
    """Whether nobody else can decide about the survey now."""
    with psycopg.connect(database.url.replace("+psycopg", "")) as other:
        try:
            other.execute("SELECT FROM invitation WHERE id = %s FOR NO KEY UPDATE NOWAIT", [invitation_id])
        except LockNotAvailable:
            return True
    return False


def test_until_a_fresh_link_is_queued_nobody_else_decides_about_one(database: Database) -> None:
    made = enrol(maria())

    with transaction() as tx:
        assert fresh_links.send(tx, made.invitation_id, WEDNESDAY_TEN) is WayOn.LINK
        assert is_held(database, made.invitation_id)

    assert not is_held(database, made.invitation_id)
    fresh = "SELECT 1 FROM message WHERE kind = 'fresh_link'"
    with transaction() as tx:
        fresh_links.send(tx, made.invitation_id, WEDNESDAY_TEN)
    assert len(desk.rows(fresh)) == 1
