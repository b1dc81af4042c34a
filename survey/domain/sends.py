"""A day's texts and emails before they leave: what waits, what is held up and why, and whom nothing can reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from survey.domain import worklist
from survey.domain.invitations import Trouble
from survey.domain.patients import Block


class Stand(StrEnum):
    """How one line of the day stands."""

    BLOCKED = "blocked"
    """Nothing can go out to this patient as things are."""
    HELD = "held"
    """Its time had come, and something kept it back."""
    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    """Nobody needed it any more when its time came."""


WORDS: Mapping[Stand, str] = {
    Stand.BLOCKED: "Blocked",
    Stand.HELD: "Held back",
    Stand.WAITING: "To be sent",
    Stand.SENT: "Sent",
    Stand.DELIVERED: "Delivered",
    Stand.FAILED: "Not delivered",
    Stand.DROPPED: "Not needed",
}
"""In the order in which they are shown."""

_HELD: Mapping[str, str] = {
    "cap": "This number has had its texts for now: one a day, three a week",
    "day_taken": "This number has just had a text; what the day allows is looked at again",
    "early": "Not its time yet",
    "no_provider": "No provider is set up for it",
    "outside_hours": "It goes out between 9 AM and 7 PM on the patient’s clock",
    "try_later": "The provider did not take it; it is tried again",
}
_DROPPED: Mapping[str, str] = {
    "answered": "The patient has answered",
    "cap": "This number had its text today",
    "closed": "The check-in is closed",
    "corrected": "It goes to the corrected number or address instead",
    "contact_stopped": "All contact was stopped",
    "enough": "Three messages are the most that one check-in sends",
    "expired": "The thirty days are over",
    "gave_up": "Too late to make sense",
    "opened": "The patient has opened the link",
    "procedure_cancelled": "The procedure was cancelled",
    "reached": "The patient was reached by phone",
}
FIXES: Mapping[str, str] = {
    Trouble.FOREIGN: "Add a number from here",
    Trouble.LANDLINE: "Add a mobile number",
    Trouble.NOT_ME: "Correct the number",
    Trouble.NO_CONSENT: "Record consent",
    Trouble.NO_CONTACT: "Add a number",
    Trouble.REFUSED: "Correct the number",
    Trouble.UNDELIVERED: "Correct the number",
    Block.BOUNCED: "Correct the address",
}
"""What staff can do about a block at once. Whoever asked for no more texts is called and not asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message of the day, or one check-in that no message can serve (`kind` is then empty).

    `at` is when it left or is due; `reason` is a code; `zone` is the patient's, else the site's.
    """

    stand: Stand
    invitation_id: UUID
    procedure_id: UUID
    site_id: UUID
    given_name: str
    family_name: str
    zone: str
    kind: str
    channel: str | None
    at: datetime
    reason: str | None
    late: bool

    @property
    def tz(self) -> ZoneInfo:
        """The zone of `zone`."""
        return ZoneInfo(self.zone)

    @property
    def why(self) -> str:
        """The reason in words; empty where nothing is to be said."""
        return why(self.stand, self.reason)

    @property
    def fix(self) -> str | None:
        """What staff can do about it now."""
        return FIXES.get(self.reason or "") if self.stand is Stand.BLOCKED else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What leaves in one hour of the site's wall clock."""

    hour: int
    texts: int
    emails: int


def why(stand: Stand, reason: str | None) -> str:
    """Why a line stands as it does, from the message's or the check-in's code."""
    if reason is None or stand in (Stand.WAITING, Stand.SENT, Stand.DELIVERED):
        return ""
    if stand is Stand.HELD:
        return _HELD.get(reason.partition(" ")[0], _HELD["try_later"])
    if reason in _DROPPED:
        return _DROPPED[reason]
    known = reason in set(Trouble) or reason in set(Block)
    return worklist.sentence(reason) if known else ""
