"""The law that nobody is lost: whoever was enrolled is answered, reached by phone, closed with a reason, or open."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Check-ins of some period, counted twice: as they were enrolled, and by what became of them."""

    enrolled: int = 0
    answered: int = 0
    reached: int = 0
    closed: int = 0
    open: int = 0

    @property
    def astray(self) -> int:
        """How many were enrolled and stand in no class."""
        return self.enrolled - self.answered - self.reached - self.closed - self.open

    @property
    def sentence(self) -> str:
        """The law with its numbers; with those that break it, if there are any."""
        parts = f"answered {self.answered} + reached {self.reached} + closed {self.closed} + open {self.open}"
        lost = f" + counted nowhere {self.astray}" if self.astray else ""
        return f"enrolled {self.enrolled} = {parts}{lost}"

    @property
    def words(self) -> str:
        """The same for staff, of days that are over: what is nought is left out, save the answers."""
        counted = (
            (self.reached, "phoned"),
            (self.open, "open"),
            (self.closed, "closed with a reason"),
            (self.astray, "counted nowhere"),
        )
        rest = "".join(f", {number} {word}" for number, word in counted if number)
        return f"{self.enrolled} due, {self.answered} answered{rest}"

    def __add__(self, other: "Balance") -> "Balance":
        """Both periods, or both sites, together."""
        return Balance(
            enrolled=self.enrolled + other.enrolled,
            answered=self.answered + other.answered,
            reached=self.reached + other.reached,
            closed=self.closed + other.closed,
            open=self.open + other.open,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the desk shows: the period's balance, and yesterday's.

    `not_due` of the open ones are still to come. `older_open` were due before the period: nobody drops off by age.
    """

    period: Balance
    yesterday: Balance
    not_due: int
    older_open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A check-in that is counted nowhere. `invitation_id` is None when the procedure has no survey at all."""

    procedure_id: UUID
    invitation_id: UUID | None
    site_id: UUID
    day: date
    state: str | None
