"""Invented patients by the thousand, and what each of them will do: drawn from a seed before anything happens."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID, uuid4

from survey.domain.patients import Block


class Habit(StrEnum):
    """What somebody does about the texts."""

    AT_ONCE = "answers at once"
    AFTER_REMINDER = "answers after a reminder"
    BY_MAIL = "answers the mail only"
    BY_PHONE = "answers the phone only"
    NEVER = "never answers"
    OPENS = "opens it and stops"
    AMENDS = "answers, and adds more later"
    STOPS = "STOP"
    STOPS_ALL = "STOP ALL"
    STARTS_AGAIN = "STOP, and START again"
    WRONG = "WRONG"
    NOT_ME = "presses not me"
    ASKS_CALL = "CALL"
    WRITES = "writes back"
    WRITES_RED = "writes back red words"
    ASKS_LINK = "asks for a fresh link"
    CANCELLED = "procedure cancelled"
    STOPPED = "stop all contact"
    DIED = "died"


SHARES = {
    Habit.AT_ONCE: 36,
    Habit.AFTER_REMINDER: 12,
    Habit.BY_MAIL: 6,
    Habit.BY_PHONE: 8,
    Habit.NEVER: 9,
    Habit.OPENS: 7,
    Habit.AMENDS: 4,
    Habit.STOPS: 5,
    Habit.STOPS_ALL: 2,
    Habit.STARTS_AGAIN: 2,
    Habit.WRONG: 3,
    Habit.NOT_ME: 2,
    Habit.ASKS_CALL: 3,
    Habit.WRITES: 3,
    Habit.WRITES_RED: 2,
    Habit.ASKS_LINK: 3,
    Habit.CANCELLED: 2,
    Habit.STOPPED: 2,
    Habit.DIED: 1,
}
ZONES = {
    None: 50,  # the site's, New York
    "America/Chicago": 18,
    "America/Denver": 8,
    "America/Phoenix": 5,
    "America/Los_Angeles": 12,
    "America/Anchorage": 2,
    "Pacific/Honolulu": 2,
    "America/Puerto_Rico": 3,
}
LATE = 0.4
AREAS = tuple(str(area) for area in range(201, 990) if area % 100 != 11 and str(area)[1] != "9")
"""Fictional numbers stand behind 555-01 in each area."""

WORDS = {
    Habit.STOPS: ("STOP", "stop", "Stop.", "Unsubscribe", "PARAR", "please stop", "No more texts"),
    Habit.STOPS_ALL: ("STOP ALL", "stopall"),
    Habit.STARTS_AGAIN: ("STOP", "quit", "END"),
    Habit.WRONG: ("WRONG", "wrong number", "Número equivocado"),
    Habit.ASKS_CALL: ("CALL", "call me please", "LLAMAR"),
    Habit.WRITES: (
        "No",
        "Thank you!",
        "ok 👍",
        "Can I take a bath?",
        "it hurts " * 400,
        "¿Puedo bañarme?",
        "HELP",
        "🤕" * 99,
    ),
    Habit.WRITES_RED: ("it won't stop bleeding", "I can't breathe", "no puedo respirar"),
}


@dataclass(slots=True, kw_only=True)
class Person:
    """One patient, and what is drawn for them. `block`: the number takes no texts from the start."""

    id: UUID
    index: int
    number: str
    mail: str | None
    zone: str | None
    language: str
    habit: Habit
    agreed: bool
    block: Block | None
    dead: bool
    """The carrier refuses the number."""
    picks_up: float
    """How likely a call is answered."""
    delay: timedelta
    """From a text to what it makes the person do."""
    enrolled_on: date
    performed_on: date
    shared: bool = False
    procedure: UUID = field(default_factory=uuid4)
    surveys: dict[UUID, datetime] = field(default_factory=dict)
    """Each survey, and when it is due."""
    done: set[str] = field(default_factory=set)


def crowd(size: int, *, seed: str, first_day: date, days: int) -> Iterator[Person]:
    """So many patients, the same ones for the same seed, with procedures on `days` days."""
    before: Person | None = None
    for index in range(size):
        random = Random(f"{seed} {index}")
        one = _person(index, random, first_day + timedelta(days=index * days // size))
        if before is not None and not before.shared and random.random() < 0.04:
            one.number, one.zone, one.dead, one.block = before.number, before.zone, before.dead, before.block
            one.shared = before.shared = True
        yield one
        before = one


def _person(index: int, random: Random, day: date) -> Person:
    habit = random.choices(list(SHARES), list(SHARES.values()))[0]
    fate = random.random()
    return Person(
        id=uuid4(),
        index=index,
        number=f"+1{AREAS[index // 100 % len(AREAS)]}55501{index % 100:02d}",
        mail=f"p{index}@example.org" if habit is Habit.BY_MAIL or random.random() < 0.4 else None,
        zone=random.choices(list(ZONES), list(ZONES.values()))[0],
        language=random.choice(["en", "en", "en", "es"]),
        habit=habit,
        agreed=fate > 0.03,
        block=Block.LANDLINE if 0.03 < fate < 0.05 else Block.FOREIGN if 0.05 < fate < 0.06 else None,
        dead=0.06 < fate < 0.08,
        picks_up={Habit.NEVER: 0.05, Habit.BY_PHONE: 0.8}.get(habit, 0.4),
        delay=timedelta(minutes=random.choice([2, 7, 20, 55, 130, 300])),
        enrolled_on=day,
        # Some are brought in days later, when only the last survey still makes sense.
        performed_on=day - timedelta(days=8 if random.random() < LATE else 0),
    )
