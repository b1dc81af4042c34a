"""What a protocol means, as decision diagrams over its blocks: what is shown, what is open, which rules fire.

The second reading of a protocol beside `survey.domain.evaluator`; the tests hold the one against the other.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import and_, or_

from oxidd.bdd import BDDFunction, BDDManager

from survey.domain import conditions as c
from survey.domain.answers import YES
from survey.domain.evaluator import in_dependency_order
from survey.domain.protocol import Flag, Item, ItemKind, Protocol, Tier
from survey.proof.blocks import OPEN, PLAIN_TEXT, Blocks, Value


class Meaning:
    """One touch of a protocol, of which `protocol` holds the items. `blocks` may be those of one that asks the same.

    Past the `deadline`, an instant of `time.perf_counter`, every step raises TimeoutError.
    """

    def __init__(
        self, protocol: Protocol, manager: BDDManager, *, blocks: Blocks | None = None, deadline: float = float("inf")
    ) -> None:
        self.protocol, self.manager, self._deadline = protocol, manager, deadline
        self.blocks = blocks or Blocks(protocol, manager)
        self.true, self.false = manager.true(), manager.false()
        self._sets = {derived.name: derived.when for derived in protocol.sets}
        self.shown: dict[str, BDDFunction] = {}
        for item in protocol.items:
            self.shown[item.key] = Reading(self).of(item.show_if) if item.show_if else self.true
        self.left_open = {item.key: self._left_open(item) for item in protocol.items if item.required}
        self.any_open = self.any(self.left_open.values())
        self.valid = self.all(block.valid for block in self.blocks.every)

    def all(self, parts: Iterable[BDDFunction]) -> BDDFunction:
        """Whether each part holds."""
        return reduce(and_, self.in_time(parts), self.true)

    def any(self, parts: Iterable[BDDFunction]) -> BDDFunction:
        """Whether one part holds."""
        return reduce(or_, self.in_time(parts), self.false)

    def in_time(self, parts: Iterable[BDDFunction]) -> Iterator[BDDFunction]:
        """The parts one by one. A single step on two large diagrams takes some seconds at the most."""
        for part in parts:
            self.check_time()
            yield part

    def check_time(self) -> None:
        """Raises TimeoutError past the deadline."""
        if time.perf_counter() > self._deadline:
            raise TimeoutError

    def set_of(self, name: str) -> c.Condition:
        """The condition of a derived set."""
        return self._sets[name]

    def answer_sets(self) -> BDDFunction:
        """Each answer set once: an item that is not shown has no answer."""
        hidden = [
            self.shown[key] | self.all(block.among([OPEN]) for block in blocks)
            for key, blocks in self.blocks.items.items()
        ]
        return self.all([self.valid, *hidden])

    def _left_open(self, item: Item) -> BDDFunction:
        blocks = self.blocks.items[item.key]
        if item.kind is not ItemKind.LINES:
            return self.shown[item.key] & blocks[0].among([OPEN])
        exclusive = item.exclusive_line
        plain = self.any(block.among([OPEN]) for block in blocks if not exclusive or block.line != exclusive.key)
        instead = self.any(b.where(lambda said: said == YES) for b in blocks if exclusive and b.line == exclusive.key)
        return self.shown[item.key] & plain & ~instead


class Reading:
    """Conditions and rules read in one way.

    `without` are rules that are taken out. `lenient` are pairs of rule and flag of which `known: true` is read as if it
    did not stand there.
    """

    def __init__(
        self, meaning: Meaning, *, without: Collection[str] = (), lenient: Collection[tuple[str, str]] = ()
    ) -> None:
        self._meaning, self._without, self._lenient = meaning, without, frozenset(lenient)
        self._rule = ""
        self.fired: dict[str, BDDFunction] = {}

    def rules(self) -> Mapping[str, BDDFunction]:
        """When each rule fires."""
        for rule in in_dependency_order(self._meaning.protocol.rules):
            self._rule = rule.id
            self.fired[rule.id] = self._meaning.false if rule.id in self._without else self.of(rule.when)
        return self.fired

    def tiers(self) -> Mapping[Tier, BDDFunction]:
        """When the tier is that one or a more serious one."""
        fired = self.fired or self.rules()
        rules = self._meaning.protocol.rules
        return {
            tier: self._meaning.any(fired[rule.id] for rule in rules if rule.tier.rank >= tier.rank)
            for tier in Tier
            if tier is not Tier.ROUTINE
        }

    def of(self, condition: c.Condition) -> BDDFunction:
        """When the condition holds."""
        match condition:
            case c.AllOf():
                return self._meaning.all([self.of(part) for part in condition.of])
            case c.AnyOf():
                return self._meaning.any([self.of(part) for part in condition.of])
            case c.AtLeast():
                return self._at_least(condition.count, [self.of(part) for part in condition.of])
            case c.SetHolds():
                return self.of(self._meaning.set_of(condition.name))
            case c.RuleFired():
                return self.fired[condition.rule]
            case _:
                return self._leaf(condition)

    def _at_least(self, count: int, parts: Sequence[BDDFunction]) -> BDDFunction:
        held = [self._meaning.true, *[self._meaning.false] * count]
        for part in self._meaning.in_time(parts):
            held[1:] = [part.ite(fewer, same) for fewer, same in pairwise(held)]
        return held[count]

    def _leaf(self, leaf: c.Condition) -> BDDFunction:
        meaning = self._meaning
        match leaf:
            case c.FlagPresent():
                return meaning.blocks.flags[leaf.flag].where(lambda said: said != Flag.NO)
            case c.FlagKnown():
                absent = [Flag.NO] if (self._rule, leaf.flag) in self._lenient else [Flag.NO, Flag.UNKNOWN]
                return meaning.blocks.flags[leaf.flag].where(lambda said: said not in absent)
            case c.Unanswered(item=None):
                return meaning.any_open
            case c.Unanswered(item=str() as key):
                return meaning.left_open.get(key, meaning.false)
            case _:
                return self._answer(leaf)

    def _answer(self, leaf: c.Condition) -> BDDFunction:
        assert not isinstance(leaf, c.Group | c.SetHolds | c.RuleFired | c.FlagPresent | c.FlagKnown)  # noqa: S101 (told apart above)
        key, blocks = leaf.item or "", self._meaning.blocks.items.get(leaf.item or "", ())
        holds = self._meaning.any(block.where(_test(leaf)) for block in blocks if _is_meant(leaf, block.line))
        return self._meaning.shown.get(key, self._meaning.false) & holds


def _is_meant(leaf: c.Condition, line: str | None) -> bool:
    return line in leaf.lines if isinstance(leaf, c.LineYes) else True


def _test(leaf: c.Condition) -> Callable[[Value], bool]:
    match leaf:
        case c.OptionIn():
            return lambda said: said in leaf.options
        case c.LineYes():
            return lambda said: said == YES
        case c.NumberAtLeast():
            return lambda said: isinstance(said, int | float) and said >= leaf.least
        case c.NumberAtMost():
            return lambda said: isinstance(said, int | float) and said <= leaf.most
        case c.Written():
            return bool
        case c.RedWords():
            return lambda said: bool(said) and said != PLAIN_TEXT
    raise TypeError(f"{type(leaf).__name__} is not a condition on an answer")
