"""A group of conditions holds as it is written, whatever its parts, and tells every answer that speaks for it."""

from collections.abc import Callable, Sequence
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain.conditions import AllOf, AnyOf, AtLeast, Condition, LineYes, OptionIn
from survey.domain.evaluator import Case, Evaluator, Evidence, compiled
from survey.domain.triage import Answers
from tests.domain.pack import PROTOCOL

PACK = Evaluator(PROTOCOL)


def _evidence(condition: Condition, answers: Answers) -> Evidence:
    return compiled(condition, PACK)(Case({}, dict(answers)))


def _part(item: str) -> Condition:
    return OptionIn(item=item, options=("yes",))


@pytest.mark.parametrize(
    ("group", "least"),
    [
        (lambda parts: AllOf(of=parts), len),
        (lambda parts: AnyOf(of=parts), lambda _parts: 1),
        (lambda parts: AtLeast(count=2, of=parts), lambda _parts: 2),
    ],
)
@given(said=st.lists(st.sampled_from(["yes", "no"]), min_size=1, max_size=4))
def test_a_group_tells_its_parts_in_the_order_written_where_enough_hold(
    group: Callable[[Sequence[Condition]], Condition], least: Callable[[Sequence[str]], int], said: list[str]
) -> None:
    answers = {f"item{place}": answer for place, answer in enumerate(said)}
    holding = tuple(item for item, answer in answers.items() if answer == "yes")

    found = _evidence(group(tuple(_part(item) for item in answers)), answers)

    assert found == (holding if len(holding) >= least(said) else ())


def test_lines_are_read_from_any_mapping() -> None:
    pus = LineYes(item="skin", lines=("pus",))

    assert _evidence(pus, {"skin": MappingProxyType({"pus": "yes"})}) == ("skin",)
    assert _evidence(pus, {"skin": "pus"}) == ()
