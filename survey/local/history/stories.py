"""Ninety days of a clinic that never was: who had which procedure, who answered what when, and how it ended. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import TypeVar

from survey.domain import invitations
from survey.domain.answers import Answer
from survey.domain.invitations import Trouble
from survey.domain.protocol import Context, Flag, Protocol, Tier
from survey.domain.responses import SESSION_LASTS, Judgement, judge
from survey.domain.sites import Site, next_workday
from survey.local.history import people
from survey.local.history.answers import URGENT, Course, answers
from survey.local.history.people import Invented

DAYS = 90
FIRST_PERSON = 200
"""The numbers before it belong to the patients of the live demo."""
LEAST_A_DAY, MOST_A_DAY = 12, 20

SITES = {
    "trapezius_upper": 30,
    "lumbar_paraspinal": 20,
    "shoulder": 16,
    "back_upper_mid": 12,
    "hip_buttock": 10,
    "neck_upper": 8,
    "leg": 4,
}
AGENTS = {("lidocaine",): 62, ("bupivacaine",): 18, ("lidocaine", "dexamethasone"): 14, ("saline",): 6}
INJECTORS = {"Dr. Fableton": 0.0, "Dr. Mockridge": -0.2, "Dr. Storystone": 0.25}
"""Name → what it adds to the mean soreness: differences small enough to be chance."""
FLAGS_YES = {"anticoag": 0.08, "diabetes": 0.12, "immuno": 0.03, "lung": 0.10}
FLAG_UNKNOWN = 0.02

SORENESS_AT_FIRST, SORENESS_NOW = 3.6, 2.3
"""Mean on day 2, ninety days ago and today: the clinic has got better at it."""


class Reply(StrEnum):
    """What came back to the text."""

    WHOLE = "whole"
    PART = "part"
    """Started and left."""
    NONE = "none"


class Ending(StrEnum):
    """How a check-in without an answer of the patient's own stands now."""

    PHONED = "phoned"
    STOPPED = "stopped"
    OPEN = "open"


REPLIES = {Reply.WHOLE: 77.5, Reply.PART: 1.5, Reply.NONE: 21.0}
TROUBLES = {None: 96.8, Trouble.UNDELIVERED: 1.4, Trouble.LANDLINE: 1.0, Trouble.NO_CONSENT: 0.8}
ENDINGS = {Ending.PHONED: 46.0, Ending.STOPPED: 53.0, Ending.OPEN: 1.0}
COURSES = {Course.USUAL: 96.0, Course.WATCH: 3.5, Course.INFECTED: 0.3, Course.CHEST: 0.2}
URGENT_EVERY, EMERGENCY_EVERY = 110, 260
"""Beside chance: so many answers apart somebody is surely worse, every second time at night."""
REASONS = ("No answer after two calls", "Seen in the clinic before the text", "Patient asked not to be followed up")
NIGHT_FALLS, NIGHT_LASTS_MIN = time(22, 10), 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One answer and when it was given."""

    item: str
    value: Answer
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What somebody answered, and what the protocol makes of it. `phoned`: a member of staff asked and typed."""

    phoned: bool
    helper: bool
    started_at: datetime
    given: tuple[Given, ...]
    submitted_at: datetime | None
    context: Context
    judgement: Judgement
    course: Course

    @property
    def tier(self) -> Tier:
        """How soon somebody had to act."""
        return self.judgement.tier or Tier.ROUTINE

    @property
    def answered_at(self) -> datetime:
        """The instant of the last answer."""
        return self.given[-1].at

    @property
    def settled_at(self) -> datetime:
        """When nothing more was to be waited for: it was sent, or lay untouched for an hour."""
        return self.submitted_at or self.answered_at + SESSION_LASTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One procedure and its check-in. `flags` is what staff recorded; instants are aware UTC."""

    number: int
    person: Invented
    performed_on: date
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    lot: str | None
    injector: str
    flags: Mapping[str, Flag]
    due_at: datetime
    sent_at: datetime
    trouble: Trouble | None
    """Why the text did not get through."""
    response: Response | None
    stopped_at: datetime | None = None
    stop_reason: str | None = None


def stories(protocol: Protocol, site: Site, *, now: datetime, seed: int = 2) -> Iterator[Story]:
    """Every story whose check-in fell due before today, oldest first; the same for the same day and seed."""
    today = site.local(now).date()
    persons = people.people(seed=seed, today=today, free=people.numbers(first=FIRST_PERSON))
    teller = _Teller(protocol=protocol, site=site, now=now, seed=seed)
    for day in working_days(site, today=today):
        for _ in range(teller.procedures_on(day)):
            yield teller.tell(next(persons), day)


def working_days(site: Site, *, today: date) -> Iterator[date]:
    """The days of procedures whose second day was before `today`."""
    days = (today - timedelta(days=back) for back in range(DAYS + 2, 2, -1))
    return (day for day in days if day.isoweekday() in site.workdays)


class _Teller:
    """Makes up one story after the other; only the counts carry over."""

    def __init__(self, *, protocol: Protocol, site: Site, now: datetime, seed: int) -> None:
        self.protocol, self.site, self.now, self.seed = protocol, site, now, seed
        self.told = self.answered = 0

    def procedures_on(self, day: date) -> int:
        return _random(self.seed, day.isoformat()).randint(LEAST_A_DAY, MOST_A_DAY)

    def tell(self, person: Invented, day: date) -> Story:
        self.told += 1
        random = _random(self.seed, f"story {self.told}")
        agents = pick(AGENTS, random)
        due_at = invitations.due_at(day, self.protocol.touches[0], self.site.tz)
        story = Story(
            number=self.told,
            person=person,
            performed_on=day,
            body_sites=(pick(SITES, random),),
            agents=agents,
            lot=lot(agents, day),
            injector=random.choice(list(INJECTORS)),
            flags={name: flag(random, often) for name, often in FLAGS_YES.items()},
            due_at=due_at,
            sent_at=due_at + timedelta(milliseconds=random.randint(300, 9000)),
            trouble=pick(TROUBLES, random),
            response=None,
        )
        reply = pick(REPLIES, random) if story.trouble is None else Reply.NONE
        return self._replied(story, reply, random) if reply is not Reply.NONE else self._called(story, random)

    def _replied(self, story: Story, reply: Reply, random: Random) -> Story:
        self.answered += 1
        course, at_night = self._course(reply, random)
        started_at = self._started_at(story.sent_at, random, at_night=at_night)
        return replace(story, response=self._response(story, course, started_at, random, reply=reply))

    def _course(self, reply: Reply, random: Random) -> tuple[Course, bool]:
        if reply is Reply.PART:
            return Course.USUAL, False
        if self.answered % EMERGENCY_EVERY == 120:
            return Course.COLLAPSED, self.answered // EMERGENCY_EVERY % 2 == 0
        if self.answered % URGENT_EVERY == 40:
            turn = self.answered // URGENT_EVERY
            return URGENT[turn % len(URGENT)], turn % 2 == 1
        return pick(COURSES, random), False

    def _started_at(self, sent_at: datetime, random: Random, *, at_night: bool) -> datetime:
        """Most answer within two hours, and nobody by chance in the small hours; never later than last midnight."""
        local = self.site.local(sent_at + timedelta(minutes=min(random.lognormvariate(4.2, 1.3), 2800)))
        if at_night:
            evening = _on(self.site, self.site.local(sent_at).date(), NIGHT_FALLS)
            local = evening + timedelta(minutes=random.randint(0, NIGHT_LASTS_MIN))
        elif not time(7) <= local.time() < time(22, 30):
            local = _on(self.site, local.date(), time(19)) - timedelta(minutes=random.randint(0, 420))
        return max(min(local, self.now - timedelta(hours=2)), sent_at + timedelta(seconds=40))

    def _called(self, story: Story, random: Random) -> Story:
        """Whoever did not answer is called on the next working day, if that hour has been; else it is still open."""
        day = next_workday(self.site, self.site.local(story.due_at).date())
        called_at = _on(self.site, day, time(9, 5)) + timedelta(minutes=random.randint(0, 360))
        ending = pick(ENDINGS, random)
        if called_at > self.now - timedelta(minutes=10) or ending is Ending.OPEN:
            return story
        if ending is Ending.STOPPED:
            return replace(story, stopped_at=called_at, stop_reason=random.choice(REASONS))
        return replace(story, response=self._response(story, Course.USUAL, called_at, random, phoned=True))

    def _response(
        self,
        story: Story,
        course: Course,
        started_at: datetime,
        random: Random,
        *,
        reply: Reply = Reply.WHOLE,
        phoned: bool = False,
    ) -> Response:
        context = self.protocol.context_for(body_sites=story.body_sites, agents=story.agents, given=story.flags)
        given = answers(
            self.protocol,
            context,
            course=course,
            soreness=self._soreness(story),
            language=story.person.language,
            random=random,
        )
        if reply is Reply.PART:
            given = dict(list(given.items())[: random.randint(2, 6)])
        timed = _timed(given, started_at, random)
        submitted_at = timed[-1].at + timedelta(seconds=random.randint(6, 20)) if reply is Reply.WHOLE else None
        return Response(
            phoned=phoned,
            helper=not phoned and random.random() < 0.06,
            started_at=started_at,
            given=timed,
            submitted_at=submitted_at,
            context=context,
            judgement=judge(self.protocol, given, context, finished=True),
            course=course,
        )

    def _soreness(self, story: Story) -> float:
        age = (self.site.local(self.now).date() - story.performed_on).days / (DAYS + 2)
        return SORENESS_NOW + (SORENESS_AT_FIRST - SORENESS_NOW) * age + INJECTORS[story.injector]


def _timed(given: Mapping[str, Answer], started_at: datetime, random: Random) -> tuple[Given, ...]:
    timed, at = [], started_at
    for item, value in given.items():
        at += timedelta(seconds=random.uniform(3, 14))
        timed.append(Given(item=item, value=value, at=at))
    return tuple(timed)


Kind = TypeVar("Kind")


def pick(often: Mapping[Kind, float], random: Random) -> Kind:
    """One of the keys, as often as its number says."""
    return random.choices(list(often), weights=list(often.values()))[0]


def _random(seed: int, name: str) -> Random:
    return Random(f"{seed} {name}")  # noqa: S311 (the same history at every start is the point)


def _on(site: Site, day: date, wall: time) -> datetime:
    return datetime.combine(day, wall, tzinfo=site.tz)


def flag(random: Random, often: float) -> Flag:
    """What staff wrote down of one fact."""
    drawn = random.random()
    if drawn < FLAG_UNKNOWN:
        return Flag.UNKNOWN
    return Flag.YES if drawn < FLAG_UNKNOWN + often else Flag.NO


def lot(agents: tuple[str, ...], day: date) -> str:
    """The lot in use that day; one lasts about three weeks."""
    return f"{agents[0][:3].upper()}-{day:%y}{day.timetuple().tm_yday // 21:02}"
