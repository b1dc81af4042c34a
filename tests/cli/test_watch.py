"""A new clinic's first hour at the command line: nothing but commands, up to somebody being on call."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from survey.domain.errors import DomainError
from survey.services import oncall
from survey.store.session import transaction
from tests.conftest import Database

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)

PASSWORD = "a long river under the moon"
ZONE = "--zone=America/New_York"


@pytest.fixture
def daytwo(database: Database, redis_url: str):
    """Runs a command against this test's database; its exit code and what it said."""
    environ = os.environ | {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "x" * 40,
        "DAYTWO_PASSWORD": PASSWORD,
    }

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "survey.cli", *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


def set_up_people(daytwo) -> None:
    for email, name, role, pager in (
        ("lena@example.org", "Lena Ortiz", "manager", "+12025550123"),
        ("ben@example.org", "Ben Cole", "clinician", "+12025550124"),
    ):
        words = ("user", "create", email, f"--name={name}", f"--role={role}", f"--pager={pager}", "--vouched")
        code, said = daytwo(*words)
        assert code == 0, said


def test_a_clinic_is_set_up_with_commands_alone(daytwo):
    set_up_people(daytwo)

    for words in (
        ("site", "add", "riverside", "--name=Riverside Clinic", ZONE, "--phone=+12025550100"),
        ("schedule", "add", "primary", ZONE),
        ("schedule", "add", "backup", ZONE),
        ("shift", "add", "primary", "ben@example.org", "--from=2099-01-04T08:00", "--until=2099-01-05T08:00"),
        ("policy", "publish"),
        ("protocol", "publish", "--author=ben@example.org", "--approver=lena@example.org"),
    ):
        code, said = daytwo(*words)
        assert code == 0, said

    primary = next(one for one in oncall.schedules() if one.name == "primary")
    shifts = oncall.shifts(primary.id, since=LONG_AGO, until=FAR_AHEAD)
    assert [shift.starts_at.isoformat() for shift in shifts] == ["2099-01-04T13:00:00+00:00"]
    with transaction() as tx:
        assert [step.seq for step in oncall.live_policy(tx).steps] == [0, 1, 2, 3, 4]


def test_a_pager_that_nobody_vouches_for_waits_for_its_owners_code(daytwo):
    words = ("user", "create", "ben@example.org", "--name=Ben Cole", "--role=clinician", "--pager=+12025550124")

    code, said = daytwo(*words)

    assert (code, "No page goes to the number until its owner has signed in" in said) == (0, True)


def test_nobody_vouches_for_no_number(daytwo):
    code, said = daytwo("user", "create", "ben@example.org", "--name=Ben Cole", "--role=clinician", "--vouched")

    assert (code, "--vouched goes with --pager" in said) == (2, True)


def test_a_shift_on_a_schedule_that_is_not_there_names_those_that_are(daytwo):
    daytwo("schedule", "add", "primary", ZONE)

    code, said = daytwo(
        "shift", "add", "night", "ben@example.org", "--from=2099-01-04T08:00", "--until=2099-01-05T08:00"
    )

    assert (code, "There is no schedule “night”. There is: primary." in said) == (1, True)


def test_a_policy_without_its_schedules_is_refused_in_words(daytwo):
    code, said = daytwo("policy", "publish")

    assert code == 1
    assert "primary" in said
    with transaction() as tx, pytest.raises(DomainError):
        oncall.live_policy(tx)
