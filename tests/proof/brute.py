"""A checker that is slow and plain on purpose: it goes through every answer set of a small protocol, one by one.

It shares no reading of conditions with `survey.proof` nor with the evaluator, and says the seven checks in loops. A
state holds a value for everything that can be answered or recorded; what stands in an item that is not shown does not
count. So the step of one answer also meets every answer to a question that it makes appear.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from survey.domain import conditions as c
from survey.domain.proofs import Check
from survey.domain.protocol import Hazard, Protocol, Rule, Tier
from tests.proof.worlds import TIERS, Said, State, Verdict, World

SOON, EMERGENCY = 1, 3


def _moved(world: World, place: int, before: Said, after: Said) -> Iterator[tuple[Verdict, Verdict]]:
    """Every pair of states that differ in that one value."""
    for state, verdict in world.verdicts.items():
        if state[place] == before:
            yield verdict, world.verdicts[(*state[:place], after, *state[place + 1 :])]


def total(world: World) -> bool:
    """Each answer set has one tier, however it was come by."""
    tiers: dict[object, set[int]] = {}
    for verdict in world.verdicts.values():
        tiers.setdefault(verdict.said, set()).add(verdict.tier)
    return all(len(found) == 1 for found in tiers.values())


def monotone(world: World) -> bool:
    """No step to something worse lowers the tier; nor does an answer, but for the rules on open questions."""
    for place, slot in enumerate((*world.flags, *world.slots)):
        steps = [("no", "yes"), ("unknown", "yes")] if slot in world.flags else [*pairwise(slot.order)]
        for better, worse in steps:
            if any(after.tier < before.tier for before, after in _moved(world, place, better, worse)):
                return False
        for answer in slot.values if slot in world.slots else ():
            if any(after.finished < before.finished for before, after in _moved(world, place, None, answer)):
                return False
    return True


def unfinished(world: World) -> bool:
    """What is open is at least soon."""
    return all(verdict.tier >= SOON for verdict in world.verdicts.values() if verdict.view.open)


def red_flags(world: World) -> bool:
    """A Yes on a line of a red-flag item is an emergency."""
    for item in world.items:
        red = [line.key for line in item.lines if not line.exclusive] if item.red_flag else []
        for verdict in world.verdicts.values():
            said = verdict.view.seen.get(item.key) or {}
            if verdict.tier < EMERGENCY and any(said.get(line) == "yes" for line in red):
                return False
    return True


def unknown(world: World) -> bool:
    """Not known is nowhere lower than known absent, nor, save where excepted, than present."""
    for place in range(len(world.flags)):
        if any(after.tier < before.tier for before, after in _moved(world, place, "no", "unknown")):
            return False
        if any(after.lenient < before.lenient for before, after in _moved(world, place, "yes", "unknown")):
            return False
    return True


def rules(worlds: Sequence[World]) -> set[str]:
    """The rules that nowhere are the only one to fire among those that are as serious or more."""
    fired = {(world, verdict.fired) for world in worlds for verdict in world.verdicts.values()}
    return {rule.id for rule in worlds[0].protocol.rules if not any(_decides(rule, *each) for each in fired)}


def _decides(rule: Rule, world: World, fired: frozenset[str]) -> bool:
    return rule.id in fired and all(world.ranks[other] < _place(rule.tier) for other in fired - {rule.id})


def hazards(worlds: Sequence[World]) -> set[str]:
    """The promises that are broken somewhere, and those that speak of nothing without saying never."""
    return {hazard.key for hazard in worlds[0].protocol.hazards if _is_broken(worlds, hazard)}


def _is_broken(worlds: Sequence[World], hazard: Hazard) -> bool:
    meant = [v for world in worlds for state, v in world.verdicts.items() if _is_meant(world, hazard, state, v)]
    if bool(meant) is hazard.never:
        return True
    if not all(_place(hazard.at_least) <= v.tier <= _place(hazard.at_most, EMERGENCY) for v in meant):
        return True
    # What a touch does not ask at all is not missed there.
    return any(v.view.hidden & {*hazard.asked} for v in meant)


def _place(tier: Tier | None, otherwise: int = 0) -> int:
    return otherwise if tier is None else TIERS.index(tier.value)


def _is_meant(world: World, hazard: Hazard, state: State, verdict: Verdict) -> bool:
    view = verdict.view
    if hazard.when is not None and not view.again().holds(hazard.when):
        return False
    if hazard.only is None:
        return True
    may_be_open = _may_be_open(hazard.when)
    if None not in may_be_open and {*view.open} - may_be_open:
        return False
    counted = {*view.flags, *view.shown}
    for slot, said in zip((*world.flags, *world.slots), state, strict=True):
        if slot.key in counted and not {slot.key, f"{slot.key}.{slot.line}"} & {*hazard.only} and said not in slot.best:
            return False
    return True


def _may_be_open(condition: c.Condition | None) -> set[str | None]:
    """Items whose being open a promise is about, so that it is not meant for finished forms alone; None for any."""
    if isinstance(condition, c.AllOf | c.AnyOf | c.AtLeast):
        return {key for part in condition.of for key in _may_be_open(part)}
    return {condition.item} if isinstance(condition, c.Unanswered) else set()


OF_ONE = {
    Check.TOTAL: total,
    Check.MONOTONE: monotone,
    Check.UNFINISHED: unfinished,
    Check.RED_FLAGS: red_flags,
    Check.UNKNOWN: unknown,
}
OF_ALL = {Check.RULES: rules, Check.HAZARDS: hazards}


@dataclass(frozen=True, slots=True)
class Brute:
    """What going through everything found: which checks hold, and how many answer sets have each tier."""

    holds: Mapping[Check, bool]
    blamed: Mapping[Check, set[str]]
    """The rules and the promises that were found wanting."""
    tiers: Mapping[str, int]
    worlds: Sequence[World]

    @property
    def answer_sets(self) -> int:
        """How many there are, of all touches together."""
        return sum(self.tiers.values())


def checked(protocol: Protocol) -> Brute:
    """Every check over every answer set of every touch."""
    worlds = [World(protocol, touch.key) for touch in protocol.touches]
    holds = {check: all(holds_in(world) for world in worlds) for check, holds_in in OF_ONE.items()}
    blamed = {check: wanting(worlds) for check, wanting in OF_ALL.items()}
    holds |= {check: not found for check, found in blamed.items()}
    said = [{verdict.said: verdict.tier for verdict in world.verdicts.values()} for world in worlds]
    tiers = {name: sum([*each.values()].count(place) for each in said) for place, name in enumerate(TIERS)}
    return Brute(holds, blamed, tiers, worlds)
