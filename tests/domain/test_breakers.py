"""A provider that fails three times in a minute rests for one; then one message tries it, and all follow or none."""

from datetime import UTC, datetime, timedelta

from survey.domain import breakers
from survey.domain.breakers import LONGEST_REST, PROBE, REST, BreakerState, Health

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


def test_the_wait_that_a_provider_asks_for_holds_from_the_first_time_on() -> None:
    health = failing(0, wait=120 * SECOND)

    assert health.open_until == TEN + 120 * SECOND


def test_a_wait_that_was_asked_for_is_not_cut_short_by_the_failures_that_follow() -> None:
    health = breakers.failed(failing(0, 1, wait=300 * SECOND), now=TEN + 2 * SECOND)

    assert (health.failures, health.open_until) == (3, TEN + 301 * SECOND)


def test_after_a_rest_one_failure_is_enough_for_the_next() -> None:
    health = failing(0, 30, 60, 121)

    assert health.state(TEN + 180 * SECOND) is BreakerState.OPEN


def test_no_provider_is_left_alone_for_longer_than_a_quarter_of_an_hour() -> None:
    assert failing(0, wait=timedelta(days=1)).open_until == TEN + LONGEST_REST


def test_whoever_tries_it_keeps_the_others_away_meanwhile() -> None:
    rested = failing(0, 0, 0)
    now = TEN + REST

    probed = breakers.probing(rested, now=now)

    assert rested.state(now) is BreakerState.HALF_OPEN
    assert probed.state(now) is BreakerState.OPEN
    assert probed.state(now + PROBE) is BreakerState.HALF_OPEN, "a sender that died must not keep it shut for ever"
