"""One page to one person's phone: what becomes of it after each try, and how often it may be on the wire."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

WIRE_LIMIT = 3
"""So many tries may have reached the phone; after that the next step of the policy has to do it."""
GIVE_UP_AFTER = timedelta(minutes=10)
"""A page that could not be handed over by then is stale; newer ones of the same alert are under way."""
VALID_FOR = timedelta(minutes=5)
"""How long the carrier may go on trying; a page that arrives later than that tells of the past."""
TOKEN_LIVES = timedelta(hours=24)
"""So long the link in a page opens the door."""
LONGEST_PAUSE = timedelta(seconds=15)


class PageKind(StrEnum):
    """What the page asks for."""

    CALL = "call"
    """Take the alert."""
    NUDGE = "nudge"
    """You took it: reach the patient."""


class PageState(StrEnum):
    """Where a page stands."""

    PENDING = "pending"
    LEASED = "leased"
    """Somebody is sending it now, or died doing so."""
    ACCEPTED = "accepted"
    """The provider has it."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """No longer wanted: the alert was taken, or a newer page goes to the same phone."""


class AttemptOutcome(StrEnum):
    """What came of one try."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: the number does not exist, the account may not send there."""
    TRY_LATER = "try_later"
    """Certainly not sent."""
    UNKNOWN = "unknown"
    """Perhaps sent: the connection broke after the request."""
    LEASE_EXPIRED = "lease_expired"
    """Perhaps sent: the sender died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A row of the outbox. `maybe_sent` counts the tries that may have reached the phone, `attempts` all of them."""

    id: UUID
    alert_id: UUID
    kind: PageKind = PageKind.CALL
    epoch: int
    cycle: int
    step_seq: int
    user_id: UUID
    contact_method_id: UUID
    rule_delay_s: int
    state: PageState = PageState.PENDING
    not_before: datetime
    give_up_at: datetime
    attempts: int = 0
    maybe_sent: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None


def leased(page: Page, *, token: UUID, until: datetime) -> Page:
    """In the hands of one sender until `until`."""
    return replace(page, state=PageState.LEASED, attempts=page.attempts + 1, lease_token=token, lease_until=until)


def after_attempt(page: Page, outcome: AttemptOutcome, *, now: datetime) -> Page:
    """What becomes of a leased page. Only tries that may have reached the phone count against `WIRE_LIMIT`."""
    free = replace(page, lease_token=None, lease_until=None)
    if outcome is AttemptOutcome.ACCEPTED:
        return replace(free, state=PageState.ACCEPTED, maybe_sent=page.maybe_sent + 1, sent_at=now)
    if outcome is AttemptOutcome.REFUSED:
        return replace(free, state=PageState.FAILED)
    if outcome is not AttemptOutcome.TRY_LATER:
        free = replace(free, maybe_sent=page.maybe_sent + 1)
    again = now + pause(page, outcome)
    if free.maybe_sent >= WIRE_LIMIT or again >= page.give_up_at:
        return replace(free, state=PageState.FAILED)
    return replace(free, state=PageState.PENDING, not_before=again)


def superseded(page: Page) -> Page:
    """Nobody wants it any more."""
    return replace(page, state=PageState.SUPERSEDED)


def pause(page: Page, outcome: AttemptOutcome) -> timedelta:
    """How long until the next try: short and doubling when certainly nothing was sent, none after a dead sender."""
    if outcome is AttemptOutcome.LEASE_EXPIRED:
        return timedelta(0)
    if outcome is AttemptOutcome.UNKNOWN:
        return LONGEST_PAUSE
    return min(LONGEST_PAUSE, timedelta(milliseconds=200 << min(page.attempts, 10)))
