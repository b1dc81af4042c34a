"""From the commit of a worrying answer to the first request at the provider, with real workers and a real carrier."""

import io
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import httpx
import psycopg

from benchmarks.figures import Figure, percentile
from benchmarks.world import FIRST_ANSWERS, NO_RED_FLAG, World, people, plain, settle
from survey import clock
from survey.domain.queues import Queue
from survey.local import ports, runner, stack
from survey.local.runner import Process
from survey.store import doorbell

HANDS = 8
IDLE_PER_S, BUSY_PER_S = 3.0, 100.0
WORRYING_OF_BUSY = 10
"""At full load one answer in so many pages: ten pages a second."""
PATIENCE_S = 60.0

SAVE = """
WITH moved AS (
  UPDATE response SET revision = revision + 1, answered_at = %(now)s WHERE id = %(id)s RETURNING id, revision)
INSERT INTO answer (response_id, revision, item, value, at) SELECT id, revision, %(item)s, %(value)s, %(now)s FROM moved
"""
PAGED = """
SELECT t.id, a.response_id FROM page p JOIN page_attempt t ON t.page_id IN (p.id, p.bundled_in)
JOIN alert a ON a.id = p.alert_id
"""
WORRYING = ("red", psycopg.types.json.Jsonb({**NO_RED_FLAG, "breath": "yes"}))
CALM = ("sore", psycopg.types.json.Jsonb(3))

Committed = dict[UUID, datetime]
"""Response → when its worrying answer was committed."""


def measure(world: World, *, seconds: float) -> list[Figure]:
    """First at idle, one worry after the other; then among a hundred answers a second, at the times planned."""
    idle_count, busy_count = int(IDLE_PER_S * seconds / 2), int(BUSY_PER_S * seconds / 2)
    people(world, idle_count + busy_count, answers=FIRST_ANSWERS)
    unscored = iter(fresh(world))
    with running(world) as carrier:
        _commit(world, list(islice(unscored, 1)), per_s=1.0, worrying=1)  # the first loads the protocol
        _wait_for(world, 1)
        idle = times(world, carrier, list(islice(unscored, idle_count - 1)), per_s=IDLE_PER_S, worrying=1)
        busy = times(world, carrier, list(unscored), per_s=BUSY_PER_S, worrying=WORRYING_OF_BUSY)
    return [
        Figure(name="commit to provider, idle, p50", value=percentile(idle, 0.5), unit="ms", budget=15),
        Figure(name="commit to provider, idle, p99", value=percentile(idle, 0.99), unit="ms", budget=60),
        Figure(name=f"commit to provider, {BUSY_PER_S:.0f}/s, p50", value=percentile(busy, 0.5), unit="ms", budget=30),
        Figure(
            name=f"commit to provider, {BUSY_PER_S:.0f}/s, p99", value=percentile(busy, 0.99), unit="ms", budget=150
        ),
        Figure(name="  pages measured", value=len(idle) + len(busy), unit=""),
    ]


def fresh(world: World) -> list[UUID]:
    """The responses of `people` whose worrying answer is still to come."""
    with psycopg.connect(world.superuser) as connection:
        rows = connection.execute("SELECT id FROM response WHERE tier IS NULL AND revision = %s", (len(FIRST_ANSWERS),))
        return [response for (response,) in rows]


def times(world: World, carrier: str, responses: Sequence[UUID], *, per_s: float, worrying: int) -> list[float]:
    """Milliseconds for each page."""
    settle(world)
    before = _handed_over(world)
    committed = _commit(world, responses, per_s=per_s, worrying=worrying)
    _wait_for(world, before + len(committed))
    first = _first_requests(world, carrier)
    return [1000 * (first[response] - at).total_seconds() for response, at in committed.items()]


def _commit(world: World, responses: Sequence[UUID], *, per_s: float, worrying: int) -> Committed:
    """Commit one answer for each response at its planned time, whether or not the one before was quick."""
    committed: Committed = {}
    kept = threading.local()
    address = plain(world.environ["DATABASE_URL"])

    def save(response: UUID, answer: tuple[str, Any]) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = psycopg.connect(address, autocommit=True)
        item, value = answer
        kept.connection.execute(SAVE, {"id": response, "item": item, "value": value, "now": clock.now()})
        if answer is WORRYING:
            committed[response] = clock.now()
        doorbell.ring(Queue.SCORING)

    began = time.monotonic()
    with ThreadPoolExecutor(HANDS) as hands:
        for number, response in enumerate(responses):
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
            hands.submit(save, response, WORRYING if number % worrying == 0 else CALM)
    return committed


def _journal(carrier: str) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = httpx.get(f"{carrier}/journal.json", trust_env=False).json()["entries"]
    return entries


def _first_requests(world: World, carrier: str) -> dict[UUID, datetime]:
    """Response → when the provider was first asked to page for it."""
    with psycopg.connect(world.superuser) as connection:
        rows = connection.execute(PAGED).fetchall()
    asked = {entry["callback"].rpartition("/")[2]: datetime.fromisoformat(entry["at"]) for entry in _journal(carrier)}
    first: dict[UUID, datetime] = {}
    for attempt, response in rows:
        at = asked.get(str(attempt))
        if at is not None:
            first[response] = min(at, first.get(response, at))
    return first


def _wait_for(world: World, count: int) -> None:
    """Until so many pages were handed over. Raises RuntimeError when they stay away.

    The carrier is not asked meanwhile: telling of thousands of texts would slow it down.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (done := _handed_over(world)) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{count} pages were expected; {done} were handed over")
        time.sleep(0.2)


def _handed_over(world: World) -> int:
    """How many responses have a page that a provider was asked to carry."""
    query = f"SELECT count(DISTINCT response_id) FROM ({PAGED} WHERE t.finished_at IS NOT NULL) AS paged"
    with psycopg.connect(world.superuser) as connection:
        (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


@contextmanager
def running(world: World, *queues: str) -> Iterator[str]:
    """The carrier, the scoring and the paging worker, those of `queues`, and a sentinel; the carrier's address."""
    port = ports.next_free(8200)
    carrier = f"http://127.0.0.1:{port}"
    environ = {
        **world.environ,
        "DEMO": "true",
        "TWILIO_BASE_URL": carrier,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "CANARY": "false",
        "LOG_LEVEL": "WARNING",
    }
    folder = world.environ["BENCH_FOLDER"]
    processes = [
        Process(
            name="phones", command=stack.daytwo("demo", "--carrier", "--bind", f"127.0.0.1:{port}", "--folder", folder)
        ),
        *(Process(name=queue, command=stack.daytwo("worker", queue)) for queue in ("scoring", "paging", *queues)),
        Process(name="sentinel", command=stack.daytwo("sentinel")),
    ]
    output = io.StringIO()
    with runner.background(processes, environ=environ, out=output):
        until_it_answers(f"{carrier}/journal.json", output)
        yield carrier


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def until_it_answers(url: str, output: io.StringIO | None = None) -> None:
    """Wait for a process that is starting; `output` is what it says, for when it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(url):
        if time.monotonic() > deadline:
            print(output.getvalue() if output else "", file=sys.stderr)
            raise RuntimeError("the processes did not come up; what they said stands above")
        time.sleep(0.1)
