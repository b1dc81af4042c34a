"""The diagrams of a shipped protocol say of each answer set what the evaluator says that scores real responses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from oxidd.bdd import BDDManager

from survey.domain.protocol import Protocol, Tier
from survey.domain.responses import asked
from survey.domain.triage import Score, score
from survey.interop.protocol_yaml import load
from survey.proof.checks import Space
from survey.settings import ROOT
from tests.proof.batch import Batch, bits, columns
from tests.proof.crowd import Person, asks, people

PEOPLE, AT_ONCE, SEED = 100_000, 10_000, 20_260
PACKS = sorted((ROOT / "config/protocols").glob("*/v1.yaml"))


@dataclass(frozen=True, slots=True)
class Heard:
    """What the evaluator said of a crowd."""

    fired: Counter[str]
    tiers: Counter[Tier]


class Hearing:
    """One touch of a protocol in both readings."""

    def __init__(self, protocol: Protocol, touch: str) -> None:
        self.protocol, self.space = asked(protocol, touch), Space(protocol, touch, BDDManager(1 << 20, 1 << 18, 1))
        self.blocks = self.space.meaning.blocks
        self.asks = asks(self.protocol, self.blocks.items, self.blocks.flags)
        self._batch = Batch()
        self._fired = {rule: self._batch.add(function) for rule, function in self.space.fired.items()}
        self._tiers = {tier: self._batch.add(function) for tier, function in self.space.tiers.items()}

    def compare(self, crowd: Sequence[Person], heard: Heard) -> None:
        """Fails with the first person of whom the two say different things."""
        scores = [score(self.protocol, person.answers, person.context) for person in crowd]
        heard.tiers.update(each.tier for each in scores)
        heard.fired.update(fired.rule for each in scores for fired in each.fired)
        drawn = self._batch.run(columns([ask.block for ask in self.asks], [one.places for one in crowd]), len(crowd))
        fired = [{each.rule for each in one.fired} for one in scores]
        for rule, place in self._fired.items():
            _same(rule, drawn[place], bits([rule in rules for rules in fired]), crowd, scores)
        for tier, place in self._tiers.items():
            _same(tier, drawn[place], bits([each.tier.rank >= tier.rank for each in scores]), crowd, scores)


def _same(what: str, drawn: int, judged: int, crowd: Sequence[Person], scores: Sequence[Score]) -> None:
    if drawn != judged:
        number = len(crowd) - (drawn ^ judged).bit_length()
        pytest.fail(f"the two readings of {what} differ for {crowd[number]}, which is scored {scores[number]}")


@pytest.fixture(scope="module", params=PACKS, ids=lambda path: path.parent.name)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    return load(request.param)


@pytest.fixture(scope="module")
def heard(protocol) -> Mapping[str, Heard]:
    """A hundred thousand random answer sets of each touch, on which both readings agreed."""
    found: dict[str, Heard] = {}
    for touch in protocol.touches:
        hearing, found[touch.key] = Hearing(protocol, touch.key), Heard(Counter(), Counter())
        for start in range(0, PEOPLE, AT_ONCE):
            hearing.compare(people(hearing.asks, AT_ONCE, SEED + start), found[touch.key])
    return found


def test_both_readings_agree_on_every_rule_and_tier_of_a_hundred_thousand_answer_sets(protocol, heard):
    assert {touch: said.tiers.total() for touch, said in heard.items()} == {
        each.key: PEOPLE for each in protocol.touches
    }


def test_every_tier_and_every_rule_was_among_them(protocol, heard):
    fired = sum((said.fired for said in heard.values()), Counter())

    print(sorted(fired.items(), key=lambda each: each[1])[:8], *(said.tiers for said in heard.values()))
    assert all(set(said.tiers) == set(Tier) for said in heard.values())
    assert {rule.id for rule in protocol.rules} - set(fired) == set()


def test_the_batch_walks_the_diagrams_as_their_own_library_does(protocol):
    hearing = Hearing(protocol, protocol.touches[0].key)
    crowd = people(hearing.asks, 200, SEED - 1)
    batch = Batch()
    places = {tier: batch.add(function) for tier, function in hearing.space.tiers.items()}

    drawn = batch.run(columns([ask.block for ask in hearing.asks], [one.places for one in crowd]), len(crowd))

    variables = [columns([ask.block for ask in hearing.asks], [one.places]) for one in crowd]
    given = [[(number, bool(value)) for number, value in each.items()] for each in variables]
    for tier, function in hearing.space.tiers.items():
        assert drawn[places[tier]] == bits([function.eval(each) for each in given])
