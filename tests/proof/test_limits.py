"""A proof that takes too long ends at its limit, also in the middle of one long search."""

from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace

import pytest
from oxidd.bdd import BDDManager

from survey.domain import conditions as c
from survey.domain.protocol import ItemKind, Option, Protocol, Tier
from survey.proof import meaning
from survey.proof.checks import Space
from tests.proof.packs import WORDS, item_of, pack, rule_of

PAIRS = 8
NODES = 1 << 16
BEYOND = 3
"""Looks at the clock once the limit is past."""


def crossed() -> Protocol:
    """Questions of which each pairs with one far from it: the diagram doubles with every pair."""
    options = (Option(key="fine", text=WORDS), Option(key="bad", text=WORDS))
    keys = [f"q{number}" for number in range(2 * PAIRS)]
    bad = [c.OptionIn(item=key, options=("bad",)) for key in keys]
    pairs = tuple(c.AllOf(of=(bad[number], bad[number + PAIRS])) for number in range(PAIRS))
    return pack(
        items=tuple(item_of(key, ItemKind.CHOICE, True, ordered=True, options=options) for key in keys),
        rules=(rule_of("OPEN", Tier.SOON, c.Unanswered()), rule_of("PAIR", Tier.URGENT, c.AnyOf(of=pairs))),
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A clock that goes one second further each time that somebody looks at it."""
    ticks = count()
    monkeypatch.setattr(meaning, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    return ticks


def space(limit: float = float("inf")) -> Space:
    return Space(crossed(), "first", BDDManager(NODES, NODES, 1), deadline=limit)


def test_a_long_search_looks_at_the_clock_all_along_and_ends_at_the_limit(clock: Iterator[int]) -> None:
    whole = space()
    began = next(clock)
    assert whole.smallest(whole.tiers[Tier.URGENT])
    took = next(clock) - began
    assert took > 2**PAIRS

    start = next(clock)
    again = space(limit=start + began + took // 2)
    with pytest.raises(TimeoutError):
        again.smallest(again.tiers[Tier.URGENT])
    assert next(clock) - start <= began + took // 2 + BEYOND


def test_a_meaning_that_takes_long_to_read_ends_at_the_limit_as_well(clock: Iterator[int]) -> None:
    space()
    whole = next(clock)

    with pytest.raises(TimeoutError):
        space(limit=whole + whole // 2)
    assert next(clock) <= whole + whole // 2 + BEYOND
