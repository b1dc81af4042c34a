"""Answers as they are stored, and as a person reads them."""

from collections.abc import Mapping

from survey.domain.protocol import SCALE_MOST, Item, ItemKind, Protocol, in_language

Answer = str | int | float | Mapping[str, str]
"""Option key, text, number, or line key to "yes"/"no"; each can be stored as JSON."""

Answers = Mapping[str, Answer]
"""Item key to answer. A missing key is an unanswered item."""

YES = "yes"
NO = "no"


def in_full(item: Item, answer: Answer | None) -> bool:
    """Whether nothing of the item is left open."""
    if answer is None or not isinstance(answer, Mapping):
        return answer is not None
    exclusive = item.exclusive_line
    if exclusive and answer.get(exclusive.key) == YES:
        return True
    return all(line.key in answer for line in item.plain_lines)


def as_typed(answer: str | int | float) -> str:
    """An option's key, a text, or a number as a person would type it: 101, not 101.0."""
    return str(answer).removesuffix(".0") if isinstance(answer, float) else str(answer)


def answer_in_words(protocol: Protocol, item: Item, answer: Answer | None, language: str) -> str:
    """The answer as the patient saw it: an option, lines answered Yes, "8 of 10", "101.3 °F", the text in quotes."""
    if answer is None or (answer == "" and item.kind is ItemKind.NUMBER):
        return protocol.say("not_answered", language)
    if isinstance(answer, Mapping):
        marked = [in_language(line.text, language) for line in item.lines if answer.get(line.key) == YES]
        return "; ".join(marked) or protocol.say("line_no", language)
    if item.kind is ItemKind.SCALE:
        return protocol.say("scale_answer", language).format(number=answer, most=SCALE_MOST)
    if item.kind is ItemKind.NUMBER:
        return f"{as_typed(answer)} {in_language(item.unit, language)}" if item.unit else as_typed(answer)
    if item.kind is ItemKind.TEXT:
        return f"“{answer}”"
    return next((in_language(option.text, language) for option in item.options if option.key == answer), str(answer))
