"""The rules as JSON-Logic, judged step by step so that a set is worked out once, as ours does."""

from collections.abc import Callable, Sequence

from json_logic import jsonLogic

from benchmarks.rule_steps import Facts, Translation, Verdict, by_severity, rule_path, verdict
from survey.domain.protocol import Protocol

Logic = dict[str, object]


class JsonLogic:
    """A step stands beside the facts, so one `var` reads either. Of operations that say the same, the cheaper one."""

    def holds(self, path: str) -> Logic:
        return {"var": [path]}

    def among(self, path: str, values: Sequence[str]) -> Logic:
        if len(values) == 1:
            return {"===": [self.holds(path), values[0]]}
        return {"in": [self.holds(path), list(values)]}

    def differs(self, path: str, value: str) -> Logic:
        return {"!==": [self.holds(path), value]}

    def at_least(self, path: str, least: float) -> Logic:
        return {">=": [self.holds(path), least]}

    def at_most(self, path: str, most: float) -> Logic:
        return {"<=": [self.holds(path), most]}

    def one_missing(self, paths: Sequence[str]) -> Logic:
        return {"missing": list(paths)}

    def all_of(self, parts: Sequence[Logic]) -> Logic:
        return {"and": list(parts)}

    def any_of(self, parts: Sequence[Logic]) -> Logic:
        return parts[0] if len(parts) == 1 else {"or": list(parts)}

    def count_of(self, count: int, parts: Sequence[Logic]) -> Logic:
        return {">=": [{"count": list(parts)}, count]}


def scorer(protocol: Protocol) -> Callable[[Facts], Verdict]:
    """Judges one set of facts."""
    steps = list(Translation(protocol, JsonLogic()).steps.items())
    tiers = by_severity(protocol)
    told = [(rule, rule_path(rule)) for rule in tiers]

    def score(facts: Facts) -> Verdict:
        known: dict[str, object] = dict(facts)
        for path, logic in steps:
            known[path] = jsonLogic(logic, known)
        return verdict(tiers, [rule for rule, path in told if known[path]])

    return score
