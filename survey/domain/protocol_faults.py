"""What is wrong with a protocol beyond its shape: names that lead nowhere, circles, texts that are missing."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from survey.domain import conditions as c
from survey.domain.protocol import SCALE_MOST, Item, ItemKind, Protocol
from survey.domain.protocol_texts import Fault, Path, text_faults

__all__ = ["Fault", "faults"]

ANY = "any"
"""Stands for every item in `unanswered: any`, so no item may be called so."""


@dataclass(frozen=True, slots=True)
class _Names:
    """Everything that a condition may refer to."""

    items: Mapping[str, Item]
    flags: Collection[str]
    sets: Mapping[str, c.Condition]
    rules: Collection[str]


def faults(protocol: Protocol) -> tuple[Fault, ...]:
    """Every fault, its path in the terms of the file; empty when the protocol can be used."""
    names = _Names(
        items={item.key: item for item in protocol.items},
        flags=[flag.key for flag in protocol.flags],
        sets={derived.name: derived.when for derived in protocol.sets},
        rules=[rule.id for rule in protocol.rules],
    )
    references = (*_conditions(protocol, names), *_settled_flags(protocol, names), *_touches(protocol, names))
    # Walking a condition through its sets is safe only once every name leads somewhere and nothing goes in circles.
    order = references or (*_circles(protocol),) or (*_branches(protocol, names),)
    return (*_keys(protocol), *order, *text_faults(protocol))


def _keys(protocol: Protocol) -> Iterator[Fault]:
    flags = {flag.key for flag in protocol.flags}
    for item in protocol.items:
        if item.key in flags:
            yield Fault(("items", item.key), "is the key of a flag as well; a reason could mean either")
        if item.key == ANY:
            yield Fault(("items", item.key), "is a reserved word; choose another key")
        exclusive = item.exclusive_line
        if exclusive and any(line.key == exclusive.key for line in item.plain_lines):
            yield Fault(("items", item.key, "exclusive_line", exclusive.key), "is the key of another line as well")
    languages = protocol.languages
    for place, language in enumerate(languages):
        if language in languages[:place]:
            yield Fault(("languages", place), f"{language} is listed twice")


def _settled_flags(protocol: Protocol, names: _Names) -> Iterator[Fault]:
    sites = [("body_sites", site.key, site.sets) for site in protocol.body_sites]
    agents = [("agents", agent.key, agent.sets) for agent in protocol.agents]
    for section, key, sets in (*sites, *agents):
        for flag in sets:
            yield from _known(flag, names.flags, "flag", (section, key, "sets", flag))


def _touches(protocol: Protocol, names: _Names) -> Iterator[Fault]:
    for touch in protocol.touches:
        for place, key in enumerate(touch.items or ()):
            yield from _known(key, names.items, "item", ("schedule", touch.key, "items", place))


def _conditions(protocol: Protocol, names: _Names) -> Iterator[Fault]:
    for item in protocol.items:
        if item.show_if:
            yield from _condition(item.show_if, names, ("items", item.key, "show_if"))
    for derived in protocol.sets:
        yield from _condition(derived.when, names, ("sets", derived.name))
    for rule in protocol.rules:
        yield from _condition(rule.when, names, ("rules", rule.id, "when"))


def _condition(condition: c.Condition, names: _Names, path: Path) -> Iterator[Fault]:
    if isinstance(condition, c.AtLeast) and not 1 <= condition.count <= len(condition.of):
        yield Fault((*path, "at_least"), f"{condition.count} is not possible; allowed: 1 to {len(condition.of)}")
    for leaf, place in _places(condition, path):
        yield from _LEAVES[type(leaf)](leaf, names, place)
        if path[0] != "rules" and isinstance(leaf, c.RuleFired | c.Unanswered):
            yield Fault(place, "may only stand in a rule; allowed here: item, flag, set, all, any, at_least with of")


_GROUPS: Mapping[type, str] = {c.AllOf: "all", c.AnyOf: "any", c.AtLeast: "of"}


def _places(condition: c.Condition, path: Path) -> Iterator[tuple[c.Condition, Path]]:
    """Every leaf and where it stands in the file."""
    if isinstance(condition, c.AllOf | c.AnyOf | c.AtLeast):
        for place, part in enumerate(condition.of):
            yield from _places(part, (*path, _GROUPS[type(condition)], place))
    else:
        yield condition, path


def _known(key: str, known: Collection[str], what: str, path: Path) -> Iterator[Fault]:
    if key not in known:
        yield Fault(path, f"there is no {what} called {key}; allowed: {', '.join(known) or 'none'}")


def _of_kind(key: str, names: _Names, kind: ItemKind, path: Path) -> Iterator[Fault]:
    yield from _known(key, names.items, "item", (*path, "item"))
    item = names.items.get(key)
    if item and item.kind is not kind:
        yield Fault((*path, "item"), f"{key} is a {item.kind} item; this condition wants a {kind} item")


def _option_in(leaf: c.OptionIn, names: _Names, path: Path) -> Iterator[Fault]:
    yield from _of_kind(leaf.item, names, ItemKind.CHOICE, path)
    item = names.items.get(leaf.item)
    if item and item.kind is ItemKind.CHOICE:
        for place, key in enumerate(leaf.options):
            yield from _known(key, [option.key for option in item.options], "option", (*path, "in", place))


def _line_yes(leaf: c.LineYes, names: _Names, path: Path) -> Iterator[Fault]:
    yield from _of_kind(leaf.item, names, ItemKind.LINES, path)
    item = names.items.get(leaf.item)
    if item and item.kind is ItemKind.LINES:
        for place, key in enumerate(leaf.lines):
            yield from _known(key, [line.key for line in item.lines], "line", (*path, "lines", place))


def _scale(leaf: c.ScaleAtLeast, names: _Names, path: Path) -> Iterator[Fault]:
    yield from _of_kind(leaf.item, names, ItemKind.SCALE, path)
    if not 1 <= leaf.least <= SCALE_MOST:
        yield Fault((*path, "at_least"), f"{leaf.least} says nothing on this scale; allowed: 1 to {SCALE_MOST}")


def _text(leaf: c.Written | c.RedWords, names: _Names, path: Path) -> Iterator[Fault]:
    return _of_kind(leaf.item, names, ItemKind.TEXT, path)


def _unanswered(leaf: c.Unanswered, names: _Names, path: Path) -> Iterator[Fault]:
    if leaf.item is not None:
        yield from _known(leaf.item, [ANY, *names.items], "item", (*path, "unanswered"))
        item = names.items.get(leaf.item)
        if item and not item.required:
            yield Fault((*path, "unanswered"), f"{leaf.item} is not required, so it is never open")


def _flag(leaf: c.FlagPresent | c.FlagKnown, names: _Names, path: Path) -> Iterator[Fault]:
    return _known(leaf.flag, names.flags, "flag", (*path, "flag"))


def _set(leaf: c.SetHolds, names: _Names, path: Path) -> Iterator[Fault]:
    return _known(leaf.name, names.sets, "set", (*path, "set"))


def _rule(leaf: c.RuleFired, names: _Names, path: Path) -> Iterator[Fault]:
    return _known(leaf.rule, names.rules, "rule", (*path, "rule"))


_LEAVES: Mapping[type, Callable[..., Iterator[Fault]]] = {
    c.FlagKnown: _flag,
    c.FlagPresent: _flag,
    c.LineYes: _line_yes,
    c.OptionIn: _option_in,
    c.RedWords: _text,
    c.RuleFired: _rule,
    c.ScaleAtLeast: _scale,
    c.SetHolds: _set,
    c.Unanswered: _unanswered,
    c.Written: _text,
}


def _circles(protocol: Protocol) -> Iterator[Fault]:
    sets = {
        derived.name: [leaf.name for leaf in c.leaves(derived.when) if isinstance(leaf, c.SetHolds)]
        for derived in protocol.sets
    }
    rules = {
        rule.id: [leaf.rule for leaf in c.leaves(rule.when) if isinstance(leaf, c.RuleFired)] for rule in protocol.rules
    }
    for section, needs in (("sets", sets), ("rules", rules)):
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            circle = error.args[1]
            yield Fault((section, circle[0]), f"goes round in a circle: {' needs '.join(reversed(circle))}")


def _branches(protocol: Protocol, names: _Names) -> Iterator[Fault]:
    """A branch looks back only: what is shown may not depend on what is asked later, nor on itself."""
    asked: list[str] = []
    for item in protocol.items:
        later = c.items_of(item.show_if, names.sets) - set(asked) if item.show_if else frozenset[str]()
        if later:
            allowed = ", ".join(asked) or "none"
            yield Fault(
                ("items", item.key, "show_if"),
                f"depends on {', '.join(sorted(later))}; allowed: earlier items ({allowed})",
            )
        asked.append(item.key)
