"""What keeps replies right where two things happen at once or one after the other: each once, in order, to its own."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain.messages import MessageState
from survey.domain.responses import AnsweredBy
from survey.local.carrier import Carrier
from survey.services import patients
from survey.store import inbound as store
from survey.store.session import transaction
from tests import desk, surveys, texting
from tests.cast import SAM
from tests.conftest import Database
from tests.desk import JUANS_PHONE, WEDNESDAY_TEN, enrol, maria, send
from tests.texting import STRANGER, answers, reply

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
RED = "My chest hurts and I cannot breathe"


@pytest.fixture
def carrier(database: Database) -> Iterator[Carrier]:
    assert database
    desk.open_clinic()
    with desk.texting() as carrier:
        yield carrier


def waiting() -> tuple[UUID, ...]:
    with transaction() as tx:
        return store.waiting(tx, limit=10)


def test_a_text_that_one_worker_reads_no_other_takes(carrier: Carrier) -> None:
    assert carrier
    texting.text("STOP", now=WEDNESDAY_TEN)
    (one,) = waiting()

    with transaction() as first, transaction() as second:
        assert store.claim(first, one) is not None
        assert store.claim(second, one) is None


def test_a_text_that_was_read_is_not_taken_again(carrier: Carrier) -> None:
    assert carrier
    read = reply("STOP", now=WEDNESDAY_TEN)

    with transaction() as tx:
        assert store.claim(tx, read["id"]) is None  # type: ignore[arg-type]
    assert waiting() == ()


def test_start_does_not_overtake_the_stop_before_it(carrier: Carrier) -> None:
    assert carrier
    texting.text("STOP", now=WEDNESDAY_TEN)
    texting.text("START", now=WEDNESDAY_TEN + MINUTE)
    stop, start = waiting()

    with transaction() as tx:
        assert store.claim(tx, start) is None
    with transaction() as tx:
        assert store.claim(tx, stop) is not None


def test_a_number_that_waits_holds_up_no_other(carrier: Carrier) -> None:
    assert carrier
    texting.text("STOP", now=WEDNESDAY_TEN)
    texting.text("Hello", now=WEDNESDAY_TEN + MINUTE, sender=STRANGER)
    _, other = waiting()

    with transaction() as tx:
        assert store.claim(tx, other) is not None


def test_an_answer_that_never_left_is_no_reason_to_be_silent(carrier: Carrier) -> None:
    assert carrier
    first = reply("How long will it hurt?", now=WEDNESDAY_TEN)
    reply("STOP ALL", now=WEDNESDAY_TEN + MINUTE)
    send(WEDNESDAY_TEN + MINUTE)
    reply("START", now=WEDNESDAY_TEN + HOUR)

    again = reply("How long will it hurt?", now=WEDNESDAY_TEN + HOUR + MINUTE)

    assert answers(again["id"]) == ["not_watched"]
    (unsent,) = desk.rows("SELECT state FROM message WHERE inbound_id = :id", id=first["id"])
    assert unsent["state"] == MessageState.CANCELLED


def test_twelve_hours_count_from_the_newest_answer(carrier: Carrier) -> None:
    assert carrier
    hours = (0, 13, 14, 24, 25)

    told = [answers(reply("How long will it hurt?", now=WEDNESDAY_TEN + hour * HOUR)["id"]) for hour in hours]

    assert [len(one) for one in told] == [1, 1, 0, 0, 1]


def test_answers_to_one_number_are_no_reason_to_leave_another_without(carrier: Carrier) -> None:
    assert carrier
    for minutes in range(12):
        reply("HELP", now=WEDNESDAY_TEN + minutes * MINUTE, sender=STRANGER)

    assert answers(reply("HELP", now=WEDNESDAY_TEN + 20 * MINUTE)["id"]) == ["help"]
    assert answers(reply("HELP", now=WEDNESDAY_TEN + 21 * MINUTE, sender=STRANGER)["id"]) == []


def test_after_a_day_a_number_with_many_answers_is_answered_again(carrier: Carrier) -> None:
    assert carrier
    for minutes in range(12):
        reply("HELP", now=WEDNESDAY_TEN + minutes * MINUTE)

    assert answers(reply("HELP", now=WEDNESDAY_TEN + 25 * HOUR)["id"]) == ["help"]


def test_red_words_after_a_cancelled_procedure_are_read_by_staff_and_answer_no_survey(carrier: Carrier) -> None:
    assert carrier
    enrolled = enrol(maria())
    patients.cancel(enrolled.procedure_id, by=SAM.actor, now=WEDNESDAY_TEN)

    read = reply(RED, now=WEDNESDAY_TEN + MINUTE)

    assert (read["is_red"], read["wants_person"]) == (True, True)
    assert desk.rows("SELECT 1 FROM response") == []


def test_red_words_do_not_make_a_helpers_answers_the_patients_own(carrier: Carrier) -> None:
    assert carrier
    case = surveys.invited(WEDNESDAY_TEN)
    session = surveys.started(case, WEDNESDAY_TEN, answered_by=AnsweredBy.HELPER)
    surveys.answer(session, "sore", WEDNESDAY_TEN, answer=["3"])

    reply(RED, now=WEDNESDAY_TEN + MINUTE)

    assert surveys.response_of(case)["answered_by"] == AnsweredBy.HELPER


def test_red_words_go_to_the_survey_that_was_asked_and_not_to_the_one_to_come(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)
    assert carrier.journal.entries()

    reply(RED, now=WEDNESDAY_TEN + HOUR)

    (asked,) = desk.rows("SELECT invitation_id FROM response")
    assert asked["invitation_id"] == enrolled.invitation_id


def test_words_of_one_phone_raise_nobody_on_another(carrier: Carrier) -> None:
    assert carrier
    enrol(maria())
    enrol(desk.juan())

    read = reply(RED, now=WEDNESDAY_TEN, sender=JUANS_PHONE)

    assert texting.patients_of(read["id"]) == {"Juan"}
    assert len(desk.rows("SELECT 1 FROM response")) == 1


def about(read: dict[str, object]) -> tuple[object, str]:
    """The survey that a text was taken to be about: its procedure, and which of its surveys."""
    (row,) = desk.rows(
        """SELECT i.procedure_id, i.touch FROM inbound_patient b JOIN invitation i ON i.id = b.invitation_id
        WHERE b.inbound_id = :id""",
        id=read["id"],
    )
    return row["procedure_id"], row["touch"]


def test_a_text_is_about_the_survey_that_was_asked_last_until_the_next_one_is(carrier: Carrier) -> None:
    assert carrier
    enrol(maria())
    friday, sunday, tuesday = (WEDNESDAY_TEN + days * 24 * HOUR for days in (2, 4.5, 6))

    texts = [about(reply("It is better", now=now))[1] for now in (friday, sunday, tuesday)]

    assert texts == ["day2", "day2", "day7"]


def test_a_text_is_about_the_procedure_that_took_place_and_not_about_the_cancelled_one(carrier: Carrier) -> None:
    assert carrier
    kept = enrol(maria(performed_on=desk.MONDAY - timedelta(days=3)))
    dropped = enrol(maria())
    patients.cancel(dropped.procedure_id, by=SAM.actor, now=WEDNESDAY_TEN)

    read = reply("It is better", now=WEDNESDAY_TEN + MINUTE)

    assert about(read)[0] == kept.procedure_id


def test_before_the_clinic_has_a_site_a_text_waits_to_be_read(database: Database) -> None:
    assert database
    texting.text("STOP", now=WEDNESDAY_TEN)

    assert texting.read(WEDNESDAY_TEN) == 0

    desk.open_clinic()
    assert texting.read(WEDNESDAY_TEN + MINUTE) == 1
