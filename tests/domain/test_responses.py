"""What a response is worth while it grows, and where a phone goes next."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from survey.domain import responses as rules
from survey.domain.protocol import Tier, Touch
from survey.domain.responses import Identity
from survey.domain.visits import Phase, Visit
from tests.domain.pack import GOOD_DAY, LINES, PROTOCOL, answers, context

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
CALM = context()
RED_YES = {**LINES["red"], "chest": "yes"}


def visit(**changes: object) -> Visit:
    given = changes.pop("answers", {})
    usual = Visit(
        invitation_id=uuid4(),
        patient_id=uuid4(),
        site_id=uuid4(),
        link_sha256=b"",
        language="en",
        answered_by=rules.AnsweredBy.SELF,
        performed_on=date(2026, 3, 9),
        expires_at=NOW + timedelta(days=28),
        sent_at=None,
        protocol=PROTOCOL,
        context=CALM,
        response_id=uuid4(),
        revision=0,
        answered_at=NOW,
        submitted_at=None,
        identity=Identity.NOT_ASKED,
        answers=given,
        everything=given,
    )
    return replace(usual, **changes)


def test_an_unfinished_survey_acts_on_what_was_said_and_not_on_its_gaps():
    judgement = rules.judge(PROTOCOL, {"red": LINES["red"], "breath": "no"}, CALM, finished=False)

    assert judgement.tier is None
    assert judgement.score.tier is Tier.SOON


def test_an_unfinished_survey_acts_at_once_on_a_worrying_answer():
    judgement = rules.judge(PROTOCOL, {"red": LINES["red"], "breath": "exert"}, CALM, finished=False)

    assert judgement.tier is Tier.URGENT


def test_an_open_item_is_never_routine_once_the_survey_is_finished():
    judgement = rules.judge(PROTOCOL, answers(fever=None), CALM, finished=True)

    assert judgement.tier is Tier.SOON


def test_a_survey_counts_as_finished_when_sent_or_left_for_an_hour():
    assert rules.is_finished(NOW, NOW, NOW)
    assert rules.is_finished(None, NOW - timedelta(minutes=60), NOW)
    assert not rules.is_finished(None, NOW - timedelta(minutes=59), NOW)


def test_after_a_case_is_closed_only_new_answers_count():
    judgement = rules.judge(PROTOCOL, answers(skin={"pus": "yes"}), CALM, finished=True)

    before = rules.alarm(PROTOCOL, judgement, CALM, since_closed=None)
    untouched = rules.alarm(PROTOCOL, judgement, CALM, since_closed={})
    anew = rules.alarm(PROTOCOL, judgement, CALM, since_closed={"skin": {**LINES["skin"], "pus": "yes"}})

    assert (before.tier, untouched.tier, anew.tier) == (Tier.URGENT, Tier.ROUTINE, Tier.URGENT)


def test_no_to_all_never_turns_a_marked_yes_into_a_no():
    form = {rules.NONE_OF_THESE: ["1"], "chest": ["yes"]}

    filled = rules.with_none_of_these(PROTOCOL.item("red"), form)

    assert filled == {key: ["yes" if key == "chest" else "no"] for key in LINES["red"]}


def test_no_to_all_means_nothing_where_there_are_no_lines():
    form = {rules.NONE_OF_THESE: ["1"]}

    assert rules.with_none_of_these(PROTOCOL.item("sore"), form) == form


@pytest.mark.parametrize(
    ("month", "day", "expected"),
    [
        (5, 17, Identity.CONFIRMED),
        (6, 17, Identity.UNCONFIRMED),
        (5, 18, Identity.UNCONFIRMED),
        (5, None, Identity.UNCONFIRMED),
        (None, None, Identity.NOT_ASKED),
    ],
)
def test_a_wrong_birthday_is_noted_and_nothing_given_is_not_asked(month, day, expected):
    assert rules.identity(date(1984, 5, 17), month=month, day=day) is expected


def test_the_worst_tier_stands():
    assert rules.worst(None, Tier.SOON, Tier.URGENT) is Tier.URGENT
    assert rules.worst(None, None) is None


def test_a_touch_asks_its_own_items_only():
    fortnight = Touch(key="day14", day=14, at=PROTOCOL.touches[0].at, items=("fever", "skin"))
    protocol = replace(PROTOCOL, touches=(*PROTOCOL.touches, fortnight))

    short = rules.asked(protocol, "day14")

    assert [item.key for item in short.items] == ["skin", "fever"]
    assert rules.asked(protocol, "day2") is protocol


def test_a_sheet_keeps_what_can_be_read_and_names_what_cannot():
    form = {"red.chest": ["no"], "sore": ["11"], "fever": ["yes"], "weakfx": ["cannot"], "note": [""]}

    sheet = rules.read_sheet(PROTOCOL, CALM, form, stands={})

    assert sheet.answers == {"fever": "yes"}
    assert set(sheet.problems) == {"red", "sore"}


def test_a_sheet_takes_words_that_stand_there_already_however_long_they_are():
    long = "It hurts. " * 400 + "Help."

    sheet = rules.read_sheet(PROTOCOL, CALM, {"note": [long]}, stands={"note": long})

    assert (sheet.answers, sheet.problems) == ({"note": long}, {})


def test_a_sheet_reads_a_question_that_hangs_on_another():
    form = {"weak": ["worse"], "weakfx": ["cannot"]}

    sheet = rules.read_sheet(PROTOCOL, CALM, form, stands={})

    assert sheet.answers == {"weak": "worse", "weakfx": "cannot"}


def test_a_phone_resumes_at_the_first_open_question():
    begun = visit(answers={"red": LINES["red"], "sore": 0})

    assert begun.first_open().key == "breath"
    assert begun.open_after("breath").key == "weak"


def test_a_red_yes_with_open_lines_does_not_ask_the_red_page_again():
    begun = visit(answers={"red": {"chest": "yes"}})

    assert begun.first_open().key == "breath"
    assert begun.open_after("red").key == "breath"


def test_the_same_answer_is_held_already():
    begun = visit(answers={"sore": 0})

    assert begun.holds("sore", 0)
    assert not begun.holds("sore", 1)
    assert not begun.holds("fever", "no")


def test_help_comes_with_the_answer_that_raises_the_tier_and_not_with_the_next():
    calm = visit(answers={"breath": "no"})
    alarmed = calm.with_answer("red", RED_YES)
    onwards = alarmed.with_answer("sore", 4)

    assert calm.is_alarmed_by(alarmed)
    assert not alarmed.is_alarmed_by(onwards)


def test_a_worry_told_anew_after_sending_shows_help_again():
    before = visit(answers={}, submitted_at=NOW - timedelta(days=1), everything={**GOOD_DAY, "red": RED_YES})
    after = before.with_answer("red", RED_YES)

    assert before.is_amending
    assert before.is_alarmed_by(after)


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({"answered_by": None}, Phase.WHO),
        ({}, Phase.ASKING),
        ({"sent_at": NOW}, Phase.SENT),
    ],
)
def test_a_phone_knows_how_far_it_has_come(changes, phase):
    assert visit(**changes).phase is phase
