"""How long it took until alerts were paged, taken, and followed by a talk with the patient."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from survey.domain.protocol import Tier

FEWEST = 5
"""Of fewer, one person's evening would be read as a trend; their number is shown and nothing else."""
FEWEST_SLOW = 20
"""With fewer there is no twentieth to be the slowest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long something took, in seconds; `median` and `p95` are None where it never happened."""

    count: int
    median: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The alerts of one tier, or of one week: how long from the opening to the first page, the taking and the talk."""

    tier: Tier | None
    week: date | None
    alerts: int
    paged: Spread
    taken: Spread
    reached: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one person did: `alerts` that went to that phone, how many were taken first, and ended in a talk.

    `taken` counts from the first page to that person, `reached` from the taking.
    """

    user_id: UUID
    name: str
    alerts: int
    took: int
    talked: int
    taken: Spread
    reached: Spread
