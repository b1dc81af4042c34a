"""Turns the conditions of a protocol into Python closures once, so that judging one response takes microseconds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, singledispatch
from graphlib import TopologicalSorter

from survey.domain import red_words
from survey.domain.answers import YES, Answer, Answers, in_full
from survey.domain.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    FlagKnown,
    FlagPresent,
    LineYes,
    OptionIn,
    RedWords,
    RuleFired,
    ScaleAtLeast,
    SetHolds,
    Unanswered,
    Written,
    leaves,
)
from survey.domain.protocol import Context, Flag, Item, Protocol, Rule


@dataclass(slots=True)
class Case:
    """One set of answers under judgement. Only what is shown counts."""

    context: Context
    answers: dict[str, Answer] = field(default_factory=dict)
    shown: list[Item] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    """Keys of the shown, required items that are not answered in full."""
    fired: set[str] = field(default_factory=set)


Test = Callable[[Case], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """A compiled condition: whether it holds, and the items and flags that made it hold."""

    test: Test
    because: Callable[[Case], tuple[str, ...]]


class Evaluator:
    """A protocol, compiled."""

    def __init__(self, protocol: Protocol) -> None:
        self.sets = {derived.name: derived.when for derived in protocol.sets}
        self.find_red_words = red_words.finder(protocol.red_words)
        self._checks: dict[str, Check] = {}
        self.rules: list[tuple[Rule, Check]] = []
        for rule in in_dependency_order(protocol.rules):
            self._checks[rule.id] = compiled(rule.when, self)
            self.rules.append((rule, self._checks[rule.id]))
        self._items = [(item, compiled(item.show_if, self).test if item.show_if else None) for item in protocol.items]

    def case(self, answers: Answers, context: Context, *, asked: Collection[str] | None = None) -> Case:
        """What is shown, what counts and what is open. `asked` leaves out every item that is not in it."""
        case = Case(context)
        for item, shown in self._items:
            if (shown and not shown(case)) or (asked is not None and item.key not in asked):
                continue
            case.shown.append(item)
            answer = answers.get(item.key)
            if answer is not None:
                case.answers[item.key] = answer
            if item.required and not in_full(item, answer):
                case.open.append(item.key)
        return case

    def fire(self, case: Case) -> list[tuple[Rule, Check]]:
        """The rules that hold, each after those it refers to."""
        fired = []
        for rule, check in self.rules:
            if check.test(case):
                case.fired.add(rule.id)
                fired.append((rule, check))
        return fired

    def check_of(self, rule: str) -> Check:
        """The compiled condition of a rule that comes earlier in dependency order."""
        return self._checks[rule]


@lru_cache(maxsize=64)
def evaluator(protocol: Protocol) -> Evaluator:
    """The compiled form, made once for each protocol that is loaded."""
    return Evaluator(protocol)


def in_dependency_order(rules: Sequence[Rule]) -> list[Rule]:
    """Each rule after those it refers to. Raises graphlib.CycleError when they go round in a circle."""
    by_id = {rule.id: rule for rule in rules}
    needs = {rule.id: [leaf.rule for leaf in leaves(rule.when) if isinstance(leaf, RuleFired)] for rule in rules}
    return [by_id[rule_id] for rule_id in TopologicalSorter(needs).static_order()]


@singledispatch
def compiled(condition: Condition, pack: Evaluator) -> Check:  # noqa: ARG001 (the kinds below use it)
    """The closures for one condition; `pack` knows the sets, the rules before it and the red phrases."""
    raise TypeError(f"{type(condition).__name__} is not a condition that can be compiled")


def _leaf(key: str, test: Test) -> Check:
    return Check(test, lambda case: (key,) if test(case) else ())


@compiled.register
def _(condition: OptionIn, _pack: Evaluator) -> Check:
    item, options = condition.item, frozenset(condition.options)
    return _leaf(item, lambda case: case.answers.get(item) in options)


@compiled.register
def _(condition: LineYes, _pack: Evaluator) -> Check:
    item, lines = condition.item, condition.lines

    def test(case: Case) -> bool:
        answer = case.answers.get(item)
        return isinstance(answer, Mapping) and any(answer.get(line) == YES for line in lines)

    return _leaf(item, test)


@compiled.register
def _(condition: ScaleAtLeast, _pack: Evaluator) -> Check:
    item, least = condition.item, condition.least

    def test(case: Case) -> bool:
        answer = case.answers.get(item)
        return isinstance(answer, int) and answer >= least

    return _leaf(item, test)


@compiled.register
def _(condition: Written, _pack: Evaluator) -> Check:
    item = condition.item
    return _leaf(item, lambda case: bool(case.answers.get(item)))


@compiled.register
def _(condition: RedWords, pack: Evaluator) -> Check:
    item, find = condition.item, pack.find_red_words
    return _leaf(item, lambda case: bool(text := case.answers.get(item)) and find(str(text)))


@compiled.register
def _(condition: Unanswered, _pack: Evaluator) -> Check:
    item = condition.item
    if item is None:
        return Check(lambda case: bool(case.open), lambda case: tuple(case.open))
    return _leaf(item, lambda case: item in case.open)


@compiled.register
def _(condition: FlagPresent, _pack: Evaluator) -> Check:
    flag = condition.flag
    return _leaf(flag, lambda case: case.context.get(flag, Flag.UNKNOWN) != Flag.NO)


@compiled.register
def _(condition: FlagKnown, _pack: Evaluator) -> Check:
    flag = condition.flag
    return _leaf(flag, lambda case: case.context.get(flag) == Flag.YES)


@compiled.register
def _(condition: SetHolds, pack: Evaluator) -> Check:
    return compiled(pack.sets[condition.name], pack)


@compiled.register
def _(condition: RuleFired, pack: Evaluator) -> Check:
    rule, check = condition.rule, pack.check_of(condition.rule)
    return Check(lambda case: rule in case.fired, lambda case: check.because(case) if rule in case.fired else ())


@compiled.register
def _(condition: AllOf, pack: Evaluator) -> Check:
    tests, parts = _parts(condition.of, pack)
    return _group(parts, lambda case: all(test(case) for test in tests))


@compiled.register
def _(condition: AnyOf, pack: Evaluator) -> Check:
    tests, parts = _parts(condition.of, pack)
    return _group(parts, lambda case: any(test(case) for test in tests))


@compiled.register
def _(condition: AtLeast, pack: Evaluator) -> Check:
    count = condition.count
    tests, parts = _parts(condition.of, pack)
    return _group(parts, lambda case: sum(test(case) for test in tests) >= count)


def _parts(conditions: tuple[Condition, ...], pack: Evaluator) -> tuple[list[Test], list[Check]]:
    checks = [compiled(condition, pack) for condition in conditions]
    return [check.test for check in checks], checks


def _group(parts: list[Check], test: Test) -> Check:
    """What holds inside a group explains it; a part that does not hold explains nothing."""
    return Check(test, lambda case: tuple(key for part in parts for key in part.because(case)) if test(case) else ())
