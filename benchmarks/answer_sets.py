"""Random answers to a protocol's questions, the same ones for the same seed."""

import random
from collections.abc import Callable

from survey.domain.answers import NO, YES, Answer, Answers
from survey.domain.protocol import Context, Flag, Item, ItemKind, Protocol, Worse

Case = tuple[Answers, Context]
WELL = 0.95
"""Of a hundred patients so many report nothing that worries; the others differ in one to three answers."""
ON_RECORD = (Flag.NO,) * 17 + (Flag.YES,) * 2 + (Flag.UNKNOWN,)
NOTES = ("", "All fine, thank you.", "Se me inflamó un poco, ¿es normal?", "I passed out twice.", "me falta el aire")


def as_in_life(protocol: Protocol, dice: random.Random) -> Case:
    """Nearly always the best answer to everything that is asked, and mostly no flag."""
    answers = {item.key: _best(item, dice) for item in protocol.items if item.required}
    if dice.random() >= WELL:
        for item in dice.sample(protocol.items, k=dice.randint(1, 3)):
            answers[item.key] = _any(item, dice)
    return answers, {flag.key: dice.choice(ON_RECORD) for flag in protocol.flags}


def uniform(protocol: Protocol, dice: random.Random) -> Case:
    """Every answer as likely as any other, one in twenty left out, hidden items answered too."""
    answers = {item.key: _any(item, dice) for item in protocol.items if dice.random() >= 0.05}
    return answers, {flag.key: dice.choice(tuple(Flag)) for flag in protocol.flags if dice.random() >= 0.05}


MIXES: dict[str, Callable[[Protocol, random.Random], Case]] = {"as in life": as_in_life, "uniform": uniform}


def _best(item: Item, dice: random.Random) -> Answer:
    if item.kind is ItemKind.CHOICE:
        return item.options[0].key
    if item.kind is ItemKind.LINES:
        return {line.key: NO for line in item.plain_lines}
    if item.kind is ItemKind.TEXT:
        return ""
    better = item.most if item.worse is Worse.LOWER else item.least
    worse = item.least if item.worse is Worse.LOWER else item.most
    return int(better + (worse - better) * dice.choice((0, 0.1, 0.2, 0.3)))


def _any(item: Item, dice: random.Random) -> Answer:
    if item.kind is ItemKind.CHOICE:
        return dice.choice(item.options).key
    if item.kind is ItemKind.LINES:
        return _any_lines(item, dice)
    if item.kind is ItemKind.TEXT:
        return dice.choice(NOTES)
    return dice.randint(int(item.least), int(item.most))


def _any_lines(item: Item, dice: random.Random) -> dict[str, str]:
    exclusive = item.exclusive_line
    if exclusive and dice.random() < 1 / 6:
        return {exclusive.key: YES}
    return {line.key: dice.choice((YES, NO)) for line in item.plain_lines if dice.random() >= 0.02}
