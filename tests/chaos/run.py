"""Plays one scenario: brings its processes up, lets it happen, waits for the dust to settle, and asks what is so."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from subprocess import SubprocessError

import httpx
import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from survey.domain.errors import DomainError
from tests.chaos import invariants
from tests.chaos.evidence import Findings, Terms
from tests.chaos.scenarios import Scenario
from tests.chaos.scene import Scene
from tests.chaos.world import World

SETTLES_WITHIN_S = 45.0
"""After the last fault. The longest honest wait is two pauses of 15 s, after calls whose end nobody knows."""
HEAD = f"{'':3} {'scenario':34} {'alerts':>6} {'pages':>6} {'lost':>5} {'late':>5} {'copies':>6} {'worst page':>10}"

BREAKS_OFF: tuple[type[Exception], ...] = (
    *(DomainError, SQLAlchemyError, psycopg.Error, redis.RedisError, httpx.HTTPError),
    *(SubprocessError, OSError, LookupError, TypeError, ValueError, RuntimeError),
)
"""What a process or a server that is not as it should be lets a scenario end with, before it can say what it saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a scenario went."""

    scenario: Scenario
    found: Findings
    took_s: float


def play(
    world: World, scenario: Scenario, *, seed: int, settle_s: float = SETTLES_WITHIN_S, leniency: float = 1.0
) -> Result:
    """Never raises for what went wrong in the scenario: that is a finding.

    `leniency` multiplies how long an answer and a first page may take, where a machine has much else to do.
    """
    terms = replace(
        scenario.terms, late_s=leniency * scenario.terms.late_s, submit_s=leniency * scenario.terms.submit_s
    )
    began = time.monotonic()
    folder = world.folder / scenario.name
    scene = Scene(world, folder, seed=seed, environ=scenario.environ)
    try:
        failed = _happen(scene, scenario)
        found = _settled(scene, terms, within_s=0 if failed else settle_s)
        found.broken = failed + found.broken
        if found.broken:
            found.broken += [f"  {line}" for line in scene.stack.last_lines()[-12:]]
    finally:
        scene.close()
    return Result(scenario=scenario, found=found, took_s=time.monotonic() - began)


def _happen(scene: Scene, scenario: Scenario) -> list[str]:
    try:
        if scenario.prepare is not None:
            scenario.prepare(scene)
        scene.up(*scenario.needs)
        scenario.play(scene)
    except AssertionError as failed:
        return [f"{scenario.name}: {failed}"]
    except BREAKS_OFF as error:  # the other scenarios are played all the same
        where = traceback.format_exc().splitlines()[-7:]
        return [f"{scenario.name} broke off: {type(error).__name__}: {error}", *where]
    return []


def _settled(scene: Scene, terms: Terms, *, within_s: float) -> Findings:
    """What is amiss once nothing more mends itself."""
    deadline = time.monotonic() + within_s
    while (found := invariants.examine(scene, terms)).broken and time.monotonic() < deadline:
        if found.late and not found.lost:
            break  # what came late will not have come in time
        time.sleep(0.5)
    return found


def line(result: Result) -> str:
    """A row of the table, and under it whatever broke."""
    found, scenario = result.found, result.scenario
    figures = f"{found.alerts:6} {found.pages:6} {found.lost:5} {found.late:5} {found.copies:6} {found.worst_s:8.2f} s"
    verdict = "BROKEN" if found.broken else "holds"
    row = f"{scenario.number:3} {scenario.name:34} {figures}  {verdict} ({result.took_s:.0f} s)"
    return "\n".join([row, *(f"      {sentence}" for sentence in found.broken)])


def summary(results: Sequence[Result]) -> str:
    """The last line."""
    found = [one.found for one in results]
    copies, worst = max((one.copies for one in found), default=0), max((one.worst_s for one in found), default=0.0)
    return (
        f"chaos: {len(found)} scenarios, {sum(one.lost for one in found)} lost, at most {copies} copies, "
        f"worst page {worst:.1f} s"
    )
