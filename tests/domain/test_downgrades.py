"""When a confirmed event counts as taken less seriously, over all that its patient answered in turn."""

import json
from datetime import date
from uuid import UUID

import pytest

from survey.domain.answers import Answers
from survey.domain.comparison import Case, Verdict
from survey.domain.downgrades import weighed
from survey.domain.protocol import Tier
from survey.interop import protocol_yaml
from tests import lowering_version
from tests.domain.pack import answers, context

PACK = protocol_yaml.load(lowering_version.source())
"""Pain on a deep breath is routine here; breathless on exertion is urgent."""
BEGUN: Answers = {"breath": "deep"}
"""Unfinished, so never routine."""
DEEP, EXERTED, CALM = answers(breath="deep"), answers(breath="exert"), answers()


def scored(*scores: tuple[Answers, Tier]) -> list[Case]:
    """The scores of one response, oldest first: the answers, and the tier that was stored for them."""
    flags = json.dumps(context())
    return [
        Case(
            response_id=UUID(int=1),
            revision=number,
            week=date(2026, 3, 9),
            night=False,
            touch="day2",
            answers=json.dumps(given),
            body_sites=("leg",),
            agents=(),
            given=flags,
            context=flags,
            sha256="0" * 64,
            before=Verdict(tier=tier, fired={"OLD": tier}),
        )
        for number, (given, tier) in enumerate(scores, start=1)
    ]


R, S, U, E = Tier


@pytest.mark.parametrize(
    ("scores", "before", "after"),
    [
        ([(DEEP, U)], U, R),
        ([(BEGUN, U), (DEEP, U)], U, R),
        ([(BEGUN, S), (DEEP, S)], S, R),  # both sides were soon while it was unfinished
        ([(BEGUN, S), (DEEP, S), (CALM, R)], S, R),  # and taken back after that
        ([(DEEP, U), (CALM, R)], U, R),
        ([(EXERTED, E), (DEEP, U)], E, U),  # at its worst, not at its last
    ],
)
def test_a_response_that_the_pack_takes_less_seriously_at_its_worst_is_a_downgrade(
    scores: list[tuple[Answers, Tier]], before: Tier, after: Tier
) -> None:
    found = weighed(PACK, scored(*scores))

    assert found.is_downgrade
    assert (found.before, found.after, found.because) == (before, after, ("OLD",))


@pytest.mark.parametrize(
    "scores",
    [
        [(EXERTED, U)],
        [(EXERTED, S)],
        [(DEEP, U), (EXERTED, U)],  # milder first, and the last answers page all the same
        [(DEEP, R), (EXERTED, U), (CALM, R)],
        [(BEGUN, S), (CALM, R)],
    ],
)
def test_a_response_that_the_pack_takes_as_seriously_at_its_worst_is_none(scores: list[tuple[Answers, Tier]]) -> None:
    assert not weighed(PACK, scored(*scores)).is_downgrade
