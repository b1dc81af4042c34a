"""Carriers in this process that know what truly arrived, whatever they told the sender."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID

from survey.domain.messages import Delivery
from survey.messaging.outcomes import VALID_FOR, Attempt, Fault, Finding, Lost, Outcome, Trace
from tests.cast import NIGHT


class Mode(StrEnum):
    """How a carrier deals with one request."""

    FINE = "fine"
    UNDELIVERED = "undelivered"
    """Taken, and later said to be undelivered."""
    BUSY = "busy"
    DOWN = "down"
    HANGS = "hangs"
    """Nothing is told, and nothing left."""
    HANGS_AND_SENDS = "hangs and sends"
    """Nothing is told, and the phone rings."""
    DEAD = "dead"
    OPTED_OUT = "opted out"
    """The carrier itself knows that the number stopped."""
    KILLS = "kills"
    """The phone rings, and the worker dies before it can write that down."""
    KILLS_BEFORE = "kills before"
    """The worker dies before the request leaves."""


ARRIVES = frozenset({Mode.FINE, Mode.HANGS_AND_SENDS, Mode.KILLS})
TAKEN = ARRIVES | {Mode.UNDELIVERED}
_TOLD = {
    Mode.FINE: Outcome.ACCEPTED,
    Mode.UNDELIVERED: Outcome.ACCEPTED,
    Mode.BUSY: Outcome.TRY_LATER,
    Mode.DOWN: Outcome.TRY_LATER,
    Mode.HANGS: Outcome.UNKNOWN,
    Mode.HANGS_AND_SENDS: Outcome.UNKNOWN,
    Mode.DEAD: Outcome.REFUSED,
    Mode.OPTED_OUT: Outcome.REFUSED,
}
_FAULTS = {Mode.DEAD: Fault.DEAD, Mode.OPTED_OUT: Fault.STOPPED}


class Killed(BaseException):
    """The process ends here: nothing catches it, and nothing after it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line of the journal."""

    at: datetime
    provider: str
    to: str
    body: str
    reference: UUID
    mode: Mode

    @property
    def arrived(self) -> bool:
        """Whether a phone or a mailbox got it."""
        return self.mode in ARRIVES


@dataclass
class Journal:
    """What left, in order, of all carriers together."""

    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: Request) -> None:
        """Write one line."""
        with self.lock:
            self.requests.append(request)


Rule = Callable[[str, datetime], Mode | None]
"""To whom and when → what must happen to it; None leaves it to chance."""


@dataclass
class Mast:
    """A carrier. `chances` are the odds of each fault; seed and number decide the fate of its nth text."""

    name: str
    journal: Journal
    seed: str = "0"
    chances: dict[Mode, float] = field(default_factory=dict)
    rule: Rule = lambda _to, _at: None
    early: Callable[[Request], None] = lambda _request: None
    """Called with each request that is taken, before the sender hears: a receipt may overtake the answer."""
    now: datetime = NIGHT
    tries: Counter[str] = field(default_factory=Counter)
    found: Counter[Trace] = field(default_factory=Counter)

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Take one text, or not."""
        return self.take(to, body, reference)

    def take(self, to: str, body: str, reference: UUID) -> Attempt:
        """Journal one request, then answer it."""
        mode = self.rule(to, self.now) or self._fate(to)
        if mode is Mode.KILLS_BEFORE:
            raise Killed
        request = Request(at=self.now, provider=self.name, to=to, body=body, reference=reference, mode=mode)
        self.journal.add(request)
        if mode is Mode.KILLS:
            raise Killed
        if mode is Mode.FINE:
            self.early(request)
        wait = 60 if mode is Mode.BUSY else None
        return Attempt(
            outcome=_TOLD[mode],
            provider=self.name,
            provider_ref=f"{self.name}{reference.hex}" if _TOLD[mode] is Outcome.ACCEPTED else None,
            detail=mode.value,
            retry_after_s=wait,
            fault=_FAULTS.get(mode),
        )

    def find(self, lost: Lost) -> Finding:
        """What this carrier knows of a text; nothing while it is down."""
        found = self._find(lost)
        self.found[found.trace] += 1
        return found

    def _find(self, lost: Lost) -> Finding:
        if self.rule(lost.to, self.now) is Mode.DOWN:
            return Finding(trace=Trace.UNSURE)
        for request in self.journal.requests:
            if request.provider == self.name and request.reference == lost.reference and request.mode in TAKEN:
                said = Delivery.DELIVERED if request.arrived else Delivery.UNDELIVERED
                return Finding(trace=Trace.FOUND, provider_ref=f"{self.name}{request.reference.hex}", delivery=said)
        return Finding(trace=Trace.ABSENT)

    def _fate(self, to: str) -> Mode:
        with self.journal.lock:
            self.tries[to] += 1
            number = self.tries[to]
        random = Random(f"{self.seed} {self.name} {to} {number}")
        return random.choices([*self.chances, Mode.FINE], [*self.chances.values(), 1 - sum(self.chances.values())])[0]


class Mailer(Mast):
    """A mail server."""

    def send(self, to: str, subject: str, body: str, *, reference: UUID) -> Attempt:  # type: ignore[override]
        """Take one mail, or not."""
        return self.take(to, body, reference)
