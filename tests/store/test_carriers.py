"""How a provider has answered, in the database: a success begins the count anew, and ends only a rest that it may."""

from datetime import datetime, timedelta
from random import Random

import psycopg
import pytest

from survey.domain import breakers
from survey.domain.breakers import FAILURES, PROBE, REST, BreakerState, Health
from survey.domain.patients import Block, ContactKind
from survey.store import carriers as store
from survey.store.session import transaction
from tests import desk
from tests.conftest import Database
from tests.desk import MARIAS_PHONE, WEDNESDAY_TEN

TEN = WEDNESDAY_TEN
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def nobody_asked_yet(database: Database) -> None:
    assert database


def failed(now: datetime) -> Health:
    with transaction() as tx:
        health = breakers.failed(store.get_for_update(tx, "twilio"), now=now)
        store.put(tx, health)
    return health


def succeeded(now: datetime, *, probed: bool = False) -> Health:
    with transaction() as tx:
        store.note_well(tx, "twilio", probed=probed, now=now)
        return store.every(tx)["twilio"]


def resting() -> Health:
    """Three failures at ten."""
    return [failed(TEN) for _ in range(FAILURES)][-1]


def test_a_success_in_between_begins_the_count_anew() -> None:
    failed(TEN)
    failed(TEN + SECOND)
    succeeded(TEN + 2 * SECOND)

    health = failed(TEN + 3 * SECOND)

    assert (health.failures, health.open_until) == (1, None)


def test_a_success_of_the_probe_opens_it_to_all_and_a_failure_keeps_it_shut() -> None:
    rested, now = resting(), TEN + REST
    with transaction() as tx:
        assert store.take_probe(tx, rested, breakers.probing(rested, now=now))

    assert failed(now + SECOND).state(now + 2 * SECOND) is BreakerState.OPEN
    assert succeeded(now + 2 * SECOND, probed=True).state(now + 2 * SECOND) is BreakerState.CLOSED


def test_a_late_success_of_somebody_who_did_not_probe_ends_no_rest() -> None:
    resting()

    assert succeeded(TEN + SECOND).state(TEN + SECOND) is BreakerState.OPEN
    assert succeeded(TEN + REST).state(TEN + REST) is BreakerState.CLOSED, "the rest is over"


def test_a_success_begins_the_count_anew_also_where_another_was_noted_a_moment_before() -> None:
    succeeded(TEN)
    failed(TEN + SECOND)
    failed(TEN + 2 * SECOND)
    succeeded(TEN + 3 * SECOND)

    health = failed(TEN + 4 * SECOND)

    assert (health.failures, health.open_until) == (1, None)


def test_a_number_that_is_dead_as_well_stays_the_wrong_number_that_it_was() -> None:
    desk.open_clinic()
    desk.enrol(desk.maria())
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'not_me'")

    with transaction() as tx:
        store.block(tx, ContactKind.SMS, MARIAS_PHONE, reason=Block.REFUSED, now=TEN)

    (contact,) = desk.rows("SELECT blocked_reason FROM contact")
    assert contact["blocked_reason"] == "not_me"


def test_what_is_known_since_half_a_minute_is_not_written_again() -> None:
    assert succeeded(TEN).last_ok_at == TEN
    assert succeeded(TEN + 29 * SECOND).last_ok_at == TEN
    assert succeeded(TEN + 31 * SECOND).last_ok_at == TEN + 31 * SECOND


@pytest.mark.parametrize("seed", range(8))
def test_it_is_open_only_after_three_failures_and_always_ends(seed: int) -> None:
    chance, now, in_row = Random(seed), TEN, 0
    for _ in range(60):
        now += chance.randint(0, 200) * SECOND
        fails = chance.random() < 0.7
        health = failed(now) if fails else succeeded(now, probed=True)
        in_row = in_row + 1 if fails else 0
        assert health.open_until is None or in_row >= FAILURES
        assert health.state(now + REST + PROBE) is not BreakerState.OPEN


def test_a_column_that_the_next_release_adds_is_not_read(database: Database) -> None:
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("ALTER TABLE provider_health ADD COLUMN added_by_the_next text")

    assert failed(TEN).failures == 1
    assert succeeded(TEN).failures == 0
