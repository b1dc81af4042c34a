"""The conditions of a protocol as they are written in a file."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from survey.domain import conditions
from survey.interop.strict_model import Strict

Keys = Annotated[list[str], Field(min_length=1)]


def _number(value: object) -> conditions.Number:
    # A plain `int | float` would be refused twice, once for each.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("not_a_number", "should be a number, such as 7 or 100.4")


Number = Annotated[conditions.Number, PlainValidator(_number), WithJsonSchema({"type": "number"})]


class InFile(Strict):
    """`{ item: breath, in: [deep, exert] }`: one of these options was chosen."""

    item: str
    options: Keys = Field(alias="in")

    def value(self) -> conditions.Condition:
        return conditions.OptionIn(item=self.item, options=tuple(self.options))


class LineYesFile(Strict):
    """`{ item: skin, lines: [pus, streak] }`: at least one of these lines is answered Yes."""

    item: str
    lines: Keys

    def value(self) -> conditions.Condition:
        return conditions.LineYes(item=self.item, lines=tuple(self.lines))


class LeastFile(Strict):
    """`{ item: sore, at_least: 7 }`: the number is 7 or more."""

    item: str
    at_least: Number

    def value(self) -> conditions.Condition:
        return conditions.NumberAtLeast(item=self.item, least=self.at_least)


class MostFile(Strict):
    """`{ item: oxygen, at_most: 92 }`: the number is 92 or less."""

    item: str
    at_most: Number

    def value(self) -> conditions.Condition:
        return conditions.NumberAtMost(item=self.item, most=self.at_most)


class WrittenFile(Strict):
    """`{ item: note, written: true }`: the text is not empty."""

    item: str
    written: Literal[True]

    def value(self) -> conditions.Condition:
        return conditions.Written(item=self.item)


class RedWordsFile(Strict):
    """`{ item: note, red_words: true }`: the text holds a phrase of `red_words`."""

    item: str
    red_words: Literal[True]

    def value(self) -> conditions.Condition:
        return conditions.RedWords(item=self.item)


class UnansweredFile(Strict):
    """`{ unanswered: trend }`: that item is shown and open; `{ unanswered: any }`: any required item is."""

    unanswered: str

    def value(self) -> conditions.Condition:
        return conditions.Unanswered(item=None if self.unanswered == "any" else self.unanswered)


class FlagHoldsFile(Strict):
    """`{ flag: diabetes }`: yes or not known; `{ flag: anticoag, known: true }`: known to be yes."""

    flag: str
    known: Literal[True] | None = None

    def value(self) -> conditions.Condition:
        return conditions.FlagKnown(flag=self.flag) if self.known else conditions.FlagPresent(flag=self.flag)


class SetFile(Strict):
    """`{ set: any_fever }`: the set of that name holds."""

    name: str = Field(alias="set")

    def value(self) -> conditions.Condition:
        return conditions.SetHolds(name=self.name)


class RuleFiredFile(Strict):
    """`{ rule: S1 }`: that rule fired."""

    rule: str

    def value(self) -> conditions.Condition:
        return conditions.RuleFired(rule=self.rule)


class AllFile(Strict):
    """`all: [ … ]`: every part holds."""

    of: list["ConditionFile"] = Field(alias="all", min_length=1)

    def value(self) -> conditions.Condition:
        return conditions.AllOf(of=tuple(part.value() for part in self.of))


class AnyFile(Strict):
    """`any: [ … ]`: one part holds, or more."""

    of: list["ConditionFile"] = Field(alias="any", min_length=1)

    def value(self) -> conditions.Condition:
        return conditions.AnyOf(of=tuple(part.value() for part in self.of))


class AtLeastFile(Strict):
    """`at_least: 3` with `of: [ … ]`: three parts hold, or more."""

    at_least: int
    of: list["ConditionFile"] = Field(min_length=1)

    def value(self) -> conditions.Condition:
        return conditions.AtLeast(count=self.at_least, of=tuple(part.value() for part in self.of))


_MARKS = (
    *("all", "any", "of", "set", "rule", "flag", "unanswered"),
    *("in", "lines", "written", "red_words", "at_least", "at_most"),
)
"""The key that tells each form from the others; `of` comes before `at_least`, which a number has as well."""


def _form(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((f"<{mark}>" for mark in _MARKS if mark in value), None)


ConditionFile = Annotated[
    Annotated[AllFile, Tag("<all>")]
    | Annotated[AnyFile, Tag("<any>")]
    | Annotated[AtLeastFile, Tag("<of>")]
    | Annotated[SetFile, Tag("<set>")]
    | Annotated[RuleFiredFile, Tag("<rule>")]
    | Annotated[FlagHoldsFile, Tag("<flag>")]
    | Annotated[UnansweredFile, Tag("<unanswered>")]
    | Annotated[InFile, Tag("<in>")]
    | Annotated[LineYesFile, Tag("<lines>")]
    | Annotated[WrittenFile, Tag("<written>")]
    | Annotated[RedWordsFile, Tag("<red_words>")]
    | Annotated[LeastFile, Tag("<at_least>")]
    | Annotated[MostFile, Tag("<at_most>")],
    Discriminator(
        _form,
        custom_error_type="not_a_condition",
        custom_error_message=(
            "is not a condition; allowed: item with in, lines, at_least, at_most, written or red_words; "
            "flag; set; rule; unanswered; all; any; at_least with of"
        ),
    ),
]
