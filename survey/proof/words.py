"""The check of the texts: there in every language, easy to read in English, one segment, with the emergency number."""

from collections.abc import Iterator, Sequence

import textstat

from survey.domain.proofs import Objection, Wording
from survey.domain.protocol import Item, Protocol, Tier, Words
from survey.domain.protocol_texts import text_faults

MOST_GRADE = 6.0
"""Flesch-Kincaid grade of a page as the patient reads it; health texts for everybody aim at the sixth grade."""
ENGLISH = "en"
_FILLED = {"emergency": "911", "phone": "555 0100", "date": "May 2", "time": "5 pm", "day": "Monday"}
"""What a reader sees in place of a placeholder."""


def words(protocol: Protocol, wordings: Sequence[Wording]) -> Iterator[Objection]:
    """What is missing, too long, hard to read, or does not say whom to call. `wordings` are the messages that ask."""
    yield from _messages(protocol, wordings)
    for fault in text_faults(protocol):
        yield Objection(says=f"{'.'.join(map(str, fault.path))}: {fault.message}.")
    yield from _emergency(protocol)
    if ENGLISH in protocol.languages:
        for name, page in _pages(protocol):
            grade: float = textstat.textstat.flesch_kincaid_grade(page)
            if grade > MOST_GRADE:
                yield Objection(
                    says=f"{name} reads at grade {grade:.1f}; at most {MOST_GRADE:g}. Use shorter words and sentences."
                )


def _emergency(protocol: Protocol) -> Iterator[Objection]:
    """The line that no page goes without names the number."""
    for language, text in protocol.words["emergency_line"].items():
        if "{emergency}" not in text:
            yield Objection(says=f"words.emergency_line.{language} does not hold {{emergency}}, the number to call.")
    heading = protocol.tiers[Tier.EMERGENCY].heading
    for language, text in heading.items():
        if "{emergency}" not in text:
            yield Objection(says=f"tiers.emergency.heading.{language} does not hold {{emergency}}, the number to call.")


def _messages(protocol: Protocol, wordings: Sequence[Wording]) -> Iterator[Objection]:
    """Each language has its messages, and each text is one segment: a carrier may lose one part of two."""
    for language in protocol.languages:
        mine = [wording for wording in wordings if wording.language == language]
        if not mine:
            yield Objection(says=f"No message in {language} was handed to the verifier.")
        yield from (Objection(says=said) for wording in mine if (said := _fault(wording)))


def _fault(wording: Wording) -> str | None:
    if wording.missing:
        return f"{wording.missing} Write {wording.name}, or take {wording.language} out of languages."
    sent = f"{wording.name} can be sent as {wording.segments} segments"
    if wording.foreign:
        return f"{sent}: {wording.foreign} is not in the GSM-7 alphabet. Write it without."
    if wording.segments > 1:
        return f"{sent}, with the longest name and link. Shorten it by {wording.excess} or more."
    return None


def _pages(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Each page by name, as one English text. A single word has no grade; what stands together is read together."""
    for item in protocol.items:
        yield f"items.{item.key}", _joined(_of_item(item))
    for rule in protocol.rules:
        if rule.advice:
            yield f"rules.{rule.id}.advice", _joined([rule.advice])
    for tier, page in protocol.tiers.items():
        yield f"tiers.{tier}", _joined([page.heading, *page.body])
    yield "words", _joined([text for name, text in protocol.words.items() if name.startswith(("gate_", "emergency_"))])


def _of_item(item: Item) -> list[Words]:
    parts = [item.text, *([item.help] if item.help else []), *(option.text for option in item.options)]
    return [*parts, *(line.text for line in item.lines)]


def _joined(texts: list[Words]) -> str:
    sentences = [text[ENGLISH].format_map(_FILLED) for text in texts]
    return " ".join(text if text.endswith((".", "?", "!")) else f"{text}." for text in sentences)
