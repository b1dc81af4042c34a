"""A patient's link: what it looks like, and what it is good for at an instant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.sites import Site

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Base58: letters and digits that are not mistaken for one another, and nothing a phone cuts a link at."""
LENGTH = 22
"""128.9 bits."""
FRESH_PAUSE = timedelta(hours=1)
FRESH_A_DAY = 3
"""So many fresh links leave for one survey within 24 hours, at least `FRESH_PAUSE` apart."""

_AROUND = re.compile(rf"^[^{ALPHABET}]+|[^{ALPHABET}]+$")


class LinkState(StrEnum):
    """What a link still opens."""

    LIVE = "live"
    """The questions; after sending, the page that asks whether something has changed."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    """Taken back: the wrong person holds it, or the clinic has ended the check-in."""


class WayOn(StrEnum):
    """What becomes of somebody who asks for a fresh link."""

    LINK = "link"
    """One is on its way, or left a short while ago."""
    CALL = "call"
    """Nothing can be sent any more: a person calls."""
    CLINIC = "clinic"
    """Nothing can be sent, and there is no number to call: the patient calls."""


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


def bare(token: str) -> str:
    """The token without the full stop, bracket or slash that a message, or whoever copied it, put around it."""
    return _AROUND.sub("", token)


def may_send_fresh(earlier: Sequence[datetime], *, now: datetime) -> bool:
    """Whether one more fresh link may leave, by when the earlier ones of the same survey did."""
    today = [at for at in earlier if now - at < timedelta(days=1)]
    return len(today) < FRESH_A_DAY and all(now - at >= FRESH_PAUSE for at in today)
