"""A patient's link: what it looks like, and what it is good for at an instant."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.sites import Site

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Base58: letters and digits that are not mistaken for one another, and nothing a phone cuts a link at."""
LENGTH = 22
"""128.9 bits."""


class LinkState(StrEnum):
    """What a link still opens."""

    LIVE = "live"
    """The questions; after sending, the page that asks whether something has changed."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    """Taken back: the wrong person holds it, or the clinic has ended the check-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that was sent. `language` is the one noted at enrolment; `submitted_at` tells of its survey."""

    token_sha256: bytes
    invitation_id: UUID
    expires_at: datetime
    revoked_at: datetime | None
    submitted_at: datetime | None
    language: str
    site: Site

    def state(self, now: datetime) -> LinkState:
        """What it opens at that instant."""
        if self.revoked_at is not None:
            return LinkState.REVOKED
        return LinkState.LIVE if now < self.expires_at else LinkState.EXPIRED


def is_well_formed(token: str) -> bool:
    """Whether it could be a token at all; what could not is never looked up."""
    return len(token) == LENGTH and all(sign in ALPHABET for sign in token)
