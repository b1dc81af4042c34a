"""Small protocols, sound and broken alike, made by Hypothesis: every kind of item, branch, rule and promise.

They are built as values, so that they may say what the loader would refuse; only their references lead somewhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as st

from survey.domain import conditions as c
from survey.domain.protocol import (
    ContextFlag,
    DerivedSet,
    Hazard,
    Item,
    ItemKind,
    Line,
    Option,
    Protocol,
    Rule,
    Tier,
    Touch,
    UnknownException,
    Worse,
)

MOST_STATES = 160
"""Most states of one touch, so that a naive checker is done in milliseconds."""

WORDS = {"en": "words"}
RED = {"en": ("can't breathe", "passed out"), "es": ("me ahogo",)}
OPTIONS = ("none", "some", "lots")
ALARMING = (Tier.SOON, Tier.URGENT, Tier.EMERGENCY)

_FLAGS = [(), (), ("thinner",), ("thinner",), ("thinner", "diabetes")]
_ANY_TIER = [*ALARMING, *ALARMING, Tier.ROUTINE]
_BOUNDS = [
    *({"at_least": tier} for tier in ALARMING),
    *({"at_most": tier} for tier in (Tier.ROUTINE, Tier.SOON, Tier.URGENT)),
    {"at_least": Tier.SOON, "at_most": Tier.URGENT},
    {"at_least": Tier.ROUTINE},
    {"never": True},
]
_SHAPES = ["leaf", "leaf", "all", "any", "some"]
_TOUCHES = (Touch(key="first", day=2, at=time(10), items=None),)


def item_of(key: str, kind: ItemKind, required: bool, **own: object) -> Item:
    """An item with its texts left out."""
    return Item(key=key, kind=kind, label=WORDS, text=WORDS, required=required, **own)  # type: ignore[arg-type]


def _lines(*keys: str, exclusive: bool) -> tuple[Line, ...]:
    plain = tuple(Line(key=key, text=WORDS) for key in keys)
    return (*plain, Line(key="cannot", text=WORDS, exclusive=True)) if exclusive else plain


def _every_item(key: str) -> list[tuple[Item, int]]:
    """Each item that a pack may have, with the number of its values."""
    found: list[tuple[Item, int]] = []
    for required in (True, True, False):
        found += [
            (item_of(key, ItemKind.CHOICE, required, ordered=ordered, options=_options(count)), count + 1)
            for ordered in (True, True, False)
            for count in (2, 3)
        ]
        found += [
            (
                item_of(
                    key, ItemKind.LINES, required, ordered=ordered, red_flag=red, lines=_lines(*keys, exclusive=alone)
                ),
                n,
            )
            for ordered, red in ((True, True), (True, False), (False, False), (False, True))
            for keys, alone, n in ((("one",), True, 6), (("one", "two"), False, 9), (("one", "two"), True, 18))
        ]
        found += [
            (item_of(key, ItemKind.NUMBER, required, worse=worse, decimals=decimals, least=least, most=most), count + 1)
            for worse in Worse
            for decimals, least, most, count in ((0, 4, 6, 3), (0, -1, 3, 5), (1, 9.8, 10.1, 4))
        ]
        found += [(item_of(key, ItemKind.SCALE, required, ordered=True), 12)]
        found += [(item_of(key, ItemKind.TEXT, required, max_length=50), 5 - required)] * 4
    return found


def _options(count: int) -> tuple[Option, ...]:
    return tuple(Option(key=key, text=WORDS) for key in OPTIONS[:count])


def _sound(item: Item) -> list[c.Condition]:
    """Conditions on the item that a worse answer cannot switch off."""
    match item.kind:
        case ItemKind.CHOICE:
            keys = [option.key for option in item.options]
            return [c.OptionIn(item=item.key, options=tuple(keys[place:])) for place in range(1, len(keys))]
        case ItemKind.LINES:
            keys = [line.key for line in item.lines]
            return [c.LineYes(item=item.key, lines=lines) for lines in ((keys[0],), tuple(keys[:2]), (keys[-1],))]
        case ItemKind.TEXT:
            return [c.Written(item=item.key), c.RedWords(item=item.key)]
        case _:
            higher = [c.NumberAtLeast(item=item.key, least=number) for number in _thresholds(item)]
            lower = [c.NumberAtMost(item=item.key, most=number) for number in _thresholds(item)]
            return list({Worse.HIGHER: higher, Worse.LOWER: lower}.get(item.worse, [*higher, *lower]))


def _doubtful(item: Item) -> list[c.Condition]:
    """Conditions that may well fall when an answer gets worse, or that hold always or never."""
    match item.kind:
        case ItemKind.CHOICE:
            return [c.OptionIn(item=item.key, options=(option.key,)) for option in item.options]
        case ItemKind.SCALE | ItemKind.NUMBER:
            most: list[c.Condition] = [c.NumberAtMost(item=item.key, most=number) for number in _thresholds(item)]
            outside = [item.least - 1, item.most + 1, item.most - 0.5]
            return most + [c.NumberAtLeast(item=item.key, least=number) for number in (*_thresholds(item), *outside)]
        case _:
            return []


def _thresholds(item: Item) -> Sequence[c.Number]:
    if item.kind is ItemKind.SCALE:
        return (1, 5, 10)
    step = 1 / 10**item.decimals
    return (item.least, round(item.least + step, item.decimals), round(item.most - step, item.decimals), item.most)


def _recorded(flags: Sequence[str]) -> list[c.Condition]:
    return [kind(flag=flag) for flag in flags for kind in (c.FlagPresent, c.FlagKnown)]


_ITEMS = {key: _every_item(key) for key in ("pain", "skin", "fever", "note")}
T = TypeVar("T")


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


class _Draft:
    """What there is so far of a pack. Everything is drawn as a place in a list, which is cheap and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self.tidy, self.flags = self.pick([True, False]), self.pick(_FLAGS)
        self.items: list[Item] = []
        self.sets: list[DerivedSet] = []
        self.leaves: list[c.Condition] = _recorded(self.flags)
        self.states = 3 ** len(self.flags)

    def pick(self, among: Sequence[T]) -> T:
        """One of these; the first is the simplest."""
        return among[self._draw(_below(len(among)))]

    def some(self, among: Sequence[T]) -> tuple[T, ...]:
        """Some of these, in their order; maybe none."""
        chosen = self._draw(_below(1 << len(among)))
        return tuple(one for place, one in enumerate(among) if chosen >> place & 1)

    def condition(self, leaves: Sequence[c.Condition], depth: int = 2) -> c.Condition:
        """A leaf, or a group of leaves and smaller groups."""
        shape = self.pick(_SHAPES) if depth else "leaf"
        if shape == "leaf":
            return self.pick(leaves)
        parts = tuple(self.condition(leaves, depth - 1) for _ in range(self.pick([2, 1, 3])))
        if shape == "some":
            return c.AtLeast(count=self.pick(range(1, len(parts) + 1)), of=parts)
        return c.AllOf(of=parts) if shape == "all" else c.AnyOf(of=parts)

    def ask(self, key: str) -> None:
        """One more item, unless there would be too many states."""
        item, values = self.pick(_ITEMS[key])
        if self.states * values > MOST_STATES:
            if len(self.items) >= 2:
                return
            item, values = item_of(key, ItemKind.CHOICE, True, ordered=True, options=_options(2)), 3
        if self.leaves and self.pick([False, True]):
            item = replace(item, show_if=self.condition(self.leaves, 1))
        self.states *= values
        self.items.append(item)
        self.leaves += _sound(item) if self.tidy else [*_sound(item), *_doubtful(item)]

    def name(self, name: str) -> None:
        """Maybe a derived set over what was asked and named so far."""
        if self.pick([False, True]):
            self.sets.append(DerivedSet(name=name, when=self.condition(self.leaves)))
            self.leaves.append(c.SetHolds(name=name))


def pack(**parts: Any) -> Protocol:
    """A protocol of these parts, all its texts left out."""
    named = {"slug": "small", "version": 1, "title": WORDS, "languages": ("en",), "source_text": "", "sha256": ""}
    nothing = {"flags": (), "body_sites": (), "agents": (), "sets": (), "tiers": {}, "words": {}, "red_words": RED}
    return Protocol(**named | nothing | {"touches": _TOUCHES} | parts)


@st.composite
def packs(draw: st.DrawFn) -> Protocol:
    """Two to four items, up to two flags, two to six rules, up to four promises, one touch or two."""
    draft = _Draft(draw)
    draft.ask("pain")
    draft.name("bad")
    for key in ("skin", "fever", "note")[: draft.pick([1, 2, 3])]:
        draft.ask(key)
    draft.name("worrying")
    rules = _rules(draft)
    return pack(
        flags=tuple(ContextFlag(key=key, label=WORDS) for key in draft.flags),
        items=tuple(draft.items),
        sets=tuple(draft.sets),
        rules=tuple(draft.pick([rules, rules[::-1], rules[1:] + rules[:1]])),
        hazards=tuple(_hazards(draft, rules)),
        unknown_exceptions=tuple(_exceptions(draft, rules)),
        touches=_touches(draft),
        red_words=draft.pick([RED, RED, {}]),
    )


def rule_of(key: str, tier: Tier, when: c.Condition) -> Rule:
    """A rule with its reasons left out."""
    return Rule(id=key, tier=tier, when=when, why="", source="")


def _rules(draft: _Draft) -> list[Rule]:
    """Rules of which a later one may refer to an earlier one; mostly with those that a good pack has."""
    rules = [*_usual(draft)]
    leaves = [*draft.leaves, *([] if draft.tidy else _open(draft)), *(c.RuleFired(rule=rule.id) for rule in rules[1:])]
    for number in range(draft.pick([2, 3, 4])):
        rule = rule_of(f"R{number}", draft.pick(_ANY_TIER), draft.condition(leaves))
        rules.append(rule)
        leaves.append(c.RuleFired(rule=rule.id))
    return rules


def _usual(draft: _Draft) -> list[Rule]:
    """The rule for a form that is not finished, and one for red flags; now and then forgotten."""
    found = []
    if draft.pick([True, True, True, False]):
        tier = draft.pick([Tier.SOON, Tier.SOON, Tier.URGENT, Tier.ROUTINE])
        found.append(rule_of("OPEN", tier, c.Unanswered()))
    red = [item for item in draft.items if item.red_flag]
    if red and draft.pick([True, False]):
        parts = tuple(c.LineYes(item=item.key, lines=tuple(line.key for line in item.plain_lines)) for item in red)
        found.append(rule_of("RED", Tier.EMERGENCY, c.AnyOf(of=parts)))
    return found


def _open(draft: _Draft) -> list[c.Condition]:
    return [c.Unanswered(), *(c.Unanswered(item=item.key) for item in draft.items)]


def _hazards(draft: _Draft, rules: Sequence[Rule]) -> list[Hazard]:
    leaves = [*draft.leaves, *_open(draft), *(c.RuleFired(rule=rule.id) for rule in rules)]
    lines = [f"{item.key}.{line.key}" for item in draft.items for line in item.lines]
    free = [*draft.flags, *(item.key for item in draft.items), *lines]
    return [
        Hazard(
            key=f"H{number}",
            says="A promise.",
            when=draft.condition(draft.pick([leaves, leaves, _open(draft)[1:]]), 1)
            if draft.pick([True, False])
            else None,
            only=draft.pick([None, draft.some(free), tuple(free)]),
            asked=draft.some([item.key for item in draft.items]) if draft.pick([False, False, True]) else (),
            **draft.pick(_BOUNDS),
        )
        for number in range(draft.pick([0, 1, 2, 3, 4]))
    ]


def _exceptions(draft: _Draft, rules: Sequence[Rule]) -> list[UnknownException]:
    ids = [rule.id for rule in rules]
    return [
        UnknownException(flag=flag, rules=draft.some(ids), why="") for flag in draft.flags if draft.pick([False, True])
    ]


def _touches(draft: _Draft) -> tuple[Touch, ...]:
    fewer = draft.some([item.key for item in draft.items])
    return (*_TOUCHES, Touch(key="second", day=7, at=time(10), items=fewer)) if fewer else _TOUCHES
