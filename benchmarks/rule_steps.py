"""A protocol's rules in the words of another engine: one step for each branch, set and rule, each after those it needs.

What an engine cannot say itself is handed to it as a fact, made beforehand and not timed: whether a text holds a red
phrase. The rest, down to what is shown and what is left open, is the engine's own work.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod
from typing import Generic, TypeVar
from typing import Protocol as Interface

from survey.domain import red_words
from survey.domain.answers import YES, Answers
from survey.domain.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    FlagKnown,
    FlagPresent,
    LineYes,
    NumberAtLeast,
    NumberAtMost,
    OptionIn,
    RedWords,
    RuleFired,
    SetHolds,
    Unanswered,
    Written,
)
from survey.domain.protocol import Context, Flag, Item, Protocol, Tier

Facts = dict[str, dict[str, object]]
"""What a rule may look at: `answers.skin.grow`, `flags.diabetes`, `red_words.note`."""

Verdict = tuple[str, tuple[str, ...]]
"""The tier, and the rules that fired, most serious first."""

Saying = TypeVar("Saying")


class Dialect(Interface[Saying]):
    """How one engine says what a rule is made of. A path leads to a fact or names an earlier step."""

    def holds(self, path: str) -> Saying:
        """It is true, or a text that is not empty."""

    def among(self, path: str, values: Sequence[str]) -> Saying:
        """It is one of these."""

    def differs(self, path: str, value: str) -> Saying:
        """It is not this, or it is not there."""

    def at_least(self, path: str, least: float) -> Saying:
        """It is a number so large or larger."""

    def at_most(self, path: str, most: float) -> Saying:
        """It is a number so small or smaller."""

    def one_missing(self, paths: Sequence[str]) -> Saying:
        """One of them is not there."""

    def all_of(self, parts: Sequence[Saying]) -> Saying:
        """Every part holds."""

    def any_of(self, parts: Sequence[Saying]) -> Saying:
        """One part holds."""

    def count_of(self, count: int, parts: Sequence[Saying]) -> Saying:
        """So many parts hold, or more."""


def facts_maker(protocol: Protocol) -> Callable[[Answers, Context], Facts]:
    """Turns answers and flags into what the engines take."""
    find = red_words.finder(protocol.red_words)

    def facts(answers: Answers, context: Context) -> Facts:
        return {
            "answers": dict(answers),
            "flags": {key: str(value) for key, value in context.items()},
            "red_words": {key: True for key, value in answers.items() if isinstance(value, str) and find(value)},
        }

    return facts


def rule_path(rule: str) -> str:
    """The step that tells whether the rule fired."""
    return f"rule_{rule}"


def by_severity(protocol: Protocol) -> dict[str, str]:
    """Rule id to tier, most serious first, otherwise as written."""
    return {rule.id: rule.tier.value for rule in sorted(protocol.rules, key=lambda rule: -rule.tier.rank)}


def verdict(tiers: Mapping[str, str], fired: Sequence[str]) -> Verdict:
    """What an engine found, `fired` being in the order of `tiers`."""
    return (tiers[fired[0]] if fired else Tier.ROUTINE.value), tuple(fired)


class Translation(Generic[Saying]):
    """A whole protocol; `steps` holds path and saying, in the order in which to work them out."""

    def __init__(self, protocol: Protocol, dialect: Dialect[Saying]) -> None:
        self.steps: dict[str, Saying] = {}
        self._say = dialect
        self._items = {item.key: item for item in protocol.items}
        self._sets = {derived.name: derived.when for derived in protocol.sets}
        self._rules = {rule.id: rule.when for rule in protocol.rules}
        for rule in protocol.rules:
            self._step(rule_path(rule.id), rule.when)

    def _step(self, path: str, condition: Condition) -> Saying:
        """Refers to the step of that condition, which is made on the first call, after those it needs itself."""
        if path not in self.steps:
            self.steps[path] = self._of(condition)
        return self._say.holds(path)

    def _if_shown(self, item: Item, saying: Saying) -> Saying:
        if item.show_if is None:
            return saying
        return self._say.all_of([self._step(f"shown_{item.key}", item.show_if), saying])

    def _answered(self, key: str, saying: Saying) -> Saying:
        return self._if_shown(self._items[key], saying)

    def _left_open(self, item: Item) -> Saying:
        if not item.lines:
            return self._if_shown(item, self._say.one_missing([f"answers.{item.key}"]))
        missing = self._say.one_missing([f"answers.{item.key}.{line.key}" for line in item.plain_lines])
        exclusive = item.exclusive_line
        if exclusive:
            missing = self._say.all_of([self._say.differs(f"answers.{item.key}.{exclusive.key}", YES), missing])
        return self._if_shown(item, missing)

    @singledispatchmethod
    def _of(self, condition: Condition) -> Saying:
        raise TypeError(f"{type(condition).__name__} is not a condition that can be translated")

    @_of.register
    def _(self, condition: OptionIn) -> Saying:
        return self._answered(condition.item, self._say.among(f"answers.{condition.item}", condition.options))

    @_of.register
    def _(self, condition: LineYes) -> Saying:
        lines = [self._say.among(f"answers.{condition.item}.{line}", (YES,)) for line in condition.lines]
        return self._answered(condition.item, self._say.any_of(lines))

    @_of.register
    def _(self, condition: NumberAtLeast) -> Saying:
        return self._answered(condition.item, self._say.at_least(f"answers.{condition.item}", condition.least))

    @_of.register
    def _(self, condition: NumberAtMost) -> Saying:
        return self._answered(condition.item, self._say.at_most(f"answers.{condition.item}", condition.most))

    @_of.register
    def _(self, condition: Written) -> Saying:
        return self._answered(condition.item, self._say.holds(f"answers.{condition.item}"))

    @_of.register
    def _(self, condition: RedWords) -> Saying:
        return self._answered(condition.item, self._say.holds(f"red_words.{condition.item}"))

    @_of.register
    def _(self, condition: Unanswered) -> Saying:
        asked = [item for item in self._items.values() if item.required and condition.item in (None, item.key)]
        return self._say.any_of([self._left_open(item) for item in asked])

    @_of.register
    def _(self, condition: FlagPresent) -> Saying:
        return self._say.differs(f"flags.{condition.flag}", Flag.NO.value)

    @_of.register
    def _(self, condition: FlagKnown) -> Saying:
        return self._say.among(f"flags.{condition.flag}", (Flag.YES.value,))

    @_of.register
    def _(self, condition: SetHolds) -> Saying:
        return self._step(f"set_{condition.name}", self._sets[condition.name])

    @_of.register
    def _(self, condition: RuleFired) -> Saying:
        return self._step(rule_path(condition.rule), self._rules[condition.rule])

    @_of.register
    def _(self, condition: AllOf) -> Saying:
        return self._say.all_of([self._of(part) for part in condition.of])

    @_of.register
    def _(self, condition: AnyOf) -> Saying:
        return self._say.any_of([self._of(part) for part in condition.of])

    @_of.register
    def _(self, condition: AtLeast) -> Saying:
        return self._say.count_of(condition.count, [self._of(part) for part in condition.of])
