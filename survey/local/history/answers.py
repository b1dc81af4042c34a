"""How an invented patient answers: mostly sore and getting better, now and then something worse."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from random import Random

from survey.domain.answers import NO, YES, Answer, Answers
from survey.domain.protocol import Context, Item, ItemKind, Protocol, Worse
from survey.domain.questionnaire import next_item


class Course(StrEnum):
    """What became of somebody after the procedure."""

    USUAL = "usual"
    WATCH = "watch"
    """Something that wants a call on a working day."""
    INFECTED = "infected"
    WEAK = "weak"
    BLEEDING = "bleeding"
    CHEST = "chest"
    """A sharp pain on a deep breath."""
    COLLAPSED = "collapsed"
    """A red flag."""


URGENT = (Course.INFECTED, Course.CHEST, Course.WEAK, Course.BLEEDING)

USUAL: Mapping[str, Mapping[str, float]] = {
    "breath": {"no": 1},
    "trend": {"better": 88, "same": 12},
    "weak": {"no": 94, "gone": 5, "better": 1},
    "weakfx": {"ok": 1},
    "fever": {"no": 1},
    "bleed": {"no": 84, "small": 16},
    "allergy": {"no": 96, "local": 4},
    "faint": {"no": 97, "once": 3},
    "headneck": {"no": 1},
    "sugar": {"ok": 75, "unk": 25},
    "help": {"none": 87, "little": 13},
}
"""Item → option → how often."""

UNUSUAL: Mapping[Course, Mapping[str, Mapping[str, float]]] = {
    Course.USUAL: {},
    Course.WATCH: {
        "trend": {"worse": 40, "same": 60},
        "fever": {"no": 85, "felt": 15},
        "help": {"none": 20, "little": 30, "next": 50},
    },
    Course.INFECTED: {
        "trend": {"worse": 1},
        "fever": {"felt": 30, "yes": 60, "chills": 10},
        "help": {"little": 20, "today": 80},
    },
    Course.WEAK: {"weak": {"worse": 1}, "weakfx": {"trouble": 60, "cannot": 40}, "help": {"next": 30, "today": 70}},
    Course.BLEEDING: {"bleed": {"grow": 1}, "trend": {"worse": 1}, "help": {"next": 50, "today": 50}},
    Course.CHEST: {"breath": {"deep": 1}, "help": {"little": 50, "today": 50}},
    Course.COLLAPSED: {"help": {"today": 1}},
}

RED_LINES = ("breath", "chest", "passout", "bleedstop")
INFECTED_LINES = ("grow", "hot", "pus")
NOTES = {
    "en": ("Could I have the next visit in the morning?", "Much better than last time, thank you."),
    "es": ("Estoy mucho mejor que la última vez, gracias.", "¿Puedo bañarme en la alberca?"),
}
NOTED = 0.02
COULD_NOT_LOOK = 0.03
FIRST, LAST = 0.88, 0.6
"""How often the first of the options that are left is taken, and the last one by somebody who is ill."""


def answers(
    protocol: Protocol, context: Context, *, course: Course, soreness: float, language: str, random: Random
) -> Answers:
    """A whole set of answers to what the protocol shows, in the order asked. `soreness` is the mean, 0 to 10."""
    given: dict[str, Answer] = {}
    item = next_item(protocol, given, context, after=None)
    while item is not None:
        answered = _answer(item, course=course, soreness=soreness, language=language, random=random)
        if answered is not None:
            given[item.key] = answered
        item = next_item(protocol, given, context, after=item.key)
    return given


def _answer(item: Item, *, course: Course, soreness: float, language: str, random: Random) -> Answer | None:
    if item.kind is ItemKind.SCALE:
        return _soreness(course, soreness, random)
    if item.kind is ItemKind.NUMBER:
        return _number(item, course, random)
    if item.kind is ItemKind.TEXT:
        return random.choice(NOTES.get(language, NOTES["en"])) if random.random() < NOTED else None
    if item.kind is ItemKind.LINES:
        return _lines(item, course, random)
    often = _often(item, course)
    return random.choices(list(often), weights=list(often.values()))[0]


def _often(item: Item, course: Course) -> Mapping[str, float]:
    """Option → how often. Of a question that is not told here: mostly its first option, or its last when it is bad."""
    options = [option.key for option in item.options]
    told = UNUSUAL[course].get(item.key) or USUAL.get(item.key, {})
    if told and told.keys() <= {*options}:
        return told
    last = LAST if item.ordered and course in URGENT else 0.0
    falling = [(1 - last) * FIRST * (1 - FIRST) ** place for place in range(len(options))]
    return {**dict(zip(options, falling, strict=True)), options[-1]: falling[-1] + last}


def _soreness(course: Course, mean: float, random: Random) -> int:
    worse = {Course.USUAL: 0.0, Course.CHEST: 1.0, Course.COLLAPSED: 1.0}.get(course, 3.0)
    return max(0, min(10, round(random.gauss(mean + worse, 1.7))))


def _number(item: Item, course: Course, random: Random) -> int | float:
    """Near the better end, with room before it; some way up when there is an infection."""
    share = max(0.0, min(1.0, random.gauss({Course.INFECTED: 0.55}.get(course, 0.2), 0.04)))
    if item.worse is Worse.LOWER:
        share = 1 - share
    number = round(item.least + share * (item.most - item.least), item.decimals)
    return number if item.decimals else int(number)


def _lines(item: Item, course: Course, random: Random) -> Answer:
    if item.red_flag:
        marked = _red_lines(item, course, random)
    elif course is Course.INFECTED:
        marked = _infected_lines(item, random)
    elif course is Course.WATCH and item.key == "skin" and random.random() < 0.3:
        marked = {"hot"} & {line.key for line in item.plain_lines}
    elif item.exclusive_line and random.random() < COULD_NOT_LOOK:
        return {item.exclusive_line.key: YES}
    else:
        marked = set()
    return {line.key: YES if line.key in marked else NO for line in item.plain_lines}


def _red_lines(item: Item, course: Course, random: Random) -> set[str]:
    return {random.choice(_those(item, RED_LINES))} if course is Course.COLLAPSED else set()


def _infected_lines(item: Item, random: Random) -> set[str]:
    """One that tells of an infection, where the item has such a line, and always the heat."""
    those = [key for key in INFECTED_LINES if key in {line.key for line in item.plain_lines}]
    return {random.choice(those), "hot"} if those else set()


def _those(item: Item, keys: Sequence[str]) -> Sequence[str]:
    """Those of the keys that the item has as lines; all its lines when it has none of them."""
    every = [line.key for line in item.plain_lines]
    return [key for key in keys if key in every] or every
