"""What becomes of a text: STOP and its relatives are obeyed at once, all else is answered and seen by staff."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from survey.domain.alerts import Alert, ContactResult
from survey.domain.errors import NotFound, Unavailable
from survey.domain.invitations import InvitationState
from survey.domain.queues import Queue
from survey.local.carrier import Carrier
from survey.services import alerts, inbound, messages, responses, sending, suppressions
from survey.services.responses import SessionOver
from survey.store import doorbell, sites
from survey.store import suppressions as suppression_store
from survey.store.session import DatabaseError, transaction
from tests import desk, surveys
from tests.cast import ANA, RIVERSIDE
from tests.conftest import Database
from tests.desk import (
    AT_THE_DESK,
    JUANS_PHONE,
    MARIAS_PHONE,
    WEDNESDAY_TEN,
    enrol,
    invitation_state,
    juan,
    maria,
    send,
)
from tests.fakes import FakeEmail
from tests.texting import STRANGER, answers, call_at, patients_of, read, reply, text

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
LATER = WEDNESDAY_TEN + 2 * HOUR
RED = "Help, I can't breathe well since this morning"


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    surveys.open_clinic(AT_THE_DESK)


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with desk.texting(FakeEmail(), timeout_s=0.5) as carrier:
        yield carrier


def bodies(carrier: Carrier, to: str = MARIAS_PHONE) -> list[str]:
    return [one.body for one in carrier.journal.to(to)]


def scope(sender: str = MARIAS_PHONE) -> str | None:
    found = desk.rows("SELECT scope FROM suppression WHERE address = :a AND lifted_at IS NULL", a=sender)
    return found[0]["scope"] if found else None


# ---- STOP


def test_stop_before_the_day_ends_texts_and_the_patient_is_called_on_the_day(carrier: Carrier) -> None:
    enrolled = enrol(maria())

    stopped = reply("Stop.", now=AT_THE_DESK + HOUR)
    send(AT_THE_DESK + HOUR)
    desk.send_until(WEDNESDAY_TEN + 12 * HOUR, start=WEDNESDAY_TEN, every=HOUR)

    (confirmation,) = bodies(carrier)
    assert confirmation.startswith("Riverside Clinic: you will get no more texts.")
    assert (stopped["meaning"], stopped["wants_person"]) == ("stop", False)
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "stopped")
    assert call_at(enrolled.invitation_id) <= WEDNESDAY_TEN + HOUR


def test_stop_before_the_day_leaves_the_survey_to_its_day() -> None:
    enrolled = enrol(maria())

    reply("Stop", now=AT_THE_DESK)

    assert invitation_state(enrolled.invitation_id) == ("scheduled", None)
    assert call_at(enrolled.invitation_id) >= WEDNESDAY_TEN


def test_stop_after_the_link_ends_texts_not_care_the_patient_is_called_now(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)

    reply("STOP", now=LATER)
    desk.send_until(WEDNESDAY_TEN + 48 * HOUR, start=LATER, every=HOUR)

    assert len(bodies(carrier)) == 2
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "stopped")
    assert call_at(enrolled.invitation_id) <= LATER


def test_stop_is_confirmed_once_however_often_it_is_said(carrier: Carrier) -> None:
    enrol(maria())

    for minutes, word in enumerate(("STOP", "stop!!", "STOP ALL", "no más", "unsubscribe")):
        reply(word, now=AT_THE_DESK + minutes * MINUTE)
    send(AT_THE_DESK + HOUR)

    assert answers() == ["stopped"]
    assert len(bodies(carrier)) == 1
    assert scope() == "all"


def test_whoever_stops_again_after_a_start_is_confirmed_again() -> None:
    enrol(maria())

    for minutes, word in enumerate(("STOP", "START", "STOP")):
        reply(word, now=AT_THE_DESK + minutes * MINUTE)

    assert answers() == ["stopped", "started", "stopped"]
    assert scope() == "program"


def test_where_the_provider_confirms_we_do_not() -> None:
    enrol(maria())

    reply("STOP", now=AT_THE_DESK, OptOutType="STOP")
    odd = reply("ENOUGH", now=AT_THE_DESK + MINUTE, sender=JUANS_PHONE, OptOutType="STOP")

    assert answers() == []
    assert (scope(), scope(JUANS_PHONE)) == ("program", "program")
    assert odd["meaning"] == "stop", "what the provider blocks is stopped here, too"


def test_stop_of_a_spanish_patient_is_confirmed_in_spanish_and_so_is_parar_of_anybody(carrier: Carrier) -> None:
    enrol(juan())
    enrol(maria())

    reply("STOP", now=AT_THE_DESK, sender=JUANS_PHONE)
    reply("¡PARAR!", now=AT_THE_DESK, sender=MARIAS_PHONE)
    send(AT_THE_DESK + MINUTE)

    assert "ya no le escribiremos" in bodies(carrier, JUANS_PHONE)[0]
    assert "ya no le escribiremos" in bodies(carrier, MARIAS_PHONE)[0]


def test_stop_of_a_number_that_two_share_ends_texts_to_both(carrier: Carrier) -> None:
    one = enrol(maria())
    other = enrol(maria(given_name="Pia", mrn="R-0077"))
    send(WEDNESDAY_TEN)
    assert carrier.journal.entries()

    reply("STOP", now=LATER)

    assert [invitation_state(each.invitation_id)[1] for each in (one, other)] == ["stopped", "stopped"]


def test_stop_of_a_stranger_is_kept_and_confirmed() -> None:
    stopped = reply("STOP", now=AT_THE_DESK, sender=STRANGER)

    assert answers() == ["stopped"]
    assert scope(STRANGER) == "program"
    assert patients_of(stopped["id"]) == set()
    assert not stopped["wants_person"]


def test_whoever_enrols_with_a_number_that_stopped_is_not_texted(carrier: Carrier) -> None:
    reply("STOP", now=AT_THE_DESK)
    send(AT_THE_DESK + MINUTE)
    enrolled = enrol(maria(), now=AT_THE_DESK + HOUR)

    desk.send_until(WEDNESDAY_TEN + 9 * HOUR, start=WEDNESDAY_TEN, every=HOUR)

    assert len(bodies(carrier)) == 1
    assert invitation_state(enrolled.invitation_id)[0] == "undeliverable"


def test_whoever_started_again_before_enrolling_is_texted(carrier: Carrier) -> None:
    reply("STOP", now=AT_THE_DESK)
    reply("START", now=AT_THE_DESK + MINUTE)
    enrolled = enrol(maria(), now=AT_THE_DESK + HOUR)

    send(WEDNESDAY_TEN)

    assert any("/s/" in body for body in bodies(carrier))
    assert invitation_state(enrolled.invitation_id) == ("sent", None)


def test_whoever_began_to_answer_and_stops_texts_is_called_and_may_finish() -> None:
    case = surveys.invited(WEDNESDAY_TEN)
    session = surveys.started(case, WEDNESDAY_TEN)

    reply("STOP", now=WEDNESDAY_TEN + MINUTE)

    assert invitation_state(case.invitation_id)[0] == "opened"
    assert call_at(case.invitation_id) == WEDNESDAY_TEN + MINUTE
    surveys.answer_all(session, WEDNESDAY_TEN + 2 * MINUTE)
    responses.submit(session, now=WEDNESDAY_TEN + 3 * MINUTE)
    assert invitation_state(case.invitation_id)[0] == InvitationState.COMPLETED


# ---- START, HELP, CALL, WRONG


def test_start_lifts_it_and_the_survey_goes_out_after_all(carrier: Carrier) -> None:
    enrolled = enrol(maria())

    reply("STOP", now=AT_THE_DESK)
    reply("START", now=AT_THE_DESK + HOUR)
    send(AT_THE_DESK + HOUR)
    send(WEDNESDAY_TEN)

    assert scope() is None
    assert [body[:30] for body in bodies(carrier)][-1].startswith("Riverside Clinic: 2-minute")
    assert invitation_state(enrolled.invitation_id) == ("sent", None)


@pytest.mark.parametrize("words", ["HELP", "CALL", "Thank you"])
def test_nothing_but_start_lifts_an_opt_out(words: str) -> None:
    enrol(maria())
    reply("STOP", now=AT_THE_DESK)

    reply(words, now=AT_THE_DESK + MINUTE)

    assert scope() == "program"


def test_help_says_who_we_are_and_staff_look_whether_it_was_a_cry(carrier: Carrier) -> None:
    enrol(maria())

    asked = reply("HELP", now=AT_THE_DESK)
    strange = reply("INFO", now=AT_THE_DESK, sender=STRANGER)
    send(AT_THE_DESK + MINUTE)

    assert "(202) 555-0100" in bodies(carrier)[0]
    assert "911" in bodies(carrier)[0]
    assert (asked["wants_person"], strange["wants_person"]) == (True, False)


def test_call_puts_the_patient_on_the_call_list_now_also_before_the_day(carrier: Carrier) -> None:
    enrolled = enrol(maria())

    asked = reply("Please call me!", now=AT_THE_DESK + HOUR)
    send(AT_THE_DESK + HOUR)

    (row,) = desk.rows("SELECT asked_call_at, call_at FROM invitation WHERE id = :id", id=enrolled.invitation_id)
    assert row["asked_call_at"] == row["call_at"] == AT_THE_DESK + HOUR
    assert "We will call you" in bodies(carrier)[0]
    assert not asked["wants_person"], "it stands on the call list"


def test_call_without_an_open_survey_is_left_to_staff() -> None:
    enrol(maria())
    desk.change("UPDATE invitation SET state = 'completed', completed_at = now()")

    asked = reply("CALL", now=LATER)
    strange = reply("CALL", now=LATER, sender=STRANGER)

    assert (asked["wants_person"], strange["wants_person"]) == (True, True)
    assert desk.rows("SELECT 1 FROM invitation WHERE asked_call_at IS NOT NULL") == []


def test_wrong_number_ends_its_links_and_texts_and_the_mailbox_is_tried(carrier: Carrier) -> None:
    enrolled = enrol(juan())
    send(WEDNESDAY_TEN)

    wrong = reply("Wrong number, sorry", now=LATER, sender=JUANS_PHONE)
    reply("wrong number", now=LATER + MINUTE, sender=JUANS_PHONE)
    desk.send_until(LATER + 24 * HOUR, start=LATER, every=HOUR)

    texts = bodies(carrier, JUANS_PHONE)
    assert len(texts) == 2, "the link, and one apology"
    assert texts[1].startswith("Disculpe")
    assert scope(JUANS_PHONE) == "all"
    blocks = desk.rows("SELECT kind, blocked_reason FROM contact ORDER BY kind")
    assert [(row["kind"], row["blocked_reason"]) for row in blocks] == [("email", None), ("sms", "not_me")]
    (first, *_) = desk.rows("SELECT revoked_at FROM invitation_link ORDER BY made_at")
    assert first["revoked_at"] == LATER
    mails = desk.rows(
        """SELECT 1 FROM message m JOIN contact c ON c.id = m.contact_id
        WHERE c.kind = 'email' AND m.invitation_id = :id""",
        id=enrolled.invitation_id,
    )
    assert len(mails) == 1
    assert wrong["wants_person"], "staff have to find the right number"


def texted(**changes: object) -> tuple[UUID, str]:
    """Somebody's survey, and a link to it that went to the phone."""
    case = surveys.invited(WEDNESDAY_TEN, **changes)
    (message,) = desk.rows("SELECT id FROM message WHERE invitation_id = :id", id=case.invitation_id)
    return case.invitation_id, surveys.link(case.invitation_id, WEDNESDAY_TEN, message_id=message["id"])


def test_wrong_number_ends_the_check_in_on_the_phone_that_has_it_open_and_nobody_elses() -> None:
    (_, hers), (_, his) = texted(), texted(given_name="Juan", mobile=JUANS_PHONE)
    open_here = responses.start(hers, language="en", now=WEDNESDAY_TEN)

    reply("Wrong number", now=WEDNESDAY_TEN + MINUTE)

    with pytest.raises(SessionOver):
        responses.visit(open_here, now=WEDNESDAY_TEN + MINUTE)
    with pytest.raises(NotFound):
        responses.start(hers, language="en", now=WEDNESDAY_TEN + MINUTE)
    assert responses.start(his, language="en", now=WEDNESDAY_TEN + MINUTE)


def test_wrong_number_puts_what_was_answered_there_in_doubt_and_the_patient_is_called_now() -> None:
    case = surveys.invited(WEDNESDAY_TEN)
    surveys.answer(surveys.started(case, WEDNESDAY_TEN), "sore", WEDNESDAY_TEN, answer=["3"])

    reply("Wrong number", now=WEDNESDAY_TEN + MINUTE)

    assert surveys.response_of(case)["identity"] == "unconfirmed"
    assert call_at(case.invitation_id) == WEDNESDAY_TEN + MINUTE


def test_wrong_number_leaves_the_time_of_a_link_that_was_taken_back_before() -> None:
    texted()
    desk.change("UPDATE invitation_link SET revoked_at = made_at WHERE message_id IS NOT NULL")

    reply("Wrong number", now=LATER)

    (link,) = desk.rows("SELECT revoked_at FROM invitation_link WHERE message_id IS NOT NULL")
    assert link["revoked_at"] == WEDNESDAY_TEN


def test_wrong_number_stands_in_the_trail_for_each_whose_number_it_was() -> None:
    enrol(maria())
    enrol(maria(given_name="Pia", mrn="R-0077"))

    reply("Wrong number", now=AT_THE_DESK)

    told = desk.rows("SELECT actor_kind, object_id FROM audit_event WHERE action = 'contact.not_me'")
    contacts = {row["id"] for row in desk.rows("SELECT id FROM contact")}
    assert {row["actor_kind"] for row in told} == {"patient"}
    assert {row["object_id"] for row in told} == contacts


def test_wrong_number_without_a_mailbox_is_left_to_a_call(carrier: Carrier) -> None:
    enrolled = enrol(maria())
    send(WEDNESDAY_TEN)

    reply("Número equivocado", now=LATER)

    assert carrier
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "not_me")
    assert call_at(enrolled.invitation_id) <= LATER


def test_start_from_a_wrong_number_does_not_make_it_the_patients() -> None:
    enrol(maria())

    reply("WRONG", now=AT_THE_DESK)
    reply("START", now=AT_THE_DESK + MINUTE)

    (contact,) = desk.rows("SELECT blocked_reason FROM contact")
    assert contact["blocked_reason"] == "not_me"


def test_after_a_wrong_number_what_comes_from_it_is_a_strangers() -> None:
    enrol(maria())
    reply("Wrong number", now=AT_THE_DESK)

    again = reply("Who are you?", now=AT_THE_DESK + MINUTE)

    assert patients_of(again["id"]) == set()
    assert again["wants_person"]


# ---- words to a person


def test_a_text_is_answered_honestly_once_in_twelve_hours_and_is_there_for_staff_each_time(carrier: Carrier) -> None:
    enrol(maria())
    began = AT_THE_DESK

    for hours in (0, 1, 11, 12, 13):
        row = reply("May I swim?", now=began + hours * HOUR)
        assert row["wants_person"]
        send(began + hours * HOUR)

    assert answers() == ["not_watched", "not_watched"]
    assert len(bodies(carrier)) == 2
    assert "no nurse watches this number" in bodies(carrier)[0]
    assert "911" in bodies(carrier)[0]


def test_no_and_yes_are_words_and_no_opt_out() -> None:
    enrol(maria())

    for word in ("No", "Yes", "Sí"):
        assert reply(word, now=AT_THE_DESK)["meaning"] == "text"

    assert scope() is None


def test_a_number_that_wants_no_text_at_all_gets_no_answer_to_words() -> None:
    enrol(maria())

    reply("STOP ALL", now=AT_THE_DESK)
    row = reply("my arm is red", now=AT_THE_DESK + MINUTE)

    assert answers(row["id"]) == []
    assert row["wants_person"]


def test_two_robots_that_answer_one_another_come_to_an_end() -> None:
    enrol(maria())

    for minutes in range(30):
        reply("HELP", now=AT_THE_DESK + minutes * MINUTE)

    assert len(answers()) == inbound.rules.MOST_ANSWERS_A_DAY


def test_emoji_and_four_thousand_signs_are_kept_as_they_came() -> None:
    enrol(maria())
    long = "😀 It hurts 🩸" * 300

    row = reply(long, now=AT_THE_DESK)

    assert row["body"] == long


def test_more_than_ten_thousand_signs_are_cut_and_a_sign_that_no_database_takes_is_left_out() -> None:
    row = reply("\x00" + "x" * 12_000, now=AT_THE_DESK)

    assert row["body"] == "x" * 10_000


def test_of_a_senders_name_forty_signs_are_kept() -> None:
    row = reply("Your parcel is here", now=AT_THE_DESK, sender="P" * 60)

    assert row["sender"] == "P" * 40


def test_a_picture_without_words_is_there_for_staff() -> None:
    enrol(maria())

    row = reply("", now=AT_THE_DESK, NumMedia="1")

    assert (row["meaning"], row["wants_person"]) == ("text", True)


def test_a_text_that_is_told_of_twice_is_one() -> None:
    enrol(maria())

    text("Hello", now=AT_THE_DESK, ref="SM1")
    text("Hello", now=AT_THE_DESK + HOUR, ref="SM1")

    assert read(AT_THE_DESK + HOUR) == 1
    assert len(desk.rows("SELECT 1 FROM inbound")) == 1


def test_a_stranger_is_answered_and_stands_there_without_a_patient() -> None:
    row = reply("Who is this?", now=AT_THE_DESK, sender=STRANGER)

    assert answers(row["id"]) == ["not_watched"]
    assert patients_of(row["id"]) == set()
    assert row["wants_person"]


def test_a_text_stands_at_the_site_of_its_patient() -> None:
    hillside = replace(RIVERSIDE, id=uuid4(), slug="hillside", name="Hillside Pain Clinic")
    with transaction() as tx:
        sites.insert(tx, hillside)
    enrol(maria())
    enrol(juan(), site=hillside)

    found = [reply("Hello", now=WEDNESDAY_TEN, sender=phone)["site_id"] for phone in (MARIAS_PHONE, JUANS_PHONE)]

    assert found == [RIVERSIDE.id, hillside.id]


def test_a_number_that_two_share_asks_nothing_and_names_both() -> None:
    enrol(maria())
    enrol(maria(given_name="Pia", mrn="R-0077"))

    row = reply("It is better now", now=WEDNESDAY_TEN)

    assert patients_of(row["id"]) == {"Maria", "Pia"}
    assert answers(row["id"]) == ["not_watched"]


# ---- red-flag words


def test_red_words_before_any_answer_are_scored_and_page() -> None:
    case = surveys.invited(WEDNESDAY_TEN)

    row = reply(RED, now=LATER)
    surveys.score(LATER)

    response = surveys.response_of(case)
    assert row["is_red"]
    assert (response["mode"], response["submitted_at"]) == ("text", None)
    (alert,) = surveys.alerts_of(case)
    assert alert["tier"] in ("urgent", "emergency")
    assert answers(row["id"]) == ["not_watched"]


def test_red_words_wake_whoever_scores(redis_url: str) -> None:
    doorbell.configure(redis_url)
    surveys.invited(WEDNESDAY_TEN)

    reply(RED, now=LATER)

    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(doorbell.PREFIX + Queue.SCORING) == 1


def test_red_words_in_spanish_from_an_english_patient_page_too() -> None:
    case = surveys.invited(WEDNESDAY_TEN)

    reply("No puedo respirar bien", now=LATER)
    surveys.score(LATER)

    assert len(surveys.alerts_of(case)) == 1


def test_red_words_are_added_to_what_was_written_and_lower_nothing() -> None:
    case = surveys.invited(WEDNESDAY_TEN)
    session = surveys.started(case, WEDNESDAY_TEN)
    surveys.answer_all(session, WEDNESDAY_TEN, note={"answer": ["My chest hurts"]})
    responses.submit(session, now=WEDNESDAY_TEN)
    surveys.score(WEDNESDAY_TEN)
    before = surveys.response_of(case)

    reply(RED, now=LATER)
    surveys.score(LATER)

    after = surveys.response_of(case)
    (note,) = desk.rows("SELECT value FROM answer WHERE item = 'note' ORDER BY revision DESC LIMIT 1")
    assert note["value"] == f"My chest hurts\n{RED}"
    assert (after["mode"], after["tier"]) == ("web", before["tier"])
    assert after["submitted_at"] == before["submitted_at"]


def test_red_words_after_a_routine_answer_raise_it() -> None:
    case = surveys.invited(WEDNESDAY_TEN)
    session = surveys.started(case, WEDNESDAY_TEN)
    surveys.answer_all(session, WEDNESDAY_TEN)
    responses.submit(session, now=WEDNESDAY_TEN)
    surveys.score(WEDNESDAY_TEN)
    assert surveys.alerts_of(case) == []

    reply("now it won't stop bleeding", now=LATER)
    surveys.score(LATER)

    assert len(surveys.alerts_of(case)) == 1


def test_red_words_from_a_shared_number_raise_each() -> None:
    cases = (surveys.invited(WEDNESDAY_TEN), surveys.invited(WEDNESDAY_TEN, given_name="Pia"))

    row = reply(RED, now=LATER)
    surveys.score(LATER)

    assert [len(surveys.alerts_of(case)) for case in cases] == [1, 1]
    assert patients_of(row["id"]) == {"Maria", "Pia"}


def test_what_is_danger_after_another_treatment_only_is_red_of_a_stranger_and_not_of_a_patient() -> None:
    desk.publish(desk.LUMBAR_PACK)
    surveys.invited(WEDNESDAY_TEN)
    words = "I can't walk to the mailbox yet"

    assert not reply(words, now=LATER)["is_red"]
    assert reply(words, now=LATER, sender=STRANGER)["is_red"]


def test_red_words_of_a_stranger_stand_there_as_such() -> None:
    assert reply(RED, now=AT_THE_DESK, sender=STRANGER)["is_red"]


def alarmed() -> dict[str, object]:
    """Red-flag words have opened an alert; its row."""
    case = surveys.invited(WEDNESDAY_TEN)
    reply(RED, now=LATER)
    surveys.score(LATER)
    (alert,) = surveys.alerts_of(case)
    return alert


def take(alert: dict[str, object], *, now: datetime) -> Alert:
    return alerts.take(alert["id"], by=ANA.actor, epoch=1, now=now)  # type: ignore[arg-type]


def nudges() -> int:
    return len(desk.rows("SELECT DISTINCT cycle, epoch FROM page WHERE kind = 'nudge'"))


def told_of(alert: dict[str, object]) -> list[str]:
    lines = desk.rows("SELECT kind FROM alert_event WHERE alert_id = :id ORDER BY id", id=alert["id"])
    return [row["kind"] for row in lines]


@pytest.mark.parametrize("words", [RED, "it is getting worse", "CALL"])
def test_whoever_texts_again_while_nobody_has_the_alert_stands_in_its_story_and_paging_goes_on(words: str) -> None:
    alert = alarmed()

    reply(words, now=LATER + MINUTE)
    surveys.score(LATER + MINUTE)

    assert told_of(alert).count("wrote") == 1
    assert nudges() == 0
    assert alerts.get(alert["id"]).alert.state == "triggered"  # type: ignore[arg-type]


def test_who_has_taken_the_alert_and_not_called_yet_is_paged_when_the_patient_texts_again() -> None:
    alert = alarmed()
    take(alert, now=LATER + MINUTE)

    reply("it is getting worse", now=LATER + 2 * MINUTE)
    assert nudges() == 1

    for minute in (3, 4, 5):
        reply("please", now=LATER + minute * MINUTE)
    assert nudges() == 1, "nobody is paged with every word"

    reply("please!", now=LATER + 7 * MINUTE)
    assert nudges() == 2
    assert told_of(alert).count("wrote") == 5


def test_after_a_talk_only_red_flag_words_page_again_and_make_the_screen_stale() -> None:
    alert = alarmed()
    take(alert, now=LATER + MINUTE)
    called = alerts.record_contact(
        alert["id"],
        result=ContactResult.REACHED,
        by=ANA.actor,
        epoch=1,
        now=LATER + MINUTE,  # type: ignore[arg-type]
    )

    reply("Thank you", now=LATER + 10 * MINUTE)
    assert (nudges(), alerts.get(called.id).alert.epoch) == (0, 1)

    reply(RED, now=LATER + 20 * MINUTE)
    assert (nudges(), alerts.get(called.id).alert.epoch) == (1, 2)
    assert alerts.get(called.id).alert.acked_by == ANA.id


def test_a_text_after_the_alert_was_closed_and_one_that_asks_for_no_texts_stand_in_no_alert() -> None:
    alert = alarmed()
    reply("STOP", now=LATER + MINUTE)
    desk.change("UPDATE alert SET state = 'acknowledged', acked_by = :who, acked_at = now()", who=ANA.id)
    desk.change(
        """UPDATE alert SET state = 'resolved', resolved_at = now(), resolved_by = :who, next_action_at = NULL,
        contacted_at = now(), contacted_by = :who, contact_result = 'reached', outcome = 'reassured',
        usefulness = 'worth_it'""",
        who=ANA.id,
    )

    reply("May I swim?", now=LATER + HOUR)

    assert "wrote" not in told_of(alert)


def test_stop_while_an_alert_is_open_ends_texts_and_closes_nothing() -> None:
    case = surveys.invited(WEDNESDAY_TEN)
    reply(RED, now=LATER)
    surveys.score(LATER)

    reply("STOP", now=LATER + MINUTE)

    (alert,) = surveys.alerts_of(case)
    assert alert["state"] == "triggered"
    assert scope() == "program"


def test_other_words_are_no_answer_of_the_survey() -> None:
    case = surveys.invited(WEDNESDAY_TEN)

    reply("I will do it later", now=LATER)

    assert desk.rows("SELECT 1 FROM response WHERE invitation_id = :id", id=case.invitation_id) == []


# ---- the race, and workers that fail


def test_stop_that_is_read_between_queueing_and_sending_lets_nothing_leave(carrier: Carrier) -> None:
    enrol(maria())
    desk.change("UPDATE message SET due_at = :now", now=WEDNESDAY_TEN)

    reply("STOP", now=WEDNESDAY_TEN - MINUTE, OptOutType="STOP")
    send(WEDNESDAY_TEN)

    assert bodies(carrier) == []


def test_stop_that_is_read_while_a_sender_holds_the_text_lets_nothing_leave(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled = enrol(maria())
    claim = sending._claim_some

    def stops_meanwhile(**given: Any) -> Sequence[UUID]:
        claimed = claim(**given)
        reply("STOP", now=WEDNESDAY_TEN, OptOutType="STOP")
        return claimed

    with monkeypatch.context() as leased:
        leased.setattr(sending, "_claim_some", stops_meanwhile)
        assert sending.send_due(now=WEDNESDAY_TEN) == 1

    desk.send_until(WEDNESDAY_TEN + HOUR, start=WEDNESDAY_TEN, every=MINUTE)
    assert bodies(carrier) == []
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "stopped")


def test_what_nobody_has_read_yet_may_be_stop_and_lets_nothing_leave(carrier: Carrier) -> None:
    enrol(maria())

    text("STOP", now=WEDNESDAY_TEN - MINUTE, OptOutType="STOP")
    send(WEDNESDAY_TEN)
    read(WEDNESDAY_TEN + MINUTE)
    desk.send_until(WEDNESDAY_TEN + HOUR, start=WEDNESDAY_TEN + MINUTE, every=MINUTE)

    assert bodies(carrier) == []


def test_a_text_that_was_no_stop_holds_the_link_up_by_minutes_only(carrier: Carrier) -> None:
    enrol(maria())

    text("Thanks!", now=WEDNESDAY_TEN - MINUTE)
    send(WEDNESDAY_TEN)
    read(WEDNESDAY_TEN)
    desk.send_until(WEDNESDAY_TEN + 7 * MINUTE, start=WEDNESDAY_TEN + MINUTE, every=MINUTE)

    assert any("/s/" in body for body in bodies(carrier))


def test_texts_of_one_number_are_read_in_the_order_in_which_they_came() -> None:
    enrol(maria())
    text("STOP", now=AT_THE_DESK)
    text("START", now=AT_THE_DESK + MINUTE)
    later = desk.rows("SELECT id FROM inbound ORDER BY received_at DESC LIMIT 1")[0]["id"]

    with transaction() as tx:
        assert inbound.store.claim(tx, later) is None
    assert read(AT_THE_DESK + HOUR) == 2
    assert scope() is None


def test_eight_workers_read_each_text_once() -> None:
    enrol(maria())
    for number in range(20):
        text("Hello", now=AT_THE_DESK + number * MINUTE, sender=f"+120255501{number + 40}")

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(lambda _: inbound.handle_due(now=AT_THE_DESK + HOUR), range(8)))

    assert done == 20
    assert answers() == ["not_watched"] * 20


def test_what_fails_half_way_leaves_no_half_and_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(maria())
    text("STOP", now=AT_THE_DESK)

    def dies(*_: object, **__: object) -> None:
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(messages, "queue_reply", dies)
        with pytest.raises(Unavailable):
            inbound.handle_due(now=AT_THE_DESK)
    assert scope() is None

    assert read(AT_THE_DESK + MINUTE) == 1
    assert scope() == "program"
    assert answers() == ["stopped"]


def test_one_that_cannot_be_read_stays_open_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(maria())
    text("STOP", now=AT_THE_DESK, sender=STRANGER)
    text("STOP", now=AT_THE_DESK)
    put = suppression_store.put

    def stumbles(tx: object, kind: object, address: str, **rest: object) -> object:
        if address == STRANGER:
            raise DatabaseError("SQLSTATE XX000, constraint None")
        return put(tx, kind, address, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(suppressions.store, "put", stumbles)

    assert read(AT_THE_DESK) == 1
    assert scope() == "program"
    (left,) = desk.rows("SELECT sender, wants_person FROM inbound WHERE handled_at IS NULL")
    assert (left["sender"], left["wants_person"]) == (STRANGER, True)


def test_nothing_of_a_text_stands_in_the_log_or_the_trail(capfd: pytest.CaptureFixture[str]) -> None:
    enrol(maria())

    reply("Canary my chest hurts", now=AT_THE_DESK)
    reply("STOP", now=AT_THE_DESK)

    told = "".join(capfd.readouterr())
    trail = str(desk.rows("SELECT detail FROM audit_event"))
    assert "Canary" not in told + trail
    assert MARIAS_PHONE not in told + trail
