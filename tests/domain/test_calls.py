"""Two tries in two halves of days, and then the lead; who weighs more stands higher."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from survey.domain import stops
from survey.domain.calls import (
    Attempt,
    Result,
    half_day,
    is_double_tap,
    is_for_lead,
    risk,
    weight,
)
from survey.domain.errors import Refused
from survey.domain.protocol import Flag, Tier
from survey.domain.silence import Silence
from survey.domain.stops import Reason

NEW_YORK, DENVER = ZoneInfo("America/New_York"), ZoneInfo("America/Denver")
TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
"""Ten in the morning in New York, eight in Denver."""
SAM, LENA = UUID(int=1), UUID(int=2)


def tried(at: datetime, result: Result = Result.NO_ANSWER, *, by: UUID = SAM) -> Attempt:
    return Attempt(id=uuid4(), invitation_id=UUID(int=9), at=at, by=by, result=result, half_day=half_day(at, NEW_YORK))


@pytest.mark.parametrize(
    ("hours", "where", "half"),
    [
        (0, NEW_YORK, "2026-03-11 am"),
        (2, NEW_YORK, "2026-03-11 pm"),
        (2, DENVER, "2026-03-11 am"),
        (14, NEW_YORK, "2026-03-12 am"),
    ],
)
def test_the_day_is_halved_at_noon_on_the_patients_wall(hours: int, where: ZoneInfo, half: str) -> None:
    assert half_day(TEN + timedelta(hours=hours), where) == half


@pytest.mark.parametrize(
    ("hours", "lead"), [((0,), False), ((0, 1), False), ((0, 3), True), ((0, 24), True), ((0, 0.2, 0.5, 1), False)]
)
def test_two_tries_count_only_in_different_halves_of_days(hours: tuple[float, ...], lead: bool) -> None:
    assert is_for_lead([tried(TEN + timedelta(hours=h)) for h in hours], sent_back_at=None) is lead


def test_sent_back_for_another_try_it_comes_to_the_lead_again_after_that_try() -> None:
    tries = [tried(TEN), tried(TEN + timedelta(hours=5))]
    sent_back = TEN + timedelta(hours=6)

    assert not is_for_lead(tries, sent_back_at=sent_back)
    assert is_for_lead([*tries, tried(TEN + timedelta(hours=24))], sent_back_at=sent_back)


def test_the_same_tap_twice_is_one_and_a_colleagues_is_another() -> None:
    first, second = tried(TEN), tried(TEN + timedelta(seconds=5))

    assert is_double_tap(second, [first])
    assert not is_double_tap(tried(TEN + timedelta(seconds=5), by=LENA), [first])
    assert not is_double_tap(tried(TEN + timedelta(seconds=5), Result.VOICEMAIL), [first])
    assert not is_double_tap(tried(TEN + timedelta(minutes=2)), [first])


def test_a_risk_that_is_known_weighs_more_than_one_that_nobody_wrote_down() -> None:
    assert risk({"a": Flag.YES}) > risk({"a": Flag.UNKNOWN}) > risk({"a": Flag.NO}) == 0


def test_worrying_answers_weigh_more_than_the_kind_of_silence() -> None:
    worried = weight(Silence.OPENED_NOT_FINISHED, risk=0, tier=Tier.SOON)

    assert worried > max(weight(kind, risk=0, tier=None) for kind in Silence)
    assert weight(Silence.SENT, risk=0, tier=Tier.URGENT) > worried


def test_whoever_got_nothing_from_us_is_called_before_whoever_has_the_link() -> None:
    order = [Silence.WRONG_NUMBER, Silence.UNDELIVERABLE, Silence.OPENED_NOT_FINISHED, Silence.DELIVERED_NOT_OPENED]

    weights = [weight(kind, risk=0, tier=None) for kind in order]

    assert weights == sorted(weights, reverse=True)


def test_a_reason_says_something_by_itself_or_with_a_note() -> None:
    assert stops.in_words(Reason.ADMITTED, "St. Luke’s") == "In hospital: St. Luke’s"
    assert stops.in_words(Reason.DIED, " ") == "The patient died"
    with pytest.raises(Refused, match="Say in a few words why"):
        stops.in_words(Reason.OTHER, "")
