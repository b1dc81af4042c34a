"""A condition in words: as indented lines to read, or in one line to compare, with the labels and answers of the pack.

Neither can be read in two ways: a group says how many of its parts are needed, and a group within a group is indented,
or stands in brackets.
"""

from dataclasses import dataclass
from functools import singledispatch

from survey.domain.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    FlagKnown,
    FlagPresent,
    Group,
    LineYes,
    Number,
    NumberAtLeast,
    NumberAtMost,
    OptionIn,
    RedWords,
    RuleFired,
    SetHolds,
    Unanswered,
    Written,
)
from survey.domain.protocol import Item, Protocol, Words, in_language

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; those of a greater `depth` belong to the last one before them of a lesser depth."""

    text: str
    depth: int


def condition_lines(condition: Condition, protocol: Protocol, *, depth: int = 0) -> tuple[Line, ...]:
    """The condition, a part a line, the parts of a group below what says how many are needed."""
    if not isinstance(condition, AllOf | AnyOf | AtLeast):
        return (Line(said(condition, protocol), depth),)
    if len(condition.of) == 1:
        return condition_lines(condition.of[0], protocol, depth=depth)
    parts = (line for part in condition.of for line in condition_lines(part, protocol, depth=depth + 1))
    return (Line(_heading(condition), depth), *parts)


def sentence(condition: Condition, protocol: Protocol) -> str:
    """The same in one line."""
    text = _inline(condition, protocol)
    return text[0].upper() + text[1:]


def set_name(name: str) -> str:
    """A shared condition's name, as it stands in sentences."""
    return f"“{name.replace('_', ' ')}”"


def plain(words: Words) -> str:
    """The text in English where there is one."""
    return in_language(words, ENGLISH)


def number(item: Item, value: Number) -> str:
    """A number as the item writes it, with its unit."""
    return f"{value:.{item.decimals}f}" + (f" {plain(item.unit)}" if item.unit else "")


def needed(group: Group) -> int:
    """How many parts of a group have to hold."""
    if isinstance(group, AtLeast):
        return group.count
    return len(group.of) if isinstance(group, AllOf) else 1


def _heading(group: Group) -> str:
    count, parts = needed(group), len(group.of)
    if count == parts:
        return "Both of these:" if parts == 2 else f"All {parts} of these:"
    return "At least one of these:" if count == 1 else f"At least {count} of these {parts}:"


def _inline(condition: Condition, protocol: Protocol) -> str:
    if not isinstance(condition, AllOf | AnyOf | AtLeast):
        return said(condition, protocol)
    if len(condition.of) == 1:
        return _inline(condition.of[0], protocol)
    count, parts = needed(condition), [_bracketed(part, protocol) for part in condition.of]
    if count == len(parts) == 2:
        return f"both {parts[0]} and {parts[1]}"
    head = "all" if count == len(parts) else f"at least {'one' if count == 1 else count}"
    return f"{head} of: {'; '.join(parts)}"


def _bracketed(part: Condition, protocol: Protocol) -> str:
    grouped = isinstance(part, AllOf | AnyOf | AtLeast) and len(part.of) > 1
    return f"({_inline(part, protocol)})" if grouped else _inline(part, protocol)


@singledispatch
def said(condition: Condition, protocol: Protocol) -> str:  # noqa: ARG001 (the kinds below use it)
    """What one part says, which is no group."""
    raise TypeError(f"{type(condition).__name__} has no words")


@said.register
def _(condition: OptionIn, protocol: Protocol) -> str:
    item = protocol.item(condition.item)
    chosen = [plain(option.text) for option in item.options if option.key in condition.options]
    return f"{plain(item.label)} is {_quoted(chosen)}"


@said.register
def _(condition: LineYes, protocol: Protocol) -> str:
    item = protocol.item(condition.item)
    lines = [plain(line.text) for line in item.plain_lines if line.key in condition.lines]
    instead = [plain(line.text) for line in item.lines if line.exclusive and line.key in condition.lines]
    yes = [f"Yes to {'at least one of ' if len(lines) > 1 else ''}{_quoted(lines)}"] if lines else []
    return f"{plain(item.label)}: {', or '.join([*yes, *(f'“{text}”' for text in instead)])}"


@said.register
def _(condition: NumberAtLeast, protocol: Protocol) -> str:
    item = protocol.item(condition.item)
    return f"{plain(item.label)} is {number(item, condition.least)} or more"


@said.register
def _(condition: NumberAtMost, protocol: Protocol) -> str:
    item = protocol.item(condition.item)
    return f"{plain(item.label)} is {number(item, condition.most)} or less"


@said.register
def _(condition: Written, protocol: Protocol) -> str:
    return f"{plain(protocol.item(condition.item).label)}: something is written"


@said.register
def _(condition: RedWords, protocol: Protocol) -> str:
    return f"{plain(protocol.item(condition.item).label)}: one of the danger phrases is written"


@said.register
def _(condition: Unanswered, protocol: Protocol) -> str:
    if condition.item is None:
        return "At least one question that has to be answered is shown and left open"
    return f"{plain(protocol.item(condition.item).label)} is asked and left open"


@said.register
def _(condition: FlagPresent, protocol: Protocol) -> str:
    return f"{_flag(condition.flag, protocol)} (yes or not known)"


@said.register
def _(condition: FlagKnown, protocol: Protocol) -> str:
    return f"{_flag(condition.flag, protocol)} (known to be yes)"


@said.register
def _(condition: SetHolds, _protocol: Protocol) -> str:
    return f"{set_name(condition.name)} holds"


@said.register
def _(condition: RuleFired, protocol: Protocol) -> str:
    why = next((f" ({rule.why})" for rule in protocol.rules if rule.id == condition.rule), "")
    return f"Rule {condition.rule} fires{why}"


def _flag(key: str, protocol: Protocol) -> str:
    return next((plain(flag.label) for flag in protocol.flags if flag.key == key), key)


def _quoted(texts: list[str]) -> str:
    quoted = [f"“{text}”" for text in texts]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
