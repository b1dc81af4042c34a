"""What may be enrolled, and what is said about the rest."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from survey.domain import patients as rules
from survey.domain.patients import Allowed, Enrolment, NotEnrollable
from survey.domain.protocol import Flag

TODAY = date(2026, 3, 11)
ALLOWED = Allowed(languages=("en", "es"), body_sites=("hip",), agents=("lidocaine",), flags=("anticoag",))
GOOD = Enrolment(
    given_name="Maria",
    family_name="Lindqvist",
    born_on=date(1984, 5, 17),
    performed_on=date(2026, 3, 9),
    zone="America/Chicago",
    email="maria@example.org",
    body_sites=("hip",),
    agents=("lidocaine",),
    lot="L-77",
    context={"anticoag": Flag.UNKNOWN},
)


def columns(**changes: object) -> list[str]:
    return [problem.column for problem in rules.problems(replace(GOOD, **changes), allowed=ALLOWED, today=TODAY)]


def test_a_whole_enrolment_has_no_problems() -> None:
    assert columns() == []


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"given_name": " "}, "given_name"),
        ({"family_name": "x" * 101}, "family_name"),
        ({"family_name": "Lind\nqvist"}, "family_name"),
        ({"born_on": date(1899, 12, 31)}, "born_on"),
        ({"born_on": TODAY + timedelta(days=1)}, "born_on"),
        ({"born_on": date(2026, 3, 10)}, "born_on"),
        ({"performed_on": TODAY + timedelta(days=1)}, "performed_on"),
        ({"performed_on": TODAY - timedelta(days=31)}, "performed_on"),
        ({"language": "fr"}, "language"),
        ({"zone": "New York"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"email": "maria"}, "email"),
        ({"email": "maria@example"}, "email"),
        ({"email": "maria@example.org\nBcc: all@example.org"}, "email"),
        ({"email": "Maria <maria@example.org>"}, "email"),
        ({"email": "a@b@example.org"}, "email"),
        ({"email": f"{'m' * 250}@example.org"}, "email"),
        ({"body_sites": ("knee",)}, "body_sites"),
        ({"agents": ("water",)}, "agents"),
        ({"context": {"height": Flag.YES}}, "context"),
        ({"lot": "x" * 201}, "lot"),
        ({"mrn": "1\t2"}, "mrn"),
    ],
)
def test_each_fault_is_told_at_its_field(changes: dict[str, object], column: str) -> None:
    assert columns(**changes) == [column]


def test_the_last_day_that_can_be_enrolled_is_day_30() -> None:
    assert columns(performed_on=TODAY - timedelta(days=30)) == []


def test_all_faults_are_told_at_once_and_the_first_leads() -> None:
    found = rules.problems(replace(GOOD, given_name="", email="x"), allowed=ALLOWED, today=TODAY)

    refusal = NotEnrollable(found)

    assert [problem.column for problem in refusal.problems] == ["given_name", "email"]
    assert (refusal.field, refusal.message) == ("given_name", "Enter the patient's given name.")


def test_two_spellings_of_one_name_are_one_name() -> None:
    composed = replace(GOOD, given_name="José", family_name=" De  la Cruz ")
    decomposed = replace(GOOD, given_name="Jose\u0301", family_name="de la cruz")

    assert rules.tidy(composed).identity == rules.tidy(decomposed).identity


def test_an_empty_field_counts_as_not_given() -> None:
    tidy = rules.tidy(replace(GOOD, mobile="  ", email="", lot=" "))

    assert (tidy.mobile, tidy.email, tidy.lot) == (None, None, None)
