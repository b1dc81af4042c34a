"""The worklist in plain values: what is listed, and when a line is late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from survey.domain.invitations import CALL_AFTER, SENTENCES, Trouble
from survey.domain.patients import Block
from survey.domain.protocol import Tier

KINDS: Mapping[str, str] = {
    Tier.EMERGENCY: "Emergency",
    Tier.URGENT: "Urgent",
    "lost": "Counted nowhere",
    Tier.SOON: "Soon",
    "unreachable": "Cannot be texted",
    "expired": "Link ended",
    "unfinished": "Not finished",
    "silent": "No reply",
    "sending": "Being sent",
    "waiting": "Not due yet",
}
"""Kind → word, most urgent first."""

HIDDEN = "waiting"
"""The one kind that shows only when it is asked for: nothing is to be done yet."""

_BLOCKED = {Block.REFUSED: Trouble.REFUSED, Block.BOUNCED: Trouble.UNDELIVERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What part of the worklist is asked for; each field narrows it when it is set."""

    site_id: UUID | None = None
    kind: str = ""
    """A tier, a kind of silence, `alert` for all tiers; empty for all that is due."""
    owner_id: UUID | None = None
    unowned: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the worklist: an open alert (`alert_id` is set), or a check-in without an answer.

    `invitation_id` is None for a procedure that nobody asks about, which is a fault of ours. `check_ins`: so many of
    the procedure's check-ins the line stands for, since one call asks about all of them.
    """

    kind: str
    alert_id: UUID | None
    short_no: int | None
    response_id: UUID | None
    invitation_id: UUID | None
    procedure_id: UUID
    since: datetime
    promised_at: datetime | None
    contacted_at: datetime | None
    owner_id: UUID | None
    owner: str | None
    why: str | None
    check_ins: int
    site_id: UUID
    performed_on: date
    given_name: str
    family_name: str
    born_on: date
    phone: str | None


def is_late(item: Item, now: datetime) -> bool:
    """Whether a promise is broken, or a patient who does not answer should have been called."""
    if item.promised_at is not None:
        return item.contacted_at is None and now > item.promised_at
    return item.kind == "lost" or (item.kind in ("silent", "unfinished") and now - item.since > CALL_AFTER)


def sentence(code: str) -> str:
    """Why no message gets through, from an invitation's trouble or a contact's block."""
    known = code in set(Trouble)
    words = SENTENCES[Trouble(code) if known else _BLOCKED[Block(code)]]
    return words[:1].upper() + words[1:]
