"""What differs between two versions: everything that a version can change is told, and nothing that means the same."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from survey.domain.conditions import AllOf, AnyOf, FlagPresent, NumberAtLeast, OptionIn
from survey.domain.protocol import (
    BodySite,
    ContextFlag,
    Flag,
    Hazard,
    Item,
    Protocol,
    Rule,
    Tier,
    TierWords,
    UnknownException,
)
from survey.domain.protocol_diff import Change, Piece, changes, pieces
from survey.domain.protocol_parts import Kind, Section
from tests.domain.pack import PROTOCOL

DEEP = OptionIn(item="breath", options=("deep",))
HAZARD = Hazard(key="sore_only", says="Soreness alone never pages", only=("sore",), at_most=Tier.SOON)
BASE = replace(
    PROTOCOL,
    hazards=(HAZARD,),
    unknown_exceptions=(UnknownException(flag="anticoag", rules=("S5",), why="Too noisy"),),
)


def rule(key: str, **changed: Any) -> Protocol:
    """The pack with one rule changed."""
    return replace(BASE, rules=tuple(replace(one, **changed) if one.id == key else one for one in BASE.rules))


def item(key: str, **changed: Any) -> Protocol:
    """The pack with one question changed."""
    return replace(BASE, items=tuple(replace(one, **changed) if one.key == key else one for one in BASE.items))


def only(new: Protocol, old: Protocol = BASE) -> Change:
    """The one difference that there is."""
    (change,) = changes(old, new)
    return change


def told(change: Change) -> tuple[object, ...]:
    """Where, what kind, and of which aspect."""
    return change.section, change.key, change.kind, change.what


def test_a_version_does_not_differ_from_itself() -> None:
    assert changes(BASE, BASE) == ()


def test_the_number_of_the_version_and_the_files_comments_are_no_difference() -> None:
    assert changes(BASE, replace(BASE, version=2, source_text="# other notes", sha256="0" * 64)) == ()


def test_a_lowered_tier_is_told_with_both_tiers() -> None:
    change = only(rule("U2", tier=Tier.SOON))

    assert told(change) == (Section.RULES, "U2", Kind.TIER, "tier")
    assert (change.before, change.after) == ("urgent", "soon")


def test_a_changed_condition_is_told_as_two_sentences() -> None:
    change = only(rule("S1", when=NumberAtLeast(item="sore", least=8)))

    assert told(change) == (Section.RULES, "S1", Kind.CONDITION, "condition")
    assert change.before is not None
    assert change.before.startswith("At least one of: (both Soreness is 7 or more and ")
    assert change.after == "Soreness is 8 or more"


def test_a_condition_written_in_another_order_has_not_changed() -> None:
    fever = FlagPresent(flag="diabetes")
    old = rule("S1", when=AllOf(of=(fever, OptionIn(item="breath", options=("deep", "exert")))))
    new = rule("S1", when=AllOf(of=(AnyOf(of=(OptionIn(item="breath", options=("exert", "deep")),)), fever)))

    assert changes(old, new) == ()


def test_any_in_the_place_of_all_is_a_changed_condition() -> None:
    parts = (FlagPresent(flag="diabetes"), DEEP)

    assert only(rule("S1", when=AnyOf(of=parts)), rule("S1", when=AllOf(of=parts))).kind is Kind.CONDITION


def test_a_new_label_is_told_once_and_not_in_every_rule_that_shows_it() -> None:
    change = only(item("fever", label={"en": "High temperature", "es": "Fiebre o escalofríos"}))

    assert told(change) == (Section.QUESTIONS, "fever", Kind.REWORDED, "label")
    assert (change.language, change.before, change.after) == ("en", "Fever or chills", "High temperature")


def test_a_reworded_translation_is_told_with_its_language() -> None:
    text = {**BASE.item("sore").text, "es": "¿Le duele?"}

    change = only(item("sore", text=text))

    assert (change.what, change.language, change.after) == ("question", "es", "¿Le duele?")


def test_a_rule_that_is_gone_and_one_that_is_new_are_told_in_full() -> None:
    new = Rule(
        id="U99", tier=Tier.URGENT, when=DEEP, why="A test", source="judgement", advice={"en": "Go", "es": "Vaya"}
    )
    without = tuple(one for one in BASE.rules if one.id != "S8")

    added, removed = changes(BASE, replace(BASE, rules=(*without, new)))

    assert (added.key, added.kind, added.before) == ("U99", Kind.ADDED, None)
    assert added.after is not None
    assert added.after.splitlines() == [
        "Urgent when: Breathing is “I get a sharp pain when I take a deep breath or cough”",
        "Source: judgement",
        "Advice, en: Go",
        "Advice, es: Vaya",
    ]
    assert (removed.key, removed.kind, removed.after) == ("S8", Kind.REMOVED, None)


def test_rules_in_another_order_are_no_difference() -> None:
    assert changes(BASE, replace(BASE, rules=BASE.rules[::-1])) == ()


@pytest.mark.parametrize(("aspect", "kind"), [("why", Kind.REWORDED), ("source", Kind.REWORDED)])
def test_the_thought_and_the_source_of_a_rule_are_told(aspect: str, kind: Kind) -> None:
    assert told(only(rule("U2", **{aspect: "Other"}))) == (Section.RULES, "U2", kind, aspect)


def test_advice_that_is_new_in_a_rule_is_told_in_each_language() -> None:
    found = changes(BASE, rule("U3", advice={"en": "Go now.", "es": "Vaya ahora."}))

    assert [(one.kind, one.what, one.language, one.before) for one in found] == [
        (Kind.ADDED, "advice", "en", None),
        (Kind.ADDED, "advice", "es", None),
    ]


def test_a_question_that_moved_is_told_alone_not_those_that_it_passed() -> None:
    items = list(BASE.items)
    items.insert(12, items.pop(1))

    change = only(replace(BASE, items=tuple(items)))

    assert told(change) == (Section.QUESTIONS, "breath", Kind.MOVED, "place")
    assert (change.before, change.after) == ("number 2 of 15", "number 13 of 15")


def test_a_question_that_is_new_moves_no_other() -> None:
    new = replace(BASE.item("breath"), key="cough", label={"en": "Cough", "es": "Tos"})

    change = only(replace(BASE, items=(BASE.items[0], new, *BASE.items[1:])))

    assert told(change) == (Section.QUESTIONS, "cough", Kind.ADDED, "question")
    assert change.after is not None
    assert "es: Desde la inyección, ¿ha cambiado su respiración? / No, respiro como siempre" in change.after


def test_an_answer_that_is_gone_is_told_in_each_language_with_the_order() -> None:
    options = BASE.item("weak").options

    found = changes(BASE, item("weak", options=options[1:], ordered=True))

    assert [(one.kind, one.what, one.language) for one in found] == [
        (Kind.ORDER, "order of the answers", None),
        (Kind.SETTING, "how it is answered", None),
        (Kind.REMOVED, "answer", "en"),
        (Kind.REMOVED, "answer", "es"),
    ]


def test_answers_in_another_order_are_told_since_the_order_says_what_is_worse() -> None:
    options = BASE.item("help").options

    change = only(item("help", options=options[::-1]))

    assert change.kind is Kind.ORDER
    assert change.after is not None
    assert change.after.startswith("“I am very worried. Please call me today.” → ")


def test_two_reworded_answers_of_one_question_are_two_changes() -> None:
    options = tuple(replace(one, text={**one.text, "en": f"{one.text['en']}!"}) for one in BASE.item("trend").options)

    found = changes(BASE, item("trend", options=options))

    assert [(one.what, one.after) for one in found] == [
        ("answer", "Better!"),
        ("answer", "About the same!"),
        ("answer", "Worse!"),
    ]


def test_a_branch_that_widened_is_a_changed_condition_of_its_question() -> None:
    change = only(item("trend", show_if=None))

    assert told(change) == (Section.QUESTIONS, "trend", Kind.CONDITION, "asked when")
    assert (change.before, change.after) == ("Soreness is 1 or more", "always")


def test_a_question_that_may_now_be_left_empty_is_told() -> None:
    change = only(item("fever", required=False))

    assert change.kind is Kind.SETTING
    assert change.after == "one of 4 answers, from better to worse; may be left empty"


def test_a_shared_condition_is_told_with_the_rules_that_it_reaches() -> None:
    sets = tuple(
        replace(one, when=OptionIn(item="fever", options=("yes", "chills"))) if one.name == "any_fever" else one
        for one in BASE.sets
    )

    change = only(replace(BASE, sets=sets))

    assert told(change) == (Section.SETS, "any_fever", Kind.CONDITION, "condition")
    assert change.name == "“any fever” (used by U2, U9, S4)"


SITE = BodySite(key="foot", label={"en": "Foot", "es": "Pie"}, sets={"site_chest": Flag.UNKNOWN})
SMOKES = ContextFlag(key="smokes", label={"en": "Smokes", "es": "Fuma"})
TOUCH = BASE.touches[0]
ROUTINE = BASE.tiers[Tier.ROUTINE]

ELSEWHERE: Mapping[str, tuple[Protocol, tuple[object, ...]]] = {
    "a promise weakened": (
        replace(BASE, hazards=(replace(HAZARD, at_most=Tier.URGENT),)),
        (Section.HAZARDS, "sore_only", Kind.CONDITION, "what is proved"),
    ),
    "a promise dropped": (replace(BASE, hazards=()), (Section.HAZARDS, "sore_only", Kind.REMOVED, "promise")),
    "a promise in other words": (
        replace(BASE, hazards=(replace(HAZARD, says="Soreness never pages"),)),
        (Section.HAZARDS, "sore_only", Kind.REWORDED, "sentence"),
    ),
    "an exception for one more rule": (
        replace(BASE, unknown_exceptions=(replace(BASE.unknown_exceptions[0], rules=("S5", "U9")),)),
        (Section.EXCEPTIONS, "anticoag", Kind.SETTING, "rules"),
    ),
    "a new fact": (replace(BASE, flags=(*BASE.flags, SMOKES)), (Section.FACTS, "smokes", Kind.ADDED, "fact")),
    "a new site": (replace(BASE, body_sites=(*BASE.body_sites, SITE)), (Section.SITES, "foot", Kind.ADDED, "site")),
    "a drug that is gone": (replace(BASE, agents=BASE.agents[1:]), (Section.AGENTS, "lidocaine", Kind.REMOVED, "drug")),
    "a drug that settles something": (
        replace(BASE, agents=(replace(BASE.agents[0], sets={"steroid": Flag.YES}), *BASE.agents[1:])),
        (Section.AGENTS, "lidocaine", Kind.SETTING, "what it settles"),
    ),
    "an earlier text": (
        replace(BASE, touches=(replace(TOUCH, at=time(9)), *BASE.touches[1:])),
        (Section.SCHEDULE, "day2", Kind.SETTING, "when and what"),
    ),
    "a phrase less": (
        replace(BASE, red_words={**BASE.red_words, "es": BASE.red_words["es"][1:]}),
        (Section.RED_WORDS, "es: no puedo respirar", Kind.REMOVED, "danger phrase"),
    ),
    "a result page's heading": (
        replace(
            BASE,
            tiers={**BASE.tiers, Tier.ROUTINE: TierWords(heading={**ROUTINE.heading, "en": "Fine"}, body=ROUTINE.body)},
        ),
        (Section.RESULTS, "routine", Kind.REWORDED, "heading"),
    ),
    "a sentence": (
        replace(BASE, words={**BASE.words, "line_no": {"en": "No.", "es": "No"}}),
        (Section.SENTENCES, "line_no", Kind.REWORDED, "text"),
    ),
    "the title": (
        replace(BASE, title={**BASE.title, "en": "After your shot"}),
        (Section.GENERAL, "protocol", Kind.REWORDED, "title"),
    ),
    "the language to fall back to": (
        replace(BASE, languages=("es", "en")),
        (Section.GENERAL, "protocol", Kind.SETTING, "languages"),
    ),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_change_anywhere_else_is_told_too(name: str) -> None:
    new, expected = ELSEWHERE[name]

    assert told(only(new)) == expected


def test_what_decides_the_tier_is_told_before_what_is_only_read() -> None:
    new = replace(
        rule("U2", tier=Tier.SOON), title={**BASE.title, "en": "Other"}, items=item("sore", required=False).items
    )

    assert [one.section for one in changes(BASE, new)] == [Section.RULES, Section.QUESTIONS, Section.GENERAL]


def test_the_way_back_tells_the_same_with_before_and_after_exchanged() -> None:
    new = rule("U2", tier=Tier.SOON)

    there, back = only(new), only(BASE, new)

    assert (there.before, there.after) == (back.after, back.before)


def test_two_texts_become_one_with_what_is_gone_and_what_is_new() -> None:
    assert pieces("Call the clinic now please", "Call a nurse now please") == (
        (Piece.KEPT, "Call"),
        (Piece.GONE, "the clinic"),
        (Piece.NEW, "a nurse"),
        (Piece.KEPT, "now please"),
    )


def test_every_field_of_a_question_is_among_what_is_compared() -> None:
    """A field that joins the question later has to be told as well."""
    other: Item = BASE.item("breath")
    known = {
        "key", "kind", "label", "text", "help", "options", "lines", "low", "high", "show_if", "required", "red_flag",
        "ordered", "max_length", "unit", "least", "most", "decimals", "worse",
    }  # fmt: skip

    assert set(type(other).__dataclass_fields__) == known
