"""Decision diagrams evaluated for a whole crowd at once: a node is one step on integers with a bit for each person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oxidd.bdd import BDDFunction

from survey.proof.blocks import Block

FALSE, TRUE = 0, 1


def bits(flags: Iterable[bool]) -> int:
    """One bit for each, the first one highest."""
    return int("".join(["1" if flag else "0" for flag in flags]), 2)


def columns(blocks: Sequence[Block], places: Sequence[Sequence[int]]) -> dict[int, int]:
    """Number of a variable to its value for each person. `places` holds one list for each person."""
    found: dict[int, int] = {}
    for block, column in zip(blocks, zip(*places, strict=True), strict=True):
        for bit in range(len(block.bits)):
            shift = len(block.bits) - 1 - bit
            found[block.first + bit] = bits([place >> shift & 1 == 1 for place in column])
    return found


@dataclass(slots=True)
class Batch:
    """Diagrams laid out as a list of nodes, each after the two below it."""

    nodes: list[tuple[int, int, int]] = field(default_factory=list)
    """Variable, place below when it is true, place below when it is false."""
    _places: dict[BDDFunction, int] = field(default_factory=dict)

    def add(self, function: BDDFunction) -> int:
        """The place of the function among the values that `run` gives."""
        halves = function.cofactors()
        if halves is None:
            return TRUE if function.satisfiable() else FALSE
        if function not in self._places:
            high, low = (self.add(half) for half in halves)
            self.nodes.append((function.node_var(), high, low))
            self._places[function] = len(self.nodes) + TRUE
        return self._places[function]

    def run(self, variables: Mapping[int, int], people: int) -> list[int]:
        """The value of every node, a bit for each person."""
        everybody = (1 << people) - 1
        values = [0, everybody]
        for variable, high, low in self.nodes:
            chosen = variables[variable]
            values.append((chosen & values[high]) | (values[low] & ~chosen))
        return values
