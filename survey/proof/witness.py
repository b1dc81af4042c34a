"""The smallest answer set in a decision diagram: the fewest answers that differ from a good day."""

from collections.abc import Mapping
from dataclasses import dataclass

from oxidd.bdd import BDDFunction

from survey.domain.answers import Answer
from survey.domain.errors import DomainError
from survey.domain.evaluator import evaluator
from survey.domain.proofs import Case, Judged
from survey.domain.protocol import Flag, ItemKind, Tier
from survey.domain.triage import score
from survey.proof.blocks import Block
from survey.proof.meaning import Meaning

Places = Mapping[Block, int]
"""Each block with the place of its value."""

_AMISS = 1000
"""An answer that is not the best one; how far it stands from it only decides between equals."""

Found = tuple[int, tuple[int, ...]] | None
"""What it costs, and the places of this block and all below it."""


class Disagreement(DomainError):
    """The diagrams and the evaluator judge one answer set differently: a fault of ours, not of the protocol."""


@dataclass(frozen=True, slots=True)
class _Search:
    meaning: Meaning
    known: dict[tuple[int, BDDFunction], Found]

    def cheapest(self, number: int, rest: BDDFunction) -> Found:
        """The best completion from block `number` on."""
        blocks = self.meaning.blocks.every
        if rest == self.meaning.false:
            return None
        if number == len(blocks):
            return (0, ())
        key = (number, rest)
        if key not in self.known:
            self.meaning.check_time()
            self.known[key] = self._through(number, rest)
        return self.known[key]

    def _through(self, number: int, rest: BDDFunction) -> Found:
        block, best = self.meaning.blocks.every[number], None
        for place in block.told_apart:
            below = self.cheapest(number + 1, _at(block, place, rest))
            if below is None:
                continue
            cost = _cost(block, place) + below[0]
            if best is None or cost < best[0]:
                best = (cost, (place, *below[1]))
        return best


def smallest(meaning: Meaning, among: BDDFunction) -> Places | None:
    """The places of the smallest answer set in `among`; None when there is none. Raises TimeoutError."""
    found = _Search(meaning, {}).cheapest(0, among & meaning.valid)
    return dict(zip(meaning.blocks.every, found[1], strict=True)) if found else None


def judged(meaning: Meaning, touch: str, places: Places) -> Judged:
    """What the evaluator that scores real responses says of it."""
    said = {key: _answer(meaning, key, places) for key in meaning.blocks.items}
    answers = {key: answer for key, answer in said.items() if answer is not None}
    context = {key: Flag(str(block.values[places[block]])) for key, block in meaning.blocks.flags.items()}
    shown = {item.key for item in evaluator(meaning.protocol).case(answers, context).shown}
    result = score(meaning.protocol, answers, context)
    counted = {key: answer for key, answer in answers.items() if key in shown}
    case = Case(touch=touch, answers=counted, context=context)
    return Judged(case=case, tier=result.tier, rules=tuple(fired.rule for fired in result.fired))


def confirmed(meaning: Meaning, tiers: Mapping[Tier, BDDFunction], touch: str, places: Places) -> Judged:
    """`judged`, held against the diagrams. Raises Disagreement."""
    case = judged(meaning, touch, places)
    bits = [(bit, value) for block, place in places.items() for bit, value in _bits(block, place)]
    expected = Tier.highest(tier for tier, reached in tiers.items() if reached.eval(bits))
    if expected is not case.tier:
        raise Disagreement(f"The proof says {expected} where the evaluator says {case.tier}. Please report this.")
    return case


def _bits(block: Block, place: int) -> list[tuple[int, bool]]:
    count = len(block.bits)
    return [(block.first + bit, bool(place >> (count - 1 - bit) & 1)) for bit in range(count)]


def _at(block: Block, place: int, function: BDDFunction) -> BDDFunction:
    """The function below that value of the block, whose bits are the next to be asked."""
    for number, bit in _bits(block, place):
        if function.node_var() == number:
            halves = function.cofactors()
            assert halves is not None, "only a constant has none"  # noqa: S101
            function = halves[0 if bit else 1]
    return function


def _cost(block: Block, place: int) -> int:
    if block.best is None:
        return 0 if place else _AMISS
    return 0 if place == block.best else _AMISS + abs(place - block.best)


def _answer(meaning: Meaning, key: str, places: Places) -> Answer | None:
    blocks = meaning.blocks.items[key]
    if meaning.protocol.item(key).kind is not ItemKind.LINES:
        return blocks[0].values[places[blocks[0]]]
    marked = {block.line or "": str(value) for block in blocks if (value := block.values[places[block]]) is not None}
    return marked or None
