"""Which provider is asked next and when, and how it is noted how they answered."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError

import pytest

from survey.domain import breakers
from survey.domain.breakers import Health
from survey.messaging import registry
from survey.messaging.outcomes import Attempt, Outcome
from survey.services import carriers
from survey.store import carriers as store
from survey.store.session import Tx, transaction
from tests import desk
from tests.conftest import Database
from tests.desk import WEDNESDAY_TEN
from tests.fakes import FakeSms

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=FakeSms(name="twilio"), email=None))


@pytest.fixture
def both() -> None:
    sms, others = FakeSms(name="twilio"), (FakeSms(name="sinch"),)
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=sms, others=others, email=None))


def rest(provider: str) -> None:
    with transaction() as tx:
        health = breakers.failed(store.get_for_update(tx, provider), now=WEDNESDAY_TEN, wait=60 * SECOND)
        store.put(tx, health)


def ranked() -> list[str]:
    with transaction() as tx:
        return [one.name for one in carriers.ranked(tx, WEDNESDAY_TEN)]


def note(order: Sequence[str]) -> None:
    """Each of them failed, in that order."""
    failed = [(Attempt(outcome=Outcome.TRY_LATER, provider=name, detail="503"), False) for name in order]
    with transaction() as tx:
        carriers.note(tx, failed, now=WEDNESDAY_TEN)


@pytest.mark.parametrize(("later", "waits"), [(0, 60), (59, 1), (60, 1), (90, 1)])
def test_a_text_waits_for_the_end_of_the_rest_and_a_second_where_somebody_else_is_asking(
    later: int, waits: int
) -> None:
    now = WEDNESDAY_TEN + later * SECOND
    rest("twilio")

    with transaction() as tx:
        assert carriers.next_chance(tx, now) == now + waits * SECOND


def test_a_page_asks_those_that_rest_last(both: None) -> None:
    assert both is None
    usual = ranked()
    rest("twilio")

    assert (usual, ranked()) == (["twilio", "sinch"], ["sinch", "twilio"])


def test_two_that_note_how_both_providers_failed_never_wait_for_one_another(
    both: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert both is None
    together, lock = Barrier(2), store.get_for_update

    def locked(tx: Tx, provider: str) -> Health:
        health = lock(tx, provider)
        with suppress(BrokenBarrierError):
            together.wait(0.5)
        return health

    monkeypatch.setattr(carriers.store, "get_for_update", locked)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(note, order) for order in (("twilio", "sinch"), ("sinch", "twilio"))]:
            done.result()

    with transaction() as tx:
        assert {name: health.failures for name, health in store.every(tx).items()} == {"twilio": 2, "sinch": 2}
