"""Each rule of the shipped pack fires when it should, just misses when it should, and says why."""

from itertools import combinations

import pytest

from survey.domain.evaluator import evaluator
from survey.domain.protocol import Tier
from survey.domain.triage import Fired, advice_in_words, reasons_in_words, score
from tests.domain.golden import GOLDEN, Golden
from tests.domain.pack import NOTHING_KNOWN, PROTOCOL, answers, context, fired_ids, tier_of


def _named(case: Golden) -> str:
    return f"{case.rule}-{GOLDEN.index(case)}"


@pytest.mark.parametrize("case", GOLDEN, ids=_named)
def test_a_rule_fires_on_its_case_and_lifts_the_tier_to_its_own_at_least(case: Golden) -> None:
    result = score(PROTOCOL, answers(**case.fires), context(**case.flags))

    rule = next(rule for rule in PROTOCOL.rules if rule.id == case.rule)
    assert case.rule in fired_ids(result)
    assert result.tier.rank >= rule.tier.rank


@pytest.mark.parametrize("case", GOLDEN, ids=_named)
def test_a_rule_does_not_fire_on_the_case_that_just_misses(case: Golden) -> None:
    flags = case.flags if case.flags_missed is None else case.flags_missed

    result = score(PROTOCOL, answers(**case.misses), context(**flags))

    assert case.rule not in fired_ids(result)


def test_every_rule_has_a_golden_case_and_the_pack_has_the_rules_it_should() -> None:
    wanted = [
        *(f"E{n}" for n in range(1, 12)),
        *(f"U{n}" for n in range(1, 16)),
        "W1",
        *(f"S{n}" for n in range(1, 11)),
    ]

    assert [rule.id for rule in PROTOCOL.rules] == wanted
    assert {case.rule for case in GOLDEN} == set(wanted)
    assert {rule.id[0]: rule.tier for rule in PROTOCOL.rules} == {
        "E": Tier.EMERGENCY,
        "U": Tier.URGENT,
        "W": Tier.URGENT,
        "S": Tier.SOON,
    }


def test_one_yes_on_the_first_page_is_an_emergency_with_everything_else_open() -> None:
    for line in PROTOCOL.item("red").plain_lines:
        assert tier_of({"red": {line.key: "yes"}}, NOTHING_KNOWN) is Tier.EMERGENCY


def test_soreness_alone_never_pages() -> None:
    assert tier_of(answers(sore=10, trend="worse"), NOTHING_KNOWN) is Tier.SOON


def test_a_good_day_with_nothing_known_of_the_patient_is_routine() -> None:
    assert tier_of(answers(), NOTHING_KNOWN) is Tier.ROUTINE
    assert tier_of(answers(), {}) is Tier.ROUTINE


def test_what_the_pack_calls_self_care_stays_routine() -> None:
    for changed in (
        {"sore": 9, "trend": "better"},
        {"bleed": "small"},
        {"allergy": "local"},
        {"faint": "once"},
        {"weak": "better", "weakfx": "ok"},
        {"help": "little"},
    ):
        assert tier_of(answers(**changed), context()) is Tier.ROUTINE


def test_an_empty_form_is_never_fine() -> None:
    result = score(PROTOCOL, {}, context())

    assert result.tier is Tier.SOON
    assert fired_ids(result) == {"S10"}


def test_an_answer_hidden_by_an_earlier_one_no_longer_counts() -> None:
    shown = score(PROTOCOL, answers(weak="better", weakfx="cannot"), context())
    hidden = score(PROTOCOL, answers(weak="no", weakfx="cannot"), context())

    assert shown.tier is Tier.URGENT
    assert hidden.tier is Tier.ROUTINE


def test_a_touch_with_fewer_questions_is_judged_on_those_alone() -> None:
    asked = {"fever", "skin"}
    given = {"fever": "no", "skin": answers()["skin"], "breath": "exert"}

    assert score(PROTOCOL, given, context(), visible=asked).tier is Tier.ROUTINE
    assert score(PROTOCOL, {"fever": "no"}, context(), visible=asked).tier is Tier.SOON


def test_a_fired_rule_says_which_answers_and_flags_made_it() -> None:
    result = score(PROTOCOL, answers(breath="exert"), context(site_chest="unknown"))

    assert result.fired == (
        Fired(rule="E8", tier=Tier.EMERGENCY, because=("breath", "site_chest")),
        Fired(rule="U1", tier=Tier.URGENT, because=("breath",)),
    )


def test_a_rule_that_counts_other_rules_is_explained_by_their_answers() -> None:
    result = score(PROTOCOL, answers(sore=7, trend="same", fever="felt", bleed="ooze"), context())

    counted = next(each for each in result.fired if each.rule == "U15")
    assert counted.because == ("sore", "trend", "fever", "bleed")


def test_rules_are_judged_after_those_they_refer_to_and_told_most_serious_first() -> None:
    result = score(PROTOCOL, answers(help="today", bleed="ooze", red={"cord": "yes"}), context(anticoag="yes"))

    assert [each.rule for each in result.fired] == ["E7", "U8", "U14", "S5", "S7"]


def test_reasons_are_read_as_words_most_serious_first_and_each_once() -> None:
    given = answers(sore=8, trend="worse", weak="worse", weakfx="ok", bleed="ooze", note="please call")
    known = context(anticoag="unknown")

    reasons = reasons_in_words(PROTOCOL, score(PROTOCOL, given, known).fired, given, known, "en")

    assert reasons == (
        "Weakness or numbness: Yes, and it is getting worse",
        "Bleeding or bruising: It still bleeds a little, on and off",
        "Soreness: 8 of 10",
        "Soreness since yesterday: Worse",
        "Anything else: “please call”",
        "Blood thinner: not known",
    )


def test_reasons_are_read_in_spanish_too() -> None:
    given, known = answers(skin={"pus": "yes", "hot": "yes"}), context(immuno="yes")

    reasons = reasons_in_words(PROTOCOL, score(PROTOCOL, given, known).fired, given, known, "es")

    assert reasons == (
        "Piel en el lugar: Piel caliente, dura o hinchada; Pus, líquido turbio o mal olor",
        "Defensas bajas: sí",
    )


def test_what_is_left_open_shares_one_line() -> None:
    given = answers(fever=None, skin=None)
    given = {**given, "red": {"breath": "no"}, "skin": {"hot": "yes"}}

    reasons = reasons_in_words(PROTOCOL, score(PROTOCOL, given, context()).fired, given, context(), "en")

    assert reasons == (
        "Skin at the spot: Skin that is hot, hard, or swollen",
        "Not answered: Skin at the spot; Warning signs; Fever or chills",
    )


def test_fever_with_a_skin_sign_carries_the_advice_to_go_to_the_emergency_room() -> None:
    fired = score(PROTOCOL, answers(fever="felt", skin={"hot": "yes"}), context()).fired

    assert advice_in_words(PROTOCOL, fired, "en") == (
        "Fever with these skin changes can be serious. Go to the emergency room now. Do not wait for our call.",
    )
    assert advice_in_words(PROTOCOL, score(PROTOCOL, answers(), context()).fired, "en") == ()


def test_what_is_left_open_is_told_in_more_ways_than_are_kept() -> None:
    always = [item.key for item in PROTOCOL.items if item.required and not item.show_if]
    ways = [left for count in range(1, len(always)) for left in combinations(always, count)]

    for left in ways:
        fired = score(PROTOCOL, {key: answer for key, answer in answers().items() if key not in left}, context()).fired
        assert fired == (Fired(rule="S10", tier=Tier.SOON, because=left),)
    assert len(ways) > 512


def test_a_protocol_is_compiled_once() -> None:
    assert evaluator(PROTOCOL) is evaluator(PROTOCOL)
