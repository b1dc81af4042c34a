"""A crowd of random answer sets of a shipped protocol, most of them a good day with a few things amiss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from survey.domain.answers import Answer
from survey.domain.protocol import Flag, Item, ItemKind, Protocol
from survey.proof.blocks import OPEN, PLAIN_TEXT, Block

Said = str | int | float | None
Choice = tuple[Said, int]
"""What is said, and the place that stands for it in its block."""

AMISS = (0.03, 0.1, 0.1, 0.2, 0.4, 0.9)
"""How much of what may be said is not what it is on a good day; which of these is drawn anew for each person."""
QUIET_TEXTS = ("it is getting better", "Todo bien, gracias")


@dataclass(frozen=True, slots=True)
class Ask:
    """One block with what may be said in it: on a good day, and otherwise."""

    block: Block
    well: Choice
    amiss: Sequence[Choice]


def asks(protocol: Protocol, blocks: Mapping[str, Sequence[Block]], flags: Mapping[str, Block]) -> list[Ask]:
    """Everything that has a value in an answer set."""
    items = {item.key: item for item in protocol.items}
    recorded = [Ask(block, (Flag.NO, 0), [(Flag.UNKNOWN, 1), (Flag.YES, 2), (None, 1)]) for block in flags.values()]
    return recorded + [_ask(protocol, items[key], block) for key, each in blocks.items() for block in each]


def _ask(protocol: Protocol, item: Item, block: Block) -> Ask:
    places = list(enumerate(block.values))
    every = [(said, place) for place, said in places if place in block.told_apart]
    well = every[-1] if block.best is None else (block.values[block.best], block.best)
    if item.kind is ItemKind.TEXT:
        every += [(text, block.values.index(PLAIN_TEXT)) for text in QUIET_TEXTS]
        phrases = [phrase for spoken in protocol.red_words.values() for phrase in spoken]
        every += [(f"Since noon: {phrase.upper()}.", len(places) - 1) for phrase in phrases]
    if item.kind is ItemKind.NUMBER:
        # One number in three is any of them, so that what lies between the thresholds is met as well.
        every += [(said, place) for place, said in places[1 :: max(1, len(places) // len(every) // 2)]]
        every += [] if item.required else [("", OPEN)]
    return Ask(block, well, [*every, (None, OPEN)])


@dataclass(frozen=True, slots=True)
class Person:
    """One answer set as the evaluator is given it, and the place of each block as the diagrams have it."""

    answers: Mapping[str, Answer]
    context: Mapping[str, Flag]
    places: Sequence[int]


def people(every: Sequence[Ask], count: int, seed: int) -> list[Person]:
    """So many answer sets. What stands in an item that is not shown is left there, as a changed mind leaves it."""
    random = Random(seed)
    return [_person(every, random) for _ in range(count)]


def _person(every: Sequence[Ask], random: Random) -> Person:
    wrong = random.choice(AMISS)
    chosen = [random.choice(ask.amiss) if random.random() < wrong else ask.well for ask in every]
    answers: dict[str, Answer] = {}
    context: dict[str, Flag] = {}
    for ask, (said, _) in zip(every, chosen, strict=True):
        if isinstance(said, Flag):
            context[ask.block.key] = said
        elif said is not None and ask.block.line:
            answers.setdefault(ask.block.key, {})[ask.block.line] = said
        elif said is not None:
            answers[ask.block.key] = said
    return Person(answers, context, [place for _, place in chosen])
