"""The checks that are about answers and tiers, each exact over every answer set of every touch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce

from oxidd.bdd import BDDFunction, BDDManager
from oxidd.util import BooleanOperator

from survey.domain.answers import YES
from survey.domain.conditions import Unanswered, leaves
from survey.domain.proofs import Check, Judged, Objection
from survey.domain.protocol import Flag, Hazard, Item, Protocol, Rule, Tier
from survey.domain.responses import asked
from survey.proof.blocks import OPEN, Block
from survey.proof.meaning import Meaning, Reading
from survey.proof.witness import Places, confirmed, judged, smallest

WORSE_TIERS = tuple(tier for tier in Tier if tier is not Tier.ROUTINE)


class Space:
    """One touch: its meaning, and how its tiers come about."""

    def __init__(self, protocol: Protocol, touch: str, manager: BDDManager, *, deadline: float = float("inf")) -> None:
        self.touch, self.meaning = touch, Meaning(asked(protocol, touch), manager, deadline=deadline)
        self.reading = Reading(self.meaning)
        self.fired, self.tiers = self.reading.rules(), self.reading.tiers()
        self.sets = self.meaning.answer_sets()

    def count(self, among: BDDFunction) -> int:
        """How many answer sets."""
        return (self.sets & among).sat_count(self.meaning.manager.num_vars())

    def exactly(self, tier: Tier) -> BDDFunction:
        """Where that tier is reached and the next one is not."""
        reached = self.tiers.get(tier, self.meaning.true)
        # Not all those above: then the parts could not overlap, and the count of them would prove nothing.
        above = [self.tiers[worse] for worse in WORSE_TIERS if worse.rank == tier.rank + 1]
        return reached & ~self.meaning.any(above)

    def smallest(self, among: BDDFunction) -> Places | None:
        """The smallest answer set in it. Raises TimeoutError past the deadline of the meaning."""
        self.meaning.check_time()
        return smallest(self.meaning, among)

    def judged(self, places: Places) -> Judged:
        """The evaluator's word, confirmed by the diagrams."""
        return confirmed(self.meaning, self.tiers, self.touch, places)


def total(space: Space) -> Iterator[Objection]:
    """Each answer set has exactly one tier: the four parts are disjoint, and together they are everything."""
    if sum(space.count(space.exactly(tier)) for tier in Tier) != space.count(space.meaning.true):
        yield Objection(says="Some answer sets have no tier, or more than one.")


def monotone(space: Space) -> Iterator[Objection]:
    """One step worse never lowers the tier, and an answer lowers it only by lifting the rules on open questions."""
    unfinished = [rule.id for rule in space.meaning.protocol.rules if _is_about_open_only(rule)]
    finished = Reading(space.meaning, without=unfinished).tiers()
    for block in space.meaning.blocks.every:
        for better, worse in block.steps:
            yield from _step(space, space.tiers, block, better, worse)
        if block.key in space.meaning.blocks.items:
            for place in block.told_apart:
                if place != OPEN:
                    yield from _step(space, finished, block, OPEN, place)


def unfinished(space: Space) -> Iterator[Objection]:
    """A form with an open question is at least soon."""
    found = space.smallest(space.meaning.any_open & ~space.tiers[Tier.SOON])
    if found:
        yield Objection(says="A form with an open question is routine.", before=space.judged(found))


def red_flags(space: Space) -> Iterator[Objection]:
    """Any Yes on a red-flag item is an emergency."""
    for item in space.meaning.protocol.items:
        for block in space.meaning.blocks.items[item.key] if item.red_flag else ():
            yield from _red_line(space, item, block)


def unknown(space: Space) -> Iterator[Objection]:
    """A flag that nobody wrote down is never safer than one known absent; save named exceptions, than one present."""
    exceptions = space.meaning.protocol.unknown_exceptions
    lenient = Reading(space.meaning, lenient=[(rule, each.flag) for each in exceptions for rule in each.rules]).tiers()
    for block in space.meaning.blocks.flags.values():
        absent, not_known, present = (block.values.index(flag) for flag in (Flag.NO, Flag.UNKNOWN, Flag.YES))
        yield from _step(space, space.tiers, block, absent, not_known)
        yield from _step(space, lenient, block, present, not_known)


def rules(spaces: Sequence[Space]) -> Iterator[Objection]:
    """Each rule fires in some answer set, and in some it decides the tier."""
    for rule in spaces[0].meaning.protocol.rules:
        alive = [space for space in spaces if space.count(space.fired[rule.id])]
        if not alive:
            yield Objection(says=f"{rule.id} never fires: no answer set makes its condition hold.")
        elif not any(space.count(_alone(space, rule)) for space in alive):
            yield _shadowed(alive[0], rule)


def hazards(spaces: Sequence[Space]) -> Iterator[Objection]:
    """What the protocol promises holds, and each promise is about something."""
    for hazard in spaces[0].meaning.protocol.hazards:
        where = [(space, _hazard(space, hazard)) for space in spaces]
        if not hazard.never and not any(space.count(meant) for space, meant in where):
            yield Objection(says=f"“{hazard.says}” ({hazard.key}) is about no answer set at all.")
        for space, meant in where:
            yield from _broken(space, hazard, meant)


OF_ONE: Mapping[Check, Callable[[Space], Iterator[Objection]]] = {
    Check.TOTAL: total,
    Check.MONOTONE: monotone,
    Check.UNFINISHED: unfinished,
    Check.RED_FLAGS: red_flags,
    Check.UNKNOWN: unknown,
}
"""Checks that are made for each touch by itself."""

OF_ALL: Mapping[Check, Callable[[Sequence[Space]], Iterator[Objection]]] = {
    Check.RULES: rules,
    Check.HAZARDS: hazards,
}
"""Checks that one touch may pass for all."""


def _is_about_open_only(rule: Rule) -> bool:
    return all(isinstance(leaf, Unanswered) for leaf in leaves(rule.when))


def _step(
    space: Space, tiers: Mapping[Tier, BDDFunction], block: Block, better: int, worse: int
) -> Iterator[Objection]:
    """One objection when going from one place to the other lowers the tier anywhere."""
    lowered = space.meaning.any(
        _given(tiers[tier], block, better) & ~_given(tiers[tier], block, worse) for tier in WORSE_TIERS
    )
    others = space.meaning.all(other.valid for other in space.meaning.blocks.every if other is not block)
    found = space.smallest(lowered & others & block.among([better]))
    if found:
        was, became = (judged(space.meaning, space.touch, {**found, block: place}) for place in (better, worse))
        says = f"The tier falls from {was.tier} to {became.tier}: {_change(block, better, worse)}."
        if was.tier.rank <= became.tier.rank:
            says = (
                f"The tier would fall but for an open question or a named exception: {_change(block, better, worse)}."
            )
        yield Objection(says=says, before=was, after=became)


def _change(block: Block, before: int, after: int) -> str:
    def said(place: int) -> str:
        value = block.values[place]
        return "not answered" if value is None else str(value)

    return f"{block.key}{f'.{block.line}' if block.line else ''} from {said(before)} to {said(after)}"


def _given(function: BDDFunction, block: Block, place: int) -> BDDFunction:
    """The function with the block's value fixed, free of the block's bits."""
    bits = reduce(lambda one, other: one & other, block.bits)
    return function.apply_exists(BooleanOperator.AND, block.among([place]), bits)


def _red_line(space: Space, item: Item, block: Block) -> Iterator[Objection]:
    exclusive = item.exclusive_line
    if exclusive and block.line == exclusive.key:
        return
    marked = space.meaning.shown[item.key] & block.where(lambda said: said == YES)
    found = space.smallest(marked & ~space.tiers[Tier.EMERGENCY])
    if found:
        case = space.judged(found)
        yield Objection(says=f"The red flag {block.line} of {item.key} is only {case.tier}.", before=case)


def _alone(space: Space, rule: Rule) -> BDDFunction:
    """Where the rule fires and none as serious does."""
    others = [one.id for one in space.meaning.protocol.rules if one is not rule and one.tier.rank >= rule.tier.rank]
    return space.fired[rule.id] & ~space.meaning.any(space.fired[one] for one in others)


def _shadowed(space: Space, rule: Rule) -> Objection:
    fires = space.fired[rule.id]
    by = [
        one.id
        for one in space.meaning.protocol.rules
        if one is not rule and one.tier.rank >= rule.tier.rank and not space.count(fires & ~space.fired[one.id])
    ]
    found = space.smallest(fires)
    names = f"{', '.join(by)} fires as well" if by else "other rules that are as serious fire as well"
    says = f"{rule.id} never decides: wherever it fires, {names}."
    return Objection(says=says, before=space.judged(found) if found else None)


def _hazard(space: Space, hazard: Hazard) -> BDDFunction:
    """The valid assignments that the promise is about."""
    meant = space.meaning.valid & (space.reading.of(hazard.when) if hazard.when else space.meaning.true)
    if hazard.only is None:
        return meant
    items, flags = space.meaning.blocks.items, space.meaning.blocks.flags
    absent = [block.where(lambda said: said == Flag.NO) for key, block in flags.items() if key not in hazard.only]
    best = [
        ~space.meaning.shown[item.key] | _at_best(item, block)
        for item in space.meaning.protocol.items
        for block in items[item.key]
        if not {item.key, f"{item.key}.{block.line}"} & {*hazard.only}
    ]
    # A promise about open questions is about forms on which only those are open.
    named = {leaf.item for leaf in leaves(hazard.when) if isinstance(leaf, Unanswered)} if hazard.when else set()
    left_open = space.meaning.left_open.items()
    others_open = space.meaning.any(is_open for key, is_open in left_open if not named & {key, None})
    return space.meaning.all([meant, ~others_open, *absent, *best])


def _at_best(item: Item, block: Block) -> BDDFunction:
    """Its best value, any answer at all where the values have no order; and none where the item may stay open."""
    best = block.among([block.best]) if block.best is not None else ~block.among([OPEN])
    return best if item.required else best | block.among([OPEN])


def _broken(space: Space, hazard: Hazard, meant: BDDFunction) -> Iterator[Objection]:
    too_low = meant & ~space.tiers.get(hazard.at_least or Tier.ROUTINE, space.meaning.true)
    above = [tier for tier in WORSE_TIERS if hazard.at_most and tier.rank > hazard.at_most.rank]
    too_high = meant & space.meaning.any(space.tiers[tier] for tier in above)
    shown = space.meaning.shown
    not_asked = meant & space.meaning.any(~shown[key] for key in hazard.asked if key in shown)
    found = space.smallest(meant if hazard.never else too_low | too_high | not_asked)
    if found:
        yield Objection(says=f"“{hazard.says}” ({hazard.key}) does not hold.", before=space.judged(found))
