"""The patient of the check answers every question of any protocol, a required number too."""

from dataclasses import replace

import pytest

from survey.domain.protocol import ItemKind, Worse
from survey.domain.questionnaire import check_answer
from survey.interop import protocol_yaml
from survey.local import check_answers
from survey.local.browser import Form
from survey.local.main_job import values
from tests import desk
from tests.proof.packs import item_of

PACK = protocol_yaml.load(desk.PACK)


@pytest.mark.parametrize(
    ("worse", "decimals", "typed"),
    [(Worse.HIGHER, 1, "97.6"), (Worse.HIGHER, 0, "98"), (Worse.LOWER, 0, "105"), (Worse.NEITHER, 0, "98")],
)
def test_a_number_is_typed_near_its_better_end_with_the_digits_that_the_page_takes(
    worse: Worse, decimals: int, typed: str
) -> None:
    heat = item_of("heat", ItemKind.NUMBER, True, worse=worse, least=95, most=108, decimals=decimals)
    asked = replace(PACK, items=(*PACK.items, heat))

    wanted = check_answers.wanted(asked)["heat"]

    assert wanted == typed
    assert check_answer(heat, {"answer": [typed]}) == float(typed)
    assert values(Form(action="", method="post", fields={"answer": ""}), wanted) == {"answer": typed}


def test_what_worries_is_answered_as_the_shipped_protocol_asks_it() -> None:
    options = {item.key: {option.key for option in item.options} for item in PACK.items}
    lines = {item.key: {line.key for line in item.lines} for item in PACK.items}

    for key, answer in check_answers.wanted(PACK).items():
        if isinstance(answer, frozenset):
            assert answer <= lines[key]
        else:
            assert answer in options[key] or answer.isdigit()
