"""What must hold for every set of answers, tried on many: worse is never safer, unfinished is never fine."""

from collections.abc import Iterator, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from survey.domain.protocol import Flag, Item, ItemKind, Tier
from survey.domain.questionnaire import is_complete, visible_items
from survey.domain.triage import Answer, Answers, score
from tests.domain.naive_rules import naive_fired
from tests.domain.pack import PROTOCOL, fired_ids, tier_of

KNOWN = st.fixed_dictionaries({flag.key: st.sampled_from(Flag) for flag in PROTOCOL.flags})
TIMES = settings(max_examples=300, deadline=None)


def _answer(item: Item) -> st.SearchStrategy[Answer]:
    if item.kind is ItemKind.CHOICE:
        return st.sampled_from([option.key for option in item.options])
    if item.kind is ItemKind.SCALE:
        return st.integers(0, 10)
    if item.kind is ItemKind.LINES:
        said = st.sampled_from(["no", "no", "no", "yes"])
        exclusive = {line.key: st.just("yes") for line in item.lines if line.exclusive}
        whole = st.fixed_dictionaries({line.key: said for line in item.plain_lines}, optional=exclusive)
        partly = st.dictionaries(st.sampled_from([line.key for line in item.lines]), st.sampled_from(["yes", "no"]))
        return whole | partly
    return st.sampled_from(["", "all well", "i can't breathe"])


PARTLY = st.fixed_dictionaries({}, optional={item.key: _answer(item) for item in PROTOCOL.items})
WHOLE = st.fixed_dictionaries({item.key: _answer(item) for item in PROTOCOL.items})


def _worse_answers(item: Item, answer: Answer) -> Iterator[Answer]:
    """The answer one step worse, each way there is. The line that excludes the others has no order."""
    if isinstance(answer, Mapping):
        for line in item.plain_lines:
            if answer.get(line.key) == "no":
                yield {**answer, line.key: "yes"}
    elif isinstance(answer, int):
        if answer < 10:
            yield answer + 1
    elif item.kind is ItemKind.CHOICE and item.ordered:
        keys = [option.key for option in item.options]
        yield from keys[keys.index(answer) + 1 :][:1]
    elif not answer:
        yield "something"


def _worsened(answers: Answers, context: Mapping[str, Flag]) -> Iterator[tuple[Answers, Mapping[str, Flag]]]:
    for key, answer in answers.items():
        for worse in _worse_answers(PROTOCOL.item(key), answer):
            yield {**answers, key: worse}, context
    for flag, value in context.items():
        order = [Flag.NO, Flag.UNKNOWN, Flag.YES]
        for worse_flag in order[order.index(value) + 1 :]:
            yield answers, {**context, flag: worse_flag}


@TIMES
@given(answers=PARTLY | WHOLE, context=KNOWN)
def test_one_step_worse_never_lowers_the_tier(answers: Answers, context: Mapping[str, Flag]) -> None:
    before = tier_of(answers, context)

    for worse, known in _worsened(answers, context):
        assert tier_of(worse, known).rank >= before.rank, (worse, known)


@TIMES
@given(answers=PARTLY, context=KNOWN)
def test_an_unfinished_form_is_never_routine(answers: Answers, context: Mapping[str, Flag]) -> None:
    if not is_complete(PROTOCOL, answers, context):
        assert tier_of(answers, context).rank >= Tier.SOON.rank


@TIMES
@given(answers=WHOLE, context=KNOWN)
def test_leaving_out_any_one_shown_item_is_at_least_soon(answers: Answers, context: Mapping[str, Flag]) -> None:
    for item in visible_items(PROTOCOL, answers, context):
        without = {key: answer for key, answer in answers.items() if key != item.key}
        if item.required:
            assert tier_of(without, context).rank >= Tier.SOON.rank


@TIMES
@given(answers=WHOLE, context=KNOWN)
def test_leaving_out_any_one_line_is_at_least_soon(answers: Answers, context: Mapping[str, Flag]) -> None:
    for item in (item for item in PROTOCOL.items if item.lines):
        for line in item.plain_lines:
            rest = {key: "no" for key in [other.key for other in item.plain_lines] if key != line.key}
            assert tier_of({**answers, item.key: rest}, context).rank >= Tier.SOON.rank


@TIMES
@given(answers=PARTLY, context=KNOWN, line=st.sampled_from(PROTOCOL.item("red").plain_lines))
def test_a_red_flag_dominates_whatever_else_is_said(
    answers: Answers, context: Mapping[str, Flag], line: object
) -> None:
    assert tier_of({**answers, "red": {line.key: "yes"}}, context) is Tier.EMERGENCY  # type: ignore[attr-defined]


@TIMES
@given(answers=PARTLY, context=KNOWN, soreness=st.integers(0, 10))
def test_soreness_and_its_trend_alone_never_page(answers: Answers, context: Mapping[str, Flag], soreness: int) -> None:
    alone = {key: answers[key] for key in ("trend",) if key in answers}

    # A known blood thinner is the second sign that rising pain needs.
    known = {**context, "anticoag": Flag.UNKNOWN}
    assert tier_of({**alone, "sore": soreness}, known) is Tier.SOON


@settings(max_examples=1500, deadline=None)
@given(answers=PARTLY | WHOLE, context=KNOWN)
def test_the_pack_fires_the_rules_that_a_hand_written_copy_fires(answers: Answers, context: Mapping[str, Flag]) -> None:
    assert fired_ids(score(PROTOCOL, answers, context)) == naive_fired(answers, context)


@TIMES
@given(answers=PARTLY, context=KNOWN)
def test_the_same_answers_always_have_the_same_score(answers: Answers, context: Mapping[str, Flag]) -> None:
    assert score(PROTOCOL, answers, context) == score(PROTOCOL, dict(reversed(answers.items())), dict(context))
