"""Turns the conditions of a protocol into Python closures once, so that judging one response takes microseconds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, singledispatch
from graphlib import TopologicalSorter

from survey.domain import red_words
from survey.domain.answers import YES, Answer, Answers
from survey.domain.clues import Clues
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
    leaves,
)
from survey.domain.protocol import Context, Flag, Item, ItemKind, Protocol, Rule

Evidence = tuple[str, ...]
"""The items and flags that make a condition hold; empty when it does not hold."""


@dataclass(slots=True)
class Case:
    """One set of answers under judgement. Only what is shown counts."""

    context: Context
    answers: dict[str, Answer] = field(default_factory=dict)
    shown: list[Item] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    """Keys of the shown, required items that are not answered in full."""
    fired: dict[str, Evidence] = field(default_factory=dict)
    """Rule id to evidence, for the rules that hold."""


Check = Callable[[Case], Evidence]
"""A compiled condition."""

_NUMBERS = (int, float)
_LINES = (dict, Mapping)
"""Lines are nearly always a dict, and a dict is told much sooner than any other mapping."""


class Evaluator:
    """A protocol, compiled."""

    def __init__(self, protocol: Protocol) -> None:
        self.find_red_words = red_words.finder(protocol.red_words)
        self._written_sets = {derived.name: derived.when for derived in protocol.sets}
        self._sets: dict[str, Check] = {}
        self._items = [
            (item, item.key, compiled(item.show_if, self) if item.show_if else None, _lines_left_open(item))
            for item in protocol.items
        ]
        in_order = in_dependency_order(protocol.rules)
        self._rules = [(rule.id, compiled(rule.when, self)) for rule in in_order]
        self._clues = Clues(in_order, self._written_sets)
        self.by_severity = sorted(protocol.rules, key=lambda rule: -rule.tier.rank)
        """The rules, most serious first, otherwise as written."""

    def case(self, answers: Answers, context: Context, *, asked: Collection[str] | None = None) -> Case:
        """What is shown, what counts and what is open. `asked` leaves out every item that is not in it."""
        case = Case(context)
        given, counted, shown, left_open = answers.get, case.answers, case.shown, case.open
        for item, key, show, lines_left_open in self._items:
            if (show is not None and not show(case)) or (asked is not None and key not in asked):
                continue
            shown.append(item)
            answer = given(key)
            if answer is not None:
                counted[key] = answer
                if lines_left_open is not None and lines_left_open(answer):
                    left_open.append(key)
            elif item.required:
                left_open.append(key)
        return case

    def fire(self, case: Case) -> None:
        """Records the rules that hold, each after those it refers to; only those are judged whose clues lie there."""
        fired = case.fired
        for place in self._clues.places(case.answers, case.open, case.context):
            rule, check = self._rules[place]
            evidence = check(case)
            if evidence:
                fired[rule] = evidence

    def check_of_set(self, name: str) -> Check:
        """The compiled condition of a derived set."""
        if name not in self._sets:
            self._sets[name] = compiled(self._written_sets[name], self)
        return self._sets[name]


@lru_cache(maxsize=64)
def evaluator(protocol: Protocol) -> Evaluator:
    """The compiled form, made once for each protocol that is loaded."""
    return Evaluator(protocol)


def in_dependency_order(rules: Sequence[Rule]) -> list[Rule]:
    """Each rule after those it refers to. Raises graphlib.CycleError when they go round in a circle."""
    by_id = {rule.id: rule for rule in rules}
    needs = {rule.id: [leaf.rule for leaf in leaves(rule.when) if isinstance(leaf, RuleFired)] for rule in rules}
    return [by_id[rule_id] for rule_id in TopologicalSorter(needs).static_order()]


def _lines_left_open(item: Item) -> Callable[[Answer], bool] | None:
    """Whether an answer leaves lines open, the compiled form of `answers.in_full`; None where no line is required."""
    if item.kind is not ItemKind.LINES or not item.required:
        return None
    wanted, exclusive = frozenset(line.key for line in item.plain_lines), item.exclusive_line
    instead = exclusive.key if exclusive else ""

    def left_open(answer: Answer) -> bool:
        if not isinstance(answer, _LINES):
            return True
        return not (answer.keys() >= wanted or answer.get(instead) == YES)

    return left_open


@singledispatch
def compiled(condition: Condition, pack: Evaluator) -> Check:  # noqa: ARG001 (the kinds below use it)
    """The closure for one condition; `pack` knows the sets and the red phrases."""
    raise TypeError(f"{type(condition).__name__} is not a condition that can be compiled")


@compiled.register
def _(condition: OptionIn, _pack: Evaluator) -> Check:
    item, options, evidence = condition.item, frozenset(condition.options), (condition.item,)
    return lambda case: evidence if case.answers.get(item) in options else ()


@compiled.register
def _(condition: LineYes, _pack: Evaluator) -> Check:
    item, lines, evidence = condition.item, condition.lines, (condition.item,)

    def check(case: Case) -> Evidence:
        answer = case.answers.get(item)
        if isinstance(answer, _LINES):
            for line in lines:
                if answer.get(line) == YES:
                    return evidence
        return ()

    return check


@compiled.register
def _(condition: NumberAtLeast, _pack: Evaluator) -> Check:
    item, least, evidence = condition.item, condition.least, (condition.item,)

    def check(case: Case) -> Evidence:
        answer = case.answers.get(item)
        return evidence if isinstance(answer, _NUMBERS) and answer >= least else ()

    return check


@compiled.register
def _(condition: NumberAtMost, _pack: Evaluator) -> Check:
    item, most, evidence = condition.item, condition.most, (condition.item,)

    def check(case: Case) -> Evidence:
        answer = case.answers.get(item)
        return evidence if isinstance(answer, _NUMBERS) and answer <= most else ()

    return check


@compiled.register
def _(condition: Written, _pack: Evaluator) -> Check:
    item, evidence = condition.item, (condition.item,)
    return lambda case: evidence if case.answers.get(item) else ()


@compiled.register
def _(condition: RedWords, pack: Evaluator) -> Check:
    item, find, evidence = condition.item, pack.find_red_words, (condition.item,)

    def check(case: Case) -> Evidence:
        text = case.answers.get(item)
        return evidence if text and find(str(text)) else ()

    return check


@compiled.register
def _(condition: Unanswered, _pack: Evaluator) -> Check:
    if condition.item is None:
        return lambda case: tuple(case.open)
    item, evidence = condition.item, (condition.item,)
    return lambda case: evidence if item in case.open else ()


@compiled.register
def _(condition: FlagPresent, _pack: Evaluator) -> Check:
    flag, absent, evidence = condition.flag, Flag.NO, (condition.flag,)
    return lambda case: evidence if case.context.get(flag) != absent else ()


@compiled.register
def _(condition: FlagKnown, _pack: Evaluator) -> Check:
    flag, present, evidence = condition.flag, Flag.YES, (condition.flag,)
    return lambda case: evidence if case.context.get(flag) == present else ()


@compiled.register
def _(condition: SetHolds, pack: Evaluator) -> Check:
    return pack.check_of_set(condition.name)


@compiled.register
def _(condition: RuleFired, _pack: Evaluator) -> Check:
    rule = condition.rule
    return lambda case: case.fired.get(rule, ())


@compiled.register
def _(condition: AllOf, pack: Evaluator) -> Check:
    parts = [compiled(part, pack) for part in condition.of]
    return _both(*parts) if len(parts) == 2 else _all(parts)


@compiled.register
def _(condition: AnyOf, pack: Evaluator) -> Check:
    # No stopping at the first that holds: the clinician is told of every answer that speaks for the rule.
    parts = [compiled(part, pack) for part in condition.of]
    return _either(*parts) if len(parts) == 2 else _any(parts)


@compiled.register
def _(condition: AtLeast, pack: Evaluator) -> Check:
    return _at_least(condition.count, [compiled(part, pack) for part in condition.of])


# Most groups have two parts, and a loop costs as much as these.
def _both(one: Check, other: Check) -> Check:
    def check(case: Case) -> Evidence:
        found = one(case)
        more = found and other(case)
        return found + more if more else ()

    return check


def _either(one: Check, other: Check) -> Check:
    return lambda case: one(case) + other(case)


def _all(parts: list[Check]) -> Check:
    def check(case: Case) -> Evidence:
        found: Evidence = ()
        for part in parts:
            evidence = part(case)
            if not evidence:
                return ()
            found += evidence
        return found

    return check


def _any(parts: list[Check]) -> Check:
    def check(case: Case) -> Evidence:
        found: Evidence = ()
        for part in parts:
            found += part(case)
        return found

    return check


def _at_least(count: int, parts: list[Check]) -> Check:
    def check(case: Case) -> Evidence:
        found: Evidence = ()
        holding = 0
        for part in parts:
            evidence = part(case)
            if evidence:
                holding += 1
                found += evidence
        return found if holding >= count else ()

    return check
