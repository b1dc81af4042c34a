"""Scoring one response: ours against json-logic-py and zen-engine, the same rules and the same answers, in turn.

All of them tell the tier and the rules that fired. Ours also tells which answers made each rule fire and looks for the
red phrases itself; the others are handed what they take, made beforehand. What counts is processor time: on a busy
machine a long turn is interrupted more often than a short one.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import answer_sets
from benchmarks.answer_sets import Case
from benchmarks.figures import Figure
from benchmarks.rule_steps import Verdict, facts_maker
from survey.domain import triage
from survey.domain.protocol import Protocol
from survey.interop import protocol_yaml

PACK = Path(__file__).parents[1] / "config/protocols/trigger-point-injection/v1.yaml"
SETS = 100_000
"""Half of each mix."""
ROUND = 1_000
"""Sets that one engine judges before the next has its turn."""
SEED = 2026
AHEAD_OF_JSON_LOGIC, AHEAD_OF_ZEN = 10, 1
OURS, JSON_LOGIC, ZEN = "ours", "json-logic-py", "zen-engine, compiled expression"


@dataclass(slots=True, kw_only=True)
class Engine:
    """One of those compared. Only `judge` is timed."""

    name: str
    take: Callable[[Case], Any]
    judge: Callable[[Any], Any]
    tell: Callable[[Any], Verdict]
    seconds: float = 0.0


def measure() -> list[Figure]:
    """Scores every set with every engine. Ends the run, not in success, where two do not agree."""
    protocol = protocol_yaml.load(PACK.read_text(encoding="utf-8"))
    figures: list[Figure] = []
    for mix, make in answer_sets.MIXES.items():
        dice, engines = random.Random(SEED), _engines(protocol)
        for _ in range(0, SETS // len(answer_sets.MIXES), ROUND):
            _round(engines, [make(protocol, dice) for _ in range(ROUND)])
        figures += _figures(mix, engines)
    return [*figures, Figure(name="answer sets on which all agree, tier and rules", value=SETS, unit="sets")]


def _round(engines: Sequence[Engine], cases: Sequence[Case]) -> None:
    told = []
    for engine in engines:
        taken = [engine.take(case) for case in cases]
        began = time.process_time()
        judged = [engine.judge(each) for each in taken]
        engine.seconds += time.process_time() - began
        told.append([engine.tell(each) for each in judged])
    for case, verdicts in zip(cases, zip(*told, strict=True), strict=True):
        if len(set(verdicts)) > 1:
            found = "\n".join(f"  {engine.name}: {each}" for engine, each in zip(engines, verdicts, strict=True))
            raise SystemExit(f"The engines do not agree on {case}:\n{found}")


def _engines(protocol: Protocol) -> list[Engine]:
    try:
        from benchmarks import rules_json_logic, rules_zen
    except ModuleNotFoundError as missing:
        raise SystemExit(
            f"There is no {missing.name} here. `make bench` installs what ours is compared with."
        ) from None
    ours = Engine(name=OURS, take=lambda case: case, judge=lambda case: triage.score(protocol, *case), tell=_ours)
    facts = facts_maker(protocol)
    others = {
        JSON_LOGIC: rules_json_logic.scorer(protocol),
        ZEN: rules_zen.expression(protocol),
        "zen-engine, decision": rules_zen.decision(protocol),
    }
    ours.judge(({}, {}))  # compiled at the first call
    return [
        ours,
        *(
            Engine(name=name, take=lambda case: facts(*case), judge=judge, tell=lambda told: told)
            for name, judge in others.items()
        ),
    ]


def _ours(score: triage.Score) -> Verdict:
    return score.tier.value, tuple(fired.rule for fired in score.fired)


def _figures(mix: str, engines: Sequence[Engine]) -> list[Figure]:
    took = {engine.name: engine.seconds for engine in engines}
    count = SETS // len(answer_sets.MIXES)
    promised = {JSON_LOGIC: AHEAD_OF_JSON_LOGIC, ZEN: AHEAD_OF_ZEN}
    rates = [Figure(name=f"scored, {mix}: {name}", value=count / each, unit="/s") for name, each in took.items()]
    ratios = [
        Figure(
            name=f"  ours to {name}", value=each / took[OURS], unit="times", budget=promised.get(name), at_least=True
        )
        for name, each in took.items()
        if name != OURS
    ]
    return rates + ratios
