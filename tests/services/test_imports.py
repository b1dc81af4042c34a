"""A CSV file from preview to enrolment: the good rows go in once, the bad ones are told, and nothing lingers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from survey.domain.errors import NotFound, Refused
from survey.services import imports
from survey.services.imports import Preview
from survey.store.imports import BatchState, RowState
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, SLUG, WEDNESDAY_TEN

HEADER = "First name,Last name,DOB,Procedure date,Cell,Email,Consent,Language,MRN,Body site,Drug,Shoe size"
MARIA = "Maria,Lindqvist,05/17/1984,2026-03-09,(202) 555-0121,,yes,English,R-1,trapezius_upper,lidocaine,38"
JUAN = "Juan,Morales,11/02/1971,2026-03-08,202-555-0122,juan@example.org,sí,Spanish,R-2,arm,saline,44"
WALTER = "Walter,Haas,01/30/1951,2026-03-09,800-555-0123,,yes,,R-3,leg,lidocaine,43"
FUTURE = "Ida,Berg,01/02/1990,2026-03-10,202-555-0124,,yes,,R-4,leg,lidocaine,40"
FORMULA = "=cmd(),Berg,01/02/1990,2026-03-09,202-555-0125,,yes,,R-5,leg,lidocaine,40"
TYPO = "Ola,Nord,01/02/1990,2026-03-09,555-01,,yes,,R-6,leg,water,40"
NILS = "Nils,Lindqvist,02/03/1980,2026-03-09,202-555-0121,,yes,,R-7,leg,lidocaine,41"


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def look(*rows: str, header: str = HEADER) -> Preview:
    content = "\n".join([header, *rows, ""]).encode()
    return imports.preview(content, site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=AT_THE_DESK)


def confirm(preview: Preview) -> imports.Result:
    return imports.confirm(preview.id, by=SAM.actor, now=AT_THE_DESK)


def states(preview: Preview) -> list[RowState]:
    return [row.state for row in preview.rows]


def count(table: str) -> int:
    return int(desk.rows(f"SELECT count(*) FROM {table}")[0]["count"])


def test_the_preview_says_who_is_texted_when_and_who_cannot_be_and_why() -> None:
    preview = look(MARIA, JUAN, WALTER)

    maria, juan, walter = preview.rows
    assert (maria.line, maria.name, maria.state) == (2, "Maria Lindqvist", RowState.READY)
    assert maria.plan
    assert (maria.plan.due_at, maria.plan.channel) == (WEDNESDAY_TEN, "sms")
    assert juan.plan
    assert juan.plan.due_at == WEDNESDAY_TEN - timedelta(days=1)
    assert walter.plan
    assert (walter.state, walter.plan.blocked) == (RowState.BLOCKED, "the number cannot receive texts")
    assert preview.ignored == ("Shoe size",)
    assert preview.notes == ("Dates with slashes are read as month/day/year.",)
    assert count("patient") == 0


def test_bad_rows_are_told_by_line_column_and_reason_and_the_good_ones_go_in() -> None:
    preview = look(MARIA, FUTURE, FORMULA, TYPO)

    result = confirm(preview)

    problems = [(row.line, problem.column, problem.reason) for row in preview.rows for problem in row.problems]
    assert [(line, column) for line, column, _ in problems] == [
        (3, "Procedure date"),
        (4, "First name"),
        (5, "Drug"),
    ]
    assert all(reason.endswith(".") for _, _, reason in problems)
    assert (result.added, result.known, result.refused) == (1, 0, 3)
    assert [row["given_name"] for row in desk.rows("SELECT given_name FROM patient")] == ["Maria"]


def test_a_mistyped_number_is_told_once_the_rest_of_the_row_is_right() -> None:
    preview = look(TYPO.replace("water", "saline"))

    ((problem,),) = [row.problems for row in preview.rows]
    assert problem.column == "Cell"
    assert "is not a phone number" in problem.reason


def test_the_same_file_twice_adds_nothing() -> None:
    first = confirm(look(MARIA, JUAN, WALTER))
    again = look(MARIA, JUAN, WALTER)

    second = confirm(again)

    assert (first.added, first.known) == (3, 0)
    assert states(again) == [RowState.KNOWN] * 3
    assert (second.added, second.known, second.refused) == (0, 3, 0)
    assert count("procedure") == count("patient") == 3


def test_confirming_twice_adds_nothing_and_says_the_same() -> None:
    preview = look(MARIA, JUAN)

    assert confirm(preview) == confirm(preview)
    assert count("procedure") == 2


def test_confirming_twice_at_once_adds_nothing_twice() -> None:
    preview = look(MARIA, JUAN, WALTER)

    with ThreadPoolExecutor(4) as people:
        results = list(people.map(lambda _: confirm(preview), range(4)))

    assert {result.added for result in results} == {3}
    assert count("procedure") == count("patient") == 3


def test_a_row_that_stands_twice_in_the_file_is_enrolled_once() -> None:
    preview = look(MARIA, MARIA)

    assert states(preview) == [RowState.READY, RowState.KNOWN]
    assert preview.rows[1].problems[0].reason == "The same patient and day as line 2."
    assert confirm(preview).added == 1


def test_two_patients_on_one_phone_go_in_and_are_pointed_out() -> None:
    preview = look(MARIA, NILS)

    assert states(preview) == [RowState.READY, RowState.READY]
    assert preview.rows[1].plan
    assert preview.rows[1].plan.notes == (
        "Line 2 has the same number for another patient. Each gets a link of their own.",
    )
    assert confirm(preview).added == 2


def test_rows_without_consent_are_enrolled_and_not_texted() -> None:
    preview = look(MARIA.replace(",yes,", ",,"))

    confirm(preview)

    assert preview.rows[0].plan
    assert preview.rows[0].plan.blocked == "the patient has not agreed to texts or emails"
    assert (count("procedure"), count("message")) == (1, 0)


def test_what_was_imported_is_not_kept_a_second_time() -> None:
    preview = look(MARIA, FUTURE, MARIA)

    confirm(preview)

    kept = desk.rows("SELECT line, state, cells = '{}' AS purged FROM import_row ORDER BY line")
    assert [tuple(row.values()) for row in kept] == [(2, "imported", True), (3, "bad", False), (4, "known", True)]
    after = imports.get(preview.id)
    assert after.state is BatchState.IMPORTED
    assert after.rows[0].procedure_id is not None
    assert after.counts[RowState.BAD] == 1


def test_a_discarded_file_leaves_no_rows_and_cannot_be_confirmed() -> None:
    preview = look(MARIA)

    imports.discard(preview.id, by=SAM.actor, now=AT_THE_DESK)

    assert count("import_row") == 0
    with pytest.raises(Refused, match="discarded"):
        confirm(preview)


def test_an_imported_file_cannot_be_discarded() -> None:
    preview = look(MARIA)
    confirm(preview)

    with pytest.raises(Refused, match="is imported"):
        imports.discard(preview.id, by=SAM.actor, now=AT_THE_DESK)


def test_a_preview_that_nobody_confirmed_is_forgotten_after_a_week() -> None:
    look(MARIA)
    week = AT_THE_DESK + imports.KEPT_FOR

    early = imports.forget_old(now=week)
    late = [imports.forget_old(now=week + timedelta(seconds=1)) for _ in range(2)]

    assert (early, late) == (0, [1, 0])
    assert count("import_row") == 0


def test_a_file_that_cannot_be_read_leaves_no_trace() -> None:
    with pytest.raises(Refused, match="must name these columns"):
        look(MARIA, header="a,b,c")

    assert count("import_batch") == 0


def test_an_unknown_import_is_not_found() -> None:
    with pytest.raises(NotFound):
        imports.get(RIVERSIDE.id)


def test_imported_procedures_carry_the_import_and_the_trail_the_counts() -> None:
    preview = look(MARIA, FUTURE)

    confirm(preview)

    assert [row["import_id"] for row in desk.rows("SELECT import_id FROM procedure")] == [preview.id]
    events = desk.rows("SELECT action, actor_id, detail FROM audit_event WHERE object_id = :id", id=preview.id)
    assert {event["action"]: event["detail"] for event in events} == {
        "import.previewed": {"rows": 2},
        "import.confirmed": {"rows": 1},
        "import.finished": {"added": 1, "known": 0, "refused": 1},
    }
    assert {event["actor_id"] for event in events} == {SAM.id}
