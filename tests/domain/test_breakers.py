"""A provider that fails three times in a minute rests for one; then one message tries it, and all follow or none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain import breakers
from survey.domain.breakers import FAILURES, LONGEST_REST, PROBE, REST, BreakerState, Health

TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failing(*seconds: float, wait: timedelta | None = None) -> Health:
    """A provider that failed at these seconds after ten."""
    health = Health(provider="twilio")
    for each in seconds:
        health = breakers.failed(health, now=TEN + each * SECOND, wait=wait)
    return health


def test_two_failures_change_nothing() -> None:
    assert failing(0, 1).state(TEN + 2 * SECOND) is BreakerState.CLOSED


def test_the_third_failure_within_a_minute_opens_it_for_a_minute() -> None:
    health = failing(0, 30, 60)

    assert health.state(TEN + 119 * SECOND) is BreakerState.OPEN
    assert health.state(TEN + 120 * SECOND) is BreakerState.HALF_OPEN


def test_three_failures_in_more_than_a_minute_do_not() -> None:
    assert failing(0, 30, 61).state(TEN + 62 * SECOND) is BreakerState.CLOSED


def test_a_success_in_between_begins_the_count_anew() -> None:
    health = breakers.succeeded(failing(0, 1), now=TEN + 2 * SECOND)
    health = breakers.failed(health, now=TEN + 3 * SECOND)

    assert (health.failures, health.open_until) == (1, None)


def test_the_wait_that_a_provider_asks_for_holds_from_the_first_time_on() -> None:
    health = failing(0, wait=120 * SECOND)

    assert health.open_until == TEN + 120 * SECOND


def test_no_provider_is_left_alone_for_longer_than_a_quarter_of_an_hour() -> None:
    assert failing(0, wait=timedelta(days=1)).open_until == TEN + LONGEST_REST


def test_whoever_tries_it_keeps_the_others_away_meanwhile() -> None:
    rested = failing(0, 0, 0)
    now = TEN + REST

    probed = breakers.probing(rested, now=now)

    assert rested.state(now) is BreakerState.HALF_OPEN
    assert probed.state(now) is BreakerState.OPEN
    assert probed.state(now + PROBE) is BreakerState.HALF_OPEN, "a sender that died must not keep it shut for ever"


@pytest.mark.parametrize("works", [True, False])
def test_the_probe_decides_for_all(works: bool) -> None:
    now = TEN + REST
    probed = breakers.probing(failing(0, 0, 0), now=now)

    told = breakers.succeeded(probed, now=now) if works else breakers.failed(probed, now=now)

    assert told.state(now + SECOND) is (BreakerState.CLOSED if works else BreakerState.OPEN)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=40))
def test_it_is_open_only_after_three_failures_and_always_ends(events: list[tuple[bool, int]]) -> None:
    health, now, in_row = Health(provider="twilio"), TEN, 0
    for fails, seconds in events:
        now += seconds * SECOND
        health = breakers.failed(health, now=now) if fails else breakers.succeeded(health, now=now)
        in_row = in_row + 1 if fails else 0
        assert health.open_until is None or in_row >= FAILURES
        assert health.state(now + REST + PROBE) is not BreakerState.OPEN
