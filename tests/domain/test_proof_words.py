"""A counterexample in words: what is not well, and what is open; nothing that only fills the form."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from survey.domain.answers import Answer
from survey.domain.conditions import NumberAtLeast
from survey.domain.proof_words import objection_in_words
from survey.domain.proofs import Case, Judged, Objection
from survey.domain.protocol import ContextFlag, Flag, Hazard, Item, ItemKind, Line, Option, Protocol, Tier, Worse
from tests.proof.packs import OPTIONS, item_of, pack

WELL: Mapping[str, Answer] = {
    "mood": "none",
    "look": {"one": "no", "two": "no"},
    "pain": 0,
    "fever": 97.5,
    "oxygen": 100,
    "weight": 80,
}


def labelled(key: str, kind: ItemKind, *, required: bool = True, **own: object) -> Item:
    return replace(item_of(key, kind, required, **own), label={"en": key.title()})


OPTIONS_OF = tuple(Option(key=key, text={"en": f"{key} of it"}) for key in OPTIONS)
FEVER = labelled("fever", ItemKind.NUMBER, worse=Worse.HIGHER, least=97.5, most=108, decimals=1)
OXYGEN = labelled("oxygen", ItemKind.NUMBER, worse=Worse.LOWER, least=50, most=100)
WEIGHT = labelled("weight", ItemKind.NUMBER, worse=Worse.NEITHER, least=20, most=300)
SMALL = pack(
    flags=(ContextFlag(key="thinner", label={"en": "Blood thinner"}),),
    items=(
        labelled("mood", ItemKind.CHOICE, ordered=True, options=OPTIONS_OF),
        labelled("look", ItemKind.LINES, lines=tuple(Line(key=k, text={"en": f"Line {k}"}) for k in ("one", "two"))),
        labelled("pain", ItemKind.SCALE, ordered=True),
        FEVER,
        OXYGEN,
        WEIGHT,
    ),
    rules=(),
    words={
        name: {"en": said}
        for name, said in {
            "not_answered": "not answered",
            "line_no": "No",
            "scale_answer": "{number} of {most}",
            "flag_yes": "yes",
            "flag_no": "no",
            "flag_unknown": "not known",
        }.items()
    },
)


def told(protocol: Protocol, answers: Mapping[str, Answer], flag: Flag = Flag.NO) -> list[str]:
    """What is said of the case before its last line, which is the verdict."""
    case = Case(touch="first", answers=answers, context={"thinner": flag})
    says, *lines, verdict = objection_in_words(
        protocol, Objection(says="So it is.", before=Judged(case=case, tier=Tier.SOON, rules=("R1",)))
    )
    assert (says, verdict) == ("So it is.", "all else well, on first: SOON, by R1")
    return lines


def test_a_form_on_which_all_is_well_is_told_in_no_words_at_all() -> None:
    assert told(SMALL, WELL) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"mood": "some"}, "Mood: some of it"),
        ({"look": {"one": "yes", "two": "no"}}, "Look: Line one"),
        ({"pain": 1}, "Pain: 1 of 10"),
        ({"fever": 97.6}, "Fever: 97.6"),
        ({"oxygen": 99}, "Oxygen: 99"),
    ],
)
def test_what_is_not_at_its_best_is_told(changed: Mapping[str, Answer], line: str) -> None:
    assert told(SMALL, {**WELL, **changed}) == [line]


def test_what_is_left_open_is_told_and_what_may_stay_open_is_not() -> None:
    without_mood = {key: answer for key, answer in WELL.items() if key != "mood"}
    optional = replace(SMALL, items=(replace(SMALL.items[0], required=False), *SMALL.items[1:]))

    assert told(SMALL, without_mood) == ["Mood: not answered"]
    assert told(optional, without_mood) == []
    assert told(SMALL, {**WELL, "look": {"one": "no"}}) == ["Look: No, other lines left open"]
    assert told(SMALL, {**WELL, "look": {"one": "yes"}}) == ["Look: Line one, other lines left open"]


def test_a_number_without_an_order_is_told_only_where_something_hangs_on_it() -> None:
    heavy = Hazard(key="H", says="Heavy.", when=NumberAtLeast(item="weight", least=100), at_most=Tier.SOON)

    assert told(SMALL, {**WELL, "weight": 300}) == []
    assert told(replace(SMALL, hazards=(heavy,)), {**WELL, "weight": 300}) == ["Weight: 300"]


def test_an_optional_number_that_was_skipped_is_well() -> None:
    optional = replace(SMALL, items=(*SMALL.items[:3], replace(FEVER, required=False), OXYGEN, WEIGHT))

    assert told(optional, {**WELL, "fever": ""}) == []


def test_a_flag_that_is_not_known_to_be_absent_is_told() -> None:
    assert told(SMALL, WELL, Flag.UNKNOWN) == ["Blood thinner: not known"]
