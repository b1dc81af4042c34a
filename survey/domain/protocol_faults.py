"""What is wrong with a protocol beyond its shape: names that lead nowhere, circles, empty promises, missing texts."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from survey.domain import conditions as c
from survey.domain.condition_faults import ANY, Names, condition_faults, digits, fits, known
from survey.domain.protocol import Hazard, Item, ItemKind, Protocol, Tier
from survey.domain.protocol_texts import Fault, text_faults

__all__ = ["Fault", "faults"]

MOST_STEPS = 100_000
"""Values of one number item. More could not be told apart by a patient, and the proof goes through them."""


def faults(protocol: Protocol) -> tuple[Fault, ...]:
    """Every fault, its path in the terms of the file; empty when the protocol can be used."""
    names = Names(
        items={item.key: item for item in protocol.items},
        flags=[flag.key for flag in protocol.flags],
        sets={derived.name: derived.when for derived in protocol.sets},
        rules=[rule.id for rule in protocol.rules],
    )
    references = (*_conditions(protocol, names), *_chosen(protocol, names), *_promised(protocol, names))
    # Walking a condition through its sets is safe only once every name leads somewhere and nothing goes in circles.
    order = references or (*_circles(protocol),) or (*_branches(protocol, names), *_unused_exceptions(protocol, names))
    own = (*_keys(protocol), *_numbers(protocol), *_reminders(protocol), *_promises(protocol))
    return (*own, *order, *text_faults(protocol))


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


def _numbers(protocol: Protocol) -> Iterator[Fault]:
    for item in protocol.items:
        if item.kind is ItemKind.NUMBER:
            yield from _number(item)


def _number(item: Item) -> Iterator[Fault]:
    """The ends of what a number item takes."""
    path = ("items", item.key)
    for end, value in (("least", item.least), ("most", item.most)):
        if not fits(value, item.decimals):
            yield Fault(
                (*path, end), f"{value} is finer than decimals: {item.decimals}; allowed: {digits(item.decimals)}"
            )
    if not item.least < item.most:
        yield Fault((*path, "most"), f"{item.most} is not above least; allowed: more than {item.least}")
    steps = round((item.most - item.least) * 10**item.decimals)
    if steps > MOST_STEPS:
        yield Fault((*path, "most"), f"least and most are {steps} steps apart; allowed: at most {MOST_STEPS}")


def _reminders(protocol: Protocol) -> Iterator[Fault]:
    for touch in protocol.touches:
        hours = [reminder.after_hours for reminder in touch.reminders]
        for place, (earlier, later) in enumerate(pairwise(hours), 1):
            if later <= earlier:
                path = ("schedule", touch.key, "reminders", place, "after_hours")
                yield Fault(path, f"{later} is not after the reminder before it; allowed: more than {earlier}")


def _promises(protocol: Protocol) -> Iterator[Fault]:
    for hazard in protocol.hazards:
        path = ("hazards", hazard.key)
        if hazard.when is None and hazard.only is None and not hazard.asked:
            yield Fault(path, "does not say when it holds; allowed: when, only or both")
        for key, sentence in _bounds(hazard):
            yield Fault((*path, *key), sentence)


def _bounds(hazard: Hazard) -> Iterator[tuple[tuple[str, ...], str]]:
    least, most = hazard.at_least, hazard.at_most
    if hazard.never and (least or most or hazard.asked):
        yield ("never",), "leaves no case for the rest to speak of; allowed: never: true alone"
    if not (hazard.never or least or most or hazard.asked):
        yield (), "promises nothing; allowed: at_least, at_most, asked, or never: true"
    if least is Tier.ROUTINE:
        yield ("at_least",), "promises nothing, for no tier is below routine; allowed: soon, urgent, emergency"
    if most is Tier.EMERGENCY:
        yield ("at_most",), "promises nothing, for no tier is above emergency; allowed: routine, soon, urgent"
    if least and most and least.rank > most.rank:
        yield ("at_least",), f"{least} is above at_most: {most}, so no tier is left; allowed: {most} or below"


def _chosen(protocol: Protocol, names: Names) -> Iterator[Fault]:
    """Keys in what staff can choose, and in what a touch asks."""
    sites = [("body_sites", site.key, site.sets) for site in protocol.body_sites]
    agents = [("agents", agent.key, agent.sets) for agent in protocol.agents]
    for section, key, sets in (*sites, *agents):
        for flag in sets:
            yield from known(flag, names.flags, "flag", (section, key, "sets", flag))
    for touch in protocol.touches:
        for place, key in enumerate(touch.items or ()):
            yield from known(key, names.items, "item", ("schedule", touch.key, "items", place))


def _promised(protocol: Protocol, names: Names) -> Iterator[Fault]:
    """Keys in what the protocol promises, and in what it excepts."""
    for exception in protocol.unknown_exceptions:
        path = ("unknown_as_absent", exception.flag)
        yield from known(exception.flag, names.flags, "flag", path)
        for place, rule in enumerate(exception.rules):
            yield from known(rule, names.rules, "rule", (*path, "rules", place))
    lines = [f"{item.key}.{line.key}" for item in protocol.items for line in item.lines]
    for hazard in protocol.hazards:
        for place, key in enumerate(hazard.only or ()):
            free = [*names.items, *names.flags, *lines]
            yield from known(key, free, "item, line or flag", ("hazards", hazard.key, "only", place))
        for place, key in enumerate(hazard.asked):
            yield from known(key, names.items, "item", ("hazards", hazard.key, "asked", place))


def _conditions(protocol: Protocol, names: Names) -> Iterator[Fault]:
    for item in protocol.items:
        if item.show_if:
            yield from condition_faults(item.show_if, names, ("items", item.key, "show_if"))
    for derived in protocol.sets:
        yield from condition_faults(derived.when, names, ("sets", derived.name))
    for rule in protocol.rules:
        yield from condition_faults(rule.when, names, ("rules", rule.id, "when"))
    for hazard in protocol.hazards:
        if hazard.when:
            yield from condition_faults(hazard.when, names, ("hazards", hazard.key, "when"))


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


def _branches(protocol: Protocol, names: Names) -> Iterator[Fault]:
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


def _unused_exceptions(protocol: Protocol, names: Names) -> Iterator[Fault]:
    """An exception for a rule that makes none would vouch for something that is not so."""
    wants = {rule.id: _known_flags(rule.when, names) for rule in protocol.rules}
    for exception in protocol.unknown_exceptions:
        for place, rule in enumerate(exception.rules):
            if exception.flag not in wants[rule]:
                allowed = ", ".join(each for each in wants if exception.flag in wants[each]) or "none"
                path = ("unknown_as_absent", exception.flag, "rules", place)
                yield Fault(path, f"{rule} does not say known: true of {exception.flag}; allowed: {allowed}")


def _known_flags(condition: c.Condition, names: Names) -> frozenset[str]:
    """The flags that the condition wants to be known, also through derived sets."""
    found: set[str] = set()
    for leaf in c.leaves(condition):
        if isinstance(leaf, c.SetHolds):
            found |= _known_flags(names.sets[leaf.name], names)
        elif isinstance(leaf, c.FlagKnown):
            found.add(leaf.flag)
    return frozenset(found)
