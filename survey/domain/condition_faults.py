"""What is wrong with a condition: names that lead nowhere, answers that it cannot ask for, numbers that say nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from survey.domain import conditions as c
from survey.domain.protocol import Item, ItemKind, Worse
from survey.domain.protocol_texts import Fault, Path

ANY = "any"
"""Stands for every item in `unanswered: any`, so no item may be called so."""

JUDGING = ("rules", "hazards")
"""Parts of the file whose conditions are about a judged form: they may ask what is open and which rule fired."""


@dataclass(frozen=True, slots=True)
class Names:
    """Everything that a condition may refer to."""

    items: Mapping[str, Item]
    flags: Collection[str]
    sets: Mapping[str, c.Condition]
    rules: Collection[str]


def condition_faults(condition: c.Condition, names: Names, path: Path) -> Iterator[Fault]:
    """Every fault of a condition that stands at `path`."""
    for part, place in _parts(condition, path):
        if isinstance(part, c.AtLeast):
            yield from _count(part, place)
        elif not isinstance(part, c.AllOf | c.AnyOf):
            yield from _LEAVES[type(part)](part, names, place)
        if path[0] not in JUDGING and isinstance(part, c.RuleFired | c.Unanswered):
            yield Fault(place, "may only stand in a rule; allowed here: item, flag, set, all, any, at_least with of")


def known(key: str, keys: Collection[str], what: str, path: Path) -> Iterator[Fault]:
    """A fault when `key` is not among `keys`."""
    if key not in keys:
        yield Fault(path, f"there is no {what} called {key}; allowed: {', '.join(keys) or 'none'}")


def fits(number: c.Number, decimals: int) -> bool:
    """Whether the number needs no more digits behind the point than that."""
    return round(number, decimals) == number


def digits(decimals: int) -> str:
    """How many digits behind the point there may be, in words."""
    return f"at most {decimals} digit{'s'[: decimals != 1]} behind the point" if decimals else "whole numbers"


_GROUPS: Mapping[type, str] = {c.AllOf: "all", c.AnyOf: "any", c.AtLeast: "of"}


def _parts(condition: c.Condition, path: Path) -> Iterator[tuple[c.Condition, Path]]:
    """The condition and every part of it, each with where it stands in the file."""
    yield condition, path
    if isinstance(condition, c.AllOf | c.AnyOf | c.AtLeast):
        for place, part in enumerate(condition.of):
            yield from _parts(part, (*path, _GROUPS[type(condition)], place))


def _count(group: c.AtLeast, path: Path) -> Iterator[Fault]:
    if not 1 <= group.count <= len(group.of):
        yield Fault((*path, "at_least"), f"{group.count} is not possible; allowed: 1 to {len(group.of)}")


def _of_kind(key: str, names: Names, kind: ItemKind, path: Path) -> Iterator[Fault]:
    yield from known(key, names.items, "item", (*path, "item"))
    item = names.items.get(key)
    if item and item.kind is not kind:
        wanted = f"this condition wants a {kind} item"
        yield Fault((*path, "item"), f"{key} is a {item.kind} item; {wanted}; allowed for {key}: {_forms(item)}")


_FORMS: Mapping[ItemKind, str] = {
    ItemKind.CHOICE: "in",
    ItemKind.LINES: "lines",
    ItemKind.SCALE: "at_least",
    ItemKind.TEXT: "written, red_words",
}
_COMPARED: Mapping[Worse, str] = {Worse.HIGHER: "at_least", Worse.LOWER: "at_most"}
_NUMBERS = (ItemKind.SCALE, ItemKind.NUMBER)


def _forms(item: Item) -> str:
    """The conditions that may ask for the item's answer."""
    return _FORMS.get(item.kind) or _COMPARED.get(item.worse) or "none but unanswered, for it has no order"


def _option_in(leaf: c.OptionIn, names: Names, path: Path) -> Iterator[Fault]:
    yield from _of_kind(leaf.item, names, ItemKind.CHOICE, path)
    item = names.items.get(leaf.item)
    if item and item.kind is ItemKind.CHOICE:
        for place, key in enumerate(leaf.options):
            yield from known(key, [option.key for option in item.options], "option", (*path, "in", place))


def _line_yes(leaf: c.LineYes, names: Names, path: Path) -> Iterator[Fault]:
    yield from _of_kind(leaf.item, names, ItemKind.LINES, path)
    item = names.items.get(leaf.item)
    if item and item.kind is ItemKind.LINES:
        for place, key in enumerate(leaf.lines):
            yield from known(key, [line.key for line in item.lines], "line", (*path, "lines", place))


def _least(leaf: c.NumberAtLeast, names: Names, path: Path) -> Iterator[Fault]:
    return _comparison(leaf.item, leaf.least, Worse.HIGHER, names, path)


def _most(leaf: c.NumberAtMost, names: Names, path: Path) -> Iterator[Fault]:
    return _comparison(leaf.item, leaf.most, Worse.LOWER, names, path)


def _comparison(key: str, threshold: c.Number, worse: Worse, names: Names, path: Path) -> Iterator[Fault]:
    item = names.items.get(key)
    if item is None or item.kind not in _NUMBERS:
        yield from _of_kind(key, names, ItemKind.NUMBER if worse is Worse.LOWER else ItemKind.SCALE, path)
    elif item.worse is Worse.NEITHER:
        mend = f"allowed: worse: higher or worse: lower in items.{key}, or no comparison"
        yield Fault((*path, "item"), f"a rule compares {key}, which has no order; {mend}")
    elif item.worse is not worse and path[0] != "hazards":  # a promise may well be about mild answers
        mend = f"{_COMPARED[item.worse]}, for {key} gets worse the {item.worse} it is"
        yield Fault((*path, _COMPARED[worse]), f"a worse answer could switch this off; allowed: {mend}")
    else:
        yield from _threshold(item, threshold, worse, (*path, _COMPARED[worse]))


def _threshold(item: Item, threshold: c.Number, worse: Worse, path: Path) -> Iterator[Fault]:
    """A comparison that every number passes, or none, says nothing."""
    step = 1 / 10**item.decimals
    lowest = item.least + step if worse is Worse.HIGHER else item.least
    highest = item.most - step if worse is Worse.LOWER else item.most
    if not fits(threshold, item.decimals):
        yield Fault(path, f"{threshold} is finer than what {item.key} takes; allowed: {digits(item.decimals)}")
    elif not round(lowest, item.decimals) <= threshold <= round(highest, item.decimals):
        ends = f"{lowest:.{item.decimals}f} to {highest:.{item.decimals}f}"
        yield Fault(path, f"{threshold} says nothing of {item.key}; allowed: {ends}")


def _text(leaf: c.Written | c.RedWords, names: Names, path: Path) -> Iterator[Fault]:
    return _of_kind(leaf.item, names, ItemKind.TEXT, path)


def _unanswered(leaf: c.Unanswered, names: Names, path: Path) -> Iterator[Fault]:
    if leaf.item is not None:
        yield from known(leaf.item, [ANY, *names.items], "item", (*path, "unanswered"))
        item = names.items.get(leaf.item)
        if item and not item.required:
            yield Fault((*path, "unanswered"), f"{leaf.item} is not required, so it is never open")


def _flag(leaf: c.FlagPresent | c.FlagKnown, names: Names, path: Path) -> Iterator[Fault]:
    return known(leaf.flag, names.flags, "flag", (*path, "flag"))


def _set(leaf: c.SetHolds, names: Names, path: Path) -> Iterator[Fault]:
    return known(leaf.name, names.sets, "set", (*path, "set"))


def _rule(leaf: c.RuleFired, names: Names, path: Path) -> Iterator[Fault]:
    return known(leaf.rule, names.rules, "rule", (*path, "rule"))


_LEAVES: Mapping[type, Callable[..., Iterator[Fault]]] = {
    c.FlagKnown: _flag,
    c.FlagPresent: _flag,
    c.LineYes: _line_yes,
    c.NumberAtLeast: _least,
    c.NumberAtMost: _most,
    c.OptionIn: _option_in,
    c.RedWords: _text,
    c.RuleFired: _rule,
    c.SetHolds: _set,
    c.Unanswered: _unanswered,
    c.Written: _text,
}
