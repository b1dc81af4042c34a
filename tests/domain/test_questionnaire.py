"""The walk through the questions: what is shown, what comes next, how it is numbered, what can be read."""

from dataclasses import replace

import pytest

from survey.domain.answers import answer_in_words
from survey.domain.errors import InvalidInput
from survey.domain.protocol import Item, ItemKind, Worse
from survey.domain.questionnaire import (
    Raw,
    check_answer,
    is_complete,
    next_item,
    previous_item,
    step,
    visible_items,
)
from survey.domain.triage import Answer, Answers
from tests.domain.pack import LINES, NOTHING_KNOWN, PROTOCOL, answers, context

HEAT = Item(
    key="heat",
    kind=ItemKind.NUMBER,
    label={"en": "Heat"},
    text={"en": "How hot?"},
    unit={"en": "°F"},
    least=95,
    most=108.0,
    decimals=1,
    ordered=True,
)
COLD = replace(HEAT, key="cold", least=-40, most=60, decimals=0, worse=Worse.LOWER)


def shown(given: Answers, **flags: str) -> list[str]:
    return [item.key for item in visible_items(PROTOCOL, given, context(**flags))]


def key_of(item: Item | None) -> str | None:
    return item.key if item else None


def test_a_patient_without_branches_sees_eleven_items_and_twelve_when_sore() -> None:
    always = ["red", "breath", "sore", "weak", "skin", "fever", "bleed", "allergy", "faint", "help", "note"]

    assert shown({}) == always
    assert shown({"sore": 0}) == always
    assert shown({"sore": 1}) == [*always[:3], "trend", *always[3:]]


@pytest.mark.parametrize(
    ("weak", "asked"), [("no", False), ("gone", False), ("better", True), ("same", True), ("worse", True)]
)
def test_the_use_of_arms_and_legs_is_asked_while_weakness_lasts(weak: str, asked: bool) -> None:
    assert ("weakfx" in shown({"weak": weak})) is asked


@pytest.mark.parametrize(("flag", "asked"), [("yes", True), ("unknown", True), ("no", False)])
def test_headache_and_neck_are_asked_unless_the_site_is_known_to_be_elsewhere(flag: str, asked: bool) -> None:
    assert ("headneck" in shown({}, site_spine=flag)) is asked


@pytest.mark.parametrize(
    ("diabetes", "steroid", "asked"),
    [
        ("yes", "yes", True),
        ("yes", "unknown", True),
        ("unknown", "yes", True),
        ("no", "yes", False),
        ("yes", "no", False),
    ],
)
def test_blood_sugar_is_asked_unless_diabetes_or_the_steroid_is_known_to_be_absent(
    diabetes: str, steroid: str, asked: bool
) -> None:
    assert ("sugar" in shown({}, diabetes=diabetes, steroid=steroid)) is asked


def test_without_a_place_the_next_item_is_the_first_left_open() -> None:
    known = context()

    assert key_of(next_item(PROTOCOL, {}, known, after=None)) == "red"
    assert key_of(next_item(PROTOCOL, answers(fever=None), known, after=None)) == "fever"
    assert key_of(next_item(PROTOCOL, answers(red=None), known, after=None)) == "red"
    assert key_of(next_item(PROTOCOL, answers(note=None), known, after=None)) == "note"
    assert next_item(PROTOCOL, answers(), known, after=None) is None


def test_a_page_of_lines_that_is_half_answered_comes_up_again() -> None:
    half = {**answers(), "red": {"breath": "no"}}

    assert key_of(next_item(PROTOCOL, half, context(), after=None)) == "red"


def test_after_an_item_comes_the_next_that_is_shown() -> None:
    known = context()

    assert key_of(next_item(PROTOCOL, {"sore": 4}, known, after="sore")) == "trend"
    assert key_of(next_item(PROTOCOL, {"sore": 0}, known, after="sore")) == "weak"
    assert key_of(next_item(PROTOCOL, {"sore": 0}, known, after="trend")) == "weak"
    assert next_item(PROTOCOL, {}, known, after="note") is None


def test_before_an_item_stands_the_one_that_is_shown() -> None:
    known = context()

    assert previous_item(PROTOCOL, {}, known, before="red") is None
    assert key_of(previous_item(PROTOCOL, {"sore": 4}, known, before="weak")) == "trend"
    assert key_of(previous_item(PROTOCOL, {"sore": 0}, known, before="weak")) == "sore"
    assert key_of(previous_item(PROTOCOL, {}, known, before="note")) == "help"


def test_a_form_is_complete_without_the_note_and_not_without_a_line() -> None:
    assert is_complete(PROTOCOL, answers(note=None), context())
    assert not is_complete(PROTOCOL, {**answers(), "skin": {"hot": "no"}}, context())
    assert is_complete(PROTOCOL, {**answers(), "skin": {"nolook": "yes"}}, context())
    assert not is_complete(PROTOCOL, answers(trend=None), context())
    assert not is_complete(PROTOCOL, answers(headneck=None), NOTHING_KNOWN)


def test_the_count_does_not_grow_when_a_question_branches() -> None:
    known, branched = context(), {"sore": 9, "weak": "same"}

    plain = {item.key: step(PROTOCOL, item, {}, known) for item in visible_items(PROTOCOL, {}, known)}
    steps = {item.key: step(PROTOCOL, item, branched, known) for item in visible_items(PROTOCOL, branched, known)}

    assert plain == {key: place for key, place in steps.items() if key not in ("trend", "weakfx")}
    assert steps["sore"] == steps["trend"] == (3, 11)
    assert steps["weak"] == steps["weakfx"] == (4, 11)
    assert steps["note"] == (11, 11)


def test_questions_that_hang_on_the_context_are_counted_from_the_start() -> None:
    assert step(PROTOCOL, PROTOCOL.item("red"), {}, NOTHING_KNOWN) == (1, 13)


@pytest.mark.parametrize(
    ("key", "raw", "answer"),
    [
        ("breath", {"answer": "deep"}, "deep"),
        ("breath", {"answer": ["no", "deep"]}, "deep"),
        ("sore", {"answer": "0"}, 0),
        ("sore", {"answer": "10"}, 10),
        ("red", LINES["red"], LINES["red"]),
        ("skin", {"nolook": "yes"}, {"nolook": "yes"}),
        ("skin", {**LINES["skin"], "csrf_token": "x"}, LINES["skin"]),
        ("skin", {"nolook": "yes", "pus": "yes"}, {"nolook": "yes", "pus": "yes"}),
        ("note", {"answer": "  two\r\nlines \x00"}, "two\nlines"),
        ("note", {"answer": "   "}, ""),
        ("note", {}, ""),
        ("note", {"answer": "é" * 500}, "é" * 500),
    ],
)
def test_an_answer_is_read_from_the_form(key: str, raw: Raw, answer: Answer) -> None:
    assert check_answer(PROTOCOL.item(key), raw) == answer


@pytest.mark.parametrize("line", [line.key for line in PROTOCOL.item("red").lines])
def test_a_yes_on_the_first_page_is_taken_though_other_lines_are_open(line: str) -> None:
    assert check_answer(PROTOCOL.item("red"), {line: "yes"}) == {line: "yes"}


@pytest.mark.parametrize(
    ("key", "raw", "field", "message_key", "params"),
    [
        ("breath", {}, "answer", "choose_one", {}),
        ("breath", {"answer": "maybe"}, "answer", "choose_one", {}),
        ("breath", {"answer": []}, "answer", "choose_one", {}),
        ("sore", {}, "answer", "choose_number", {"least": 0, "most": 10}),
        ("sore", {"answer": "11"}, "answer", "choose_number", {"least": 0, "most": 10}),
        ("sore", {"answer": "-1"}, "answer", "choose_number", {"least": 0, "most": 10}),
        ("sore", {"answer": " 5"}, "answer", "choose_number", {"least": 0, "most": 10}),
        ("sore", {"answer": "٥"}, "answer", "choose_number", {"least": 0, "most": 10}),
        ("note", {"answer": "x" * 501}, "answer", "too_long", {"most": 500, "length": 501}),
        ("skin", {}, "grow", "answer_each_line", {"lines": "grow,hot,pus,streak"}),
        ("skin", {"grow": "no", "pus": "yes"}, "hot", "answer_each_line", {"lines": "hot,streak"}),
        ("skin", {**LINES["skin"], "pus": "perhaps"}, "pus", "answer_each_line", {"lines": "pus"}),
        ("red", {"breath": "no"}, "chest", "answer_each_line", {"lines": "chest,swell,passout,mind,bleedstop,cord"}),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused_at_its_field(
    key: str, raw: Raw, field: str, message_key: str, params: dict[str, str | int]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_answer(PROTOCOL.item(key), raw)

    assert (refused.value.field, refused.value.message_key, refused.value.params) == (field, message_key, params)


@pytest.mark.parametrize(
    ("item", "typed", "answer"),
    [
        (HEAT, "101.3", 101.3),
        (HEAT, "101,3", 101.3),
        (HEAT, "  101.3\r\n", 101.3),
        (HEAT, "\u00a0101.3", 101.3),
        (HEAT, "98", 98.0),
        (HEAT, "098.6", 98.6),
        (HEAT, "95", 95.0),
        (HEAT, "108.0", 108.0),
        (COLD, "-7", -7),
        (COLD, "0", 0),
    ],
)
def test_a_number_is_read_as_it_is_typed_with_a_point_or_a_comma(item: Item, typed: str, answer: float) -> None:
    read = check_answer(item, {"answer": [typed]})

    assert (read, type(read)) == (answer, type(answer))


OUT_OF_RANGE = {"least": "95", "most": "108"}


@pytest.mark.parametrize(
    ("item", "typed", "message_key", "params"),
    [
        (HEAT, "", "write_number", {}),
        (HEAT, "   ", "write_number", {}),
        (HEAT, "hot", "write_number", {}),
        (HEAT, "101.3F", "write_number", {}),
        (HEAT, "10 1.3", "write_number", {}),
        (HEAT, "1e2", "write_number", {}),
        (HEAT, "nan", "write_number", {}),
        (HEAT, "+101", "write_number", {}),
        (HEAT, "١٠١", "write_number", {}),
        (HEAT, "1" * 400, "write_number", {}),
        (HEAT, "101.3\n101.4", "write_number", {}),
        (HEAT, "1.013,0", "write_number", {}),
        (HEAT, "94.9", "number_out_of_range", OUT_OF_RANGE),
        (HEAT, "108.1", "number_out_of_range", OUT_OF_RANGE),
        (HEAT, "38.5", "number_out_of_range", OUT_OF_RANGE),
        (HEAT, "-101", "number_out_of_range", OUT_OF_RANGE),
        (HEAT, "101.35", "too_many_decimals", {"decimals": 1}),
        (HEAT, "101.30", "too_many_decimals", {"decimals": 1}),
        (COLD, "7.0", "write_whole_number", {}),
        (COLD, "1,000", "write_whole_number", {}),
    ],
)
def test_a_number_that_could_be_read_wrongly_is_refused(
    item: Item, typed: str, message_key: str, params: dict[str, str | int]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_answer(item, {"answer": [typed]})

    assert (refused.value.field, refused.value.message_key, refused.value.params) == ("answer", message_key, params)


def test_a_number_that_need_not_be_given_may_be_left_empty_and_then_reads_as_not_answered() -> None:
    optional = replace(HEAT, required=False)

    assert check_answer(optional, {"answer": [" "], "skip": ["1"]}) == ""
    assert answer_in_words(PROTOCOL, optional, "", "en") == "Not answered"
    with pytest.raises(InvalidInput, match="write_number"):
        check_answer(optional, {"answer": ["hot"]})


@pytest.mark.parametrize(("answer", "words"), [(101.3, "101.3 °F"), (101.0, "101 °F"), (0, "0 °F"), (-7, "-7 °F")])
def test_a_number_is_read_back_with_its_unit(answer: float, words: str) -> None:
    assert answer_in_words(PROTOCOL, HEAT, answer, "en") == words
    assert answer_in_words(PROTOCOL, HEAT, answer, "es") == words
