"""The crowd: what each kind of patient taps, and what it must come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from survey.domain.answers import Answer
from survey.domain.protocol import Tier

LINES = {
    "red": ("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord"),
    "skin": ("grow", "hot", "pus", "streak"),
}


@dataclass(frozen=True, slots=True)
class Tap:
    """One answer, as a form sends it and as it has to be stored; `tier` is what it must come to by itself."""

    item: str
    form: Mapping[str, str]
    stored: Answer
    tier: Tier | None = None


def choice(item: str, key: str, tier: Tier | None = None) -> Tap:
    """One of several."""
    return Tap(item, {"answer": key}, key, tier)


def lines(item: str, *marked: str, tier: Tier | None = None) -> Tap:
    """Yes to the marked lines, No to the others."""
    answers = {line: "yes" if line in marked else "no" for line in LINES[item]}
    return Tap(item, answers, answers, tier)


@dataclass(frozen=True, slots=True)
class Story:
    """What a patient does: the taps, then Send; and, if there are any, the taps after a second Start."""

    taps: tuple[Tap, ...]
    sends: bool = True
    later: tuple[Tap, ...] = ()


def _answers(*, skin: Tap, sore: int, trend: str | None) -> tuple[Tap, ...]:
    followed = (choice("trend", trend, Tier.SOON if trend == "worse" else None),) if trend else ()
    first = (lines("red"), choice("breath", "no"), Tap("sore", {"answer": str(sore)}, sore))
    rest = [choice(item, "no") for item in ("fever", "bleed", "allergy", "faint")]
    return (
        *first,
        *followed,
        choice("weak", "no"),
        skin,
        *rest,
        choice("help", "none"),
        Tap("note", {"answer": ""}, ""),
    )


FINE = Story(_answers(skin=lines("skin"), sore=0, trend=None))
SORE = Story(_answers(skin=lines("skin"), sore=5, trend="worse"))
INFECTED = Story(_answers(skin=lines("skin", "grow", "hot", tier=Tier.URGENT), sore=3, trend="same"))
BREATHLESS = Story((lines("red", "breath", tier=Tier.EMERGENCY),), sends=False)
"""Says so on the first page of questions, and puts the phone down."""
FAINTED_LATER = Story(FINE.taps, later=(lines("red", "passout", tier=Tier.EMERGENCY),))
"""All was well, was sent, and then was not."""
CROWD = (BREATHLESS, FINE, INFECTED, FINE, FAINTED_LATER, SORE)


@dataclass(slots=True)
class Patient:
    """One of the crowd. `taken` are the taps that the server answered with 303, the newest last."""

    mobile: str
    story: Story
    taken: list[Tap] = field(default_factory=list)
    sent: bool = False
    alarmed_at: datetime | None = None
    """When the first tap that must page was pressed, on the try that was taken."""

    @property
    def worry(self) -> Tier | None:
        """The worst that was taken, of what tells by itself."""
        told = [tap.tier for tap in self.taken if tap.tier is not None]
        return Tier.highest(told) if told else None

    @property
    def answers(self) -> dict[str, Answer]:
        """Item to the newest answer that was taken."""
        return {tap.item: tap.stored for tap in self.taken}
