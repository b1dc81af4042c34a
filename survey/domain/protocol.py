"""A protocol: what is asked two days after a procedure, and which answers need whom how soon."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from survey.domain.conditions import Condition
from survey.domain.errors import NotFound

# The parts of a protocol are asked for here, wherever they stand.
from survey.domain.items import SCALE_MOST as SCALE_MOST
from survey.domain.items import Item as Item
from survey.domain.items import ItemKind as ItemKind
from survey.domain.items import Line as Line
from survey.domain.items import Option as Option
from survey.domain.items import Words as Words
from survey.domain.items import Worse as Worse


class Tier(StrEnum):
    """How soon somebody has to act, from nobody to an ambulance."""

    ROUTINE = "routine"
    """Self-care page; no staff work."""
    SOON = "soon"
    """Worklist; a call within one business day."""
    URGENT = "urgent"
    """The on-call clinician is paged now."""
    EMERGENCY = "emergency"
    """The patient is told to call emergency services; the on-call clinician is paged now."""

    @property
    def rank(self) -> int:
        """0 for routine to 3 for emergency."""
        return _RANKS[self]

    @property
    def pages(self) -> bool:
        """Whether the on-call clinician is disturbed."""
        return self.rank >= _RANKS[Tier.URGENT]

    @classmethod
    def highest(cls, tiers: Iterable["Tier"]) -> "Tier":
        """The most serious of `tiers`; routine when there is none."""
        return max(tiers, key=lambda tier: tier.rank, default=cls.ROUTINE)


_RANKS = {tier: rank for rank, tier in enumerate(Tier)}


class Flag(StrEnum):
    """What the record says of one fact about the patient or the procedure."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Nobody wrote it down. Counts as present unless a rule asks for known."""


Context = Mapping[str, Flag]
"""Flag key to value. A flag that is missing is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFlag:
    """A fact about patient or procedure that rules may use."""

    key: str
    label: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySite:
    """A place on the body that staff can choose, and the flags that it settles."""

    key: str
    label: Words
    sets: Mapping[str, Flag]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A drug that staff can choose, and the flags that it settles."""

    key: str
    label: Words
    sets: Mapping[str, Flag]


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedSet:
    """A name for a condition that several rules share."""

    name: str
    when: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Raises the tier when its condition holds. Rules only raise."""

    id: str
    tier: Tier
    when: Condition
    why: str
    """The clinical thought, in English, for the reviewer and the clinician."""
    source: str
    """Where the rule comes from."""
    advice: Words | None = None
    """A line for the patient, added to the result page when this rule fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierWords:
    """What the result page says for one tier."""

    heading: Words
    body: tuple[Words, ...]
    """Paragraphs in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """What the protocol promises beside its rules, stated by a clinician, so that one can be held against the other.

    Wherever `when` holds, the tier is `at_least` and `at_most` what is named, and the items `asked` are shown; or
    `never`, and there is no such answer set. `only` narrows it to finished forms on which every other shown item has
    its best answer and every other flag is no; open is there what `when` calls unanswered, and nothing else.
    """

    key: str
    says: str
    """The promise as a sentence, in English, for the reviewer."""
    when: Condition | None = None
    only: tuple[str, ...] | None = None
    """Keys of the items and flags that may be anything; `item.line` for one line."""
    at_least: Tier | None = None
    at_most: Tier | None = None
    asked: tuple[str, ...] = ()
    never: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownException:
    """Rules in which a flag that nobody wrote down counts as absent, and why the medical lead accepts that."""

    flag: str
    rules: tuple[str, ...]
    why: str


class ReminderBy(StrEnum):
    """The way a reminder takes."""

    SAME = "same"
    """The channel of the first text."""
    OTHER = "other"
    """The patient's other channel, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A further text to a patient who has not answered."""

    after_hours: int
    """Hours since the first text."""
    by: ReminderBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """One contact on the schedule."""

    key: str
    day: int
    """Days after the procedure."""
    at: time
    """Wall-clock time where the patient lives."""
    items: tuple[str, ...] | None = None
    """Keys of the items asked; None for all."""
    reminders: tuple[Reminder, ...] = ()
    """In the order in which they go out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Protocol:
    """One immutable version of questions, rules, advice and translations. Compared by identity."""

    slug: str
    version: int
    title: Words
    languages: tuple[str, ...]
    """The first is the one to fall back to."""
    flags: tuple[ContextFlag, ...]
    body_sites: tuple[BodySite, ...]
    agents: tuple[Agent, ...]
    items: tuple[Item, ...]
    sets: tuple[DerivedSet, ...]
    rules: tuple[Rule, ...]
    tiers: Mapping[Tier, TierWords]
    words: Mapping[str, Words]
    """Sentences of this protocol outside items, by name."""
    hazards: tuple[Hazard, ...] = ()
    unknown_exceptions: tuple[UnknownException, ...] = ()
    touches: tuple[Touch, ...]
    red_words: Mapping[str, tuple[str, ...]]
    """Language to phrases that a text item is scanned for. A hit can only raise the tier."""
    source_text: str
    """The file as it was read."""
    sha256: str
    """Of `source_text` in UTF-8, in hex."""

    def item(self, key: str) -> Item:
        """The item of that key. Raises NotFound."""
        for item in self.items:
            if item.key == key:
                return item
        raise NotFound(f"The protocol {self.slug} version {self.version} has no item called {key}.")

    def touch(self, key: str) -> Touch:
        """The touch of that key. Raises NotFound."""
        for touch in self.touches:
            if touch.key == key:
                return touch
        raise NotFound(f"The protocol {self.slug} version {self.version} has no touch called {key}.")

    def say(self, name: str, language: str) -> str:
        """One of the protocol's own sentences, its placeholders unfilled."""
        return in_language(self.words[name], language)

    def context_for(
        self, *, body_sites: Collection[str] = (), agents: Collection[str] = (), given: Mapping[str, Flag] | None = None
    ) -> Context:
        """Every flag of the protocol with its value, from what staff recorded.

        A site or drug that implies yes always wins. Else a value in `given` wins, not-known among them: leave out of
        `given` what nobody was asked. Else the chosen sites and drugs decide; with none chosen the flag is not known.
        """
        return _context(self, tuple(body_sites), tuple(agents), frozenset((given or {}).items()))


# Settling every flag costs as much as judging the answers, and a clinic repeats few combinations.
@lru_cache(maxsize=4096)
def _context(
    protocol: Protocol, body_sites: tuple[str, ...], agents: tuple[str, ...], given: frozenset[tuple[str, Flag]]
) -> Context:
    stated = dict(given)
    implied = {
        flag.key: [*_implied(flag.key, protocol.body_sites, body_sites), *_implied(flag.key, protocol.agents, agents)]
        for flag in protocol.flags
    }
    return MappingProxyType({key: _settle(values, stated.get(key)) for key, values in implied.items()})


def in_language(words: Words, language: str) -> str:
    """The text in `language`, or in the protocol's first language where that one is not spoken."""
    return words[language] if language in words else next(iter(words.values()))


def _implied(flag: str, members: Sequence[BodySite | Agent], chosen: Collection[str]) -> list[Flag]:
    """What each chosen site or drug says of the flag; nothing when the flag is not theirs to settle."""
    if not any(flag in member.sets for member in members):
        return []
    sets = {member.key: member.sets for member in members}
    # A site that this version does not list settles nothing: not known, which counts as present.
    return [sets[key].get(flag, Flag.NO) if key in sets else Flag.UNKNOWN for key in chosen]


def _settle(implied: Collection[Flag], stated: Flag | None) -> Flag:
    values = set(implied)
    if Flag.YES in values:
        return Flag.YES
    if stated is not None:
        return Flag(stated)
    return Flag.NO if values == {Flag.NO} else Flag.UNKNOWN
