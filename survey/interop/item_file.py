"""The items of a protocol as they are written in a file."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from survey.domain import protocol as domain
from survey.interop.condition_file import ConditionFile, Number
from survey.interop.strict_model import Strict

KEY = r"^[a-z][a-z0-9_]*$"

Key = Annotated[str, Field(pattern=KEY)]
Text = Annotated[str, Field(min_length=1)]
Words = dict[str, Text]


class ItemFile(Strict):
    """What every kind of item has."""

    label: Words
    """Two or three words, for clinicians and for the page on which the patient checks the answers."""
    text: Words
    """The question as the patient reads it."""
    help: Words | None = None
    """A sentence below the question."""
    show_if: ConditionFile | None = None
    """When the question is asked: a condition on flags and on earlier items. Left out: always."""
    required: bool = True
    """Whether a form in which it is open counts as unfinished."""


class ChoiceFile(ItemFile):
    """One choice among options."""

    kind: Literal["choice"]
    ordered: bool
    """Whether the options stand from better to worse, as written."""
    options: Annotated[dict[Key, Words], Field(min_length=2)]

    def value(self, key: str) -> domain.Item:
        options = tuple(domain.Option(key=name, text=text) for name, text in self.options.items())
        return _item(key, self, kind=domain.ItemKind.CHOICE, options=options, ordered=self.ordered)


class LinesFile(ItemFile):
    """Yes or No for each line."""

    kind: Literal["lines"]
    ordered: bool
    """Whether a Yes is worse than a No."""
    red_flag: bool = False
    """Any Yes is an emergency, and is taken though other lines are open."""
    lines: Annotated[dict[Key, Words], Field(min_length=1)]
    exclusive_line: Annotated[dict[Key, Words], Field(min_length=1, max_length=1)] | None = None
    """One line that stands for all of them, such as "I could not look"; it has no order."""

    def value(self, key: str) -> domain.Item:
        plain = [domain.Line(key=name, text=text) for name, text in self.lines.items()]
        exclusive = (self.exclusive_line or {}).items()
        lines = (*plain, *(domain.Line(key=name, text=text, exclusive=True) for name, text in exclusive))
        kind, ordered = domain.ItemKind.LINES, self.ordered
        return _item(key, self, kind=kind, lines=lines, ordered=ordered, red_flag=self.red_flag)


class ScaleFile(ItemFile):
    """A whole number from 0 to 10, the higher the worse."""

    kind: Literal["scale"]
    low: Words
    """What 0 means."""
    high: Words
    """What 10 means."""

    def value(self, key: str) -> domain.Item:
        return _item(key, self, kind=domain.ItemKind.SCALE, low=self.low, high=self.high, ordered=True)


class NumberFile(ItemFile):
    """A number with a unit, typed."""

    kind: Literal["number"]
    unit: Words
    """What it is measured in; stands beside the number."""
    least: Number
    """The least number that is taken. One below it is refused on the page, so leave room."""
    most: Number
    """The most that is taken. One above it is refused on the page, so leave room."""
    decimals: Annotated[int, Field(ge=0, le=2)] = 0
    """How many digits there may be behind the point."""
    worse: Literal["higher", "lower", "neither"]
    """Which way it gets worse; no rule may compare a number that gets worse neither way."""

    def value(self, key: str) -> domain.Item:
        worse = domain.Worse(self.worse)
        ends = {"least": self.least, "most": self.most, "decimals": self.decimals, "unit": self.unit}
        ordered = worse is not domain.Worse.NEITHER
        return _item(key, self, kind=domain.ItemKind.NUMBER, worse=worse, ordered=ordered, **ends)


class TextFile(ItemFile):
    """Free text."""

    kind: Literal["text"]
    max_length: Annotated[int, Field(ge=1, le=2000)]
    """Most characters."""

    def value(self, key: str) -> domain.Item:
        return _item(key, self, kind=domain.ItemKind.TEXT, max_length=self.max_length)


def _item(key: str, written: ItemFile, **own: object) -> domain.Item:
    show_if = written.show_if.value() if written.show_if else None
    shared = {"label": written.label, "text": written.text, "help": written.help, "required": written.required}
    return domain.Item(key=key, show_if=show_if, **shared, **own)  # type: ignore[arg-type]


def _kind(value: object) -> str | None:
    return f"<{value.get('kind')}>" if isinstance(value, dict) else None


AnyItemFile = Annotated[
    Annotated[ChoiceFile, Tag("<choice>")]
    | Annotated[LinesFile, Tag("<lines>")]
    | Annotated[ScaleFile, Tag("<scale>")]
    | Annotated[NumberFile, Tag("<number>")]
    | Annotated[TextFile, Tag("<text>")],
    Discriminator(
        _kind,
        custom_error_type="not_a_kind",
        custom_error_message="is missing or unknown; allowed: choice, lines, scale, number, text",
    ),
]
