"""Every state of a small protocol, read slowly and plainly: what is shown, what is open, which rules fire.

The third reading of a protocol. It shares nothing with `survey.proof` nor with the evaluator.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from survey.domain import conditions as c
from survey.domain.protocol import Item, ItemKind, Protocol, Rule

TIERS = ("routine", "soon", "urgent", "emergency")
NOTHING_RED = "all quiet here"

Said = str | int | float | None
State = tuple[Said, ...]
Seen = dict[str, object]


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that has a value in each state. `order` goes from better to worse; empty where there is no order."""

    key: str
    line: str
    values: Sequence[Said]
    order: Sequence[Said]
    best: Sequence[Said]
    """What counts as a good day, where a promise wants the rest to be well; nothing at all, where that is allowed."""


def slots_of(protocol: Protocol, item: Item) -> Iterator[Slot]:
    """One slot for an item, or one for each of its lines."""
    skipped = [] if item.required else [None]
    match item.kind:
        case ItemKind.CHOICE:
            options = [option.key for option in item.options]
            order = options if item.ordered else []
            yield Slot(item.key, "", [None, *options], order, [*(options[:1] if item.ordered else options), *skipped])
        case ItemKind.LINES:
            for line in item.lines:
                yield _line(item, line.key, skipped, exclusive=line.exclusive)
        case ItemKind.TEXT:
            red = [phrase for phrases in protocol.red_words.values() for phrase in phrases][-1:]
            values = ([] if item.required else [""]) + [NOTHING_RED] + [f"Today: {phrase}!" for phrase in red]
            yield Slot(item.key, "", [None, *values], values, values[:1] if item.required else [None, ""])
        case _:
            yield _number(item, skipped)


def _line(item: Item, line: str, skipped: Sequence[None], *, exclusive: bool) -> Slot:
    if exclusive:
        return Slot(item.key, line, [None, "yes"], [], [None])
    return Slot(item.key, line, [None, "no", "yes"], ["no", "yes"] if item.ordered else [], ["no", *skipped])


def _number(item: Item, skipped: Sequence[None]) -> Slot:
    step = 10**item.decimals
    ends = (0, 10) if item.kind is ItemKind.SCALE else (round(item.least * step), round(item.most * step))
    numbers = [number / step for number in range(ends[0], ends[1] + 1)]
    order = {"higher": numbers, "lower": numbers[::-1], "neither": []}[item.worse.value]
    return Slot(item.key, "", [None, *numbers], order, [*(order[:1] or numbers), *skipped])


@dataclass(slots=True)
class View:
    """What one state says, once what is not shown is left out. `lenient`: pairs of rule and flag that are excepted."""

    protocol: Protocol
    flags: Mapping[str, Said]
    seen: Seen = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    """Items of this touch that are not shown."""
    open: list[str] = field(default_factory=list)
    without: frozenset[str] = frozenset()
    lenient: frozenset[tuple[str, str]] = frozenset()
    rule: str = ""
    known: dict[str, bool] = field(default_factory=dict)

    def holds(self, condition: c.Condition) -> bool:
        """Whether the condition is true here."""
        return _HOLDS[type(condition)](self, condition)

    def fires(self, rule: Rule) -> bool:
        """Whether the rule fires, each rule that it refers to being judged on the way."""
        if rule.id not in self.known:
            outer, self.rule = self.rule, rule.id
            self.known[rule.id] = rule.id not in self.without and self.holds(rule.when)
            self.rule = outer
        return self.known[rule.id]

    def fired(self) -> frozenset[str]:
        """The rules that fire."""
        return frozenset(rule.id for rule in self.protocol.rules if self.fires(rule))

    def again(
        self, *, without: frozenset[str] = frozenset(), lenient: frozenset[tuple[str, str]] = frozenset()
    ) -> "View":
        """The same state under rules read in another way."""
        return View(self.protocol, self.flags, self.seen, self.shown, self.hidden, self.open, without, lenient)


def _known_yes(view: View, leaf: c.FlagKnown) -> bool:
    if (view.rule, leaf.flag) in view.lenient:
        return view.flags[leaf.flag] != "no"
    return view.flags[leaf.flag] == "yes"


def _one_yes(view: View, leaf: c.LineYes) -> bool:
    said = view.seen.get(leaf.item) or {}
    return any(said.get(line) == "yes" for line in leaf.lines)


def _red(view: View, leaf: c.RedWords) -> bool:
    text = str(view.seen.get(leaf.item) or "").lower()
    return any(phrase.lower() in text for phrases in view.protocol.red_words.values() for phrase in phrases)


def _compared(view: View, item: str) -> float:
    """The number as it was said; one that passes no comparison where there is none."""
    said = view.seen.get(item)
    return float("nan") if said is None else said


_HOLDS = {
    c.OptionIn: lambda view, leaf: view.seen.get(leaf.item) in leaf.options,
    c.LineYes: _one_yes,
    c.NumberAtLeast: lambda view, leaf: _compared(view, leaf.item) >= leaf.least,
    c.NumberAtMost: lambda view, leaf: _compared(view, leaf.item) <= leaf.most,
    c.Written: lambda view, leaf: view.seen.get(leaf.item) not in (None, ""),
    c.RedWords: _red,
    c.Unanswered: lambda view, leaf: bool(view.open) if leaf.item is None else leaf.item in view.open,
    c.FlagPresent: lambda view, leaf: view.flags[leaf.flag] in ("yes", "unknown"),
    c.FlagKnown: _known_yes,
    c.SetHolds: lambda view, leaf: view.holds(next(s.when for s in view.protocol.sets if s.name == leaf.name)),
    c.RuleFired: lambda view, leaf: view.fires(next(rule for rule in view.protocol.rules if rule.id == leaf.rule)),
    c.AllOf: lambda view, group: all(view.holds(part) for part in group.of),
    c.AnyOf: lambda view, group: any(view.holds(part) for part in group.of),
    c.AtLeast: lambda view, group: sum(view.holds(part) for part in group.of) >= group.count,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One state, judged in the three ways that the checks need. Tiers are places in TIERS."""

    view: View
    fired: frozenset[str]
    tier: int
    finished: int
    """The tier without the rules that speak of nothing but open questions."""
    lenient: int
    """The tier with each named exception read as if not known were yes."""
    said: tuple[object, ...]
    """The answer set: flags, and the answers to what is shown."""


class World:
    """Every state of one touch, judged."""

    def __init__(self, protocol: Protocol, touch: str) -> None:
        self.protocol = protocol
        keys = next(each.items for each in protocol.touches if each.key == touch)
        self.items = [item for item in protocol.items if keys is None or item.key in keys]
        self.flags = [Slot(flag.key, "", ["no", "unknown", "yes"], [], ["no"]) for flag in protocol.flags]
        self.slots = [slot for item in self.items for slot in slots_of(protocol, item)]
        self.ranks = {rule.id: TIERS.index(rule.tier.value) for rule in protocol.rules}
        self._open_only = frozenset(rule.id for rule in protocol.rules if _is_about_open_only(rule.when))
        self._lenient = frozenset((rule, each.flag) for each in protocol.unknown_exceptions for rule in each.rules)
        values = [slot.values for slot in (*self.flags, *self.slots)]
        self._judged: dict[tuple[object, ...], Verdict] = {}
        self.verdicts = {state: self._verdict(state) for state in product(*values)}

    def rank(self, fired: frozenset[str]) -> int:
        """The most serious tier of these rules."""
        return max((self.ranks[rule] for rule in fired), default=0)

    def _verdict(self, state: State) -> Verdict:
        view = self._view(state)
        answers = tuple(
            (key, tuple(said.items()) if isinstance(said, dict) else said) for key, said in view.seen.items()
        )
        said = (tuple(view.flags.values()), tuple(view.shown), answers)
        if said not in self._judged:
            self._judged[said] = self._judge(view, said)
        return self._judged[said]

    def _judge(self, view: View, said: tuple[object, ...]) -> Verdict:
        fired = view.fired()
        tier = self.rank(fired)
        finished = self.rank(view.again(without=self._open_only).fired()) if self._open_only else tier
        lenient = self.rank(view.again(lenient=self._lenient).fired()) if self._lenient else tier
        return Verdict(view, fired, tier, finished, lenient, said)

    def _view(self, state: State) -> View:
        flags = dict(zip([slot.key for slot in self.flags], state, strict=False))
        view = View(self.protocol, flags)
        self.read(view, self._given(state[len(self.flags) :]))
        return view

    def read(self, view: View, given: Seen) -> None:
        """What is shown and what is open, item by item."""
        for item in self.items:
            if item.show_if is not None and not view.holds(item.show_if):
                view.hidden.add(item.key)
                continue
            view.shown.append(item.key)
            if given.get(item.key) is not None:
                view.seen[item.key] = given[item.key]
            if item.required and _is_open(item, given.get(item.key)):
                view.open.append(item.key)

    def _given(self, values: State) -> Seen:
        given: Seen = {}
        for slot, said in zip(self.slots, values, strict=True):
            if not slot.line:
                given[slot.key] = said
            else:
                lines = given.setdefault(slot.key, {})
                if said is not None:
                    lines[slot.line] = said
        return {key: None if said == {} else said for key, said in given.items()}


def _is_open(item: Item, said: object) -> bool:
    if item.kind is not ItemKind.LINES or said is None:
        return said is None
    if any(line.exclusive and said.get(line.key) == "yes" for line in item.lines):
        return False
    return any(not line.exclusive and line.key not in said for line in item.lines)


def _is_about_open_only(condition: c.Condition) -> bool:
    if isinstance(condition, c.AllOf | c.AnyOf | c.AtLeast):
        return all(_is_about_open_only(part) for part in condition.of)
    return isinstance(condition, c.Unanswered)
