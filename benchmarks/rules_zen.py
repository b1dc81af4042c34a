"""The rules as a ZEN expression, which zen-engine takes compiled alone or in a decision."""

import json
from collections.abc import Callable, Sequence

import zen

from benchmarks.rule_steps import Facts, Translation, Verdict, by_severity, rule_path, verdict
from survey.domain.protocol import Protocol


class Zen:
    """ZEN knows no truth but true and false, and compares only numbers: what may be missing is asked for first."""

    def holds(self, path: str) -> str:
        if path.startswith("answers."):
            return f'({path} != null and {path} != "")'
        return f"({path} ?? false)" if "." in path else path

    def among(self, path: str, values: Sequence[str]) -> str:
        if len(values) == 1:
            return f'{path} == "{values[0]}"'
        listed = ", ".join(f'"{value}"' for value in values)
        return f"{path} in [{listed}]"

    def differs(self, path: str, value: str) -> str:
        return f'{path} != "{value}"'

    def at_least(self, path: str, least: float) -> str:
        return f"({path} != null and {path} >= {least})"

    def at_most(self, path: str, most: float) -> str:
        return f"({path} != null and {path} <= {most})"

    def one_missing(self, paths: Sequence[str]) -> str:
        return self.any_of([f"{path} == null" for path in paths])

    def all_of(self, parts: Sequence[str]) -> str:
        return f"({' and '.join(parts)})"

    def any_of(self, parts: Sequence[str]) -> str:
        return f"({' or '.join(parts) or 'false'})"

    def count_of(self, count: int, parts: Sequence[str]) -> str:
        summed = " + ".join(f"({part} ? 1 : 0)" for part in parts)
        return f"({summed} >= {count})"


def expression(protocol: Protocol) -> Callable[[Facts], Verdict]:
    """Judges one set of facts by one compiled expression: the fastest form we found."""
    tiers, judge = by_severity(protocol), zen.compile_expression(_fired(protocol))

    def score(facts: Facts) -> Verdict:
        return verdict(tiers, judge.evaluate(facts))

    return score


def decision(protocol: Protocol) -> Callable[[Facts], Verdict]:
    """Judges one set of facts by a decision, the usual form: a graph with one node, which holds the expression."""
    tiers, judge = by_severity(protocol), zen.ZenEngine().create_decision(json.dumps(_graph(_fired(protocol))))

    def score(facts: Facts) -> Verdict:
        return verdict(tiers, judge.evaluate(facts)["result"]["fired"])

    return score


def _fired(protocol: Protocol) -> str:
    """Every step as a variable, then the list of the rules that fired."""
    steps = "; ".join(f"{path} = {saying}" for path, saying in Translation(protocol, Zen()).steps.items())
    told = ", ".join(f'{rule_path(rule)} ? "{rule}" : ""' for rule in by_severity(protocol))
    return f'{steps}; filter([{told}], # != "")'


def _graph(fired: str) -> dict[str, object]:
    rules = {"expressions": [{"id": "fired", "key": "fired", "value": fired}]}
    kinds = {"facts": ("inputNode", {}), "rules": ("expressionNode", rules), "verdict": ("outputNode", {})}
    return {
        "nodes": [
            {"id": name, "name": name, "type": kind, "content": content, "position": {"x": 0, "y": 0}}
            for name, (kind, content) in kinds.items()
        ],
        "edges": [
            {"id": f"from_{source}", "type": "edge", "sourceId": source, "targetId": target}
            for source, target in (("facts", "rules"), ("rules", "verdict"))
        ],
    }
