"""One page to one person's phone: what becomes of it after each try, and how often it may be on the wire."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from survey.domain.messages import Delivery

WIRE_LIMIT = 3
"""So many tries may have reached the phone; after that the next step of the policy has to do it."""
GIVE_UP_AFTER = timedelta(minutes=10)
"""A page that could not be handed over by then is stale; newer ones of the same alert are under way."""
VALID_FOR = timedelta(minutes=5)
"""How long the carrier may go on trying; a page that arrives later than that tells of the past."""
CALM = timedelta(minutes=1)
"""A phone that was handed a page gets none for the next step within this time: both would ask the same."""
TOKEN_LIVES = timedelta(hours=24)
"""So long the link in a page opens the door."""
BESIDE = -1
"""In the place of a step: pages to people by name, beside the policy's and before those of its first step."""
LONGEST_PAUSE = timedelta(seconds=15)
STORM_OVER, STORM_WITHIN = 3, timedelta(minutes=10)
"""A phone that more alerts than that have paged in this time gets what is due there in one page."""


class PageKind(StrEnum):
    """What the page asks for."""

    CALL = "call"
    """Take the alert."""
    NUDGE = "nudge"
    """You took it: reach the patient."""
    HELP = "help"
    """Somebody has it: help."""
    ANSWER = "answer"
    """How it stands now, for whoever asked by text or had it until now. Sent however the alert moves on."""


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
    """A row of the outbox. `maybe_sent` counts the tries that may have reached the phone, `attempts` all of them.

    `bundled_in` is the page in whose text this one goes, or has gone; it `goes_alone` after such a text was refused.
    """

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
    bundled_in: UUID | None = None
    goes_alone: bool = False


def leased(page: Page, *, token: UUID, until: datetime) -> Page:
    """In the hands of one sender until `until`."""
    return replace(page, state=PageState.LEASED, attempts=page.attempts + 1, lease_token=token, lease_until=until)


def after_attempt(page: Page, outcome: AttemptOutcome, *, now: datetime) -> Page:
    """What becomes of a leased page. Only tries that may have reached the phone count against `WIRE_LIMIT`.

    What went within another page's text and did not arrive is free again: it was not refused itself, and goes alone
    then, so that no number of refusals runs through ever smaller texts.
    """
    free = replace(page, lease_token=None, lease_until=None)
    if outcome is AttemptOutcome.ACCEPTED:
        return replace(free, state=PageState.ACCEPTED, maybe_sent=page.maybe_sent + 1, sent_at=now)
    if outcome is AttemptOutcome.REFUSED and page.bundled_in is None:
        return replace(free, state=PageState.FAILED)
    free = replace(free, bundled_in=None, goes_alone=page.goes_alone or outcome is AttemptOutcome.REFUSED)
    outcome = AttemptOutcome.TRY_LATER if outcome is AttemptOutcome.REFUSED else outcome
    if outcome is not AttemptOutcome.TRY_LATER:
        free = replace(free, maybe_sent=page.maybe_sent + 1)
    again = now + pause(page, outcome)
    if free.maybe_sent >= WIRE_LIMIT or again >= page.give_up_at:
        return replace(free, state=PageState.FAILED)
    return replace(free, state=PageState.PENDING, not_before=again)


def told(page: Page, delivery: Delivery, *, is_last: bool) -> Page:
    """What becomes of a page by a receipt of one of its copies; `is_last` tells whether it is the newest copy.

    What has arrived stays so. An earlier copy that did not arrive says nothing while a later one may have.
    """
    if delivery is Delivery.DELIVERED and page.state in _MAY_ARRIVE:
        return replace(page, state=PageState.DELIVERED)
    if delivery in _NOT_ARRIVED and is_last and page.state is PageState.ACCEPTED:
        return replace(page, state=PageState.UNDELIVERED)
    return page


_MAY_ARRIVE = frozenset({PageState.PENDING, PageState.ACCEPTED, PageState.UNDELIVERED})
_NOT_ARRIVED = frozenset({Delivery.UNDELIVERED, Delivery.FAILED})


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
