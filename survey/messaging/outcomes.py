"""What can come of handing one message to a provider, and what a provider must offer."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt ended. `detail` is a code, never the provider's text, which may quote the address."""

    outcome: Outcome
    provider: str
    provider_ref: str | None = None
    detail: str = ""
    retry_after_s: int | None = None
    """How long the provider asked us to wait."""


class Sms(Protocol):
    """Sends texts. Never raises for trouble at the provider."""

    name: str

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Hand over one text to an E.164 number; `reference` is ours and comes back in receipts."""
        ...


class Email(Protocol):
    """Sends plain-text mail. Never raises for trouble at the provider."""

    name: str

    def send(self, to: str, subject: str, body: str, *, reference: UUID) -> Attempt:
        """Hand over one mail; `reference` becomes the Message-ID."""
        ...
