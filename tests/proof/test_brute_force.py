"""The verifier, held against a checker that goes through every answer set of small protocols one by one."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from oxidd.bdd import BDDManager

from survey.domain import conditions as c
from survey.domain.proofs import Check, Judged, Objection
from survey.domain.protocol import Hazard, ItemKind, Option, Protocol, Tier
from survey.proof.checks import OF_ALL, OF_ONE, Space, total
from tests.proof import brute
from tests.proof.packs import WORDS, item_of, pack, packs, rule_of
from tests.proof.worlds import View, World

PACKS = 2_000
TIMES = settings(
    max_examples=PACKS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate, Phase.shrink],
)
TIERS = tuple(Tier)
NODES = 1 << 14
BY_ANSWERS = (*OF_ONE, *OF_ALL)
"""Every check but the one of the texts."""


_PAIN = item_of("pain", ItemKind.SCALE, True, ordered=True)
_SLEEP = (Option(key="good", text=WORDS), Option(key="poor", text=WORDS))
_BAD = c.NumberAtLeast(item="pain", least=8)
SMALL = pack(
    items=(_PAIN,),
    rules=(
        rule_of("OPEN", Tier.SOON, c.Unanswered()),
        rule_of("BAD", Tier.EMERGENCY, _BAD),
    ),
)
"""One question, one rule that pages, and the rule for what is open."""

TREND_OPEN = pack(
    items=(_PAIN, replace(_PAIN, key="trend")),
    rules=(rule_of("OPEN", Tier.SOON, c.Unanswered()), rule_of("TREND", Tier.URGENT, c.Unanswered(item="trend"))),
    hazards=(
        Hazard(
            key="H",
            says="An open question on pain is at most soon.",
            when=c.Unanswered(item="pain"),
            only=("pain", "trend"),
            at_most=Tier.SOON,
        ),
    ),
)
"""A promise about one open question; another open question is urgent."""


SKIPPED = pack(
    items=(_PAIN, item_of("sleep", ItemKind.CHOICE, False, ordered=True, options=_SLEEP)),
    rules=(
        rule_of("OPEN", Tier.SOON, c.Unanswered()),
        rule_of("BAD", Tier.SOON, c.AllOf(of=(_BAD, c.OptionIn(item="sleep", options=("good",))))),
    ),
    hazards=(Hazard(key="H", says="Bad pain alone is soon.", when=_BAD, only=("pain",), at_least=Tier.SOON),),
)
"""A promise that is kept only where the question that may stay open was answered."""


def spaces_of(protocol: Protocol) -> list[Space]:
    return [Space(protocol, touch.key, BDDManager(NODES, NODES, 1)) for touch in protocol.touches]


def objections(spaces: Sequence[Space]) -> Mapping[Check, list[Objection]]:
    one = {check: [said for space in spaces for said in made(space)] for check, made in OF_ONE.items()}
    return one | {check: [*made(spaces)] for check, made in OF_ALL.items()}


def matters(check: Check, protocol: Protocol) -> bool:
    """Whether the protocol has what the check is about; it holds of the others by saying nothing."""
    about = {
        Check.RED_FLAGS: any(item.red_flag for item in protocol.items),
        Check.UNKNOWN: protocol.flags,
        Check.UNFINISHED: any(item.required for item in protocol.items),
        Check.HAZARDS: protocol.hazards,
    }
    return bool(about.get(check, True))


def blamed(protocol: Protocol, said: Sequence[Objection]) -> set[str]:
    """The rules and promises that the objections name first."""
    keys = {rule.id for rule in protocol.rules} | {hazard.key for hazard in protocol.hazards}
    return {next(word for word in re.findall(r"\w+", one.says) if word in keys) for one in said}


def judged_alike(world: World, judged: Judged) -> bool:
    """Whether the case of an objection is what the naive checker finds it to be."""
    answers = {key: dict(said) if isinstance(said, Mapping) else said for key, said in judged.case.answers.items()}
    view = View(world.protocol, {key: str(flag) for key, flag in judged.case.context.items()})
    world.read(view, answers)
    fired = view.fired()
    return set(judged.rules) == fired and TIERS[world.rank(fired)] is judged.tier


@pytest.fixture(scope="module")
def agreed() -> Counter[tuple[Check, bool]]:
    """How often each check held, and how often it did not, once both have said the same of every pack."""
    seen: Counter[tuple[Check, bool]] = Counter()

    @TIMES
    @given(packs())
    def both_say_the_same(protocol: Protocol) -> None:
        spaces, naive = spaces_of(protocol), brute.checked(protocol)
        found = objections(spaces)
        assert {check: not found[check] for check in BY_ANSWERS} == naive.holds
        assert {check: blamed(protocol, found[check]) for check in OF_ALL} == naive.blamed
        tiers = {tier.value: sum(space.count(space.exactly(tier)) for space in spaces) for tier in Tier}
        assert tiers == naive.tiers
        assert sum(space.count(space.meaning.true) for space in spaces) == naive.answer_sets
        worlds = {touch.key: world for touch, world in zip(protocol.touches, naive.worlds, strict=True)}
        cases = [case for said in found.values() for one in said for case in (one.before, one.after) if case]
        assert all(judged_alike(worlds[case.case.touch], case) for case in cases)
        seen.update((check, naive.holds[check]) for check in BY_ANSWERS if matters(check, protocol))

    both_say_the_same()
    return seen


def test_a_pack_whose_tiers_do_not_nest_would_not_be_total():
    (space,) = spaces_of(SMALL)
    space.tiers = {**space.tiers, Tier.URGENT: space.meaning.false}

    assert [said.says for said in total(space)] == ["Some answer sets have no tier, or more than one."]


def test_a_promise_about_one_open_question_says_nothing_of_forms_on_which_another_is_open():
    assert not objections(spaces_of(TREND_OPEN))[Check.HAZARDS]
    assert brute.checked(TREND_OPEN).holds[Check.HAZARDS]


def test_a_promise_speaks_of_forms_too_on_which_what_may_stay_open_is_open():
    (said,) = objections(spaces_of(SKIPPED))[Check.HAZARDS]

    assert said.before is not None
    assert said.before.case.answers == {"pain": 8}
    assert not brute.checked(SKIPPED).holds[Check.HAZARDS]


def test_verifier_and_brute_force_agree_on_every_check_count_and_case(agreed):
    assert agreed[Check.TOTAL, True] >= PACKS


@pytest.mark.parametrize("check", [check for check in BY_ANSWERS if check is not Check.TOTAL])
def test_each_check_was_seen_to_hold_and_to_fail(agreed, check):
    held, failed = agreed[check, True], agreed[check, False]

    print(f"{check}: held {held} times, failed {failed} times")
    assert min(held, failed) >= 50
