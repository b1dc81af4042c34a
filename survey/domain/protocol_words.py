"""A protocol in words: what its conditions, questions, promises and contacts say, for whoever reads no YAML.

In the protocol's English where it has any, otherwise in its first language; our own words around it are English.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from survey.domain.condition_words import Line, condition_lines, number, plain, sentence, set_name
from survey.domain.conditions import Condition, SetHolds, leaves
from survey.domain.protocol import (
    Agent,
    BodySite,
    ContextFlag,
    DerivedSet,
    Flag,
    Hazard,
    Item,
    ItemKind,
    Protocol,
    ReminderBy,
    Rule,
    Touch,
    UnknownException,
    Worse,
)

ENDS = {Worse.HIGHER: "higher is worse", Worse.LOWER: "lower is worse", Worse.NEITHER: "neither end is worse"}
WAYS = {
    ReminderBy.SAME: "the same way as the first text",
    ReminderBy.OTHER: "the patient’s other way, where there is one",
}
REST = "The form is finished, with the best answer to every other question, and every other fact is no"
EVERY_QUESTION = "every question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A fact, and the names of the sites and drugs that settle it as yes or leave it not known."""

    flag: ContextFlag
    yes: tuple[str, ...]
    unknown: tuple[str, ...]


def in_words(protocol: Protocol) -> tuple[Line, ...]:
    """The whole protocol to read without a page: questions, rules, shared conditions, promises, contacts."""
    return (
        Line(f"{plain(protocol.title)}, version {protocol.version}", 0),
        *_told("Questions", [line for item in protocol.items for line in _question(item, protocol)]),
        *_told("Rules", [line for rule in protocol.rules for line in _rule(rule, protocol)]),
        *_told("Shared conditions", [line for derived in protocol.sets for line in _set(derived, protocol)]),
        *_told("Exceptions", [Line(exception_sentence(each, protocol), 1) for each in protocol.unknown_exceptions]),
        *_told("Promises", [line for hazard in protocol.hazards for line in _promise(hazard, protocol)]),
        *_told("Schedule", [Line(touch_sentence(touch, protocol), 1) for touch in protocol.touches]),
    )


def _told(heading: str, lines: Sequence[Line]) -> tuple[Line, ...]:
    return (Line(heading, 0), *lines) if lines else ()


def _question(item: Item, protocol: Protocol) -> tuple[Line, ...]:
    answers = [Line(f"- {plain(answer.text)}", 2) for answer in item.options or item.lines]
    asked = [Line(f"Asked when: {asked_when(item, protocol)}", 2)] if item.show_if else []
    return (Line(f"{plain(item.label)}: {plain(item.text)}", 1), *asked, *answers, Line(f"({answered(item)})", 2))


def _rule(rule: Rule, protocol: Protocol) -> tuple[Line, ...]:
    heading = Line(f"{rule.id}, {rule.tier}: {rule.why} ({rule.source})", 1)
    return (heading, *condition_lines(rule.when, protocol, depth=2))


def _set(derived: DerivedSet, protocol: Protocol) -> tuple[Line, ...]:
    return (Line(f"{set_name(derived.name)} means:", 1), *condition_lines(derived.when, protocol, depth=2))


def _promise(hazard: Hazard, protocol: Protocol) -> tuple[Line, ...]:
    return (Line(hazard.says, 1), *(Line(line.text, line.depth + 2) for line in hazard_lines(hazard, protocol)))


def meanings(condition: Condition, protocol: Protocol) -> tuple[DerivedSet, ...]:
    """The shared conditions that a condition leans on, also through others, in the order of the protocol."""
    wanted, todo = set[str](), [condition]
    written = {derived.name: derived.when for derived in protocol.sets}
    while todo:
        names = {leaf.name for leaf in leaves(todo.pop()) if isinstance(leaf, SetHolds)} - wanted
        wanted |= names
        todo += [written[name] for name in sorted(names)]
    return tuple(derived for derived in protocol.sets if derived.name in wanted)


def used_by(derived: DerivedSet, protocol: Protocol) -> tuple[str, ...]:
    """Ids of the rules that lean on that shared condition."""
    return tuple(rule.id for rule in protocol.rules if derived in meanings(rule.when, protocol))


def answered(item: Item) -> str:
    """How an item is answered, and in which order its answers stand."""
    said = _HOW[item.kind](item)
    return said if item.required else f"{said}; may be left empty"


def _choice(item: Item) -> str:
    order = "from better to worse" if item.ordered else "in no order"
    return f"one of {len(item.options)} answers, {order}"


def _lines(item: Item) -> str:
    order = "Yes is worse than No" if item.ordered else "neither is worse"
    instead = ", or one answer instead of all of them" if item.exclusive_line else ""
    red_flag = "; any Yes is an emergency" if item.red_flag else ""
    return f"Yes or No on each of {len(item.plain_lines)} lines, {order}{instead}{red_flag}"


def _scale(item: Item) -> str:
    return f"a number from {number(item, item.least)} to {number(item, item.most)}, {ENDS[item.worse]}"


def _typed(item: Item) -> str:
    places = f", {item.decimals} {'digit' if item.decimals == 1 else 'digits'} behind the point"
    return f"typed: {_scale(item)}{places if item.decimals else ''}"


def _text(item: Item) -> str:
    return f"free text of up to {item.max_length} characters"


_HOW = {
    ItemKind.CHOICE: _choice,
    ItemKind.LINES: _lines,
    ItemKind.SCALE: _scale,
    ItemKind.NUMBER: _typed,
    ItemKind.TEXT: _text,
}


def asked_when(item: Item, protocol: Protocol) -> str:
    """When an item is shown, as one sentence."""
    return sentence(item.show_if, protocol) if item.show_if else "always"


def hazard_lines(hazard: Hazard, protocol: Protocol) -> tuple[Line, ...]:
    """What a promise promises, as indented lines."""
    when = condition_lines(hazard.when, protocol, depth=1) if hazard.when else ()
    only = (Line(_only(hazard.only, protocol), 1),) if hazard.only is not None else ()
    says = _promised(hazard, protocol)
    return (Line(f"{says[0].upper()}{says[1:]}{':' if when or only else ''}", 0), *when, *only)


def hazard_sentence(hazard: Hazard, protocol: Protocol) -> str:
    """The same in one line."""
    when = [_inside(sentence(hazard.when, protocol))] if hazard.when else []
    only = [_only(hazard.only, protocol)] if hazard.only is not None else []
    return ": ".join(filter(None, (_promised(hazard, protocol), ". ".join([*when, *only]))))


def _inside(said: str) -> str:
    """A sentence that goes on after other words: `Both` loses its capital, a label keeps it."""
    return said[0].lower() + said[1:] if said.startswith(("Both ", "All of:", "At least ")) else said


def _promised(hazard: Hazard, protocol: Protocol) -> str:
    if hazard.never:
        return "it never comes to this"
    asked = _and([f"“{plain(protocol.item(key).label)}”" for key in hazard.asked]) if hazard.asked else ""
    tier = f"the tier is {_bounds(hazard)}" if hazard.at_least or hazard.at_most else ""
    promised = " and ".join(filter(None, (tier, f"the patient is asked {asked}" if asked else "")))
    return f"{promised} {'always' if hazard.when is None and hazard.only is None else 'whenever'}"


def _bounds(hazard: Hazard) -> str:
    if hazard.at_least == hazard.at_most:
        return f"exactly {hazard.at_least}"
    least = f"at least {hazard.at_least}" if hazard.at_least else ""
    most = f"at most {hazard.at_most}" if hazard.at_most else ""
    return " and ".join(filter(None, (least, most)))


def _only(keys: Sequence[str], protocol: Protocol) -> str:
    names = {item.key: plain(item.label) for item in protocol.items}
    names |= {flag.key: plain(flag.label) for flag in protocol.flags}
    names |= {
        f"{item.key}.{line.key}": f"{plain(item.label)}, “{plain(line.text)}”"
        for item in protocol.items
        for line in item.lines
    }
    return f"{REST}. Left free: {'; '.join(names.get(key, key) for key in keys)}"


def exception_sentence(exception: UnknownException, protocol: Protocol) -> str:
    """In which rules a fact that nobody wrote down counts as absent."""
    labels = {flag.key: plain(flag.label) for flag in protocol.flags}
    rules = "rule" if len(exception.rules) == 1 else "rules"
    flag = labels.get(exception.flag, exception.flag)
    return f"{flag}: not known counts as no in {rules} {_and(exception.rules)}"


def touch_sentence(touch: Touch, protocol: Protocol) -> str:
    """When a patient is written to, what is asked, and what reminds."""
    day = f"day {touch.day} after the procedure" if touch.day else "the day of the procedure"
    asked = EVERY_QUESTION if touch.items is None else _and([plain(protocol.item(key).label) for key in touch.items])
    reminders = "".join(
        f"; if there is no answer, again after {reminder.after_hours} hours, {WAYS[reminder.by]}"
        for reminder in touch.reminders
    )
    return f"{day}, {touch.at:%H:%M} where the patient lives: {asked}{reminders}"


def settled(protocol: Protocol) -> tuple[Settled, ...]:
    """Each fact with the sites and drugs that decide it."""
    choices: tuple[BodySite | Agent, ...] = (*protocol.body_sites, *protocol.agents)
    return tuple(
        Settled(flag=flag, yes=_naming(choices, flag, Flag.YES), unknown=_naming(choices, flag, Flag.UNKNOWN))
        for flag in protocol.flags
    )


def settles(choice: BodySite | Agent, protocol: Protocol) -> str:
    """What choosing a site or a drug says of the patient."""
    labels = {flag.key: plain(flag.label) for flag in protocol.flags}
    said = {Flag.YES: "yes", Flag.NO: "no", Flag.UNKNOWN: "not known"}
    return "; ".join(f"{labels[key]}: {said[value]}" for key, value in choice.sets.items()) or "nothing"


def _naming(choices: Sequence[BodySite | Agent], flag: ContextFlag, value: Flag) -> tuple[str, ...]:
    return tuple(plain(choice.label) for choice in choices if choice.sets.get(flag.key) is value)


def notes(protocol: Protocol) -> str:
    """What stands at the head of the file before anything else: who approved it, what the sources' short names mean."""
    head = takewhile(lambda line: line.startswith("#"), protocol.source_text.splitlines())
    return "\n".join(line.removeprefix("#").removeprefix(" ").rstrip() for line in head)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
