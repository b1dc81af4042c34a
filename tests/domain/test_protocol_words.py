"""A protocol in words: a clinician reads every condition in one way only, with the labels and answers of the pack."""

from dataclasses import replace
from datetime import time

import pytest

from survey.domain import protocol_words as words
from survey.domain.condition_words import Line, condition_lines, sentence
from survey.domain.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    FlagKnown,
    FlagPresent,
    LineYes,
    NumberAtLeast,
    NumberAtMost,
    OptionIn,
    RedWords,
    RuleFired,
    SetHolds,
    Unanswered,
    Written,
    leaves,
)
from survey.domain.protocol import (
    Hazard,
    Item,
    ItemKind,
    Protocol,
    Reminder,
    ReminderBy,
    Tier,
    Touch,
    UnknownException,
    Worse,
)
from tests.domain.pack import PROTOCOL

OXYGEN = Item(
    key="oxygen",
    kind=ItemKind.NUMBER,
    label={"en": "Oxygen", "es": "Oxígeno"},
    text={"en": "What does the meter say?", "es": "¿Qué marca el medidor?"},
    unit={"en": "%", "es": "%"},
    least=50,
    most=100,
    ordered=True,
    worse=Worse.LOWER,
)
HEAT = replace(OXYGEN, key="heat", label={"en": "Temperature", "es": "Temperatura"}, decimals=1, worse=Worse.HIGHER)
PACK = replace(PROTOCOL, items=(*PROTOCOL.items, OXYGEN, replace(HEAT, unit={"en": "°F", "es": "°F"})))
DEEP = OptionIn(item="breath", options=("deep",))
STILL = OptionIn(item="faint", options=("still",))
BLOOD_THINNER = FlagPresent(flag="anticoag")

SAID: list[tuple[Condition, str]] = [
    (
        OptionIn(item="fever", options=("chills", "yes")),
        "Fever or chills is “Yes, 100.4°F (38°C) or more” or “Yes, shaking chills”",
    ),
    (
        OptionIn(item="fever", options=("felt", "yes", "chills")),
        "Fever or chills is “I felt hot, but I did not check”, “Yes, 100.4°F (38°C) or more” or “Yes, shaking chills”",
    ),
    (LineYes(item="skin", lines=("streak",)), "Skin at the spot: Yes to “Red lines that go out from the spot”"),
    (
        LineYes(item="skin", lines=("streak", "pus")),
        (
            "Skin at the spot: Yes to at least one of “Pus, cloudy fluid, or a bad smell” "
            "or “Red lines that go out from the spot”"
        ),
    ),
    (LineYes(item="skin", lines=("nolook",)), "Skin at the spot: “I could not look”"),
    (
        LineYes(item="skin", lines=("streak", "nolook")),
        "Skin at the spot: Yes to “Red lines that go out from the spot”, or “I could not look”",
    ),
    (NumberAtLeast(item="sore", least=7), "Soreness is 7 or more"),
    (NumberAtLeast(item="heat", least=101), "Temperature is 101.0 °F or more"),
    (NumberAtMost(item="oxygen", most=92), "Oxygen is 92 % or less"),
    (Written(item="note"), "Anything else: something is written"),
    (RedWords(item="note"), "Anything else: one of the danger phrases is written"),
    (Unanswered(item="trend"), "Soreness since yesterday is asked and left open"),
    (Unanswered(), "At least one question that has to be answered is shown and left open"),
    (FlagPresent(flag="diabetes"), "Diabetes (yes or not known)"),
    (FlagKnown(flag="anticoag"), "Blood thinner (known to be yes)"),
    (SetHolds(name="any_fever"), "“any fever” holds"),
    (RuleFired(rule="S4"), "Rule S4 fires (Fever without an explanation)"),
]


@pytest.mark.parametrize(("condition", "said"), SAID, ids=lambda value: value if isinstance(value, str) else "")
def test_each_kind_of_condition_has_its_sentence(condition: Condition, said: str) -> None:
    assert sentence(condition, PACK) == said
    assert condition_lines(condition, PACK) == (Line(said, 0),)


def test_what_is_no_condition_is_refused_not_left_out() -> None:
    with pytest.raises(TypeError, match="Tier has no words"):
        sentence(Tier.SOON, PACK)  # type: ignore[arg-type]


def test_two_that_are_both_needed_stand_between_both_and_and() -> None:
    both = AllOf(of=(FlagPresent(flag="diabetes"), BLOOD_THINNER))

    assert sentence(both, PACK) == "Both Diabetes (yes or not known) and Blood thinner (yes or not known)"
    assert condition_lines(both, PACK)[0] == Line("Both of these:", 0)


def test_a_group_in_a_group_stands_in_brackets_or_is_indented() -> None:
    condition = AllOf(of=(BLOOD_THINNER, AnyOf(of=(DEEP, STILL))))

    assert sentence(condition, PACK).startswith("Both Blood thinner (yes or not known) and (at least one of: Breathing")
    assert [(line.text[:21], line.depth) for line in condition_lines(condition, PACK)] == [
        ("Both of these:", 0),
        ("Blood thinner (yes or", 1),
        ("At least one of these", 1),
        ("Breathing is “I get a", 2),
        ("Faint or dizzy is “Ye", 2),
    ]


def test_either_of_and_both_of_are_never_written_alike() -> None:
    parts = (BLOOD_THINNER, AllOf(of=(DEEP, STILL)))
    swapped = (AnyOf(of=(BLOOD_THINNER, DEEP)), STILL)

    assert sentence(AnyOf(of=parts), PACK) != sentence(AllOf(of=swapped), PACK)
    assert condition_lines(AnyOf(of=parts), PACK) != condition_lines(AllOf(of=parts), PACK)


@pytest.mark.parametrize(
    ("count", "heading", "start"),
    [
        (1, "At least one of these:", "At least one of: "),
        (2, "At least 2 of these 3:", "At least 2 of: "),
        (3, "All 3 of these:", "All of: "),
    ],
)
def test_a_count_is_said_as_what_it_comes_to(count: int, heading: str, start: str) -> None:
    condition = AtLeast(count=count, of=(BLOOD_THINNER, DEEP, STILL))

    assert condition_lines(condition, PACK)[0].text == heading
    assert sentence(condition, PACK).startswith(start)


def test_a_group_of_one_is_that_one() -> None:
    condition = AllOf(of=(AnyOf(of=(BLOOD_THINNER,)),))

    assert sentence(condition, PACK) == "Blood thinner (yes or not known)"
    assert condition_lines(condition, PACK) == (Line("Blood thinner (yes or not known)", 0),)


def test_no_two_rules_of_the_shipped_pack_read_alike_and_none_shows_a_key() -> None:
    said = [sentence(rule.when, PROTOCOL) for rule in PROTOCOL.rules]
    keys = {item.key for item in PROTOCOL.items} | {flag.key for flag in PROTOCOL.flags}

    different = {repr(rule.when) for rule in PROTOCOL.rules}
    assert len(set(said)) == len(different)
    assert not [key for key in keys if "_" in key and any(key in one for one in said)]


def test_a_shared_condition_is_explained_also_where_another_leans_on_it() -> None:
    rule = next(rule for rule in PROTOCOL.rules if rule.id == "E11")

    assert [derived.name for derived in words.meanings(rule.when, PROTOCOL)] == ["true_fever", "weak_on", "weak_cannot"]


def test_a_shared_condition_knows_the_rules_that_lean_on_it() -> None:
    weak_on = next(derived for derived in PROTOCOL.sets if derived.name == "weak_on")
    direct = {
        rule.id
        for rule in PROTOCOL.rules
        if any(isinstance(leaf, SetHolds) and leaf.name == "weak_on" for leaf in leaves(rule.when))
    }

    assert direct < set(words.used_by(weak_on, PROTOCOL))


@pytest.mark.parametrize(
    ("item", "how"),
    [
        (PROTOCOL.item("red"), "Yes or No on each of 7 lines, Yes is worse than No; any Yes is an emergency"),
        (
            PROTOCOL.item("skin"),
            "Yes or No on each of 4 lines, Yes is worse than No, or one answer instead of all of them",
        ),
        (PROTOCOL.item("breath"), "one of 3 answers, from better to worse"),
        (replace(PROTOCOL.item("breath"), ordered=False), "one of 3 answers, in no order"),
        (PROTOCOL.item("sore"), "a number from 0 to 10, higher is worse"),
        (OXYGEN, "typed: a number from 50 % to 100 %, lower is worse"),
        (HEAT, "typed: a number from 50.0 % to 100.0 %, higher is worse, 1 digit behind the point"),
        (PROTOCOL.item("note"), "free text of up to 500 characters; may be left empty"),
    ],
    ids=lambda value: value.key if isinstance(value, Item) else "",
)
def test_how_a_question_is_answered_is_said(item: Item, how: str) -> None:
    assert words.answered(item) == how


def test_when_a_question_is_asked_is_said() -> None:
    assert words.asked_when(PROTOCOL.item("trend"), PROTOCOL) == "Soreness is 1 or more"
    assert words.asked_when(PROTOCOL.item("sore"), PROTOCOL) == "always"


REST = "The form is finished, with the best answer to every other question, and every other fact is no"


@pytest.mark.parametrize(
    ("hazard", "said"),
    [
        (
            Hazard(key="a", says="", only=("sore", "anticoag", "skin.pus"), at_most=Tier.SOON),
            (
                f"the tier is at most soon whenever: {REST}. Left free: Soreness; Blood thinner; "
                "Skin at the spot, “Pus, cloudy fluid, or a bad smell”"
            ),
        ),
        (
            Hazard(key="b", says="", when=BLOOD_THINNER, at_least=Tier.SOON),
            "the tier is at least soon whenever: Blood thinner (yes or not known)",
        ),
        (
            Hazard(key="c", says="", when=AllOf(of=(BLOOD_THINNER, BLOOD_THINNER)), at_least=Tier.SOON),
            (
                "the tier is at least soon whenever: both Blood thinner (yes or not known) "
                "and Blood thinner (yes or not known)"
            ),
        ),
        (
            Hazard(key="d", says="", when=BLOOD_THINNER, at_least=Tier.SOON, at_most=Tier.URGENT),
            "the tier is at least soon and at most urgent whenever: Blood thinner (yes or not known)",
        ),
        (
            Hazard(key="e", says="", when=BLOOD_THINNER, at_least=Tier.SOON, at_most=Tier.SOON),
            "the tier is exactly soon whenever: Blood thinner (yes or not known)",
        ),
        (
            Hazard(key="g", says="", asked=("sore", "fever")),
            "the patient is asked “Soreness” and “Fever or chills” always",
        ),
        (
            Hazard(key="h", says="", when=BLOOD_THINNER, asked=("bleed",), at_least=Tier.SOON),
            (
                "the tier is at least soon and the patient is asked “Bleeding or bruising” whenever: "
                "Blood thinner (yes or not known)"
            ),
        ),
        (
            Hazard(key="f", says="", when=BLOOD_THINNER, never=True),
            "it never comes to this: Blood thinner (yes or not known)",
        ),
    ],
    ids=lambda value: value.key if isinstance(value, Hazard) else "",
)
def test_a_promise_says_for_which_answers_it_holds(hazard: Hazard, said: str) -> None:
    assert words.hazard_sentence(hazard, PROTOCOL) == said


def test_a_promise_as_lines_has_its_condition_indented() -> None:
    hazard = Hazard(key="a", says="", when=BLOOD_THINNER, only=("sore",), at_most=Tier.SOON)

    assert words.hazard_lines(hazard, PROTOCOL) == (
        Line("The tier is at most soon whenever:", 0),
        Line("Blood thinner (yes or not known)", 1),
        Line(f"{REST}. Left free: Soreness", 1),
    )


def test_every_promise_of_the_shipped_pack_names_a_tier_and_shows_no_key() -> None:
    said = [words.hazard_sentence(hazard, PROTOCOL) for hazard in PROTOCOL.hazards]

    assert not [one for one in said if "_" in one or "tier is  " in one]


def test_an_exception_names_fact_and_rules() -> None:
    exception = UnknownException(flag="anticoag", rules=("S5", "U9"), why="Too noisy")

    said = words.exception_sentence(exception, PROTOCOL)

    assert said == "Blood thinner: not known counts as no in rules S5 and U9"


def test_a_contact_says_when_what_is_asked_and_what_reminds() -> None:
    reminders = (Reminder(after_hours=6, by=ReminderBy.SAME), Reminder(after_hours=24, by=ReminderBy.OTHER))
    touch = Touch(key="day7", day=7, at=time(9, 30), items=("sore", "skin", "fever"), reminders=reminders)

    assert words.touch_sentence(touch, PROTOCOL) == (
        "day 7 after the procedure, 09:30 where the patient lives: Soreness, Skin at the spot and Fever or chills; "
        "if there is no answer, again after 6 hours, the same way as the first text; "
        "if there is no answer, again after 24 hours, the patient’s other way, where there is one"
    )
    assert words.touch_sentence(replace(touch, day=0), PROTOCOL).startswith("the day of the procedure, 09:30")


def test_a_fact_names_the_sites_and_drugs_that_settle_it() -> None:
    steroid = next(each for each in words.settled(PROTOCOL) if each.flag.key == "steroid")

    assert steroid.yes == ("Dexamethasone", "Methylprednisolone", "Triamcinolone", "Betamethasone")
    assert steroid.unknown == ("Another drug",)


def test_the_notes_are_the_comments_at_the_head_of_the_file() -> None:
    pack = replace(PROTOCOL, source_text="# Draft.\n#\n#   NHS  pages\n\nprotocol: x\n# later\n")

    assert words.notes(pack) == "Draft.\n\n  NHS  pages"


def test_a_pack_without_english_is_read_in_its_first_language() -> None:
    spanish = replace(PROTOCOL.item("sore"), label={"es": "Dolor en el lugar"})

    assert sentence(NumberAtLeast(item="sore", least=7), _with(spanish)) == "Dolor en el lugar is 7 or more"


def test_the_whole_protocol_reads_from_title_to_schedule() -> None:
    told = [line.text for line in words.in_words(PROTOCOL)]

    assert told[0] == "After a trigger point injection, version 1"
    assert {"Questions", "Rules", "Shared conditions", "Schedule"} <= set(told)
    assert all(any(line.startswith(f"{rule.id}, {rule.tier}: ") for line in told) for rule in PROTOCOL.rules)


def _with(item: Item) -> Protocol:
    return replace(PROTOCOL, items=tuple(item if one.key == item.key else one for one in PROTOCOL.items))
