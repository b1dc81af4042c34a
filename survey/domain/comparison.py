"""What another version of a protocol would have said of a response that was scored before, and what that adds up to."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from survey.domain.protocol import Context, Flag, Protocol, Tier
from survey.domain.responses import asked
from survey.domain.triage import score

PAGING = frozenset(tier for tier in Tier if tier.pages)
KEPT = 1 << 15
"""Judgements that are remembered: most patients are well, and well in few ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A tier, and the rules that fired: rule id → the tier that it calls for."""

    tier: Tier
    fired: Mapping[str, Tier]


# Both are plain tuples: a million of each are made in one replay, and a data class takes five times as long.
class Case(NamedTuple):
    """A scored response, as it is judged again.

    `answers`, `given` and `context` are JSON objects as text: item → answer, flag → what staff stated, and flag → what
    the score took it for. `before` is the stored score, made by the version of `sha256`. `week` is the Monday of the
    last answer and `night` whether it came in the night, both on the wall of the site.
    """

    response_id: UUID
    revision: int
    week: date
    night: bool
    touch: str
    answers: str
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    given: str
    context: str
    sha256: str
    before: Verdict


class Compared(NamedTuple):
    """One response under both versions, and the rules that make the difference: none where the tier is the same."""

    case: Case
    after: Verdict

    @property
    def before(self) -> Verdict:
        """What the stored score says."""
        return self.case.before

    @property
    def is_downgrade(self) -> bool:
        """Whether the other version takes it less seriously."""
        return self.after.tier.rank < self.before.tier.rank

    @property
    def because(self) -> tuple[str, ...]:
        """Ids of the rules of the more serious side that go beyond the other side's tier."""
        more, less = (self.before, self.after) if self.is_downgrade else (self.after, self.before)
        return tuple(rule for rule, tier in more.fired.items() if tier.rank > less.tier.rank)

    @property
    def moves(self) -> bool:
        """Whether the tier is another one."""
        return self.before.tier is not self.after.tier

    @property
    def differs(self) -> bool:
        """Whether the tier is another one, or other rules fired."""
        return self.moves or self.before.fired.keys() != self.after.fired.keys()

    @property
    def in_one_only(self) -> tuple[str, ...]:
        """Ids of the rules that fired under one version and not under the other."""
        return tuple(sorted(self.before.fired.keys() ^ self.after.fired.keys()))


def compare(pack: Protocol, case: Case) -> Compared:
    """The response judged by `pack`.

    A version that judges its own score again takes the flags as they were taken then, since the record may have
    changed. Raises NotFound for a contact that the pack does not know.
    """
    if case.sha256 == pack.sha256:
        after = _as_taken(pack, case.touch, case.answers, case.context)
    else:
        after = _verdict(pack, case.touch, case.answers, case.body_sites, case.agents, case.given)
    return Compared(case=case, after=after)


@lru_cache(maxsize=KEPT)
def _verdict(
    pack: Protocol, touch: str, answers: str, body_sites: tuple[str, ...], agents: tuple[str, ...], given: str
) -> Verdict:
    context = pack.context_for(body_sites=body_sites, agents=agents, given=_flags(given))
    return _judged(pack, touch, answers, context)


@lru_cache(maxsize=KEPT)
def _as_taken(pack: Protocol, touch: str, answers: str, context: str) -> Verdict:
    return _judged(pack, touch, answers, _flags(context))


def _judged(pack: Protocol, touch: str, answers: str, context: Context) -> Verdict:
    made = score(asked(pack, touch), json.loads(answers), context)
    return Verdict(tier=made.tier, fired={fired.rule: fired.tier for fired in made.fired})


def _flags(text: str) -> Context:
    return {flag: Flag(value) for flag, value in json.loads(text).items()}


@dataclass(slots=True)
class Week:
    """One week's responses, and how many of them page: as stored and under the other version, by day and night."""

    responses: int = 0
    before: int = 0
    after: int = 0
    night_before: int = 0
    night_after: int = 0


@dataclass(slots=True)
class Tally:
    """What any number of comparisons add up to; kept as JSON between two parts of the work.

    `left_out` are responses that the other version cannot judge, since it does not know their contact.
    `differing` are those whose tier or rules differ. `rules` counts moves by (rule, before, after).
    """

    judged: int = 0
    left_out: int = 0
    differing: int = 0
    matrix: Counter[tuple[Tier, Tier]] = field(default_factory=Counter)
    rules: Counter[tuple[str, Tier, Tier]] = field(default_factory=Counter)
    weeks: dict[date, Week] = field(default_factory=dict)

    def add(self, one: Compared) -> None:
        """Count one comparison."""
        case, now = one
        was = case.before
        before, after = was.tier, now.tier
        self.judged += 1
        self.matrix[before, after] += 1
        if before is not after:
            self.differing += 1
            self.rules.update((rule, before, after) for rule in one.because)
        elif was.fired.keys() != now.fired.keys():
            self.differing += 1
        self._count(case, before in PAGING, after in PAGING)

    def _count(self, case: Case, before: bool, after: bool) -> None:
        week = self.weeks.get(case.week)
        if week is None:
            week = self.weeks[case.week] = Week()
        week.responses += 1
        if before or after:
            week.before += before
            week.after += after
            week.night_before += before and case.night
            week.night_after += after and case.night

    @property
    def raised(self) -> int:
        """Responses that the other version takes more seriously."""
        return sum(count for (before, after), count in self.matrix.items() if after.rank > before.rank)

    @property
    def lowered(self) -> int:
        """Responses that the other version takes less seriously."""
        return sum(count for (before, after), count in self.matrix.items() if after.rank < before.rank)

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them."""
        return {
            "judged": self.judged,
            "left_out": self.left_out,
            "differing": self.differing,
            "matrix": [[*pair, count] for pair, count in self.matrix.items()],
            "rules": [[*key, count] for key, count in self.rules.items()],
            "weeks": {
                day.isoformat(): [week.responses, week.before, week.after, week.night_before, week.night_after]
                for day, week in self.weeks.items()
            },
        }


def from_json(kept: Mapping[str, Any]) -> Tally:
    """The tally that `as_json` wrote; an empty one of an empty object."""
    if not kept:
        return Tally()
    return Tally(
        judged=kept["judged"],
        left_out=kept["left_out"],
        differing=kept["differing"],
        matrix=Counter({(Tier(before), Tier(after)): count for before, after, count in kept["matrix"]}),
        rules=Counter({(rule, Tier(before), Tier(after)): count for rule, before, after, count in kept["rules"]}),
        weeks={date.fromisoformat(day): Week(*numbers) for day, numbers in kept["weeks"].items()},
    )


def tallied(compared: Iterable[Compared]) -> Tally:
    """What these add up to."""
    tally = Tally()
    for one in compared:
        tally.add(one)
    return tally
