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
        self._given = {clue[0]: tuple(found) for clue, found in places.items() if len(clue) == 1}
        self._said: dict[str, dict[str, tuple[int, ...]]] = {OPEN: {}, FLAG: {}}
        for clue, found in places.items():
            if len(clue) == 2:
                self._said.setdefault(clue[0], {})[clue[1]] = tuple(found)

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
            of_open = self._said[OPEN]
            for key in ("", *left_open):
                found.update(of_open.get(key, ()))
        for flag, places in self._said[FLAG].items():
            if context.get(flag) != Flag.NO:
                found.update(places)
        return sorted(found)

    def _in_answers(self, answers: Mapping[str, Answer]) -> set[int]:
        found = {place for key in self._given if answers.get(key, "") != "" for place in self._given[key]}
        for key, telling in self._said.items():
            answer = answers.get(key)
            if answer is None or isinstance(answer, _NUMBERS):
                continue
            if isinstance(answer, str):
                if answer in telling:
                    found.update(telling[answer])
            elif YES in answer.values():
                found.update(*[telling[line] for line in telling if answer.get(line) == YES])
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
