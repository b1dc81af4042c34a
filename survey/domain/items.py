"""The items of a protocol: what is asked, and how it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from survey.domain.conditions import Condition, Number

Words = Mapping[str, str]
"""Language code to text, complete for every language of the protocol."""


class ItemKind(StrEnum):
    """How an item is answered."""

    CHOICE = "choice"
    """One of the options."""
    LINES = "lines"
    """Yes or No for each line, or the one line that excludes the others."""
    SCALE = "scale"
    """A whole number from 0 to 10."""
    NUMBER = "number"
    """A number with a unit, typed."""
    TEXT = "text"
    """Free text."""


SCALE_MOST = 10


class Worse(StrEnum):
    """Which way a number gets worse."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"
    """It has no order, so that no rule may compare it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice."""

    key: str
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One yes/no line. An exclusive line ("I could not look") stands for all the others and has no order."""

    key: str
    text: Words
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question on one page."""

    key: str
    kind: ItemKind
    label: Words
    """Two or three words, for clinicians and for the check-answers page."""
    text: Words
    """The question as the patient reads it."""
    help: Words | None = None
    options: tuple[Option, ...] = ()
    lines: tuple[Line, ...] = ()
    low: Words | None = None
    """What 0 means on a scale."""
    high: Words | None = None
    """What 10 means on a scale."""
    show_if: Condition | None = None
    """Speaks of earlier items, flags and sets only. Shown always when None."""
    required: bool = True
    red_flag: bool = False
    """Any Yes is an emergency, so a Yes is taken even when other lines are left open."""
    ordered: bool = False
    """The answers stand from better to worse, as written."""
    max_length: int = 0
    """Most characters of a text; 0 for the other kinds."""
    unit: Words | None = None
    """What a number is measured in."""
    least: Number = 0
    most: Number = SCALE_MOST
    """Ends of the numbers that are taken, both among them."""
    decimals: int = 0
    """Digits of a number behind the point."""
    worse: Worse = Worse.HIGHER
    """Which way a scale or a number gets worse."""

    @property
    def plain_lines(self) -> tuple[Line, ...]:
        """The lines that each want a Yes or a No."""
        return tuple(line for line in self.lines if not line.exclusive)

    @property
    def exclusive_line(self) -> Line | None:
        """The line that stands for all others, if the item has one."""
        return next((line for line in self.lines if line.exclusive), None)
