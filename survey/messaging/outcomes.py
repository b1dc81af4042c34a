"""What can come of handing one message to a provider, and what a provider must offer."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from survey.domain.messages import Delivery

VALID_FOR = timedelta(hours=4)
"""How long a provider may go on trying to deliver a text, unless the sender says otherwise."""


class Outcome(StrEnum):
    """The four endings of an attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: the same message to the same address will be refused again."""
    TRY_LATER = "try_later"
    """It surely did not leave: the provider was not reached, was too busy, or did not know us."""
    UNKNOWN = "unknown"
    """It may have left. Sending it again may send it twice."""


class Fault(StrEnum):
    """What a provider's error says about an address, for good."""

    STOPPED = "stopped"
    """Its owner asked the carrier for no more texts."""
    DEAD = "dead"
    """Nothing can be delivered there: no such number or mailbox, or one that takes no texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt ended. `detail` is a code, never the provider's text, which may quote the address."""

    outcome: Outcome
    provider: str
    provider_ref: str | None = None
    detail: str = ""
    retry_after_s: int | None = None
    """How long the provider asked us to wait."""
    fault: Fault | None = None


class Trace(StrEnum):
    """What a provider knows of a text whose outcome we do not know."""

    FOUND = "found"
    ABSENT = "absent"
    """The provider answered and has no such text."""
    UNSURE = "unsure"
    """It did not answer, or has a text that may or may not be ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to a search. `delivery` and `fault` stand beside FOUND alone."""

    trace: Trace
    provider_ref: str | None = None
    delivery: Delivery = Delivery.QUEUED
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A text to search for: handed over between `since` and `until`, by our clock.

    `body_sha256` is the hash of its UTF-8 words; `known` are the provider's references of our other texts.
    """

    reference: UUID
    to: str
    body_sha256: bytes
    since: datetime
    until: datetime
    known: Collection[str] = field(default=())


class Sms(Protocol):
    """Sends texts. Never raises for trouble at the provider."""

    name: str

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Hand over one text to an E.164 number; `reference` is ours and comes back in receipts."""
        ...

    def find(self, lost: Lost) -> Finding:
        """Ask what became of a text."""
        ...


class Email(Protocol):
    """Sends plain-text mail. Never raises for trouble at the provider."""

    name: str

    def send(self, to: str, subject: str, body: str, *, reference: UUID) -> Attempt:
        """Hand over one mail; `reference` becomes the Message-ID."""
        ...


class Voice(Protocol):
    """Calls phones. Never raises for trouble at the provider."""

    name: str

    def call(self, to: str, *, reference: UUID) -> Attempt:
        """Ring an E.164 number; once it is picked up, our webhook for `reference` is asked what to say."""
        ...

    def read_out(self, to: str, words: str, *, reference: UUID) -> Attempt:
        """Ring, say these words three times, and hang up."""
        ...


class Push(Protocol):
    """Sends to the services that a clinic is paged by already. Never raises for trouble there."""

    name: str

    def send(self, to: str, title: str, body: str, *, reference: UUID) -> Attempt:
        """Hand over one message to an Apprise address, which is a secret."""
        ...

    def fault(self, to: str) -> str | None:
        """Why that address cannot be used, as a sentence that repeats nothing of it; None when it can."""
        ...
