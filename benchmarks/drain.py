"""Scoring: rows a second of our batched drain and of a bare one, over the same responses, in turn."""

import time
from collections.abc import Callable
from statistics import median

import psycopg
from psycopg.rows import dict_row

from benchmarks import bare
from benchmarks.figures import Figure
from benchmarks.world import ALL_ANSWERS, World, people, plain, settle
from survey import clock
from survey.services import responses

ROWS, BATCH = 2000, 100


def measure(world: World, *, seconds: float) -> list[Figure]:
    """Rounds of ours and bare in turn for about that long. The ratio is of neighbors: a machine's speed drifts."""
    people(world, ROWS, answers=ALL_ANSWERS)
    ours: list[float] = []
    theirs: list[float] = []
    end = time.monotonic() + seconds
    with psycopg.connect(plain(world.environ["DATABASE_URL"]), row_factory=dict_row, autocommit=True) as tx:
        while len(ours) < 3 or time.monotonic() < end:
            ours.append(_rate(world, _drain))
            theirs.append(_rate(world, lambda: bare.drain(tx, limit=BATCH)))
    share = median(100 * our / their for our, their in zip(ours, theirs, strict=True))
    return [
        Figure(name="scoring drain", value=median(ours), unit="rows/s", budget=3500, at_least=True),
        Figure(name="  bare drain of the same rows", value=median(theirs), unit="rows/s"),
        Figure(name="  ours of bare", value=share, unit="%", budget=70, at_least=True),
    ]


def _drain() -> int:
    done = 0
    while count := responses.score_due(now=clock.now(), limit=BATCH):
        done += count
    return done


def _rate(world: World, drain: Callable[[], int]) -> float:
    with psycopg.connect(world.superuser, autocommit=True) as connection:
        connection.execute("UPDATE response SET revision = revision + 1, submitted_at = answered_at")
    settle(world)
    began = time.perf_counter()
    done = drain()
    return done / (time.perf_counter() - began)
