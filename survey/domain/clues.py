"""Clues: which rules can hold at all, told from the answers alone, so that the others need not be looked at.

Conditions know no negation: one that holds has a leaf that holds. Each rule therefore has clues of which at least one
must lie in the case. Nearly every patient is well and leaves hardly any.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from survey.domain.answers import YES, Answer
from survey.domain.conditions import (
    AllOf,
    AnyOf,
    AtLeast,
    Condition,
    FlagKnown,
    FlagPresent,
    LineYes,
    NumberAtLeast,
    NumberAtMost,
    OptionIn,
    RedWords,
    RuleFired,
    SetHolds,
    Unanswered,
    Written,
)
from survey.domain.protocol import Context, Flag, Rule

Leaf = OptionIn | LineYes | NumberAtLeast | NumberAtMost | Written | RedWords | Unanswered | FlagPresent | FlagKnown
Clue = tuple[str, ...]
"""`(item, option or line)`, `(item,)` for a number or a text, `(OPEN, item or "")`, `(FLAG, flag)`."""

OPEN, FLAG = " open", " flag"
"""No item is called so: keys hold no space."""
_NUMBERS = (int, float)
_COMMON = 10
"""What a clue weighs that most cases hold; among parts that must all hold, the rarest is the one to wait for."""


class Clues:
    """The rules of one protocol by their clues. `rules` are in the order in which they have to be judged."""

    def __init__(self, rules: Sequence[Rule], sets: Mapping[str, Condition]) -> None:
        self._sets, self._rules = sets, {rule.id: rule.when for rule in rules}
        places: dict[Clue, list[int]] = defaultdict(list)
        for place, rule in enumerate(rules):
            for clue in self.of(rule.when):
                places[clue].append(place)
        self._given = [(clue[0], found) for clue, found in places.items() if len(clue) == 1]
        said: dict[str, dict[str, list[int]]] = {OPEN: {}, FLAG: {}}
        for clue, found in places.items():
            if len(clue) == 2:
                said.setdefault(clue[0], {})[clue[1]] = found
        self._open, self._flags = said.pop(OPEN), said.pop(FLAG)
        self._said = list(said.items())

    def of(self, condition: Condition) -> frozenset[Clue]:
        """Clues of which one lies in every case in which the condition holds."""
        match condition:
            case AnyOf() | AtLeast():
                return frozenset().union(*(self.of(part) for part in condition.of))
            case AllOf():
                return min((self.of(part) for part in condition.of), key=_weight, default=frozenset())
            case SetHolds():
                return self.of(self._sets[condition.name])
            case RuleFired():
                return self.of(self._rules[condition.rule])
            case _:
                return frozenset(_of_leaf(condition))

    def places(self, answers: Mapping[str, Answer], left_open: Sequence[str], context: Context) -> list[int]:
        """The places of the rules that may hold, in order."""
        found = self._in_answers(answers)
        if left_open:
            for key in ("", *left_open):
                found += self._open.get(key, ())
        for flag, places in self._flags.items():
            if context.get(flag) != Flag.NO:
                found += places
        return sorted(set(found))

    def _in_answers(self, answers: Mapping[str, Answer]) -> list[int]:
        found = [place for item, places in self._given if answers.get(item, "") != "" for place in places]
        for item, telling in self._said:
            answer = answers.get(item)
            if isinstance(answer, str):
                if answer in telling:
                    found += telling[answer]
            elif answer is not None and not isinstance(answer, _NUMBERS) and YES in answer.values():
                for line, said in answer.items():
                    if said == YES and line in telling:
                        found += telling[line]
        return found


def _of_leaf(leaf: Leaf) -> list[Clue]:
    match leaf:
        case OptionIn():
            return [(leaf.item, key) for key in leaf.options]
        case LineYes():
            return [(leaf.item, key) for key in leaf.lines]
        case NumberAtLeast() | NumberAtMost() | Written() | RedWords():
            return [(leaf.item,)]
        case Unanswered():
            return [(OPEN, leaf.item or "")]
        case FlagPresent() | FlagKnown():
            return [(FLAG, leaf.flag)]


def _weight(clues: frozenset[Clue]) -> int:
    return sum(_COMMON if clue[0] in (OPEN, FLAG) or len(clue) == 1 else 1 for clue in clues)
