"""The night's operator reads what happened to an alert, and no name of a patient."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from survey.cli import alerts as command
from survey.domain.errors import NotFound
from tests import factories
from tests.cast import ANA
from tests.conftest import Database
from tests.night import Night


@pytest.fixture
def night(database: Database, monkeypatch: pytest.MonkeyPatch) -> Night:
    assert database
    monkeypatch.setattr(command.place, "connect", lambda: None)  # this test's database is connected already
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def test_the_story_is_printed_on_the_clock_of_the_site(night: Night) -> None:
    alert = night.worry()
    night.forward(timedelta(minutes=1))
    night.take(alert, ANA)

    told = CliRunner().invoke(command.alert, ["show", str(alert.short_no)], catch_exceptions=False).output.splitlines()

    assert told[0].startswith(f"Alert {alert.short_no} at Riverside Pain Clinic, urgent, acknowledged.")
    assert told[1] == f"Wed 11 Mar 00:31:00  Alert {alert.short_no} opened. Urgent."
    assert any("Ana Reyes was paged by text" in line for line in told)
    assert told[-1] == f"Wed 11 Mar 00:32:00  Ana Reyes took alert {alert.short_no}."
    assert not [line for line in told if "Maria" in line or "Lindqvist" in line]


def test_a_number_that_nothing_has_is_told_so(night: Night) -> None:
    assert night
    with pytest.raises(NotFound, match="no such alert"):
        CliRunner().invoke(command.alert, ["show", "1"], catch_exceptions=False)
