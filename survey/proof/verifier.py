"""Verifies a protocol: every check in turn, timed, within a limit."""

import time
from collections.abc import Iterator, Sequence

from oxidd.bdd import BDDManager
from oxidd.util import DDMemoryError

from survey.domain.errors import Refused
from survey.domain.proofs import VERIFIER, Check, Checked, Objection, Proof, Wording
from survey.domain.protocol import Protocol, Tier
from survey.proof.checks import OF_ALL, OF_ONE, Space
from survey.proof.words import words

NODES = 1 << 22
"""Most nodes of a diagram; the shipped protocols need some ten thousand."""
SECONDS = 120.0
MOST_OBJECTIONS = 5
"""Of each check; the first mended often mends the others."""


def verify(protocol: Protocol, *, wordings: Sequence[Wording], seconds: float = SECONDS, nodes: int = NODES) -> Proof:
    """Prove the protocol, or find what speaks against it. `wordings` are the messages in each of its languages.

    Raises Refused when that takes more than `seconds` or `nodes`: a protocol is proved or refused, never sampled.
    """
    try:
        return _Verification(protocol, wordings, seconds=seconds, nodes=nodes).proof()
    except (DDMemoryError, TimeoutError) as error:
        raise Refused(
            f"The protocol {protocol.slug} version {protocol.version} is too large to be proved"
            f" ({seconds:g} s, {nodes:,} nodes), so it is refused. Ask fewer questions, or use fewer conditions."
        ) from error


class _Verification:
    def __init__(self, protocol: Protocol, wordings: Sequence[Wording], *, seconds: float, nodes: int) -> None:
        self._protocol, self._wordings, self._began = protocol, wordings, time.perf_counter()
        deadline = self._began + seconds
        # A diagram of its own for each touch, so that no count is over another one's bits.
        self._spaces = [
            Space(protocol, touch.key, BDDManager(nodes, nodes // 4, 1), deadline=deadline)
            for touch in protocol.touches
        ]

    def proof(self) -> Proof:
        """Every check, made and timed."""
        checks = tuple(self._timed(check) for check in Check)
        return Proof(
            sha256=self._protocol.sha256,
            verifier=VERIFIER,
            answer_sets=sum(space.count(space.meaning.true) for space in self._spaces),
            tiers={tier: sum(space.count(space.exactly(tier)) for space in self._spaces) for tier in Tier},
            checks=checks,
            seconds=time.perf_counter() - self._began,
        )

    def _timed(self, check: Check) -> Checked:
        began = time.perf_counter()
        found: list[Objection] = []
        for objection in self._made(check):
            found.append(objection)
            if len(found) == MOST_OBJECTIONS:
                break
        return Checked(check=check, seconds=time.perf_counter() - began, objections=tuple(found))

    def _made(self, check: Check) -> Iterator[Objection]:
        if check is Check.WORDS:
            yield from words(self._protocol, self._wordings)
        elif check in OF_ALL:
            yield from OF_ALL[check](self._spaces)
        else:
            for space in self._spaces:
                yield from OF_ONE[check](space)
