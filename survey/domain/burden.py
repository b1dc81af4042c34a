"""How many pages a protocol brings: the weeks behind it, what to expect of the next, and how good that was so far."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from itertools import islice, zip_longest
from math import exp, fsum, lgamma, log
from operator import mul

FEWEST_WEEKS = 6
"""Weeks with responses before anything is foretold."""

WINDOW = 26
"""Weeks that a forecast is made of, at most: half a year, since clinics and their patients change."""

JUDGED_WEEKS = 52
"""Weeks, at most, that are held against their forecasts."""

TAIL = 0.05
"""Chance that is left on either side of an interval, so that nine counts in ten lie in it."""

NIGHTS = 7

NIGHT = (time(20), time(8))
"""When a page costs sleep, on the wall of the site; whole hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One full week. `pages` are responses that disturb the on-call clinician, counted when they come in.

    `invited` fell due in the week and `answered` are those of them with a response, whenever that came.
    """

    starts_on: date
    invited: int
    answered: int
    pages: int
    night_pages: int


@lru_cache(maxsize=1 << 16)
def week_and_night(hour: int) -> tuple[date, bool]:
    """The Monday of that hour since 1970 on the wall of a site, and whether it is one of the night."""
    day = date(1970, 1, 1) + timedelta(days=hour // 24)
    evening, morning = NIGHT
    return day - timedelta(days=day.weekday()), not morning.hour <= hour % 24 < evening.hour


Counted = Callable[[Week], int]


def by_day_and_night(week: Week) -> int:
    """All pages of a week."""
    return week.pages


def by_night(week: Week) -> int:
    """Those that cost sleep."""
    return week.night_pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What is believed of the chance that an invitation ends in a page: a beta distribution."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Pages per invitation."""
        return self.alpha / (self.alpha + self.beta)


def rate(weeks: Iterable[Week], counted: Counted) -> Rate:
    """The belief after these weeks, from Jeffreys' prior Beta(½, ½).

    Gelman, Carlin, Stern, Dunson, Vehtari and Rubin, Bayesian Data Analysis, 3rd ed. (2013), sections 2.4 and 2.8.
    """
    invited, pages = 0, 0
    for week in weeks:
        invited += week.invited
        pages += counted(week)
    # An answer may come in the week after its invitation: in a tiny clinic pages can outnumber invitations.
    return Rate(alpha=0.5 + pages, beta=0.5 + max(invited - pages, 0))


def chance(rate: Rate, invited: int, pages: int) -> float:
    """The chance of exactly so many pages out of so many invitations: the beta-binomial distribution.

    Skellam, J. R. Statist. Soc. B 10 (1948) 257-261; Gelman et al., appendix A. Worked out in logarithms, since
    the factors overflow.
    """
    if not 0 <= pages <= invited:
        return 0.0
    ways = lgamma(invited + 1) - lgamma(pages + 1) - lgamma(invited - pages + 1)
    prior = _log_beta(rate.alpha, rate.beta)
    return exp(ways + _log_beta(rate.alpha + pages, rate.beta + invited - pages) - prior)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What to expect of a count: its mean; the interval that at most one count in twenty falls below, and one above;

    the chance of at least one, and of more than one.
    """

    mean: float
    low: int
    high: int
    any: float
    several: float


def expected(rate: Rate, sizes: Iterable[int]) -> Expected:
    """Pages out of one of these numbers of invitations, each of which is as likely as the others.

    A clinic's weeks differ, and an interval for the mean week is too narrow (docs/decisions/0029).
    """
    often = Counter(sizes)
    low, high, below = 0, 0, 0.0
    for pages, here in enumerate(_mixed(rate, often)):
        low = pages if below <= TAIL else low
        high, below = pages, below + here
        if below >= 1 - TAIL:
            break
    none, one = (*islice(_mixed(rate, often), 2), 0.0)[:2]
    return Expected(
        mean=rate.mean * sum(size * times for size, times in often.items()) / often.total(),
        low=low,
        high=high,
        any=max(1 - none, 0.0),
        several=max(1 - none - one, 0.0),
    )


def _mixed(rate: Rate, often: Counter[int]) -> Iterator[float]:
    """The chance of no page, of one, and so on, over all numbers of invitations."""
    weights = [times / often.total() for times in often.values()]
    for chances in zip_longest(*(_chances(rate, size) for size in often), fillvalue=0.0):
        yield fsum(map(mul, weights, chances))


def _chances(rate: Rate, invited: int) -> Iterator[float]:
    """`chance` of no page, of one, and so on, each made of the one before it: a large clinic needs many."""
    here = _log_beta(rate.alpha, rate.beta + invited) - _log_beta(rate.alpha, rate.beta)
    for pages in range(invited):
        yield exp(here)
        left = invited - pages
        here += log(left * (rate.alpha + pages) / ((pages + 1) * (rate.beta + left - 1)))
    yield exp(here)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What to expect of the next week and of one night shift, and the factors behind it.

    `invited` is the mean of a week, `answered` the share of invitations that get a response, `paging` pages per
    answered one.
    """

    week: Expected
    night: Expected
    weeks: int
    invited: float
    answered: float
    paging: float


def outlook(weeks: Sequence[Week]) -> Outlook | None:
    """The outlook after these full weeks, oldest first; None while too few of them have responses."""
    seen = weeks[-WINDOW:]
    if with_responses(seen) < FEWEST_WEEKS:
        return None
    invited, answered = sum(week.invited for week in seen), sum(week.answered for week in seen)
    return Outlook(
        week=_next(seen, by_day_and_night),
        night=expected(rate(seen, by_night), _nights(seen)),
        weeks=len(seen),
        invited=invited / len(seen),
        answered=answered / invited,
        paging=sum(week.pages for week in seen) / answered,
    )


def with_responses(weeks: Iterable[Week]) -> int:
    """How many of them have a response."""
    return sum(week.answered > 0 for week in weeks)


def _next(seen: Sequence[Week], counted: Counted) -> Expected:
    return expected(rate(seen, counted), (week.invited for week in seen))


def _nights(seen: Iterable[Week]) -> Iterator[int]:
    """The invitations of a week spread over its nights, as evenly as whole numbers can be: none gets lost."""
    return ((week.invited + night) // NIGHTS for week in seen for night in range(NIGHTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A past week: the pages that came, and what the weeks before it let expect; None where they were too few."""

    starts_on: date
    came: int
    expected: Expected | None

    @property
    def within(self) -> bool:
        """Whether what came lies in the interval."""
        return self.expected is not None and self.expected.low <= self.came <= self.expected.high


def backtest(weeks: Sequence[Week], counted: Counted) -> tuple[Judged, ...]:
    """The last year of these weeks, oldest first, each beside the forecast that the weeks before it alone give."""
    first = max(0, len(weeks) - JUDGED_WEEKS)
    return tuple(
        Judged(
            starts_on=week.starts_on, came=counted(week), expected=_foretold(weeks[max(0, at - WINDOW) : at], counted)
        )
        for at, week in enumerate(weeks[first:], first)
    )


def _foretold(before: Sequence[Week], counted: Counted) -> Expected | None:
    return _next(before, counted) if with_responses(before) >= FEWEST_WEEKS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many past weeks a forecast was made for, and how many of them lay within its interval."""

    judged: int
    within: int


def coverage(judged: Iterable[Judged]) -> Coverage:
    """The coverage of these."""
    made = [one for one in judged if one.expected is not None]
    return Coverage(judged=len(made), within=sum(one.within for one in made))
