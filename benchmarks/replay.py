"""What-if: a second version of the shipped pack held against a million stored responses, by the worker's own function.

The responses are made with SQL from some thousand answer sets drawn as in life, a year's worth of weeks apart, under
random ids. What counts is processor time, ours and that of the one PostgreSQL process that serves us: together they
are what one core would take.
"""

import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import sqlalchemy as sa

from benchmarks import answer_sets
from benchmarks.figures import Figure
from benchmarks.world import World, settle
from survey import clock
from survey.domain.accounts import Actor, ActorKind
from survey.domain.protocol import Protocol
from survey.domain.replays import Replay, ReplayState
from survey.domain.triage import score
from survey.services import protocols, replays, versions
from survey.store.session import transaction

RESPONSES, SETS, SEED = 1_000_000, 20_000, 2026
SECONDS, GROWTH_MB = 60, 20
SERVER = {"shared_buffers": "3GB", "max_wal_size": "4GB"}
"""As for a clinic of that size: a year's million responses are 3 GB. The demo's server is made for one clinic's."""
EXERTION = "{ item: breath, in: [exert] }\n        - { flag: site_chest }"
TICK = os.sysconf("SC_CLK_TCK")

ROWS = """
CREATE TEMPORARY TABLE person AS
  SELECT n, 1 + (n::bigint * 7919) %% %(sets)s AS no, gen_random_uuid() AS patient, gen_random_uuid() AS procedure,
    gen_random_uuid() AS invitation, gen_random_uuid() AS response,
    %(now)s - interval '1 hour' - n * (interval '365 days' / %(count)s) AS at
  FROM generate_series(1, %(count)s) AS n;
SET session_replication_role = replica;
INSERT INTO patient (id, given_name, family_name, born_on, language, created_at)
  SELECT patient, 'Given', 'Family', '1970-01-01', 'en', at FROM person ORDER BY n DESC;
INSERT INTO procedure (id, patient_id, site_id, protocol, performed_on, body_sites, agents, context, source_key,
    created_at)
  SELECT procedure, patient, %(site)s, 'trigger-point-injection', (at - interval '2 days')::date, '{leg}',
    '{lidocaine}', given, procedure::text, at
  FROM person JOIN answer_set USING (no) ORDER BY n DESC;
INSERT INTO invitation (id, procedure_id, site_id, touch, protocol_version_id, state, due_at, call_at, expires_at,
    sent_at, opened_at, completed_at)
  SELECT invitation, procedure, %(site)s, 'day2', %(version)s, 'completed', at, at, at + interval '28 days', at, at, at
  FROM person ORDER BY n DESC;
INSERT INTO response (id, invitation_id, protocol_version_id, language, mode, answered_by, revision, scored_revision,
    tier, started_at, answered_at, submitted_at, scored_at)
  SELECT response, invitation, %(version)s, 'en', 'web', 'self', given_count, given_count, tier, at, at, at, at
  FROM person JOIN answer_set USING (no) ORDER BY n DESC;
INSERT INTO score (response_id, revision, tier, fired, answers, context, protocol_sha256, at)
  SELECT response, given_count, tier, fired,
    (SELECT jsonb_object_agg(pair->>0, pair->1) FROM jsonb_array_elements(answers) AS pair), taken, %(sha256)s, at
  FROM person JOIN answer_set USING (no) ORDER BY n DESC;
INSERT INTO answer (response_id, revision, item, value, at)
  SELECT response, place, pair->>0, pair->1, at
  FROM person JOIN answer_set USING (no), jsonb_array_elements(answers) WITH ORDINALITY AS each (pair, place)
  ORDER BY n DESC, place;
SET session_replication_role = DEFAULT;
DROP TABLE person, answer_set;
"""

# In the order of time, as a clinic's rows come; an index is built faster at the end than row by row.
KEYS = {"answer": "response_id, revision", "score": "response_id, revision", "response": "id"}


def measure(world: World, *, responses: int = RESPONSES) -> list[Figure]:
    """One what-if from its start to its end."""
    riverside = _person(world)
    with transaction() as tx:
        pack = protocols.get(tx, world.version_id)
    _fill(world, pack, responses)
    second = pack.source_text.replace("\nversion: 1\n", "\nversion: 2\n").replace(EXERTION, EXERTION.splitlines()[0])
    assert second.count(EXERTION) == 0
    candidate = versions.draft(second, name="second", by=riverside, now=clock.now())
    began = time.perf_counter()
    replay = replays.start(candidate.id, by=riverside, now=clock.now())
    return _figures(replay, time.perf_counter() - began)


def _figures(replay: Replay, to_start: float) -> list[Figure]:
    ran = _run(replay)
    ended = replays.get(replay.id)[0]
    assert (ended.state, ended.judged) == (ReplayState.DONE, replay.total), ended
    mine, theirs = ran.cpu
    first, early, last = ran.rss
    return [
        Figure(name="what-if: responses", value=replay.total, unit=""),
        Figure(name="  counted before the start", value=to_start, unit="s"),
        Figure(name="  wall", value=ran.wall, unit="s", budget=SECONDS),
        Figure(name="  one core: ours and PostgreSQL's", value=mine + theirs, unit="s", budget=SECONDS),
        Figure(name="    ours", value=mine, unit="s"),
        Figure(name="    PostgreSQL's", value=theirs, unit="s"),
        Figure(name="  judged", value=replay.total / ran.wall, unit="/s"),
        Figure(name="  of them moved", value=ended.tally.raised + ended.tally.lowered, unit=""),
        Figure(name="  memory before", value=first, unit="MB"),
        Figure(name="  memory after a tenth", value=early, unit="MB"),
        Figure(name="  memory at the end", value=last, unit="MB"),
        Figure(name="    grown since a tenth", value=last - early, unit="MB", budget=GROWTH_MB),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """`cpu`: ours and PostgreSQL's. `rss`: before, after a tenth, at the end, in megabytes."""

    wall: float
    cpu: tuple[float, float]
    rss: tuple[float, float, float]


def _run(replay: Replay) -> Ran:
    server = _server()
    first, early, done = _rss(), 0.0, 0
    cpu, wall = (time.process_time(), _cpu(server)), time.perf_counter()
    while part := replays.replay_due(now=clock.now()):
        done += part
        if not early and done * 10 >= replay.total:
            early = _rss()
    spent = (time.process_time() - cpu[0], _cpu(server) - cpu[1])
    return Ran(wall=time.perf_counter() - wall, cpu=spent, rss=(first, early, _rss()))


def _server() -> int:
    """The process that serves our one connection."""
    with transaction() as tx:
        return int(tx.run(sa.text("SELECT pg_backend_pid()")).scalar_one())


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _rss() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _person(world: World) -> Actor:
    with psycopg.connect(world.superuser) as connection:
        row = connection.execute("SELECT id FROM app_user WHERE role = 'clinician' LIMIT 1").fetchone()
    assert row is not None
    return Actor(kind=ActorKind.USER, id=row[0])


def _fill(world: World, pack: Protocol, count: int) -> None:
    values = {
        "sets": SETS,
        "count": count,
        "now": clock.now() - timedelta(minutes=1),
        "site": world.site_id,
        "version": world.version_id,
        "sha256": pack.sha256,
    }
    with psycopg.connect(world.superuser, cursor_factory=psycopg.ClientCursor) as connection:
        _copy_sets(connection, _sets(pack))
        for table in KEYS:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE")
        connection.execute(ROWS, values)
        for table, columns in KEYS.items():
            connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({columns})")
    settle(world)


def _sets(pack: Protocol) -> list[Sequence[object]]:
    """Answers, how many, what staff stated, and the score that the pack makes of it."""
    dice, found = random.Random(SEED), []
    for number in range(1, SETS + 1):
        answers, given = answer_sets.as_in_life(pack, dice)
        taken = pack.context_for(body_sites=("leg",), agents=("lidocaine",), given=given)
        made = score(pack, answers, taken)
        fired = [{"rule": one.rule, "tier": one.tier, "because": list(one.because)} for one in made.fired]
        texts = map(json.dumps, (list(answers.items()), given, dict(taken), fired))
        found.append((number, len(answers), made.tier.value, *texts))
    return found


def _copy_sets(connection: psycopg.Connection, sets: Sequence[Sequence[object]]) -> None:
    connection.execute(
        """CREATE TEMPORARY TABLE answer_set (
        no int, given_count int, tier text, answers jsonb, given jsonb, taken jsonb, fired jsonb)"""
    )
    with connection.cursor().copy("COPY answer_set FROM STDIN") as copy:
        for row in sets:
            copy.write_row(row)
