"""How long a text waits for a provider."""

from datetime import timedelta

import pytest

from survey.domain import breakers
from survey.messaging import registry
from survey.services import carriers
from survey.store import carriers as store
from survey.store.session import transaction
from tests import desk
from tests.conftest import Database
from tests.desk import WEDNESDAY_TEN
from tests.fakes import FakeSms

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=FakeSms(name="twilio"), email=None))


@pytest.mark.parametrize(("later", "waits"), [(0, 60), (59, 1), (60, 1), (90, 1)])
def test_a_text_waits_for_the_end_of_the_rest_and_a_second_where_somebody_else_is_asking(
    later: int, waits: int
) -> None:
    now = WEDNESDAY_TEN + later * SECOND
    with transaction() as tx:
        health = breakers.failed(store.get_for_update(tx, "twilio"), now=WEDNESDAY_TEN, wait=60 * SECOND)
        store.put(tx, health)

        assert carriers.next_chance(tx, now) == now + waits * SECOND
