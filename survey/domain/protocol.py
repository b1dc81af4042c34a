"""A protocol: what is asked two days after a procedure, and which answers need whom how soon."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from survey.domain.conditions import Condition
from survey.domain.errors import NotFound

Words = Mapping[str, str]
"""Language code to text, complete for every language of the protocol."""


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


class ItemKind(StrEnum):
    """How an item is answered."""

    CHOICE = "choice"
    """One of the options."""
    LINES = "lines"
    """Yes or No for each line, or the one line that excludes the others."""
    SCALE = "scale"
    """A whole number from 0 to 10."""
    TEXT = "text"
    """Free text."""


SCALE_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice."""

    key: str
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One yes/no line. An exclusive line ("I could not look") stands for all the others and has no order."""

    key: str
    text: Words
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question on one page."""

    key: str
    kind: ItemKind
    label: Words
    """Two or three words, for clinicians and for the check-answers page."""
    text: Words
    """The question as the patient reads it."""
    help: Words | None = None
    options: tuple[Option, ...] = ()
    lines: tuple[Line, ...] = ()
    low: Words | None = None
    """What 0 means on a scale."""
    high: Words | None = None
    """What 10 means on a scale."""
    show_if: Condition | None = None
    """Speaks of earlier items, flags and sets only. Shown always when None."""
    required: bool = True
    red_flag: bool = False
    """Any Yes is an emergency, so a Yes is taken even when other lines are left open."""
    ordered: bool = False
    """The answers stand from better to worse, as written."""
    max_length: int = 0
    """Most characters of a text; 0 for the other kinds."""

    @property
    def plain_lines(self) -> tuple[Line, ...]:
        """The lines that each want a Yes or a No."""
        return tuple(line for line in self.lines if not line.exclusive)

    @property
    def exclusive_line(self) -> Line | None:
        """The line that stands for all others, if the item has one."""
        return next((line for line in self.lines if line.exclusive), None)


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
class Touch:
    """One contact on the schedule."""

    key: str
    day: int
    """Days after the procedure."""
    at: time
    """Wall-clock time where the patient lives."""
    items: tuple[str, ...] | None = None
    """Keys of the items asked; None for all."""


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
