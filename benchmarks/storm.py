"""Paging at its edges: no Redis at all, three hundred alerts at once, and millions of alerts that are closed."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import median

import psycopg

from benchmarks import paging
from benchmarks.figures import Figure, percentile
from benchmarks.world import FIRST_ANSWERS, World, people, plain, settle
from survey import clock
from survey.domain.queues import Queue
from survey.local import pids
from survey.services import engine, escalation, pages
from survey.store import doorbell

STORM = 300
WITHOUT_REDIS_PER_S = 2.0
FEW, MANY = 10_000, 10_000_000
TICKS = 30
SERVER = {"shared_buffers": "1GB", "max_wal_size": "4GB", "synchronous_commit": "off"}
"""For the filling alone."""
PAGED = 10
"""One closed alert in so many has a page: what a tick reads of pages is one partial index, as it is of alerts."""

# Closed alerts with a page each, over the last ten years. Triggers and keys are passed by: they would take the day.
CLOSED = """
CREATE TEMPORARY TABLE closed ON COMMIT DROP AS
  SELECT n, uuidv7() AS id, %(now)s - interval '1 day' - n * (interval '3600 days' / %(upto)s) AS at
  FROM generate_series(%(since)s::int, %(upto)s::int) AS n;
SET LOCAL session_replication_role = replica;
INSERT INTO alert (id, dedup_key, response_id, site_id, tier, severity, policy_version_id, state, created_at,
    promised_at, acked_by, acked_at, contacted_by, contacted_at, contact_result, resolved_by, resolved_at, outcome,
    usefulness)
  SELECT closed.id, 'closed:' || n, known.response, %(site)s, 'urgent', 'urgent', known.policy, 'resolved', at, at,
    known.person, at, known.person, at, 'reached', known.person, at, 'reassured', 'worth_it'
  FROM closed CROSS JOIN (SELECT (SELECT id FROM response LIMIT 1) AS response,
    (SELECT id FROM policy_version LIMIT 1) AS policy, (SELECT user_id FROM contact_method LIMIT 1) AS person) AS known;
INSERT INTO page (id, alert_id, kind, epoch, cycle, step_seq, user_id, contact_method_id, rule_delay_s, state,
    not_before, give_up_at, attempts, maybe_sent, sent_at)
  SELECT uuidv7(), closed.id, 'call', 1, 0, 0, method.user_id, method.id, 0, 'delivered', at, at, 1, 1, at
  FROM closed CROSS JOIN (SELECT id, user_id FROM contact_method LIMIT 1) AS method WHERE closed.n %% %(paged)s = 0;
"""


def measure(world: World, *, seconds: float) -> list[Figure]:
    """Without Redis first, then the storm."""
    count = int(WITHOUT_REDIS_PER_S * seconds)
    people(world, count + STORM + 1, answers=FIRST_ANSWERS)
    unscored = paging.fresh(world)
    with paging.running(world) as carrier:
        paging._commit(world, unscored[:1], per_s=1.0, worrying=1)  # the first loads the protocol
        paging._wait_for(world, 1)
        used_s = cpu_s()
        storm = _storm(world, carrier, unscored[1 : STORM + 1])
        used_s = cpu_s() - used_s
        with _no_redis(world):
            dumb = paging.times(world, carrier, unscored[STORM + 1 :], per_s=WITHOUT_REDIS_PER_S, worrying=1)
    return [
        Figure(name=f"{STORM} alerts at once, the last first page", value=max(storm) / 1000, unit="s", budget=5),
        Figure(name="  the middle one", value=median(storm) / 1000, unit="s"),
        Figure(name="  processor time of all processes, the carrier's too", value=used_s, unit="s"),
        Figure(name="commit to provider, no Redis, p50", value=percentile(dumb, 0.5) / 1000, unit="s"),
        Figure(name="commit to provider, no Redis, p99", value=percentile(dumb, 0.99) / 1000, unit="s", budget=5),
        Figure(name="  pages measured", value=len(storm) + len(dumb), unit=""),
    ]


def _storm(world: World, carrier: str, responses: list[object]) -> list[float]:
    """All in one transaction, and one ring. Milliseconds from its commit for each."""
    settle(world)
    before = paging._handed_over(world)
    item, value = paging.WORRYING
    with psycopg.connect(plain(world.environ["DATABASE_URL"])) as connection:
        for response in responses:
            connection.execute(paging.SAVE, {"id": response, "item": item, "value": value, "now": clock.now()})
    committed = clock.now()
    doorbell.ring(Queue.SCORING)
    paging._wait_for(world, before + len(responses))
    first = paging._first_requests(world, carrier)
    return [1000 * (first[response] - committed).total_seconds() for response in responses]  # type: ignore[index]


@contextmanager
def _no_redis(world: World) -> Iterator[None]:
    """It is stopped while the block lasts; nobody is told."""
    os.kill(_server_of(world), signal.SIGKILL)  # whoever started it ends the rest; nothing after this needs it
    yield


def cpu_s() -> float:
    """Processor seconds of this process and all below it so far: a busy machine moves them little."""
    parents, used = {}, {}
    for path in pids.PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            told = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(told[1])
            used[int(path.parent.name)] = (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")
    return sum(seconds for pid, seconds in used.items() if _is_below(pid, parents))


def _is_below(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = parents.get(pid, 0)
    return False


def _server_of(world: World) -> int:
    socket = world.environ["REDIS_URL"].removeprefix("unix://").partition("?")[0]
    for path in pids.PROC.glob("[0-9]*/cmdline"):
        try:
            told = path.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if "redis-server" in told and socket in told:
            return int(path.parent.name)
    raise RuntimeError("there is no Redis to stop")


def measure_closed(world: World, *, seconds: float, closed: int = MANY) -> list[Figure]:
    """A tick as the sentinel and the workers make it, with few closed alerts and then with many; none is open.

    It takes as long as the rows take, whatever `seconds` says.
    """
    del seconds
    people(world, 1, answers=FIRST_ANSWERS)
    figures, since = [], 1
    for upto, budget in ((min(FEW, closed), None), (closed, 20.0)):
        _close(world, since, upto)
        since = upto + 1
        ticks = [_tick(clock.now()) for _ in range(TICKS)]
        name = f"tick with {upto:,} closed alerts"
        figures.append(Figure(name=f"{name}, median", value=median(ticks), unit="ms", budget=budget))
        figures.append(Figure(name="  the slowest", value=max(ticks), unit="ms"))
    return figures


def _close(world: World, since: int, upto: int, *, batch: int = 500_000) -> None:
    """Add closed alerts of those numbers, some at a time."""
    for first in range(since, upto + 1, batch):
        values = {
            "since": first,
            "upto": min(first + batch - 1, upto),
            "now": clock.now(),
            "site": world.site_id,
            "paged": PAGED,
        }
        with psycopg.connect(world.superuser, cursor_factory=psycopg.ClientCursor) as connection:
            for part in CLOSED.split(";\n"):
                if part.strip():
                    connection.execute(part, values)  # type: ignore[arg-type]
    settle(world)


def _tick(now: datetime) -> float:
    """Milliseconds for one look at everything: what waits, what is due, what is to be sent, who is dead."""
    began = time.perf_counter()
    engine.backlogs(now=now)
    escalation.advance_due(now=now)
    pages.send_due(now=now)
    return 1000 * (time.perf_counter() - began)
