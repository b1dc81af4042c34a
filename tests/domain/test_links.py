"""What a link looks like, and how often a fresh one may leave."""

from datetime import UTC, datetime, timedelta

import pytest

from survey.domain import links as rules

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TOKEN = "aB3dE5fG7hJ9kLmN2pQr4t"


@pytest.mark.parametrize("around", ["{}", "{}.", "({})", "<{}>", "{}/", " {} ", "“{}”", "{}\u200b"])
def test_what_a_message_puts_around_a_token_is_taken_off(around):
    assert rules.bare(around.format(TOKEN)) == TOKEN


@pytest.mark.parametrize(
    "other", ["", "-", "a.b", f"{TOKEN}a", f"{TOKEN[:-1]}", f"{TOKEN[:-1]}0", f"{TOKEN[:9]}0{TOKEN[10:]}"]
)
def test_what_is_no_token_is_none_without_its_surroundings_either(other):
    assert not rules.is_well_formed(rules.bare(other))


@pytest.mark.parametrize(
    ("ago", "may"),
    [
        ([], True),
        ([HOUR - MINUTE], False),
        ([HOUR], True),
        ([2 * HOUR, 5 * HOUR], True),
        ([2 * HOUR, 5 * HOUR, 24 * HOUR - MINUTE], False),
        ([2 * HOUR, 5 * HOUR, 24 * HOUR], True),
        ([-5 * MINUTE], False),
    ],
)
def test_one_an_hour_and_three_a_day(ago, may):
    assert rules.may_send_fresh([NOW - one for one in ago], now=NOW) is may
