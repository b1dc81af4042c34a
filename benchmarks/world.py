"""A clinic to measure on: real embedded services, the shipped protocol, and as many patients as asked for."""

import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import psycopg

from survey import clock
from survey.local import clinic, postgres, services
from survey.local import folder as folders
from survey.services import protocols
from survey.store import doorbell, migrate, session

NO_RED_FLAG = dict.fromkeys(("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord"), "no")
FIRST_ANSWERS = {"red": NO_RED_FLAG, "breath": "no"}
ALL_ANSWERS = {
    **FIRST_ANSWERS,
    "sore": 3,
    "trend": "better",
    "weak": "no",
    "skin": dict.fromkeys(("grow", "hot", "pus", "streak"), "no"),
    "fever": "no",
    "bleed": "small",
    "allergy": "no",
    "faint": "no",
    "help": "none",
}
"""A whole survey that worries nobody: what nearly every patient sends."""

PEOPLE = """
CREATE TEMPORARY TABLE person ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS patient, gen_random_uuid() AS procedure, gen_random_uuid() AS invitation,
    gen_random_uuid() AS response, sha256(convert_to(%(batch)s || n, 'UTF8')) AS token
  FROM generate_series(1, %(count)s) AS n;
INSERT INTO patient (id, given_name, family_name, born_on, language, created_at)
  SELECT patient, 'Given', 'Family', '1970-01-01', 'en', %(now)s FROM person;
INSERT INTO procedure (id, patient_id, site_id, protocol, performed_on, body_sites, agents, context, source_key,
    created_at)
  SELECT procedure, patient, %(site)s, 'trigger-point-injection', (%(now)s - interval '2 days')::date, '{leg}',
    '{lidocaine}', '{"anticoag": "no", "diabetes": "no", "immuno": "no", "lung": "no"}', procedure::text, %(now)s
  FROM person;
INSERT INTO invitation (id, procedure_id, site_id, touch, protocol_version_id, state, due_at, call_at, expires_at,
    sent_at, opened_at)
  SELECT invitation, procedure, %(site)s, 'day2', %(version)s, 'opened', %(now)s, %(now)s, %(now)s + interval '28 days',
    %(now)s, %(now)s FROM person;
INSERT INTO invitation_link (token_sha256, invitation_id, made_at, expires_at)
  SELECT token, invitation, %(now)s, %(now)s + interval '28 days' FROM person;
INSERT INTO patient_session (token_sha256, link_sha256, invitation_id, language, answered_by, made_at, ends_at)
  SELECT token, token, invitation, 'en', 'self', %(now)s, %(now)s + interval '1 day' FROM person;
INSERT INTO response (id, invitation_id, protocol_version_id, language, mode, answered_by, revision, scored_revision,
    started_at, answered_at)
  SELECT response, invitation, %(version)s, 'en', 'web', 'self', %(given)s, %(given)s, %(now)s, %(now)s FROM person;
INSERT INTO answer (response_id, revision, item, value, at)
  SELECT response, place, pair->>0, pair->1, %(now)s
  FROM person, jsonb_array_elements(%(answers)s) WITH ORDINALITY AS each (pair, place);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`environ` is what processes of ours need; `superuser` is for resetting between rounds."""

    environ: dict[str, str]
    superuser: str
    site_id: UUID
    version_id: UUID


@contextmanager
def world(**server: str) -> Iterator[World]:
    """Services of their own in a folder that is gone afterwards; this process is configured to use them.

    `server` are settings of PostgreSQL that differ from those of the demo.
    """
    with tempfile.TemporaryDirectory(prefix="daytwo-bench-") as name, folders.claim(Path(name) / "home"):
        folder = Path(name) / "home"
        with patch.dict(postgres.SETTINGS, server):
            started = services.start(folder, environ={})
        try:
            yield _furnished({**started.environ, "BENCH_FOLDER": str(folder)})
        finally:
            session.dispose()
            started.stop()
            services.erase(folder)


def _furnished(environ: dict[str, str]) -> World:
    migrate.upgrade(environ["OWNER_DATABASE_URL"], app_role=postgres.APPLICATION)
    session.configure(environ["DATABASE_URL"])
    doorbell.configure(environ["REDIS_URL"])
    riverside = clinic.settle(clock.now())
    with session.transaction() as tx:
        version_id, _ = protocols.live(tx, riverside.protocol)
    superuser = plain(environ["DATABASE_URL"]).replace(f"{postgres.APPLICATION}@", f"{postgres.SUPERUSER}@")
    return World(
        environ={**os.environ, **environ},
        superuser=superuser,
        site_id=riverside.site.id,
        version_id=version_id,
    )


def plain(url: str) -> str:
    """SQLAlchemy's address as psycopg takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def people(world: World, count: int, *, answers: Mapping[str, object]) -> list[str]:
    """Add patients who have given these answers, all scored; the tokens of their sessions, in order."""
    batch = secrets.token_hex(8)
    values = {
        "batch": batch,
        "count": count,
        "now": clock.now(),
        "site": world.site_id,
        "version": world.version_id,
        "answers": json.dumps(list(answers.items())),
        "given": len(answers),
    }
    with psycopg.connect(world.superuser, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(PEOPLE, values)
    settle(world)
    return [f"{batch}{number}" for number in range(1, count + 1)]


def settle(world: World) -> None:
    """Let the database finish what it would otherwise do in the middle of a measurement."""
    with psycopg.connect(world.superuser, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
