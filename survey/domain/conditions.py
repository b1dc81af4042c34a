"""The language of rules and branches: conditions as values, which only ever become true by a worse answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Number = int | float
"""Whole where the item has no decimals."""

# There is no negation, on purpose: without it a rule cannot be switched off by a worse answer.


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionIn:
    """The one choice made is among `options`."""

    item: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineYes:
    """At least one of `lines` is answered Yes."""

    item: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAtLeast:
    """The number chosen or written is `least` or more."""

    item: str
    least: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAtMost:
    """The number written is `most` or less; for an item of which less is worse."""

    item: str
    most: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The text is not empty."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedWords:
    """The text holds one of the pack's red phrases, in whichever language."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The item is shown and not answered in full; without an item: any required item that is shown."""

    item: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagPresent:
    """The flag is yes or not known: what nobody wrote down counts as there."""

    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagKnown:
    """The flag is known to be yes; not known does not count. For the few rules that would be too noisy otherwise."""

    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHolds:
    """The derived set of that name holds."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFired:
    """The rule of that id fired."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Every part holds."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """One part holds, or more."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """`count` parts hold, or more."""

    count: int
    of: tuple["Condition", ...]


Group = AllOf | AnyOf | AtLeast
Condition = (
    OptionIn
    | LineYes
    | NumberAtLeast
    | NumberAtMost
    | Written
    | RedWords
    | Unanswered
    | FlagPresent
    | FlagKnown
    | SetHolds
    | RuleFired
    | Group
)


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every part that is not a group, in the order written."""
    if isinstance(condition, AllOf | AnyOf | AtLeast):
        for part in condition.of:
            yield from leaves(part)
    else:
        yield condition


def items_of(condition: Condition, sets: Mapping[str, Condition]) -> frozenset[str]:
    """Keys of the items that decide the condition, also through derived sets."""
    found: set[str] = set()
    for leaf in leaves(condition):
        if isinstance(leaf, SetHolds):
            found |= items_of(sets[leaf.name], sets)
        elif not isinstance(leaf, FlagPresent | FlagKnown | RuleFired | Group) and leaf.item:
            found.add(leaf.item)
    return frozenset(found)
