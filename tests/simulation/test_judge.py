"""The judge of the simulation finds each broken promise in a bad journal, and nothing in a good one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.simulation.judge import Broken, Judge, Known, Letter

TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
"""Ten o'clock in New York."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PHONE = "+12025550121"
SURVEY = UUID(int=1)


@pytest.fixture
def judge() -> Judge:
    return Judge(surveys={SURVEY: Known(zone="America/New_York", number=PHONE)})


def letter(at: datetime = TEN, kind: str = "invitation", **changes: object) -> Letter:
    usual = Letter(at=at, to=PHONE, kind=kind, message=uuid4(), arrived=True, survey=SURVEY)
    return replace(usual, **changes)  # type: ignore[arg-type]


def reply(kind: str, at: datetime = TEN, **changes: object) -> Letter:
    return letter(at, kind, **{"survey": None, "answers": uuid4(), **changes})


def broken(judge: Judge, *letters: Letter) -> list[Broken]:
    return [finding.broken for one in letters for finding in judge.hear(one)]


def test_three_texts_on_three_days_break_nothing(judge: Judge) -> None:
    texts = [letter(TEN + days * DAY, kind) for days, kind in ((0, "invitation"), (1, "reminder"), (2, "reminder"))]

    assert broken(judge, *texts) == []


def test_a_text_after_stop(judge: Judge) -> None:
    judge.opted_out(PHONE, TEN, everything=False)

    assert broken(judge, letter(TEN + HOUR)) == [Broken.AFTER_STOP]


def test_the_mailbox_of_somebody_who_stopped(judge: Judge) -> None:
    judge.opted_out(PHONE, TEN, everything=False)

    assert broken(judge, letter(TEN + HOUR, to="juan@example.org")) == [Broken.AFTER_STOP]


def test_a_link_that_was_asked_for_after_stop_is_none_and_after_stop_all_is_one(judge: Judge) -> None:
    judge.opted_out(PHONE, TEN, everything=False)
    asked = broken(judge, letter(TEN + HOUR, "fresh_link"))
    judge.opted_out(PHONE, TEN + HOUR, everything=True)

    assert asked == []
    assert broken(judge, letter(TEN + 2 * HOUR, "fresh_link")) == [Broken.AFTER_STOP]


def test_one_confirmation_of_stop_all_and_no_other_reply(judge: Judge) -> None:
    judge.opted_out(PHONE, TEN, everything=True)
    first = broken(judge, reply("stopped"))

    assert first == []
    assert broken(judge, reply("stopped"), reply("help")) == [Broken.AFTER_STOP, Broken.AFTER_STOP]


def test_texts_begin_again_after_start(judge: Judge) -> None:
    judge.opted_out(PHONE, TEN, everything=True)
    judge.opted_in(PHONE)

    assert broken(judge, letter(TEN + HOUR)) == []


@pytest.mark.parametrize("hours", [-2, 9])
def test_a_text_out_of_the_window(judge: Judge, hours: int) -> None:
    assert broken(judge, letter(TEN + hours * HOUR)) == [Broken.OUT_OF_WINDOW]


def test_replies_and_asked_links_leave_at_any_hour(judge: Judge) -> None:
    assert broken(judge, letter(TEN + 12 * HOUR, "fresh_link"), reply("not_watched", TEN + 12 * HOUR)) == []


def test_two_texts_on_a_day(judge: Judge) -> None:
    assert broken(judge, letter(), letter(TEN + HOUR)) == [Broken.SECOND_OF_THE_DAY]


def test_four_texts_in_seven_days_and_none_on_the_eighth(judge: Judge) -> None:
    def of(days: int) -> Letter:
        survey = uuid4()
        judge.surveys[survey] = Known(zone="America/New_York", number=PHONE)
        return letter(TEN + days * DAY, survey=survey)

    assert broken(judge, of(0), of(1), of(2), of(6)) == [Broken.FOURTH_OF_THE_WEEK]
    assert broken(judge, of(13)) == []


def test_a_fourth_contact_counts_mails_too(judge: Judge) -> None:
    mails = [letter(TEN + days * DAY, "reminder", to="juan@example.org") for days in range(3)]

    assert broken(judge, *mails, letter(TEN + 9 * DAY)) == [Broken.FOURTH_CONTACT]


def test_a_text_after_the_answer(judge: Judge) -> None:
    judge.ended(SURVEY, TEN)

    assert broken(judge, letter(TEN + HOUR, "reminder")) == [Broken.AFTER_THE_END]


def test_a_link_asked_for_after_the_answer_is_fine_and_after_the_clinic_closed_it_is_not(judge: Judge) -> None:
    judge.ended(SURVEY, TEN)
    asked = broken(judge, letter(TEN + HOUR, "fresh_link"))
    judge.ended(SURVEY, TEN + HOUR, closed=True)

    assert asked == []
    assert broken(judge, letter(TEN + 2 * HOUR, "fresh_link")) == [Broken.AFTER_THE_END]


def test_a_wrong_number_gets_one_apology_and_the_mailbox_is_still_tried(judge: Judge) -> None:
    judge.not_theirs(PHONE, TEN, by_text=True)

    assert broken(judge, reply("wrong_number"), letter(TEN + HOUR, to="juan@example.org")) == []
    assert broken(judge, letter(TEN + HOUR)) == [Broken.AFTER_STOP]


def test_the_same_message_twice_unless_the_first_got_lost(judge: Judge) -> None:
    lost = letter(arrived=False)
    again = replace(lost, at=TEN + DAY, arrived=True)

    assert broken(judge, lost, again) == []
    assert Broken.TWICE in broken(judge, replace(again, at=TEN + 2 * DAY))


def test_a_landline_and_a_patient_who_has_not_agreed(judge: Judge) -> None:
    judge.no_texts[PHONE] = TEN
    judge.surveys[SURVEY] = Known(zone="America/New_York", number=PHONE, agreed=False)

    assert broken(judge, letter()) == [Broken.NO_TEXTS_THERE, Broken.NO_CONSENT]


def test_two_answers_of_one_kind_to_one_text(judge: Judge) -> None:
    first = reply("not_watched")

    assert broken(judge, first, replace(first, message=uuid4())) == [Broken.UNASKED_REPLY]


def test_a_text_about_nobody(judge: Judge) -> None:
    assert broken(judge, letter(survey=uuid4())) == [Broken.STRANGER]


@pytest.mark.parametrize("change", [lambda one: one, lambda one: replace(one, arrived=False)])
def test_what_never_arrived_still_breaks_a_stop(judge: Judge, change: Callable[[Letter], Letter]) -> None:
    judge.opted_out(PHONE, TEN, everything=False)

    assert broken(judge, change(letter(TEN + HOUR))) == [Broken.AFTER_STOP]
