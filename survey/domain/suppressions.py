"""An opt-out: a number or mailbox that is not written to, how far that goes, and who said so."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.patients import ContactKind


class Scope(StrEnum):
    """How far an opt-out goes."""

    PROGRAM = "program"
    """Nothing leaves by itself any more; what the patient asks for is still answered."""
    ALL = "all"
    """No message whatever, but for the one that confirms it."""


class Source(StrEnum):
    """Who said so."""

    REPLY = "reply"
    CARRIER = "carrier"
    """The carrier refuses the number: it opted out there, or nobody has it."""
    WRONG_NUMBER = "wrong_number"
    STAFF = "staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One opt-out of an address, whoever's it is; in force until it is lifted."""

    id: UUID
    kind: ContactKind
    address: str
    scope: Scope
    source: Source
    at: datetime
    lifted_at: datetime | None = None
