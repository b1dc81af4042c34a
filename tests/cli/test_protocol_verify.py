"""`daytwo protocol verify`: the table, the last line, and the exit code."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from survey.cli import daytwo
from survey.domain.errors import Refused
from tests import invitation_words

PACKS = Path(__file__).parents[2] / "config/protocols"


@pytest.mark.parametrize("slug", ["trigger-point-injection", "lumbar-epidural-steroid-injection"])
def test_a_shipped_pack_is_proved_and_the_last_line_counts_what_was_covered(slug: str) -> None:
    told = CliRunner().invoke(daytwo, ["protocol", "verify", str(PACKS / slug / "v1.yaml")])

    assert told.exit_code == 0
    assert len(re.findall(r" holds +[0-9.]+ s$", told.output, re.MULTILINE)) == 8
    assert re.fullmatch(r"proved: [0-9,]{20,} answer sets, 8 checks, [0-9.]+ s", told.output.splitlines()[-1])


def test_a_pack_with_a_slip_is_refused_with_a_form_that_a_clinician_can_read(tmp_path: Path) -> None:
    text = (PACKS / "trigger-point-injection/v1.yaml").read_text(encoding="utf-8")
    spoilt = tmp_path / "draft.yaml"
    spoilt.write_text(
        text.replace("- { item: trend, in: [worse] }\n", "- { item: trend, in: [same] }\n"), encoding="utf-8"
    )

    told = CliRunner().invoke(daytwo, ["protocol", "verify", str(spoilt)])

    assert isinstance(told.exception, Refused)
    assert told.exception.message.startswith("refused: monotone, hazards; ")
    assert "  then Soreness since yesterday: About the same → Worse" in told.output
    assert "certificate" not in told.output


def test_a_text_that_needs_two_segments_is_refused_before_any_patient_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = invitation_words.folder(tmp_path, monkeypatch) / "sms.es.txt"
    words.write_text(
        words.read_text(encoding="utf-8").replace("STOP=salir", "Para no recibir más: STOP"), encoding="utf-8"
    )

    told = CliRunner().invoke(daytwo, ["protocol", "verify", str(PACKS / "trigger-point-injection/v1.yaml")])

    assert isinstance(told.exception, Refused)
    assert told.exception.message.startswith("refused: words; ")
    assert "invitation/sms.es.txt can be sent as 3 segments: á is not in the GSM-7 alphabet." in told.output
