"""What patients do: with a link that arrived, with a text of their own, and at the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from survey.domain.errors import NotFound
from survey.domain.patients import ContactKind
from survey.domain.responses import AnsweredBy
from survey.domain.stops import Reason
from survey.services import fresh_links, patients, responses, stops
from survey.store import responses as store
from survey.store.session import transaction
from tests.cast import SAM
from tests.simulation.judge import Letter
from tests.simulation.people import WORDS, Habit, Person
from tests.staff import CALM
from tests.surveys import GOOD_DAY

if TYPE_CHECKING:
    from tests.simulation.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TAPPED_THROUGH = 48
"""One in so many presses each button; the others save all answers in one statement."""
A_FEW = 2
"""Taps of somebody who opens it and stops."""
EXPECTED = {
    Habit.STOPS: "stop",
    Habit.STOPS_ALL: "stop_all",
    Habit.STARTS_AGAIN: "stop",
    "START": "start",
    Habit.WRONG: "wrong_number",
    Habit.ASKS_CALL: "call",
    Habit.WRITES_RED: "text",
}
"""What their words have to be taken for."""

Reader = Callable[["World", Person, Letter, str, datetime], None]


# ---- at the desk


def after_enrolment(world: World, person: Person, now: datetime) -> None:
    """What is not the patient's doing."""
    later = now + timedelta(hours=Random(f"{world.plan.seed} fate {person.index}").randint(1, 24 * 9))
    if person.habit is Habit.CANCELLED:
        world.later(later, lambda at: _cancel(world, person, at))
    elif person.habit in (Habit.STOPPED, Habit.DIED):
        world.later(later, lambda at: _stop_contact(world, person, at))


def _cancel(world: World, person: Person, now: datetime) -> None:
    patients.cancel(person.procedure, by=SAM.actor, now=now)
    _all_over(world, person, now)


def _stop_contact(world: World, person: Person, now: datetime) -> None:
    reason = Reason.DIED if person.habit is Habit.DIED else Reason.ADMITTED
    stops.stop(person.id, reason=reason, note=None, everywhere=False, by=SAM.actor, now=now)
    _all_over(world, person, now)


def _all_over(world: World, person: Person, now: datetime) -> None:
    for survey in person.surveys:
        world.judge.ended(survey, now, closed=True)


# ---- a link arrived


def reads(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    """The phone or the mailbox has a link; what follows comes after the person's own delay."""
    do = _READS.get(person.habit)
    if do is not None:
        world.later(now + person.delay, lambda at: do(world, person, letter, token, at))


def _answers(world: World, person: Person, letter: Letter, token: str, now: datetime, *, taps: int = 0) -> bool:
    """Start and answer, all of it or so many `taps`; it is sent when nothing is left. Whether it was."""
    try:
        session = responses.start(token, language=person.language, now=now)
    except NotFound:
        world.seen["links that were dead"] += 1
        return False
    responses.begin(session, answered_by=AnsweredBy.SELF, now=now)
    is_done = _taps(session, taps, now) if person.index % TAPPED_THROUGH == 0 or taps else _at_a_stroke(session, now)
    if is_done and letter.survey:
        responses.submit(session, now=now)
        world.judge.ended(letter.survey, now)
        world.seen["answered"] += 1
    return is_done


def _taps(session: str, taps: int, now: datetime) -> bool:
    """One question after the other, at most so many if any number is given; whether all were answered."""
    item, left = responses.visit(session, now=now).first_open(), taps or 99
    while item is not None and left:
        item = responses.answer(session, item.key, GOOD_DAY[item.key], now=now).visit.first_open()
        left -= 1
    return item is None


def _at_a_stroke(session: str, now: datetime) -> bool:
    """The same in one statement: what single taps do is shown elsewhere, and costs most of the time."""
    at = responses.visit(session, now=now)
    assert at.response_id
    given = [(key, value) for key, value in CALM.items() if at.item(key) and key not in at.answers]
    with transaction() as tx:
        return store.save(tx, at.response_id, given, seen=at.revision, now=now) or not given


def _at_once(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    if letter.survey not in world.judge.over:
        _answers(world, person, letter, token, now)


def _after_reminder(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    if letter.kind == "reminder":
        _at_once(world, person, letter, token, now)


def _by_mail(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    if not letter.by_text:
        _at_once(world, person, letter, token, now)


def _opens(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    _answers(world, person, letter, token, now, taps=A_FEW)


def _amends(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    if letter.survey not in world.judge.over and _answers(world, person, letter, token, now):
        world.later(now + 2 * DAY, lambda at: _amend(world, person, token, at))


def _amend(world: World, person: Person, token: str, now: datetime) -> None:
    """Something changed: the same link, once more."""
    try:
        session = responses.start(token, language=person.language, now=now)
    except NotFound:
        world.seen["links that were dead"] += 1
        return
    responses.begin(session, answered_by=AnsweredBy.SELF, now=now)
    asked = next(key for key in GOOD_DAY if responses.visit(session, now=now).item(key))
    responses.answer(session, asked, GOOD_DAY[asked], now=now)
    responses.submit(session, now=now)
    world.seen["amended"] += 1


def _not_me(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    if letter.by_text and "not me" not in person.done:
        person.done.add("not me")
        try:
            session = responses.start(token, language=person.language, now=now)
        except NotFound:
            return
        responses.not_me(session, now=now)
        world.seen["not me"] += 1
        if not person.shared:  # else the number is the other one's
            world.judge.not_theirs(person.number, now, by_text=False)


def _asks_link(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    if letter.kind == "fresh_link":
        _at_once(world, person, letter, token, now)
    elif letter.survey not in world.judge.over and str(letter.survey) not in person.done:
        person.done.add(str(letter.survey))
        fresh_links.ask(token, now=now)
        world.seen["fresh links asked for"] += 1


def _writes(world: World, person: Person, letter: Letter, token: str, now: datetime) -> None:
    """Whatever the habit's words are, once; by text, since that is what the number is for."""
    assert token
    if not letter.by_text or "wrote" in person.done:
        return
    person.done.add("wrote")
    words = Random(f"{world.plan.seed} words {person.index}").choice(WORDS[person.habit])
    world.text(person.number, words, now, meant=person.habit, by=person)
    if person.habit is Habit.STARTS_AGAIN:
        world.later(now + 20 * HOUR, lambda at: world.text(person.number, "START", at, meant="START", by=person))


_READS: dict[Habit, Reader] = {
    Habit.AT_ONCE: _at_once,
    Habit.AFTER_REMINDER: _after_reminder,
    Habit.BY_MAIL: _by_mail,
    Habit.OPENS: _opens,
    Habit.AMENDS: _amends,
    Habit.NOT_ME: _not_me,
    Habit.ASKS_LINK: _asks_link,
    **dict.fromkeys(WORDS, _writes),
}


# ---- a text of theirs was read


def was_read(world: World, person: Person | None, meant: Habit | str, sender: str, meaning: str, now: datetime) -> None:
    """The judge holds the product to what the words meant, not to what they were taken for."""
    assert person is None or ContactKind.SMS
    if EXPECTED.get(meant, meaning) != meaning:
        world.wrong.append(f"{now.isoformat()}: {meant} was taken for {meaning}")
    if meant in (Habit.STOPS, Habit.STARTS_AGAIN, Habit.STOPS_ALL):
        world.judge.opted_out(sender, now, everything=meant is Habit.STOPS_ALL)
    elif meant == "START":
        world.judge.opted_in(sender)
    elif meant is Habit.WRONG:
        world.judge.not_theirs(sender, now, by_text=True)
