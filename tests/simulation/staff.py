"""Staff work the call list twice a day: they call, ask the questions, note who did not pick up; the lead decides."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

from survey.domain.calls import LEAD, Line, Result, Wanted
from survey.domain.errors import Refused
from survey.domain.silence import Silence
from survey.domain.stops import Reason
from survey.services import calls, sheets
from tests.cast import LENA, SAM
from tests.simulation.people import Habit, Person
from tests.staff import CALM

if TYPE_CHECKING:
    from tests.simulation.world import World

SHARE = 40
"""One in so many patients is called in half a day."""
WORKDAYS = 5


def call(world: World, now: datetime) -> None:
    """From the top of the list, as many as staff manage."""
    if now.weekday() >= WORKDAYS:
        return
    left, page = max(20, world.plan.size // SHARE), 1
    while left > 0:
        shown = calls.look(Wanted(), page=page, now=now)
        for row in shown.rows:
            left -= _deal(world, row.line, now)
        page += 1
        if page > shown.pages or _is_tried(shown.rows[-1].line):
            return


def _is_tried(last: Line) -> bool:
    """Whether it is the last page that has somebody to call: after red ones and who asked, the tried ones come last."""
    return last.is_tried and last.asked_call_at is None and last.silence is not Silence.RED_UNREACHABLE


def lead(world: World, now: datetime) -> None:
    """The lead decides about the first page, once a day."""
    for row in calls.look(Wanted(kind=LEAD), page=1, now=now).rows:
        _decide(world, row.line, Random(f"{world.plan.seed} lead {row.line.invitation_id} {now}"), now)


def _deal(world: World, line: Line, now: datetime) -> bool:
    """One line; whether it cost a call."""
    person, random = world.of_survey[line.invitation_id], Random(f"{world.plan.seed} call {line.invitation_id} {now}")
    if line.is_tried or line.call_at > now:
        return False
    world.seen["calls"] += 1
    if person.habit in (Habit.WRONG, Habit.NOT_ME) and line.phone and random.random() < 0.5:
        calls.note(line.invitation_id, result=Result.WRONG_NUMBER, by=SAM.actor, now=now)
        if not person.shared:  # else the number is the other one's
            world.judge.not_theirs(person.number, now, by_text=False)
    elif random.random() < person.picks_up:
        _speak(world, line, person, random, now)
    else:
        result = random.choice([Result.NO_ANSWER, Result.VOICEMAIL])
        calls.note(line.invitation_id, result=result, by=SAM.actor, now=now, text=random.random() < 0.5)
    return True


def _speak(world: World, line: Line, person: Person, random: Random, now: datetime) -> None:
    """With the questions or without them: a talk is about all of the procedure that was due."""
    spoken_of = now
    if random.random() < 0.7:
        sheets.enter_by_phone(line.invitation_id, CALM, by=SAM.actor, now=now)
        world.seen["asked on the phone"] += 1
    else:
        calls.note(line.invitation_id, result=Result.REACHED, by=SAM.actor, now=now)
        world.seen["reached on the phone"] += 1
        spoken_of = max(now, person.surveys[line.invitation_id])
    for survey, due in person.surveys.items():
        if due <= spoken_of or survey == line.invitation_id:
            world.judge.ended(survey, now)


def _decide(world: World, line: Line, random: Random, now: datetime) -> None:
    if random.random() < 0.3:
        calls.send_back(line.invitation_id, by=LENA.actor, now=now)
        world.seen["sent back by the lead"] += 1
        return
    try:
        calls.close(line.invitation_id, reason=Reason.NOT_REACHED, note=None, by=LENA.actor, now=now)
    except Refused:
        world.seen["could not be closed"] += 1
        return
    world.judge.ended(line.invitation_id, now, closed=True)
    world.seen["closed by the lead"] += 1


def listed(now: datetime) -> set[UUID]:
    """Procedures on the call list and with the lead, page by page as staff turn them."""
    found: set[UUID] = set()
    for kind in ("", LEAD):
        page = pages = 1
        while page <= pages:
            shown = calls.look(Wanted(kind=kind), page=page, now=now)
            found |= {row.line.procedure_id for row in shown.rows}
            page, pages = page + 1, shown.pages
    return found
