"""The judge: knows what people did and what reached their phones, and nothing of how the product decides."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

AUTOMATIC = frozenset({"invitation", "reminder"})
CAPPED = AUTOMATIC | {"confirm", "called"}
ASKED_FOR = frozenset({"fresh_link"})
CARE = frozenset({"not_reached"})
"""What to do since the promised call did not come: by day and night, and of course after the answers."""
AT_ANY_HOUR = ASKED_FOR | CARE | {"confirm"}
"""The patient stands at the desk, or has just asked."""
REPLIES = frozenset({"stopped", "started", "help", "wrong_number", "call_back", "not_watched"})
CONFIRMS_STOP = frozenset({"stopped", "wrong_number"})
"""Replies that end the texts: one of them may still leave."""
OPENS, CLOSES = time(9), time(19)
A_WEEK = timedelta(days=7)


class Broken(StrEnum):
    """A promise that a letter breaks."""

    AFTER_STOP = "it left after the owner of the number had asked for no more"
    OUT_OF_WINDOW = "it left before nine or after seven on the patient's clock"
    SECOND_OF_THE_DAY = "it is the number's second of the day"
    FOURTH_OF_THE_WEEK = "it is the number's fourth within seven days"
    FOURTH_CONTACT = "it is the survey's fourth automatic contact"
    AFTER_THE_END = "it left after the survey was over"
    TWICE = "the same message arrived before"
    NO_CONSENT = "the patient has not agreed"
    NO_TEXTS_THERE = "the number takes no texts"
    UNASKED_REPLY = "it answers a text that was answered before"
    STRANGER = "nobody enrolled is known by this survey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One request that reached a provider. `arrived`: a phone or a mailbox got it, whatever we were told."""

    at: datetime
    to: str
    kind: str
    message: UUID
    arrived: bool
    survey: UUID | None = None
    answers: UUID | None = None

    @property
    def by_text(self) -> bool:
        """A phone, not a mailbox."""
        return self.to.startswith("+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the judge knows of one survey from the day it was enrolled."""

    zone: str
    agreed: bool = True
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One promise broken by one letter."""

    broken: Broken
    letter: Letter

    def __str__(self) -> str:
        at = self.letter.at.isoformat(timespec="minutes")
        return f"{at} {self.letter.kind} {self.letter.message}: {self.broken}"


@dataclass
class Judge:
    """Told of what people do as it takes effect, and of each letter in the order in which they left."""

    surveys: dict[UUID, Known] = field(default_factory=dict)
    over: dict[UUID, datetime] = field(default_factory=dict)
    closed: set[UUID] = field(default_factory=set)
    stopped: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    disowned: dict[str, datetime] = field(default_factory=dict)
    no_texts: dict[str, datetime] = field(default_factory=dict)
    arrived: Counter[UUID] = field(default_factory=Counter)
    contacts: defaultdict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    days: defaultdict[str, list[date]] = field(default_factory=lambda: defaultdict(list))
    answered: set[tuple[UUID, str]] = field(default_factory=set)
    owed: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def opted_out(self, number: str, at: datetime, *, everything: bool) -> None:
        """The owner's word has been handled: from now on nothing may leave, but for one confirmation."""
        before = self.stopped.get(number)
        self.stopped[number] = (before[0] if before else at, everything or bool(before and before[1]))
        self.owed[number] += 1

    def opted_in(self, number: str) -> None:
        """The owner wants texts again."""
        self.stopped.pop(number, None)
        self.disowned.pop(number, None)

    def not_theirs(self, number: str, at: datetime, *, by_text: bool) -> None:
        """The number is somebody else's: nothing goes there any more. The mailbox is not meant by that."""
        self.disowned.setdefault(number, at)
        self.owed[number] += by_text

    def ended(self, survey: UUID, at: datetime, *, closed: bool = False) -> None:
        """Answered or reached; `closed` by the clinic, or its procedure cancelled."""
        self.over.setdefault(survey, at)
        if closed:
            self.closed.add(survey)

    def hear(self, letter: Letter) -> list[Finding]:
        """Judge one letter, and remember it."""
        found = [Finding(broken=broken, letter=letter) for broken in self._broken(letter)]
        self.findings += found
        self._remember(letter)
        return found

    def _broken(self, letter: Letter) -> Iterator[Broken]:
        yield from self._stop(letter)
        if letter.arrived and self.arrived[letter.message]:
            yield Broken.TWICE
        if letter.kind in REPLIES:
            if letter.arrived and letter.answers and (letter.answers, letter.kind) in self.answered:
                yield Broken.UNASKED_REPLY
            return
        known = self.surveys.get(letter.survey) if letter.survey else None
        if known is None:
            yield Broken.STRANGER
            return
        yield from self._whom(letter, known)
        yield from self._when(letter, known)
        if letter.arrived:
            yield from self._how_many(letter, known)

    def _stop(self, letter: Letter) -> Iterator[Broken]:
        if letter.kind in CONFIRMS_STOP and self.owed[letter.to]:
            return
        if _since(self.disowned.get(letter.to), letter) and letter.kind not in REPLIES:
            yield Broken.AFTER_STOP
        known = self.surveys.get(letter.survey) if letter.survey else None
        number = letter.to if letter.by_text else known.number if known else None
        at, everything = self.stopped.get(number or "", (None, False))
        if _since(at, letter) and (everything or letter.kind not in REPLIES | ASKED_FOR):
            yield Broken.AFTER_STOP

    def _whom(self, letter: Letter, known: Known) -> Iterator[Broken]:
        if _since(self.no_texts.get(letter.to), letter):
            yield Broken.NO_TEXTS_THERE
        if not known.agreed:
            yield Broken.NO_CONSENT

    def _when(self, letter: Letter, known: Known) -> Iterator[Broken]:
        assert letter.survey
        end = self.over.get(letter.survey)
        is_wanted = letter.kind in ASKED_FOR | CARE and letter.survey not in self.closed
        if _since(end, letter) and not is_wanted:
            yield Broken.AFTER_THE_END
        wall = letter.at.astimezone(ZoneInfo(known.zone)).time()
        if letter.kind not in AT_ANY_HOUR and not OPENS <= wall < CLOSES:
            yield Broken.OUT_OF_WINDOW

    def _how_many(self, letter: Letter, known: Known) -> Iterator[Broken]:
        assert letter.survey
        others = self.contacts[letter.survey] - {letter.message}
        if letter.kind in AUTOMATIC and len(others) >= 3:
            yield Broken.FOURTH_CONTACT
        if letter.kind in CAPPED and letter.by_text:
            day = letter.at.astimezone(ZoneInfo(known.zone)).date()
            days = self.days[letter.to]
            if day in days:
                yield Broken.SECOND_OF_THE_DAY
            if sum(day - A_WEEK < other <= day for other in days) >= 3:
                yield Broken.FOURTH_OF_THE_WEEK

    def _remember(self, letter: Letter) -> None:
        self.counted[letter.kind if letter.by_text else f"{letter.kind} by mail"] += letter.arrived
        if not letter.arrived:
            self.counted["never arrived"] += 1
            return
        self.arrived[letter.message] += 1
        if letter.kind in REPLIES and letter.answers:
            self.answered.add((letter.answers, letter.kind))
            if letter.kind in CONFIRMS_STOP and self.owed[letter.to]:
                self.owed[letter.to] -= 1
        known = self.surveys.get(letter.survey) if letter.survey else None
        if known is None or letter.survey is None:
            return
        if letter.kind in AUTOMATIC:
            self.contacts[letter.survey].add(letter.message)
        if letter.kind in CAPPED and letter.by_text:
            self.days[letter.to].append(letter.at.astimezone(ZoneInfo(known.zone)).date())


def _since(at: datetime | None, letter: Letter) -> bool:
    """Whether it left at that moment or later."""
    return at is not None and letter.at >= at
