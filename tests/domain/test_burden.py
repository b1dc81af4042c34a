"""Burden: the beta-binomial distribution to the last fraction, intervals that keep their word, no look ahead."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from math import comb, fsum, isfinite
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.domain import burden as rules
from survey.domain.burden import FEWEST_WEEKS, JUDGED_WEEKS, TAIL, WINDOW, Rate, Week, by_day_and_night, by_night

MONDAY = date(2025, 1, 6)
UNHURRIED = settings(deadline=None)
"""The machine may be busy with other tests."""
PAGES, OTHERS = st.integers(0, 400), st.integers(0, 4000)
SIZES = st.lists(st.integers(0, 300), min_size=1, max_size=8)


def jeffreys(pages: int, others: int) -> Rate:
    """The belief after so many invitations that paged, and so many that did not."""
    return Rate(alpha=0.5 + pages, beta=0.5 + others)


def exactly(pages: int, others: int, invited: int, more: int) -> Fraction:
    """The same chance without a logarithm or a gamma function: Pólya's urn, ball by ball."""
    drawn = Fraction(1)
    for k in range(invited):
        paged = min(k, more)
        half = Fraction(1, 2)
        ball = half + pages + paged if k < more else half + others + (k - more)
        drawn *= ball / (1 + pages + others + k)
    return comb(invited, more) * drawn


@pytest.mark.parametrize("seen", [(0, 0), (0, 30), (3, 97), (30, 0), (7, 7)])
@pytest.mark.parametrize("invited", [0, 1, 2, 9, 25])
def test_every_chance_is_that_of_an_urn_drawn_ball_by_ball(seen: tuple[int, int], invited: int) -> None:
    for more in range(invited + 1):
        assert rules.chance(jeffreys(*seen), invited, more) == pytest.approx(float(exactly(*seen, invited, more)))


@pytest.mark.parametrize(
    ("alpha", "beta", "invited"),
    [(0.5, 0.5, 3), (40.5, 960.5, 70), (0.5, 1e6, 100_000), (1e6, 1e6, 2000), (1e6, 0.5, 5000), (5e4, 1e6, 100_000)],
)
def test_chances_add_up_to_one_and_never_overflow(alpha: float, beta: float, invited: int) -> None:
    rate = Rate(alpha=alpha, beta=beta)

    chances = [rules.chance(rate, invited, pages) for pages in range(invited + 1)]

    assert all(isfinite(each) and each >= 0 for each in chances)
    assert fsum(chances) == pytest.approx(1, abs=1e-6)


def test_more_pages_than_invitations_have_no_chance() -> None:
    assert rules.chance(jeffreys(5, 5), 3, 4) == 0
    assert rules.chance(jeffreys(5, 5), 3, -1) == 0


@UNHURRIED
@given(PAGES, OTHERS, SIZES)
def test_one_count_in_twenty_at_most_lies_below_the_interval_and_one_above(
    pages: int, others: int, sizes: list[int]
) -> None:
    rate = jeffreys(pages, others)

    seen = rules.expected(rate, sizes)

    assert 0 <= seen.low <= seen.high <= max(sizes)
    assert below(rate, sizes, seen.low) <= TAIL + 1e-9
    assert below(rate, sizes, seen.high + 1) >= 1 - TAIL - 1e-9


@UNHURRIED
@given(PAGES, OTHERS, SIZES)
def test_no_narrower_interval_would_do(pages: int, others: int, sizes: list[int]) -> None:
    rate = jeffreys(pages, others)

    seen = rules.expected(rate, sizes)

    assert seen.low == seen.high or below(rate, sizes, seen.low + 1) > TAIL - 1e-9
    assert below(rate, sizes, seen.high) < 1 - TAIL + 1e-9


def below(rate: Rate, sizes: Sequence[int], pages: int) -> float:
    """The chance of fewer pages."""
    return fsum(rules.chance(rate, size, k) for size in sizes for k in range(pages)) / len(sizes)


@UNHURRIED
@given(PAGES, OTHERS, SIZES)
def test_the_mean_and_the_chances_of_one_and_of_several_are_those_of_the_distribution(
    pages: int, others: int, sizes: list[int]
) -> None:
    rate = jeffreys(pages, others)

    seen = rules.expected(rate, sizes)

    mean = fsum(k * rules.chance(rate, size, k) for size in sizes for k in range(size + 1)) / len(sizes)
    assert seen.mean == pytest.approx(mean, rel=1e-6, abs=1e-9)
    assert seen.any == pytest.approx(1 - below(rate, sizes, 1), abs=1e-9)
    assert seen.several == pytest.approx(1 - below(rate, sizes, 2), abs=1e-9)


@UNHURRIED
@given(PAGES, st.integers(1, 400), st.integers(400, 4000), SIZES)
def test_a_past_with_more_pages_never_lets_expect_fewer(pages: int, more: int, others: int, sizes: list[int]) -> None:
    invited = pages + others
    quiet, loud = jeffreys(pages, invited - pages), jeffreys(pages + more, invited - pages - more)

    a, b = rules.expected(quiet, sizes), rules.expected(loud, sizes)

    assert (a.mean, a.low, a.high) <= (b.mean, b.low, b.high)
    assert a.low <= b.low
    assert a.high <= b.high
    assert a.any <= b.any + 1e-9


def test_a_rate_drawn_first_and_then_the_pages_come_out_as_calculated() -> None:
    random, rate, drawn = Random(3), jeffreys(12, 288), []
    for _ in range(20_000):
        paging = random.betavariate(rate.alpha, rate.beta)
        drawn.append(sum(random.random() < paging for _ in range(40)))

    for pages in range(6):
        assert drawn.count(pages) / len(drawn) == pytest.approx(rules.chance(rate, 40, pages), abs=0.012)


# ---- weeks


def weeks(number: int, *, seed: int, invited: Callable[[Random, int], int], paging: float = 0.05) -> list[Week]:
    """A clinic whose invitations page with one fixed chance, a third of them at night."""
    random = Random(seed)
    made = []
    for place in range(number):
        asked = invited(random, place)
        pages = sum(random.random() < paging for _ in range(asked))
        night = sum(random.random() < 1 / 3 for _ in range(pages))
        starts_on = MONDAY + timedelta(weeks=place)
        made.append(Week(starts_on=starts_on, invited=asked, answered=asked, pages=pages, night_pages=night))
    return made


def steady(_random: Random, _place: int) -> int:
    return 70


def moody(random: Random, _place: int) -> int:
    return random.randint(30, 110)


def with_holidays(random: Random, _place: int) -> int:
    return 0 if random.random() < 1 / 8 else random.randint(60, 90)


@pytest.mark.parametrize("counted", [by_day_and_night, by_night])
@pytest.mark.parametrize("invited", [steady, moody, with_holidays])
def test_nine_weeks_in_ten_lie_within_whether_a_clinic_is_steady_or_not(
    invited: Callable[[Random, int], int], counted: rules.Counted
) -> None:
    judged = [rules.coverage(rules.backtest(weeks(60, seed=seed, invited=invited), counted)) for seed in range(8)]

    share = sum(one.within for one in judged) / sum(one.judged for one in judged)
    assert 0.88 <= share <= 0.99


def test_an_interval_for_the_mean_week_alone_would_be_too_narrow_for_a_clinic_whose_weeks_differ() -> None:
    held = total = 0
    for seed in range(8):
        past = weeks(60, seed=seed, invited=with_holidays, paging=0.12)
        for at in range(WINDOW, len(past)):
            before = past[at - WINDOW : at]
            mean = round(sum(week.invited for week in before) / len(before))
            seen = rules.expected(rules.rate(before, by_day_and_night), [mean])
            held, total = held + (seen.low <= past[at].pages <= seen.high), total + 1

    assert held / total < 0.85


def test_a_forecast_knows_nothing_of_its_own_week_or_of_later_ones() -> None:
    past = weeks(36, seed=1, invited=moody)
    for at in range(FEWEST_WEEKS, len(past), 5):
        other = [*past[:at], *(replace(week, invited=900, pages=300, night_pages=200) for week in past[at:])]

        for counted in (by_day_and_night, by_night):
            a, b = rules.backtest(past, counted), rules.backtest(other, counted)
            assert [one.expected for one in a[: at + 1]] == [one.expected for one in b[: at + 1]]


def test_a_forecast_forgets_what_lies_more_than_half_a_year_back() -> None:
    past = weeks(WINDOW + 4, seed=1, invited=moody)
    other = [*(replace(week, pages=week.invited) for week in past[:4]), *past[4:]]

    assert rules.outlook(past) == rules.outlook(other)
    assert rules.outlook(past) != rules.outlook([*past[:4], replace(past[4], pages=past[4].invited), *past[5:]])
    a, b = rules.backtest(past, by_day_and_night), rules.backtest(other, by_day_and_night)
    assert [one.expected == two.expected for one, two in zip(a[-2:], b[-2:], strict=True)] == [False, False]
    assert (
        rules.backtest([*past, past[0]], by_day_and_night)[-1]
        == rules.backtest([*other, past[0]], by_day_and_night)[-1]
    )


def test_nothing_is_foretold_before_six_weeks_have_responses() -> None:
    past = weeks(FEWEST_WEEKS + 1, seed=1, invited=steady)
    silent = [replace(week, answered=0, pages=0, night_pages=0) for week in weeks(20, seed=1, invited=steady)]

    judged = rules.backtest(past, by_day_and_night)

    assert rules.outlook(past[: FEWEST_WEEKS - 1]) is None
    assert rules.outlook(past[:FEWEST_WEEKS]) is not None
    assert rules.outlook([*silent, *past[: FEWEST_WEEKS - 1]]) is None
    assert [one.expected is None for one in judged] == [True] * FEWEST_WEEKS + [False]
    assert rules.coverage(judged).judged == 1


def test_no_more_than_the_last_year_is_judged() -> None:
    past = weeks(JUDGED_WEEKS + WINDOW, seed=1, invited=steady)

    judged = rules.backtest(past, by_day_and_night)

    assert [one.starts_on for one in judged] == [week.starts_on for week in past[-JUDGED_WEEKS:]]
    assert judged[0] == rules.backtest(past[: WINDOW + 1], by_day_and_night)[-1]


def test_a_large_clinic_is_calculated_as_exactly_as_a_small_one() -> None:
    rate = jeffreys(4000, 76_000)

    seen = rules.expected(rate, [3000])

    assert below(rate, [3000], seen.low) <= TAIL < below(rate, [3000], seen.low + 1)
    assert below(rate, [3000], seen.high) < 1 - TAIL <= below(rate, [3000], seen.high + 1)
    assert seen.mean == pytest.approx(150, rel=0.001)


def test_coverage_counts_the_weeks_with_a_forecast_and_those_within_it() -> None:
    past = weeks(FEWEST_WEEKS + 2, seed=1, invited=steady)
    judged = rules.backtest([*past[:-1], replace(past[-1], pages=60)], by_day_and_night)

    assert [one.within for one in judged[-2:]] == [True, False]
    assert rules.coverage(judged) == rules.Coverage(judged=2, within=1)


def test_the_factors_multiply_to_what_is_expected() -> None:
    past = [replace(week, answered=week.invited * 3 // 4) for week in weeks(26, seed=4, invited=steady)]

    seen = rules.outlook(past)

    assert seen is not None
    assert (seen.weeks, seen.invited) == (26, 70)
    assert seen.invited * seen.answered * seen.paging == pytest.approx(seen.week.mean, rel=0.01)


def test_the_nights_of_a_week_have_its_invitations_and_not_one_less() -> None:
    past = weeks(26, seed=4, invited=lambda _random, _place: 10, paging=0.5)

    seen = rules.outlook(past)

    assert seen is not None
    assert 7 * seen.night.mean == pytest.approx(rules.rate(past, by_night).mean * 10)
    assert seen.night.several < seen.night.any < 1


def test_a_page_whose_invitation_fell_in_an_earlier_week_breaks_nothing() -> None:
    past = [replace(week, invited=2, answered=2, pages=3) for week in weeks(8, seed=1, invited=steady)]

    seen = rules.outlook(past)

    assert seen is not None
    assert seen.week.high == 2


def test_a_clinic_that_was_never_asked_expects_nothing_yet() -> None:
    assert rules.outlook([]) is None
    assert rules.backtest([], by_night) == ()
    assert rules.expected(jeffreys(1, 1), [0]).high == 0
