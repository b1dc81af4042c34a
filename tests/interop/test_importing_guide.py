"""The guide for importing tells the truth: its example is read, and its limits are the program's."""

import re

from survey.interop import csv_procedures, procedure_cells
from survey.settings import ROOT
from tests.domain.pack import PROTOCOL

GUIDE = (ROOT / "docs/importing.md").read_text(encoding="utf-8")


def test_the_example_is_read_without_a_fault() -> None:
    (example,) = re.findall(r"```csv\n(.*?)```", GUIDE, re.DOTALL)

    sheet = csv_procedures.read(example.encode(), pack=PROTOCOL)
    enrolments = [procedure_cells.enrolment(line.cells, pack=PROTOCOL) for line in sheet.lines]

    assert [enrolment.given_name for enrolment in enrolments] == ["Maria", "Juan", "Walter"]
    assert enrolments[1].agents == ("lidocaine", "dexamethasone")
    assert sheet.ignored == ()
    assert not any(line.problems for line in sheet.lines)


def test_the_limits_are_the_programs() -> None:
    limits = f"{csv_procedures.MAX_BYTES // 1_000_000} MB, {csv_procedures.MAX_ROWS:,} rows"

    assert f"{limits}, {csv_procedures.MAX_COLUMNS} columns, {csv_procedures.MAX_CELL} characters a cell" in GUIDE
