"""Rules are judged only where a clue for them lies in the case, and none is ever missed for it."""

from collections.abc import Mapping

from hypothesis import given, settings

from survey.domain.clues import Clues
from survey.domain.conditions import AllOf, AtLeast, FlagPresent, LineYes, OptionIn, RuleFired, SetHolds
from survey.domain.evaluator import Evaluator, compiled, in_dependency_order
from survey.domain.protocol import Flag, Rule, Tier
from survey.domain.triage import Answers
from tests.domain.pack import GOOD_DAY, PROTOCOL
from tests.domain.test_triage_properties import KNOWN, PARTLY, WHOLE

RULES = in_dependency_order(PROTOCOL.rules)
SETS = {derived.name: derived.when for derived in PROTOCOL.sets}
KNOWN_ABSENT = {flag.key: Flag.NO for flag in PROTOCOL.flags}


def _rule(name: str, when: object) -> Rule:
    return Rule(id=name, tier=Tier.SOON, when=when, why="", source="")  # type: ignore[arg-type]


@settings(max_examples=500, deadline=None)
@given(answers=PARTLY | WHOLE, context=KNOWN)
def test_judging_every_rule_finds_no_more_than_judging_those_with_a_clue(
    answers: Answers, context: Mapping[str, Flag]
) -> None:
    evaluator = Evaluator(PROTOCOL)
    with_clues, one_by_one = (evaluator.case(answers, context) for _ in range(2))

    evaluator.fire(with_clues)
    for rule in RULES:
        if evidence := compiled(rule.when, evaluator)(one_by_one):
            one_by_one.fired[rule.id] = evidence

    assert with_clues.fired == one_by_one.fired


def test_somebody_who_is_well_costs_no_rule_at_all() -> None:
    case = Evaluator(PROTOCOL).case(GOOD_DAY, KNOWN_ABSENT)

    assert Clues(RULES, SETS).places(case.answers, case.open, case.context) == []


def test_of_parts_that_must_all_hold_the_rarest_is_waited_for() -> None:
    both = AllOf(of=(FlagPresent(flag="diabetes"), OptionIn(item="fever", options=("yes", "chills"))))

    assert Clues([], {}).of(both) == {("fever", "yes"), ("fever", "chills")}


def test_a_rule_that_counts_is_judged_at_the_first_clue() -> None:
    parts = (OptionIn(item="fever", options=("yes",)), OptionIn(item="bleed", options=("grow",)))
    clues = Clues([_rule("two", AtLeast(count=2, of=parts))], {})

    assert clues.places({"bleed": "grow"}, (), {}) == [0]


def test_a_line_is_a_clue_only_where_it_is_answered_yes() -> None:
    clues = Clues([_rule("pus", LineYes(item="skin", lines=("pus",)))], {})

    assert clues.places({"skin": {"hot": "no", "pus": "yes"}}, (), {}) == [0]
    assert clues.places({"skin": {"hot": "yes", "pus": "no"}}, (), {}) == []


def test_a_rule_built_on_another_or_on_a_set_has_the_clues_of_what_it_is_built_on() -> None:
    rules = [
        _rule("first", OptionIn(item="fever", options=("yes",))),
        _rule("second", RuleFired(rule="first")),
        _rule("third", SetHolds(name="feverish")),
    ]
    clues = Clues(rules, {"feverish": OptionIn(item="fever", options=("chills",))})

    assert clues.places({"fever": "yes"}, (), {}) == [0, 1]
    assert clues.places({"fever": "chills"}, (), {}) == [2]


def test_a_flag_that_nobody_wrote_down_is_a_clue() -> None:
    clues = Clues([_rule("flag", FlagPresent(flag="diabetes"))], {})

    assert clues.places({}, (), {}) == clues.places({}, (), {"diabetes": Flag.UNKNOWN}) == [0]
    assert clues.places({}, (), {"diabetes": Flag.NO}) == []
