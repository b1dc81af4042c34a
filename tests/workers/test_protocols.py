"""Nothing starts on a protocol that was tampered with, save what pages."""

import os
import subprocess
import sys

import pytest

from survey.domain.queues import Queue
from survey.services import protocols
from survey.store import session
from tests import desk
from tests.conftest import Database
from tests.desk import AT_THE_DESK
from workers import wiring

TAMPER = "UPDATE protocol_version SET source = source || '#'"
UNPROVED = "UPDATE protocol_version SET before_proofs = true, certificate = NULL, verifier = NULL"


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


@pytest.mark.parametrize("queues", [{"scoring"}, {"sending"}, {"maintenance", "scoring"}])
def test_a_worker_does_not_start_and_says_which_version_and_what_to_do(clinic: Database, queues: set[str]) -> None:
    wiring.check_protocols(queues, now=AT_THE_DESK)
    desk.as_owner(clinic, TAMPER)

    with pytest.raises(SystemExit, match=r"(?s)does not start.*Version 1 of .*Restore it from a backup"):
        wiring.check_protocols(queues, now=AT_THE_DESK)


def test_a_worker_that_pages_starts_all_the_same(clinic: Database) -> None:
    desk.as_owner(clinic, TAMPER)

    wiring.check_protocols({Queue.PAGING.value}, now=AT_THE_DESK)


def test_a_worker_that_starts_proves_what_was_published_before_there_were_proofs(clinic: Database) -> None:
    desk.as_owner(clinic, UNPROVED)

    wiring.check_protocols({"scoring"}, now=AT_THE_DESK)

    assert [one.certificate is not None for one in protocols.every()] == [True]


def test_the_web_process_does_not_start_either_and_starts_without_its_database(clinic: Database) -> None:
    assert _web(clinic.url).returncode == 0
    desk.as_owner(clinic, TAMPER)

    refused = _web(clinic.url)

    assert refused.returncode == 1
    assert "the web process does not start.\nVersion 1 of trigger-point-injection was changed" in refused.stderr
    assert "Traceback" not in refused.stderr
    session.dispose()
    assert _web(clinic.url.replace("/test_", "/gone_")).returncode == 0


def _web(url: str) -> subprocess.CompletedProcess[str]:
    """Load the web application as gunicorn does before it forks."""
    environ = {"DATABASE_URL": url, "REDIS_URL": "redis://localhost:1", "SECRET_KEY": "x" * 40}
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "config/gunicorn.conf.py",
        "--check-config",
        "survey.wsgi:app",
    ]
    where = {"PUBLIC_URL": "http://127.0.0.1:8000"}
    return subprocess.run(
        command, env={**os.environ, **environ, **where}, capture_output=True, text=True, check=False, timeout=60
    )
