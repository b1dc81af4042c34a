"""`daytwo messages check`: a line for each message, and the exit code."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from survey.cli import daytwo
from survey.domain.errors import Refused
from tests import invitation_words


def test_the_shipped_messages_are_in_order() -> None:
    told = CliRunner().invoke(daytwo, ["messages", "check"])

    assert told.exit_code == 0
    assert "confirm        sms            en   157 of 160   ok" in told.output
    assert told.output.splitlines()[-1].endswith("messages, no fault")


def test_a_message_with_a_fault_is_told_and_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = invitation_words.folder(tmp_path, monkeypatch)
    (words / "sms.en.txt").write_text("{clinic}: after your injection {link} {emergency} STOP", encoding="utf-8")

    told = CliRunner().invoke(daytwo, ["messages", "check"])

    assert "“injection” tells about the patient's health" in told.output
    assert isinstance(told.exception, Refused)
    assert told.exception.message.startswith("1 of ")
