"""Whether two protocols give every answer set the same tier, so that a change between them is one of words only."""

from oxidd.bdd import BDDManager

from survey.domain.protocol import Protocol
from survey.domain.responses import asked
from survey.proof.meaning import Meaning, Reading

NODES = 1 << 20


def same_tiers(one: Protocol, other: Protocol) -> bool:
    """Exact, over every answer set of every touch. Protocols that ask differently are never the same."""
    if [touch.key for touch in one.touches] != [touch.key for touch in other.touches]:
        return False
    return all(_same(asked(one, touch.key), asked(other, touch.key)) for touch in one.touches)


def _same(one: Protocol, other: Protocol) -> bool:
    if _asked(one) != _asked(other):
        return False
    first = Meaning(one, BDDManager(NODES, NODES // 4, 1))
    second = Meaning(other, first.manager, blocks=first.blocks)
    tiers, others = Reading(first).tiers(), Reading(second).tiers()
    return not any((first.valid & (tiers[tier] ^ others[tier])).satisfiable() for tier in tiers)


def _asked(protocol: Protocol) -> list[tuple[str, str | None, list[object]]]:
    blocks = Meaning(protocol, BDDManager(NODES, NODES // 4, 1)).blocks
    return [(block.key, block.line, list(block.values)) for block in blocks.every]
