"""Every text of a protocol: there in each language, with placeholders that the page can fill."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from survey.domain.protocol import Item, ItemKind, Protocol, Tier, Words

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the file."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend, and where."""

    path: Path
    message: str


REQUIRED_WORDS: Mapping[str, frozenset[str]] = {
    "call_clinic": frozenset(),
    "call_emergency": frozenset({"emergency"}),
    "emergency_line": frozenset({"emergency", "phone"}),
    "flag_no": frozenset(),
    "flag_unknown": frozenset(),
    "flag_yes": frozenset(),
    "gate_helper": frozenset(),
    "gate_question": frozenset(),
    "gate_self": frozenset(),
    "gate_wrong": frozenset(),
    "line_no": frozenset(),
    "line_yes": frozenset(),
    "not_answered": frozenset(),
    "scale_answer": frozenset({"number", "most"}),
}
"""The sentences that `words` holds, no more and no fewer, each with the placeholders that it may use."""

ITEM_PLACEHOLDERS = frozenset({"emergency", "phone"})

TIER_PLACEHOLDERS: Mapping[Tier, frozenset[str]] = {
    Tier.EMERGENCY: frozenset({"date", "emergency", "phone", "time"}),
    Tier.URGENT: frozenset({"date", "emergency", "phone", "time"}),
    Tier.SOON: frozenset({"date", "day", "emergency", "phone"}),
    Tier.ROUTINE: frozenset({"date", "emergency", "phone"}),
}
"""What a result page can fill: the procedure's date, the promised time or day, the two numbers to call."""

_NONE: frozenset[str] = frozenset()
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")

Found = tuple[Path, Words, frozenset[str]]
"""Where a text stands, the text, and the placeholders that it may use."""


def texts(protocol: Protocol) -> Iterator[Found]:
    """Every text in every language."""
    yield ("title",), protocol.title, _NONE
    yield from _labels(protocol)
    for item in protocol.items:
        yield from _item_texts(item)
    for rule in protocol.rules:
        if rule.advice:
            # A more serious rule may fire as well, so the advice may stand on any page: only what each page can fill.
            yield ("rules", rule.id, "advice"), rule.advice, ITEM_PLACEHOLDERS
    for tier, page in protocol.tiers.items():
        for place, paragraph in enumerate((page.heading, *page.body)):
            where = ("body", place - 1) if place else ("heading",)
            yield ("tiers", tier.value, *where), paragraph, TIER_PLACEHOLDERS[tier]
    for name, words in protocol.words.items():
        yield ("words", name), words, REQUIRED_WORDS.get(name, _NONE)


def text_faults(protocol: Protocol) -> Iterator[Fault]:
    """Texts that are missing or not called for, and placeholders that cannot be filled."""
    for path, words, allowed in texts(protocol):
        yield from _languages(protocol, path, words)
        yield from _placeholders(path, words, allowed)
    if protocol.red_words or any(item.kind is ItemKind.TEXT for item in protocol.items):
        yield from _languages(protocol, ("red_words",), protocol.red_words)
    for name in REQUIRED_WORDS.keys() - protocol.words.keys():
        yield Fault(("words",), f"the sentence {name} is missing")
    for name in protocol.words.keys() - REQUIRED_WORDS.keys():
        yield Fault(("words", name), f"unknown key {name}; allowed: {', '.join(REQUIRED_WORDS)}")


def _labels(protocol: Protocol) -> Iterator[Found]:
    flags = [("flags", flag.key, flag.label) for flag in protocol.flags]
    sites = [("body_sites", site.key, site.label) for site in protocol.body_sites]
    agents = [("agents", agent.key, agent.label) for agent in protocol.agents]
    for section, key, label in (*flags, *sites, *agents):
        yield (section, key, "label"), label, _NONE


def _item_texts(item: Item) -> Iterator[Found]:
    path = ("items", item.key)
    yield (*path, "label"), item.label, _NONE
    yield (*path, "text"), item.text, ITEM_PLACEHOLDERS
    if item.help:
        yield (*path, "help"), item.help, ITEM_PLACEHOLDERS
    for name, words in (("low", item.low), ("high", item.high), ("unit", item.unit)):
        if words:
            yield (*path, name), words, _NONE
    for option in item.options:
        yield (*path, "options", option.key), option.text, _NONE
    for line in item.lines:
        yield (*path, "exclusive_line" if line.exclusive else "lines", line.key), line.text, _NONE


def _languages(protocol: Protocol, path: Path, words: Mapping[str, object]) -> Iterator[Fault]:
    for language in protocol.languages:
        if language not in words:
            yield Fault(path, f"the text in {language} is missing")
    for language in words:
        if language not in protocol.languages:
            allowed = ", ".join(protocol.languages)
            yield Fault((*path, language), f"{language} is not a language of this protocol; allowed: {allowed}")


def _placeholders(path: Path, words: Words, allowed: frozenset[str]) -> Iterator[Fault]:
    used = {language: set(_PLACEHOLDER.findall(text)) for language, text in words.items()}
    for language, text in words.items():
        place = (*path, language)
        if unknown := used[language] - allowed:
            names = ", ".join(f"{{{name}}}" for name in sorted(unknown))
            yield Fault(place, f"{names} cannot be filled here; allowed: {_listed(allowed)}")
        elif re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
            yield Fault(place, f"a brace stands alone; braces only hold placeholders; allowed: {_listed(allowed)}")
    if len({frozenset(names) for names in used.values()}) > 1:
        yield Fault(path, "the languages use different placeholders; use the same in each")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"
