"""Walks a patient through the items: what is shown, what comes next, and whether an answer can be read."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from survey.domain.answers import NO, YES, Answer, Answers, as_typed, in_full
from survey.domain.conditions import items_of
from survey.domain.errors import InvalidInput
from survey.domain.evaluator import evaluator
from survey.domain.protocol import SCALE_MOST, Context, Item, ItemKind, Protocol

ANSWER = "answer"
"""Name of the one form field of an item that is not made of lines; a line's field has the line's key."""

Raw = Mapping[str, str | list[str]]
"""A form as it was sent."""

# A form sends carriage returns, and PostgreSQL stores no NUL in text.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_NUMBERS = {str(number): number for number in range(SCALE_MOST + 1)}
_TYPED = re.compile(r"(-?[0-9]{1,9})(?:[.,]([0-9]{1,9}))?")


def visible_items(protocol: Protocol, answers: Answers, context: Context) -> tuple[Item, ...]:
    """The items that are shown, given the answers so far."""
    return tuple(evaluator(protocol).case(answers, context).shown)


def next_item(protocol: Protocol, answers: Answers, context: Context, *, after: str | None) -> Item | None:
    """The shown item that follows `after`; without `after`, the first that is not answered in full. None at the end."""
    shown = visible_items(protocol, answers, context)
    if after is None:
        return next((item for item in shown if not in_full(item, answers.get(item.key))), None)
    order = _order(protocol)
    return next((item for item in shown if order[item.key] > order[after]), None)


def previous_item(protocol: Protocol, answers: Answers, context: Context, *, before: str) -> Item | None:
    """The shown item that stands before `before`; None at the start."""
    order = _order(protocol)
    earlier = [item for item in visible_items(protocol, answers, context) if order[item.key] < order[before]]
    return earlier[-1] if earlier else None


def is_complete(protocol: Protocol, answers: Answers, context: Context) -> bool:
    """Whether every required item that is shown is answered in full."""
    return not evaluator(protocol).case(answers, context).open


def step(protocol: Protocol, item: Item, answers: Answers, context: Context) -> tuple[int, int]:
    """Number of the item's page, and of how many. A question that hangs on another's answer keeps that one's number."""
    parents, order = _parents(protocol), _order(protocol)
    main = [shown.key for shown in visible_items(protocol, answers, context) if shown.key not in parents]
    place = order[parents.get(item.key, item.key)]
    return max(1, sum(order[key] <= place for key in main)), len(main)


def check_answer(item: Item, raw: Raw) -> Answer:
    """The answer that a form holds. Raises InvalidInput with the field and one of the message keys

    choose_one, choose_number (least, most), answer_each_line (lines: keys joined by commas; the field is the first),
    write_number, write_whole_number, too_many_decimals (decimals), number_out_of_range (least, most),
    write_something, too_long (most, length).
    """
    return _READERS[item.kind](item, raw)


@lru_cache(maxsize=64)
def _order(protocol: Protocol) -> Mapping[str, int]:
    return {item.key: number for number, item in enumerate(protocol.items)}


@lru_cache(maxsize=64)
def _parents(protocol: Protocol) -> Mapping[str, str]:
    """Item key to the key of the question it hangs on, up to one that hangs on none."""
    sets, order = {derived.name: derived.when for derived in protocol.sets}, _order(protocol)
    parents: dict[str, str] = {}
    for item in protocol.items:
        asked = items_of(item.show_if, sets) if item.show_if else frozenset()
        if asked:
            nearest = max(asked, key=lambda key: order[key])
            parents[item.key] = parents.get(nearest, nearest)
    return parents


def _sent(raw: Raw, field: str) -> str | None:
    """The field's value; the last one where it was sent twice, as browsers do for a hidden field and its checkbox."""
    value = raw.get(field)
    if isinstance(value, list):
        return value[-1] if value else None
    return value


def _choice(item: Item, raw: Raw) -> Answer:
    chosen = _sent(raw, ANSWER)
    if chosen is None or all(option.key != chosen for option in item.options):
        raise InvalidInput(ANSWER, "choose_one")
    return chosen


def _scale(_item: Item, raw: Raw) -> Answer:
    number = _NUMBERS.get(_sent(raw, ANSWER) or "")
    if number is None:
        raise InvalidInput(ANSWER, "choose_number", least=0, most=SCALE_MOST)
    return number


def _number(item: Item, raw: Raw) -> Answer:
    text = (_sent(raw, ANSWER) or "").strip()
    if not text and not item.required:
        return ""
    typed = _TYPED.fullmatch(text)
    if typed is None:
        raise InvalidInput(ANSWER, "write_number")
    whole, behind = typed[1], typed[2] or ""
    # Counted as typed, not by value: in "1,000" the comma parts thousands, and 1 is not what was meant.
    if len(behind) > item.decimals:
        raise _too_fine(item)
    number = float(f"{whole}.{behind or 0}") if item.decimals else int(whole)
    if not item.least <= number <= item.most:
        raise InvalidInput(ANSWER, "number_out_of_range", least=as_typed(item.least), most=as_typed(item.most))
    return number


def _too_fine(item: Item) -> InvalidInput:
    if item.decimals:
        return InvalidInput(ANSWER, "too_many_decimals", decimals=item.decimals)
    return InvalidInput(ANSWER, "write_whole_number")


def _text(item: Item, raw: Raw) -> Answer:
    text = _CONTROL.sub(" ", (_sent(raw, ANSWER) or "").replace("\r\n", "\n")).strip()
    if item.required and not text:
        raise InvalidInput(ANSWER, "write_something")
    if len(text) > item.max_length:
        raise InvalidInput(ANSWER, "too_long", most=item.max_length, length=len(text))
    return text


def _lines(item: Item, raw: Raw) -> Answer:
    marked = {line.key: value for line in item.lines if (value := _sent(raw, line.key)) in (YES, NO)}
    alarmed = item.red_flag and YES in marked.values()
    if not alarmed and not in_full(item, marked):
        missing = [line.key for line in item.plain_lines if line.key not in marked]
        raise InvalidInput(missing[0], "answer_each_line", lines=",".join(missing))
    return marked


_READERS: Mapping[ItemKind, Callable[[Item, Raw], Answer]] = {
    ItemKind.CHOICE: _choice,
    ItemKind.LINES: _lines,
    ItemKind.NUMBER: _number,
    ItemKind.SCALE: _scale,
    ItemKind.TEXT: _text,
}
