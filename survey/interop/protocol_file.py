"""A protocol as it is written in a file: the shape, checked key by key, and the domain's value made from it."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from survey.domain import protocol as domain
from survey.interop.condition_file import ConditionFile
from survey.interop.strict_model import Strict

_KEY = r"^[a-z][a-z0-9_]*$"
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_LANGUAGE = r"^[a-z]{2}(-[A-Z]{2})?$"
_RULE_ID = r"^[A-Z][0-9]{1,3}$"
_CLOCK_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

PATTERNS_IN_WORDS: Mapping[str, str] = {
    _KEY: "small letters, digits and _, a letter first",
    _SLUG: "small letters and digits, with - between words",
    _LANGUAGE: "a language code such as en or es-MX",
    _RULE_ID: "one capital letter and up to three digits, such as U2",
    _CLOCK_TIME: "a time from 00:00 to 23:59, such as 10:00",
}

Key = Annotated[str, Field(pattern=_KEY)]
Text = Annotated[str, Field(min_length=1)]
Words = dict[str, Text]
FlagValue = Literal["yes", "no", "unknown"]


class ItemFile(Strict):
    """What every kind of item has."""

    label: Words
    text: Words
    help: Words | None = None
    show_if: ConditionFile | None = None
    required: bool = True


class ChoiceFile(ItemFile):
    """One choice among options. `ordered` says whether they stand from better to worse."""

    kind: Literal["choice"]
    ordered: bool
    options: Annotated[dict[Key, Words], Field(min_length=2)]

    def value(self, key: str) -> domain.Item:
        options = tuple(domain.Option(key=name, text=text) for name, text in self.options.items())
        return _item(key, self, kind=domain.ItemKind.CHOICE, options=options, ordered=self.ordered)


class LinesFile(ItemFile):
    """Yes or No for each line; `exclusive_line` stands for all of them and has no order."""

    kind: Literal["lines"]
    ordered: bool
    red_flag: bool = False
    lines: Annotated[dict[Key, Words], Field(min_length=1)]
    exclusive_line: Annotated[dict[Key, Words], Field(min_length=1, max_length=1)] | None = None

    def value(self, key: str) -> domain.Item:
        plain = [domain.Line(key=name, text=text) for name, text in self.lines.items()]
        exclusive = (self.exclusive_line or {}).items()
        lines = (*plain, *(domain.Line(key=name, text=text, exclusive=True) for name, text in exclusive))
        kind, ordered = domain.ItemKind.LINES, self.ordered
        return _item(key, self, kind=kind, lines=lines, ordered=ordered, red_flag=self.red_flag)


class ScaleFile(ItemFile):
    """A whole number from 0 (`low`) to 10 (`high`), the higher the worse."""

    kind: Literal["scale"]
    low: Words
    high: Words

    def value(self, key: str) -> domain.Item:
        return _item(key, self, kind=domain.ItemKind.SCALE, low=self.low, high=self.high, ordered=True)


class TextFile(ItemFile):
    """Free text."""

    kind: Literal["text"]
    max_length: Annotated[int, Field(ge=1, le=2000)]

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
    | Annotated[TextFile, Tag("<text>")],
    Discriminator(
        _kind,
        custom_error_type="not_a_kind",
        custom_error_message="is missing or unknown; allowed: choice, lines, scale, text",
    ),
]


class FlagFile(Strict):
    """A context flag."""

    label: Words


class SettlesFile(Strict):
    """A body site or an agent, and the flags that it settles."""

    label: Words
    sets: dict[str, FlagValue]

    def flags(self) -> Mapping[str, domain.Flag]:
        return {flag: domain.Flag(value) for flag, value in self.sets.items()}


class RuleFile(Strict):
    """A rule."""

    tier: Literal["routine", "soon", "urgent", "emergency"]
    when: ConditionFile
    why: Text
    source: Text
    advice: Words | None = None

    def value(self, rule_id: str) -> domain.Rule:
        tier, when = domain.Tier(self.tier), self.when.value()
        return domain.Rule(id=rule_id, tier=tier, when=when, why=self.why, source=self.source, advice=self.advice)


class TierFile(Strict):
    """The result page of one tier."""

    heading: Words
    body: Annotated[list[Words], Field(min_length=1)]

    def value(self) -> domain.TierWords:
        return domain.TierWords(heading=self.heading, body=tuple(self.body))


class TiersFile(Strict):
    """All four tiers."""

    routine: TierFile
    soon: TierFile
    urgent: TierFile
    emergency: TierFile


class TouchFile(Strict):
    """One contact: so many days after the procedure, at that time where the patient lives."""

    day: Annotated[int, Field(ge=0, le=365)]
    at: Annotated[str, Field(pattern=_CLOCK_TIME)]
    items: Literal["all"] | Annotated[list[str], Field(min_length=1)]

    def value(self, key: str) -> domain.Touch:
        items = None if self.items == "all" else tuple(self.items)
        return domain.Touch(key=key, day=self.day, at=time.fromisoformat(self.at), items=items)


class ProtocolFile(Strict):
    """A whole protocol."""

    protocol: Annotated[str, Field(pattern=_SLUG)]
    version: Annotated[int, Field(ge=1)]
    title: Words
    languages: Annotated[list[Annotated[str, Field(pattern=_LANGUAGE)]], Field(min_length=1)]
    schedule: Annotated[dict[Key, TouchFile], Field(min_length=1)]
    flags: dict[Key, FlagFile]
    body_sites: dict[Key, SettlesFile]
    agents: dict[Key, SettlesFile]
    items: Annotated[dict[Key, AnyItemFile], Field(min_length=1)]
    sets: dict[Key, ConditionFile]
    rules: Annotated[dict[Annotated[str, Field(pattern=_RULE_ID)], RuleFile], Field(min_length=1)]
    red_words: dict[str, Annotated[list[Text], Field(min_length=1)]]
    tiers: TiersFile
    words: dict[Key, Words]

    def value(self, *, source_text: str, sha256: str) -> domain.Protocol:
        """The domain's protocol, its references not yet checked."""
        return domain.Protocol(
            slug=self.protocol,
            version=self.version,
            title=self.title,
            languages=tuple(self.languages),
            flags=tuple(domain.ContextFlag(key=key, label=flag.label) for key, flag in self.flags.items()),
            body_sites=tuple(
                domain.BodySite(key=key, label=site.label, sets=site.flags()) for key, site in self.body_sites.items()
            ),
            agents=tuple(
                domain.Agent(key=key, label=agent.label, sets=agent.flags()) for key, agent in self.agents.items()
            ),
            items=tuple(item.value(key) for key, item in self.items.items()),
            sets=tuple(domain.DerivedSet(name=name, when=when.value()) for name, when in self.sets.items()),
            rules=tuple(rule.value(rule_id) for rule_id, rule in self.rules.items()),
            tiers={tier: getattr(self.tiers, tier.value).value() for tier in domain.Tier},
            words=self.words,
            touches=tuple(touch.value(key) for key, touch in self.schedule.items()),
            red_words={language: tuple(phrases) for language, phrases in self.red_words.items()},
            source_text=source_text,
            sha256=sha256,
        )
