"""Providers that journal what would have left: the journal, not our own rows, is the judge of what was sent."""

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from survey.messaging.outcomes import VALID_FOR, Attempt, Finding, Lost, Outcome, Trace
from tests.cast import NIGHT, Person

LINK = re.compile(r"https?://\S+/a/(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request that reached the provider."""

    at: datetime
    to: str
    body: str
    subject: str | None
    reference: UUID
    outcome: Outcome

    @property
    def token(self) -> str:
        """The token in the text's link."""
        found = LINK.search(self.body)
        assert found, "no link in this text"
        return found[1]


@dataclass
class Provider:
    """Accepts whatever it is given, unless a script or `always` says otherwise. `now` is moved by the test."""

    name: str = "fake"
    now: datetime = NIGHT
    wire: list[Sent] = field(default_factory=list)
    script: deque[Outcome] = field(default_factory=deque)
    always: Outcome = Outcome.ACCEPTED

    def answers(self, *outcomes: Outcome) -> None:
        """The next requests end so; after them all is well again."""
        self.script.extend(outcomes)

    def to(self, person: Person) -> list[Sent]:
        """What was sent to that person's mobile or mailbox and may have arrived."""
        arrived = (Outcome.ACCEPTED, Outcome.UNKNOWN)
        return [one for one in self.wire if one.to in (person.mobile, person.email) and one.outcome in arrived]

    def take(self, to: str, body: str, *, reference: UUID, subject: str | None = None) -> Attempt:
        """Journal one request."""
        outcome = self.script.popleft() if self.script else self.always
        self.wire.append(Sent(at=self.now, to=to, body=body, subject=subject, reference=reference, outcome=outcome))
        return Attempt(outcome=outcome, provider=self.name, provider_ref=str(len(self.wire)), detail="fake")


class FakeSms(Provider):
    """A carrier."""

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Journal one text."""
        return self.take(to, body, reference=reference)

    def find(self, lost: Lost) -> Finding:
        """Nothing that it knows."""
        assert lost
        return Finding(trace=Trace.UNSURE)


class FakeEmail(Provider):
    """A mail server."""

    def send(self, to: str, subject: str, body: str, *, reference: UUID) -> Attempt:
        """Journal one mail."""
        return self.take(to, body, reference=reference, subject=subject)


class FakeVoice(Provider):
    """Calls phones; what is said on a led call is asked for at the webhook, so `body` is empty then."""

    def call(self, to: str, *, reference: UUID) -> Attempt:
        """Journal one call."""
        return self.take(to, "", reference=reference)

    def read_out(self, to: str, words: str, *, reference: UUID) -> Attempt:
        """Journal one call with its words."""
        return self.take(to, words, reference=reference)


class FakePush(Provider):
    """A push service; knows no address that it would not take."""

    def send(self, to: str, title: str, body: str, *, reference: UUID) -> Attempt:
        """Journal one message."""
        return self.take(to, body, reference=reference, subject=title)

    def fault(self, to: str) -> str | None:
        """None for anything that has a scheme."""
        return None if "://" in to else "This is not an address."
