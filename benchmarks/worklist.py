"""The worklist at size: the page as a browser gets it, with 800,000 surveys behind it and with a hundredth of that.

Filled in three steps and measured after each: a small clinic; the open ones of a large one; what has ended there. What
the last step adds is what the ended ones cost. PostgreSQL's time is what it works for a page, whatever else runs.
"""

import hashlib
import logging
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import structlog
from flask.testing import FlaskClient

from benchmarks.figures import Figure, percentile
from benchmarks.world import World, settle
from survey import clock
from survey.settings import Settings
from survey.store import accounts
from survey.store.session import transaction
from survey.web.app import create_app

FEW, MANY, OPEN = 8_000, 800_000, 24_000
BUDGET_MS = 300.0
SERVER = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
"""As for a clinic of that size."""
TICK = os.sysconf("SC_CLK_TCK")

# Procedures of the last year, each with two check-ins; of the open ones, the kinds take turns.
ROWS = """
CREATE TEMPORARY TABLE person ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS patient, gen_random_uuid() AS procedure, gen_random_uuid() AS contact,
    %(now)s - (n * 7919::bigint %% %(count)s) * (interval '358 days' / %(count)s) - interval '7 days' AS at
  FROM generate_series(1, %(count)s) AS n;
CREATE TEMPORARY TABLE survey ON COMMIT DROP AS
  SELECT person.*, touch.name AS touch, person.at + touch.after AS due, gen_random_uuid() AS id,
    CASE WHEN n > %(open)s THEN (ARRAY['completed','completed','completed','reached','stopped'])[1 + n %% 5]
      ELSE (ARRAY['sent','delivered','opened','undeliverable','expired','scheduled'])[1 + n %% 6] END AS state
  FROM person, (VALUES ('day2', interval '2 days'), ('day7', interval '7 days')) AS touch (name, after);
SET LOCAL session_replication_role = replica;
INSERT INTO patient (id, given_name, family_name, born_on, language, created_at)
  SELECT patient, 'Given', 'Family' || n, '1970-01-01', 'en', at FROM person;
INSERT INTO contact (id, patient_id, kind, address, consented_at, consent_how, consent_wording)
  SELECT contact, patient, 'sms', '+1202555' || lpad((n %% 10000)::text, 4, '0'), at, 'spoken', '1' FROM person;
INSERT INTO procedure (id, patient_id, site_id, protocol, performed_on, source_key, created_at)
  SELECT procedure, patient, %(site)s, 'trigger-point-injection', at::date, procedure::text, at FROM person;
INSERT INTO invitation (id, procedure_id, site_id, touch, protocol_version_id, state, due_at, call_at, expires_at,
    sent_at, opened_at, completed_at, reached_at, stopped_at, stop_reason, trouble)
  SELECT id, procedure, %(site)s, touch, %(version)s, state, due, due + interval '1 day', at + interval '30 days', due,
    due, CASE state WHEN 'completed' THEN due END, CASE state WHEN 'reached' THEN due END,
    CASE state WHEN 'stopped' THEN due END, CASE state WHEN 'stopped' THEN 'moved away' END,
    CASE state WHEN 'undeliverable' THEN 'undelivered' END FROM survey;
INSERT INTO response (id, invitation_id, protocol_version_id, language, mode, answered_by, started_at, answered_at,
    submitted_at)
  SELECT gen_random_uuid(), id, %(version)s, 'en', 'web', 'self', due, due, CASE state WHEN 'completed' THEN due END
  FROM survey WHERE state IN ('completed', 'opened');
INSERT INTO message (id, invitation_id, contact_id, kind, state, due_at, give_up_at, sent_at)
  SELECT gen_random_uuid(), id, contact, 'invitation', 'delivered', due, due + interval '1 day', due FROM survey
  WHERE state <> 'completed';
INSERT INTO alert (id, dedup_key, response_id, site_id, tier, severity, policy_version_id, state, created_at,
    next_action_at, promised_at, contacted_by, contacted_at, contact_result, resolved_by, resolved_at, outcome,
    usefulness)
  SELECT gen_random_uuid(), r.id::text, r.id, %(site)s, 'urgent', 'urgent', policy.id,
    CASE WHEN survey.state = 'completed' THEN 'resolved' ELSE 'triggered' END, due,
    CASE WHEN survey.state <> 'completed' THEN due END, due + interval '30 minutes', ended.by, ended.at, ended.result,
    ended.by, ended.at, ended.outcome, ended.usefulness
  FROM survey JOIN response r ON r.invitation_id = survey.id
  CROSS JOIN (SELECT id FROM policy_version LIMIT 1) AS policy
  LEFT JOIN LATERAL (SELECT id AS by, due AS at, 'reached' AS result, 'other' AS outcome, 'worth_it' AS usefulness
    FROM app_user WHERE survey.state = 'completed' LIMIT 1) AS ended ON true
  WHERE survey.n %% 20 = 0;
"""


def measure(world: World, *, seconds: float) -> list[Figure]:
    """The page of a small clinic, with all that is open in a large one, and with all that has ended there."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    browser, share = _browser(world), seconds / 3
    opened = int(FEW * OPEN / MANY)
    steps = ((FEW, opened), (OPEN - opened, OPEN - opened), (MANY - FEW - OPEN + opened, 0))
    filled, found = 0.0, []
    for count, still_open in steps:
        filled += _fill(world, count=count // 2, still_open=still_open // 2)
        found.append(_pages(world, browser, seconds=share))
    (few, _), (all_open, open_cpu), (many, many_cpu) = found
    return [
        Figure(name=f"the worklist, {FEW:,} surveys, {opened:,} open, p50", value=percentile(few, 0.5), unit="ms"),
        Figure(name=f"  with {OPEN:,} open, p50", value=percentile(all_open, 0.5), unit="ms"),
        Figure(name="    of PostgreSQL's time", value=open_cpu, unit="ms"),
        Figure(name=f"  with {MANY:,} surveys, p50", value=percentile(many, 0.5), unit="ms"),
        Figure(name="    p95", value=percentile(many, 0.95), unit="ms", budget=BUDGET_MS),
        Figure(name="    of PostgreSQL's time", value=many_cpu, unit="ms"),
        Figure(name=f"  {MANY:,} to {FEW:,}", value=percentile(many, 0.5) / percentile(few, 0.5), unit="times"),
        Figure(
            name="  what has ended, to without", value=percentile(many, 0.5) / percentile(all_open, 0.5), unit="times"
        ),
        Figure(name="filled in", value=filled, unit="s", budget=60),
    ]


def _browser(world: World) -> FlaskClient:
    """Somebody who is signed in, in this process."""
    token, now = secrets.token_urlsafe(32), clock.now()
    with psycopg.connect(world.superuser) as connection:
        row = connection.execute("SELECT id FROM app_user WHERE role = 'clinician' LIMIT 1").fetchone()
    assert row is not None
    digest = hashlib.sha256(token.encode()).digest()
    with transaction() as tx:
        accounts.insert_session(tx, token_sha256=digest, user_id=row[0], now=now, ends_at=now + timedelta(hours=2))
    given = {"database_url": world.environ["DATABASE_URL"], "redis_url": world.environ["REDIS_URL"]}
    application = create_app(Settings(**given, secret_key=secrets.token_hex(32), public_url="http://localhost"))
    browser = application.test_client()
    browser.set_cookie("daytwo", token)
    return browser


def _pages(world: World, browser: FlaskClient, *, seconds: float) -> tuple[list[float], float]:
    """Milliseconds of each page, the first two left out; and what PostgreSQL's processes took for one."""
    times: list[float] = []
    for _ in range(2):
        _page(browser)
    before, end = _cpu(world), time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(_page(browser))
    return times, (_cpu(world) - before) * 1000 / len(times)


def _page(browser: FlaskClient) -> float:
    began = time.perf_counter()
    answer = browser.get("/worklist")
    assert answer.status_code == 200, answer.status
    return (time.perf_counter() - began) * 1000


def _cpu(world: World) -> float:
    """Seconds that the server and its children have used, those that have ended included."""
    with psycopg.connect(world.superuser) as connection:
        parent = _stat(connection.info.backend_pid)[1]
    every = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    ours = [fields for fields in map(_stat, every) if fields and fields[1] == parent]
    ended = _stat(int(parent))
    return (sum(int(fields[11]) + int(fields[12]) for fields in ours) + int(ended[13]) + int(ended[14])) / TICK


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _fill(world: World, *, count: int, still_open: int) -> float:
    """So many procedures, the first of them with check-ins that are open; how many seconds that took."""
    began, now = time.perf_counter(), clock.now()
    values = {"count": count, "open": still_open, "now": now, "site": world.site_id, "version": world.version_id}
    with psycopg.connect(world.superuser, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(ROWS, values)
    settle(world)
    return time.perf_counter() - began
