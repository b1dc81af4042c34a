"""CSV files as clinics really have them: read where they can be, and refused in words where they cannot."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain.errors import Refused
from survey.domain.patients import ConsentHow, NotEnrollable
from survey.domain.protocol import Flag
from survey.interop import csv_procedures, procedure_cells
from tests.domain.pack import PROTOCOL

HEADER = "given_name,family_name,born_on,performed_on"
ROW = "Maria,Lindqvist,1984-05-17,2026-03-09"


def read(content: bytes | str) -> csv_procedures.Sheet:
    return csv_procedures.read(content.encode() if isinstance(content, str) else content, pack=PROTOCOL)


def refusal(content: bytes | str) -> str:
    with pytest.raises(Refused) as refused:
        read(content)
    return refused.value.message


def cells(**more: str) -> Mapping[str, str]:
    names = ("given_name", "family_name", "born_on", "performed_on")
    return dict(zip(names, ROW.split(","), strict=True)) | more


def faults(**more: str) -> list[str]:
    with pytest.raises(NotEnrollable) as found:
        procedure_cells.enrolment(cells(**more), pack=PROTOCOL)
    return [problem.column for problem in found.value.problems]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_usual_kinds_of_csv_are_read(mark: str, separator: str, end: str) -> None:
    sheet = read(mark + end.join([HEADER, ROW, ""]).replace(",", separator))

    (line,) = sheet.lines
    assert (line.number, line.cells, line.problems) == (2, cells(), ())


@pytest.mark.parametrize(
    "header",
    [
        "First Name,Last Name,DOB,Procedure Date",
        "first-name,LAST_NAME,Date of Birth,date of service",
        "Nombre,Apellidos,Fecha de nacimiento,Fecha del procedimiento",
        "NOMBRE,APELLIDO,fecha_de_nacimiento,FECHA DEL PROCEDIMIENTO",
    ],
)
def test_columns_are_found_under_many_names(header: str) -> None:
    assert read(f"{header}\n{ROW}\n").lines[0].cells == cells()


def test_columns_may_stand_in_any_order_and_unknown_ones_are_listed() -> None:
    sheet = read("Shoe size,DOB,Last name,Procedure date,First name,Cell\n42,1984-05-17,Lindqvist,2026-03-09,Maria,1\n")

    assert sheet.lines[0].cells == cells(mobile="1")
    assert sheet.ignored == ("Shoe size",)
    assert sheet.header["born_on"] == "DOB"


def test_flags_of_the_protocol_are_columns_by_key_and_by_label() -> None:
    sheet = read(f"{HEADER},Blood thinner,Diabetes\n{ROW},yes,?\n")

    enrolment = procedure_cells.enrolment(sheet.lines[0].cells, pack=PROTOCOL)

    assert enrolment.context == {"anticoag": Flag.YES, "diabetes": Flag.UNKNOWN}


def test_missing_columns_are_named() -> None:
    assert refusal("First name,Cell\nMaria,1\n").endswith("does not: family name, born on, performed on.")


def test_two_columns_for_one_thing_are_refused() -> None:
    assert "“DOB”" in refusal(f"{HEADER},DOB\n{ROW},1984-05-17\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((HEADER + "\n" + ROW).encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{ROW.replace('Maria', 'María')}".encode("latin-1"), "Line 2 of the file is not written in UTF-8"),
        (b"PK\x03\x04 workbook", "spreadsheet workbook"),
        (f"{HEADER}\n{ROW}\0".encode(), "signs that no CSV file has"),
    ],
)
def test_other_encodings_are_refused_and_the_way_out_is_told(content: bytes, words: str) -> None:
    message = refusal(content)

    assert words in message
    assert "CSV UTF-8" in message


@pytest.mark.parametrize("content", ["", "\n\n", HEADER, HEADER + "\n\n,,,\n"])
def test_a_file_without_rows_is_refused(content: str) -> None:
    assert refusal(content)


def test_a_file_that_is_too_large_is_refused_at_once() -> None:
    assert "larger than 5 MB" in refusal(b"\xff" * (csv_procedures.MAX_BYTES + 1))


def test_a_file_with_too_many_rows_is_refused() -> None:
    full = "\n".join([HEADER, *[ROW] * csv_procedures.MAX_ROWS])

    assert len(read(full).lines) == csv_procedures.MAX_ROWS
    assert "more than 5,000 rows" in refusal(f"{full}\n{ROW}")


def test_a_file_with_ten_thousand_columns_is_refused() -> None:
    assert "10,000 columns" in refusal(",".join(f"c{number}" for number in range(10_000)) + "\n1")


def test_an_open_quotation_mark_is_told_with_its_line() -> None:
    assert refusal(f'{HEADER}\n{ROW}\n"Maria,Lindqvist,1984-05-17').startswith("Line 3 cannot be read as CSV")


def test_a_quoted_line_break_does_not_shift_the_line_numbers() -> None:
    sheet = read(f'{HEADER},lot\n{ROW},"a\nb"\n{ROW},c\n')

    assert [line.number for line in sheet.lines] == [2, 4]


def test_a_row_with_more_cells_than_columns_is_bad() -> None:
    (line,) = read(f"{HEADER}\n{ROW},extra\n").lines

    assert "The row has 5 cells, the header 4" in line.problems[0].reason


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)"])
def test_a_formula_in_a_text_cell_is_refused(cell: str) -> None:
    (line,) = read(f"{HEADER},lot\n{ROW},{cell}\n").lines

    assert [problem.column for problem in line.problems] == ["lot"]
    assert "like a formula" in line.problems[0].reason


def test_the_plus_of_a_phone_number_is_no_formula() -> None:
    (line,) = read(f"{HEADER},mobile\n{ROW},+12025550123\n").lines

    assert line.problems == ()


def test_a_cell_that_is_too_long_is_refused() -> None:
    (line,) = read(f"{HEADER},lot\n{ROW},{'x' * 501}\n").lines

    assert "longer than 500" in line.problems[0].reason


@pytest.mark.parametrize("written", ["2026-03-09", "03/09/2026", "3/9/2026"])
def test_dates_are_iso_or_american(written: str) -> None:
    enrolment = procedure_cells.enrolment(cells(performed_on=written), pack=PROTOCOL)

    assert enrolment.performed_on == date(2026, 3, 9)


@pytest.mark.parametrize("written", ["", "13/03/2026", "03/09/26", "9.3.2026", "20260309", "2026-W11-1", "yesterday"])
def test_other_dates_are_refused_and_the_two_ways_are_shown(written: str) -> None:
    with pytest.raises(NotEnrollable, match="03/14/2026") as found:
        procedure_cells.enrolment(cells(performed_on=written), pack=PROTOCOL)

    assert found.value.field == "performed_on"


def test_consent_must_be_said() -> None:
    said = procedure_cells.enrolment(cells(consent="Sí"), pack=PROTOCOL)
    silent = procedure_cells.enrolment(cells(), pack=PROTOCOL)

    assert (said.consent, said.consent_how) == (True, ConsentHow.IMPORT)
    assert (silent.consent, silent.consent_how) == (False, None)


@pytest.mark.parametrize(("written", "language"), [("", "en"), ("ES", "es"), ("Spanish", "es"), ("español", "es")])
def test_languages_by_code_or_name(written: str, language: str) -> None:
    assert procedure_cells.enrolment(cells(language=written), pack=PROTOCOL).language == language


@pytest.mark.parametrize("written", ["lidocaine|saline", "Lidocaine; Saline", "Lidocaína / saline", "saline,lidocaine"])
def test_lists_by_key_or_label(written: str) -> None:
    enrolment = procedure_cells.enrolment(cells(agents=written), pack=PROTOCOL)

    assert set(enrolment.agents) == {"lidocaine", "saline"}


def test_a_label_that_holds_a_comma_is_one_place() -> None:
    enrolment = procedure_cells.enrolment(cells(body_sites="Hip or buttock (gluteal, piriformis)"), pack=PROTOCOL)

    assert enrolment.body_sites == ("hip_buttock",)


def test_all_faults_of_a_row_are_told_at_once() -> None:
    wrong = faults(born_on="x", agents="water", language="Klingon", anticoag="perhaps", consent="well")

    assert wrong == ["anticoag", "consent", "born_on", "language", "agents"]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read(content)
    except Refused:
        return


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_any_row_is_read_or_refused(row: list[str]) -> None:
    try:
        (line, *_) = read(f"{HEADER},lot\n" + ",".join(row) + "\n").lines
        procedure_cells.enrolment(line.cells, pack=PROTOCOL)
    except (Refused, NotEnrollable):
        return


@pytest.mark.parametrize(
    ("lived", "place"),
    [
        ({}, None),
        ({"state": "TX"}, "TX"),
        ({"zip": "79901"}, "79901"),
        ({"state": "MA", "zip": "2108"}, "MA 02108"),
    ],
    ids=["nothing", "a state", "a code", "a code whose zero a spreadsheet took away"],
)
def test_state_and_zip_code_tell_where_a_patient_lives(lived: Mapping[str, str], place: str | None) -> None:
    assert procedure_cells.enrolment(cells(**lived), pack=PROTOCOL).place == place
