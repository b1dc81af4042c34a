"""A rotation read back in words."""

from datetime import date, time

import pytest

from survey.domain.rotation_words import days, sentences
from survey.domain.rotations import Unit
from tests.domain.test_rotations import NAMES, naive, rotation


def test_people_turns_and_the_first_handover() -> None:
    assert sentences(rotation(), NAMES) == "Ana, then Ben, each for 1 day, from Sat Feb 28, 8:00 AM on."


def test_days_hours_and_the_last_day() -> None:
    nights = rotation(
        unit=Unit.WEEK,
        every=2,
        starts_local=naive("2026-03-02 18:30"),
        weekdays=(5, 1, 2, 3, 4),
        from_time=time(18, 30),
        to_time=time(0),
        ends_on=date(2026, 4, 3),
    )

    assert sentences(nights, NAMES) == (
        "Ana, then Ben, each for 2 weeks, from Mon Mar 2, 6:30 PM on. Mon–Fri, 6:30 PM to 12:00 AM. "
        "Its last day is Fri Apr 3."
    )


def test_nobody_takes_turns_alone() -> None:
    assert sentences(rotation(members=(next(iter(NAMES)),)), NAMES) == "Ana, from Sat Feb 28, 8:00 AM on."


@pytest.mark.parametrize(("weekdays", "words"), [((6, 7), "Sat, Sun"), ((1, 3), "Mon, Wed"), ((2, 3, 4), "Tue–Thu")])
def test_a_run_of_days_is_said_shortly(weekdays: tuple[int, ...], words: str) -> None:
    assert days(weekdays) == words
