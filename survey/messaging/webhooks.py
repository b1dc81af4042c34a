"""What a provider tells us by itself: receipts of our texts, and texts that came in."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from survey.domain.messages import Delivery
from survey.messaging.outcomes import Fault


class Headers(Protocol):
    """The headers of a request, whatever their case."""

    def get(self, name: str, default: str, /) -> str:
        """That header, else `default`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One request of a provider, as it came: nothing of it is believed before its signature is.

    `url` is the configured public address with the path and query that were asked for.
    """

    url: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a text. `delivery` is None for a word that the provider does not have.

    `reference` is ours, where the provider repeats it in what it signs.
    """

    delivery: Delivery | None
    reference: UUID | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A text that came in. `sender` is as the provider writes it, nearly always E.164.

    `opt_out_type` is set where the provider took it for `stop`, `start` or `help`, and has answered it itself.
    """

    provider_ref: str
    sender: str
    body: str
    opt_out_type: str | None = None
