"""The variables of an answer set: one block of bits for each flag, answer and line, and the values that it can take."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from oxidd.bdd import BDDFunction, BDDManager

from survey.domain import red_words
from survey.domain.answers import NO, YES
from survey.domain.conditions import Condition, Number, NumberAtLeast, NumberAtMost, leaves
from survey.domain.errors import Refused
from survey.domain.protocol import SCALE_MOST, Flag, Item, ItemKind, Protocol, Worse

Value = str | int | float | None
"""An option, a number, Yes or No on a line, a text, a flag. None: not answered."""

OPEN = 0
"""Place of None among the values of an answer; it stands for an item that is not shown as well."""
PLAIN_TEXT = "A note."
"""Stands for every text that holds no red phrase."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One flag, one answer or one line: its values by place, and the bits that spell the place.

    `best` is None where the values have no order. `steps` are pairs of places of which the second is one step worse.
    `told_apart` are places of which every other one is judged like one of them.
    """

    key: str
    line: str | None
    values: Sequence[Value]
    best: int | None
    steps: Sequence[tuple[int, int]]
    told_apart: Sequence[int]
    bits: tuple[BDDFunction, ...]
    first: int
    """Number of the first bit; the others follow."""
    _made: dict[frozenset[int], BDDFunction] = field(default_factory=dict)

    def among(self, places: Collection[int]) -> BDDFunction:
        """Whether the value is at one of these places."""
        wanted = frozenset(places)
        if wanted not in self._made:
            self._made[wanted] = self._spelled(wanted, 0, 0)
        return self._made[wanted]

    def where(self, test: Callable[[Value], bool]) -> BDDFunction:
        """Whether the value passes the test."""
        return self.among([place for place, value in enumerate(self.values) if test(value)])

    @property
    def valid(self) -> BDDFunction:
        """Whether the bits spell a value at all."""
        return self.among(range(len(self.values)))

    def _spelled(self, wanted: frozenset[int], bit: int, above: int) -> BDDFunction:
        below = 1 << (len(self.bits) - bit)
        found = sum(above <= place < above + below for place in wanted)
        if found in (0, below):
            manager = self.bits[0].manager
            return manager.true() if found else manager.false()
        one, zero = self._spelled(wanted, bit + 1, above + below // 2), self._spelled(wanted, bit + 1, above)
        return self.bits[bit].ite(one, zero)


class Blocks:
    """Every block of a protocol, in one order: flags first, then items as they are asked."""

    def __init__(self, protocol: Protocol, manager: BDDManager) -> None:
        self._manager, self._protocol = manager, protocol
        self.flags = {flag.key: self._flag(flag.key) for flag in protocol.flags}
        self.items = {item.key: tuple(self._item(item)) for item in protocol.items}
        self.every = (*self.flags.values(), *(block for blocks in self.items.values() for block in blocks))

    def _flag(self, key: str) -> Block:
        # Unknown stands apart from the order: what may be said of it is a check of its own.
        return self._block(key, None, [Flag.NO, Flag.UNKNOWN, Flag.YES], best=0, steps=[(0, 2), (1, 2)])

    def _item(self, item: Item) -> Iterator[Block]:
        match item.kind:
            case ItemKind.CHOICE:
                yield self._choice(item)
            case ItemKind.LINES:
                yield from self._lines(item)
            case ItemKind.TEXT:
                yield self._text(item)
            case ItemKind.SCALE | ItemKind.NUMBER:
                yield self._number(item)

    def _choice(self, item: Item) -> Block:
        values = [None, *(option.key for option in item.options)]
        steps = list(pairwise(range(1, len(values)))) if item.ordered else []
        return self._block(item.key, None, values, best=1 if item.ordered else None, steps=steps)

    def _lines(self, item: Item) -> Iterator[Block]:
        for line in item.lines:
            if line.exclusive:
                yield self._block(item.key, line.key, [None, YES], best=0, steps=[])
            else:
                steps = [(1, 2)] if item.ordered else []
                yield self._block(item.key, line.key, [None, NO, YES], best=1, steps=steps)

    def _text(self, item: Item) -> Block:
        phrases = [phrase for spoken in self._protocol.red_words.values() for phrase in spoken]
        values: list[Value] = [None, *([] if item.required else [""]), PLAIN_TEXT, *phrases[:1]]
        if red_words.finder(self._protocol.red_words)(PLAIN_TEXT):
            raise Refused(f"A red phrase is found even in “{PLAIN_TEXT}”. Choose a longer one, or any text would page.")
        steps = list(pairwise(range(1 if item.required else 0, len(values))))
        return self._block(item.key, None, values, best=1 if item.required else 0, steps=steps)

    def _number(self, item: Item) -> Block:
        numbers = _numbers(item)
        values = [None, *numbers]
        cuts = sorted({place for cut in _cuts(self._protocol, item.key) for place in _beside(numbers, cut)})
        told_apart = sorted({1, len(numbers), *(place + 1 for place in cuts)})
        order = told_apart if item.worse is Worse.HIGHER else told_apart[::-1]
        steps = [] if item.worse is Worse.NEITHER else list(pairwise(order))
        best = None if item.worse is Worse.NEITHER else order[0]
        return self._block(item.key, None, values, best=best, steps=steps, told_apart=[OPEN, *told_apart])

    def _block(
        self,
        key: str,
        line: str | None,
        values: Sequence[Value],
        *,
        best: int | None,
        steps: Sequence[tuple[int, int]],
        told_apart: Sequence[int] | None = None,
    ) -> Block:
        new = self._manager.add_vars((len(values) - 1).bit_length())
        return Block(
            key=key,
            line=line,
            values=values,
            best=best,
            steps=steps,
            told_apart=range(len(values)) if told_apart is None else told_apart,
            bits=tuple(self._manager.var(number) for number in new),
            first=new.start,
        )


def _numbers(item: Item) -> list[Number]:
    if item.kind is ItemKind.SCALE:
        return list(range(SCALE_MOST + 1))
    scale = 10**item.decimals
    tenths = range(round(item.least * scale), round(item.most * scale) + 1)
    return [number / scale if item.decimals else number for number in tenths]


def _cuts(protocol: Protocol, key: str) -> Iterator[Number]:
    """Every number that the protocol compares the item with."""
    conditions: list[Condition | None] = [item.show_if for item in protocol.items]
    conditions += [derived.when for derived in protocol.sets] + [rule.when for rule in protocol.rules]
    conditions += [hazard.when for hazard in protocol.hazards]
    for condition in conditions:
        for leaf in leaves(condition) if condition else ():
            if isinstance(leaf, NumberAtLeast) and leaf.item == key:
                yield leaf.least
            elif isinstance(leaf, NumberAtMost) and leaf.item == key:
                yield leaf.most


def _beside(numbers: Sequence[Number], cut: Number) -> Iterator[int]:
    """Places of the numbers at the cut and on both sides of it."""
    at = sum(number < cut for number in numbers)
    return (place for place in (at - 1, at, at + 1) if 0 <= place < len(numbers))
