"""A stored response judged again by another version, and what any number of such comparisons add up to."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.domain.answers import Answer
from survey.domain.comparison import Case, Compared, Tally, Verdict, compare, from_json, tallied
from survey.domain.errors import NotFound
from survey.domain.protocol import Context, Tier
from survey.interop.protocol_yaml import load
from tests.domain.pack import PROTOCOL, answers, context
from tests.second_version import source

SECOND = load(source())
"""Exertion alone makes breathlessness urgent there, wherever the needle went."""
MONDAY = date(2026, 3, 9)
WELL = Verdict(tier=Tier.ROUTINE, fired={})


def text(flags: Context) -> str:
    return json.dumps({key: str(value) for key, value in flags.items()})


def case(
    given_answers: Mapping[str, Answer],
    *,
    flags: Context | None = None,
    taken: Context | None = None,
    before: Verdict = WELL,
    **changes: object,
) -> Case:
    """A response that the first version scored."""
    stated = context() if flags is None else flags
    usual = {
        "response_id": uuid4(),
        "revision": 9,
        "week": MONDAY,
        "night": False,
        "touch": "day2",
        "answers": json.dumps(given_answers),
        "body_sites": (),
        "agents": (),
        "given": text(stated),
        "context": text(stated if taken is None else taken),
        "sha256": PROTOCOL.sha256,
        "before": before,
    }
    return Case(**usual | changes)


def test_a_version_that_judges_its_own_score_again_finds_the_same() -> None:
    ill = case(answers(skin={"pus": "yes"}), before=Verdict(tier=Tier.URGENT, fired={"U1": Tier.URGENT}))

    compared = compare(PROTOCOL, ill)

    assert compared.after.tier is Tier.URGENT
    assert (compared.moves, compared.is_downgrade, compared.because) == (False, False, ())


def test_its_own_score_is_judged_with_the_facts_as_they_were_taken_then_although_the_record_has_changed() -> None:
    short_of_breath = answers(breath="exert")
    known_then = context(site_chest="yes")

    since_changed = case(short_of_breath, flags=context(), taken=known_then)

    assert compare(PROTOCOL, since_changed).after == compare(PROTOCOL, case(short_of_breath, flags=known_then)).after
    assert compare(PROTOCOL, since_changed).after != compare(PROTOCOL, case(short_of_breath)).after


def test_another_version_judges_by_the_facts_as_the_record_has_them() -> None:
    short_of_breath = answers(breath="exert")

    elsewhere = case(short_of_breath, taken=context(site_chest="yes"), sha256="0" * 64)

    assert compare(PROTOCOL, elsewhere).after == compare(PROTOCOL, case(short_of_breath)).after


def test_a_contact_that_the_other_version_does_not_know_is_not_judged() -> None:
    with pytest.raises(NotFound):
        compare(SECOND, case(answers(), touch="day9"))


def compared(before: Verdict, after: Verdict, **changes: object) -> Compared:
    return Compared(case=case({}, before=before, **changes), after=after)


def test_the_rules_of_a_raise_are_those_of_the_new_version_and_of_a_lowering_those_of_the_old() -> None:
    low = Verdict(tier=Tier.SOON, fired={"S1": Tier.SOON, "S2": Tier.SOON})
    high = Verdict(tier=Tier.URGENT, fired={"U1": Tier.URGENT, "S2": Tier.SOON})

    assert (compared(low, high).because, compared(high, low).because) == (("U1",), ("U1",))
    assert (compared(low, high).is_downgrade, compared(high, low).is_downgrade) == (False, True)
    assert compared(low, low).because == ()


def test_where_the_tier_is_the_same_the_rules_may_still_differ() -> None:
    one = Verdict(tier=Tier.SOON, fired={"S1": Tier.SOON, "S3": Tier.SOON})
    other = Verdict(tier=Tier.SOON, fired={"S2": Tier.SOON, "S3": Tier.SOON})

    pair = compared(one, other)

    assert (pair.moves, pair.differs, pair.in_one_only) == (False, True, ("S1", "S2"))
    assert tallied([pair, compared(one, one)]).differing == 1


def test_a_week_counts_what_pages_by_day_and_by_night() -> None:
    urgent = Verdict(tier=Tier.URGENT, fired={"U1": Tier.URGENT})
    next_week = MONDAY + timedelta(days=7)

    tally = tallied(
        [
            compared(WELL, urgent),
            compared(urgent, WELL, night=True),
            compared(urgent, urgent, night=True),
            compared(WELL, WELL, week=next_week),
        ]
    )

    week = tally.weeks[MONDAY]
    assert (week.responses, week.before, week.after, week.night_before, week.night_after) == (3, 2, 2, 2, 1)
    assert (tally.weeks[next_week].responses, tally.weeks[next_week].before) == (1, 0)
    assert (tally.raised, tally.lowered, tally.judged) == (1, 1, 4)
    assert tally.rules == {
        ("U1", Tier.ROUTINE, Tier.URGENT): 1,
        ("U1", Tier.URGENT, Tier.ROUTINE): 1,
    }


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """As scoring makes them: the tier is that of the most serious rule that fired."""
    fired = draw(st.dictionaries(st.sampled_from([f"R{n}" for n in range(6)]), st.sampled_from(Tier), max_size=4))
    return Verdict(tier=Tier.highest(fired.values()), fired=fired)


PAIRS = st.builds(
    compared,
    verdicts(),
    verdicts(),
    week=st.sampled_from([MONDAY + timedelta(days=7 * n) for n in range(3)]),
    night=st.booleans(),
)
UNHURRIED = settings(deadline=None)
"""The machine may be busy with other tests."""


@UNHURRIED
@given(PAIRS)
def test_the_rules_named_go_beyond_the_tier_of_the_other_side_and_there_is_one_wherever_the_tier_moves(
    pair: Compared,
) -> None:
    more, less = (pair.before, pair.after) if pair.is_downgrade else (pair.after, pair.before)

    assert all(more.fired[rule].rank > less.tier.rank for rule in pair.because)
    assert bool(pair.because) is pair.moves


@UNHURRIED
@given(st.lists(PAIRS, max_size=30))
def test_whatever_is_compared_adds_up(pairs: list[Compared]) -> None:
    tally = tallied(pairs)

    assert sum(tally.matrix.values()) == tally.judged == len(pairs)
    assert sum(week.responses for week in tally.weeks.values()) == len(pairs)
    assert sum(week.before for week in tally.weeks.values()) == sum(pair.before.tier.pages for pair in pairs)
    assert sum(week.after for week in tally.weeks.values()) == sum(pair.after.tier.pages for pair in pairs)
    assert tally.raised + tally.lowered == sum(pair.moves for pair in pairs) <= tally.differing
    assert all(week.night_before <= week.before and week.night_after <= week.after for week in tally.weeks.values())


@UNHURRIED
@given(st.lists(PAIRS, max_size=20), st.lists(PAIRS, max_size=20), st.integers(0, 5))
def test_a_tally_kept_as_json_in_between_goes_on_as_if_it_had_never_stopped(
    first: list[Compared], second: list[Compared], left_out: int
) -> None:
    whole = tallied([*first, *second])
    whole.left_out = left_out

    kept = tallied(first)
    kept.left_out = left_out
    resumed = from_json(json.loads(json.dumps(kept.as_json())))
    for pair in second:
        resumed.add(pair)

    assert resumed == whole


def test_nothing_kept_yet_is_an_empty_tally() -> None:
    assert from_json({}) == from_json(Tally().as_json()) == Tally()
