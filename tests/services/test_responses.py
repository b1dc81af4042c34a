"""Answers are saved as they come, scored once each, and whoever is worrying is raised, whatever else goes wrong."""

import random
from datetime import timedelta

import psycopg
import pytest
import redis

from survey import clock
from survey.domain.accounts import SYSTEM
from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.errors import InvalidInput, NotFound, Refused
from survey.domain.messages import Kind
from survey.domain.patients import ContactKind
from survey.domain.protocol import ItemKind, Tier
from survey.domain.queues import Queue
from survey.domain.responses import AnsweredBy
from survey.services import alerts, links, messages, responses
from survey.services.responses import SessionOver
from survey.store import contacts, doorbell, invitations
from survey.store import responses as store
from survey.store.session import transaction
from tests import desk
from tests.cast import SAM
from tests.conftest import Database
from tests.surveys import (
    GOOD_DAY,
    NONE,
    alerts_of,
    answer,
    answer_all,
    invited,
    link,
    open_clinic,
    response_of,
    score,
    started,
)

NOW = clock.now()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    open_clinic(NOW)


def count(table: str) -> int:
    return desk.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]


def close(case, now) -> None:
    alert = alerts_of(case)[-1]
    by = desk.factories.ANA.actor
    alerts.take(alert["id"], by=by, epoch=alert["epoch"], now=now)
    alerts.record_contact(alert["id"], result=ContactResult.REACHED, by=by, epoch=alert["epoch"], now=now)
    alerts.close(
        alert["id"], outcome=Outcome.REASSURED, usefulness=Usefulness.WORTH_IT, by=by, epoch=alert["epoch"], now=now
    )


def test_a_tap_is_one_answer_row_and_one_revision():
    case = invited(NOW)
    session = started(case, NOW)

    answer(session, "sore", NOW + MINUTE, answer=["4"])

    (row,) = desk.rows("SELECT item, value, revision FROM answer")
    assert dict(row) == {"item": "sore", "value": 4, "revision": 1}
    assert response_of(case)["revision"] == 1
    assert response_of(case)["answered_at"] == NOW + MINUTE


def test_the_same_answer_again_changes_nothing():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "sore", NOW, answer=["4"])

    answer(session, "sore", NOW + MINUTE, answer=["4"])

    assert (count("answer"), response_of(case)["revision"]) == (1, 1)


def test_a_changed_answer_is_a_row_more_and_the_last_one_counts():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "sore", NOW, answer=["4"])

    answer(session, "sore", NOW + MINUTE, answer=["5"])

    assert count("answer") == 2
    assert responses.visit(session, now=NOW + MINUTE).answers == {"sore": 5}


def test_an_answer_that_was_overtaken_is_not_saved_over_the_other():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "sore", NOW, answer=["4"])

    with transaction() as tx:
        saved = store.save(tx, response_of(case)["id"], [("sore", 9)], seen=0, now=NOW)

    assert not saved
    assert count("answer") == 1


def test_an_answer_that_cannot_be_read_is_refused_and_saves_nothing():
    session = started(invited(NOW), NOW)

    with pytest.raises(InvalidInput):
        answer(session, "sore", NOW, answer=["11"])

    assert count("answer") == 0


def test_a_question_that_is_not_asked_is_not_found():
    session = started(invited(NOW), NOW)

    with pytest.raises(NotFound):
        answer(session, "weakfx", NOW, answer=["ok"])


def test_nothing_is_asked_before_somebody_says_who_is_answering():
    session = responses.start(invited(NOW).token, language="en", now=NOW)

    with pytest.raises(NotFound):
        answer(session, "sore", NOW, answer=["4"])


def test_nothing_is_sent_and_nothing_is_told_before_somebody_says_who_is_answering():
    case = invited(NOW)
    session = responses.start(case.token, language="en", now=NOW)
    before = desk.invitation_state(case.invitation_id)

    responses.submit(session, now=NOW)

    assert desk.invitation_state(case.invitation_id) == before
    with pytest.raises(SessionOver):
        responses.result(session, now=NOW)


def test_an_answer_wakes_whoever_scores(redis_url: str):
    session = started(invited(NOW), NOW)
    doorbell.configure(redis_url)

    answer(session, "red", NOW, chest=["yes"])

    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(doorbell.PREFIX + Queue.SCORING) == 1


def test_of_two_phones_that_answer_in_the_same_moment_both_are_heard(monkeypatch: pytest.MonkeyPatch):
    case = invited(NOW)
    mine, theirs = started(case, NOW), started(case, NOW)
    save = store.save

    def overtaken(*given, **more) -> bool:
        monkeypatch.setattr(responses.store, "save", save)
        answer(theirs, "breath", NOW, answer=["exert"])
        return save(*given, **more)

    monkeypatch.setattr(responses.store, "save", overtaken)
    answer(mine, "sore", NOW, answer=["4"])

    assert responses.visit(mine, now=NOW).answers == {"breath": "exert", "sore": 4}


def test_a_session_ends_after_an_hour_and_a_new_start_goes_on_where_it_stood():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "red", NOW, **NONE)

    with pytest.raises(SessionOver):
        responses.visit(session, now=NOW + HOUR)

    again = started(case, NOW + HOUR)
    assert responses.visit(again, now=NOW + HOUR).first_open().key == "breath"


def test_a_red_yes_is_told_and_paged_before_anything_is_sent():
    case = invited(NOW)
    session = started(case, NOW)

    answered = answer(session, "red", NOW, chest=["yes"])
    score(NOW)

    assert answered.is_alarming
    (alert,) = alerts_of(case)
    assert (alert["tier"], alert["severity"]) == ("emergency", "urgent")
    told = responses.result(session, now=NOW)
    assert told.tier is Tier.EMERGENCY
    assert told.promised_at == alert["promised_at"]


def test_the_page_promises_the_same_before_and_after_the_worker():
    session = started(invited(NOW), NOW)
    answer(session, "breath", NOW, answer=["exert"])
    before = responses.result(session, now=NOW)

    score(NOW)

    after = responses.result(session, now=NOW)
    assert (before.tier, before.promised_at) == (after.tier, after.promised_at) == (Tier.URGENT, NOW + 30 * MINUTE)


def test_an_unfinished_survey_without_a_worry_disturbs_nobody_and_is_not_called_fine():
    case = invited(NOW)
    answer(started(case, NOW), "red", NOW, **NONE)

    score(NOW)

    assert response_of(case)["tier"] is None
    assert alerts_of(case) == []
    (row,) = desk.rows("SELECT tier FROM score")
    assert row["tier"] == "soon"


def test_a_survey_left_unfinished_for_an_hour_is_called_within_a_workday():
    case = invited(NOW)
    answer(started(case, NOW), "red", NOW, **NONE)
    score(NOW)

    too_early = responses.settle_left(now=NOW + HOUR - MINUTE)
    settled = responses.settle_left(now=NOW + HOUR + MINUTE)
    score(NOW + HOUR + MINUTE)

    assert (too_early, settled) == (0, 1)
    assert [alert["tier"] for alert in alerts_of(case)] == ["soon"]
    assert desk.invitation_state(case.invitation_id)[0] == "opened"
    assert responses.settle_left(now=NOW + 2 * HOUR) == 0


def test_a_survey_that_was_answered_but_not_sent_counts_as_sent_after_an_hour():
    case = invited(NOW)
    answer_all(started(case, NOW), NOW)
    score(NOW)

    responses.settle_left(now=NOW + HOUR + MINUTE)
    score(NOW + HOUR + MINUTE)

    assert response_of(case)["tier"] == "routine"
    assert desk.invitation_state(case.invitation_id)[0] == "completed"
    assert responses.settle_left(now=NOW + 3 * HOUR) == 0


def test_a_survey_that_was_opened_and_not_answered_is_left_to_the_call_list():
    case = invited(NOW)
    started(case, NOW)

    assert responses.settle_left(now=NOW + 2 * HOUR) == 0

    score(NOW + 2 * HOUR)
    assert alerts_of(case) == []
    assert response_of(case)["tier"] is None


def test_answers_that_no_worker_has_looked_at_yet_do_not_count_as_left():
    case = invited(NOW)
    answer(started(case, NOW), "breath", NOW, answer=["exert"])

    assert responses.settle_left(now=NOW + 2 * HOUR) == 0

    score(NOW + 2 * HOUR)
    assert [alert["tier"] for alert in alerts_of(case)] == ["urgent"]


def test_what_a_phone_needed_to_go_on_is_cleared_away_a_day_after_it_ended_and_no_sooner():
    old = invited(NOW)
    started(old, NOW)

    responses.settle_left(now=NOW + DAY)
    kept = count("patient_session")
    young = started(old, NOW + DAY)
    responses.settle_left(now=NOW + DAY + HOUR + MINUTE)

    assert (kept, count("patient_session")) == (1, 1)
    assert responses.visit(young, now=NOW + DAY + MINUTE)


def test_sending_completes_the_survey_and_twice_is_once():
    case = invited(NOW)
    session = started(case, NOW)
    answer_all(session, NOW)

    responses.submit(session, now=NOW)
    sent = response_of(case)
    responses.submit(session, now=NOW + MINUTE)

    assert response_of(case) == sent
    score(NOW + MINUTE)
    assert response_of(case)["submitted_at"] == NOW
    assert response_of(case)["tier"] == "routine"
    assert desk.invitation_state(case.invitation_id)[0] == "completed"
    assert alerts_of(case) == []


def test_after_sending_the_same_phone_adds_nothing():
    case = invited(NOW)
    session = started(case, NOW)
    answer_all(session, NOW)
    responses.submit(session, now=NOW)
    sent = response_of(case)

    with pytest.raises(NotFound):
        answer(session, "sore", NOW + MINUTE, answer=["9"])

    assert response_of(case) == sent


def test_a_change_that_is_told_later_leaves_the_time_of_the_first_sending():
    case = invited(NOW)
    for now in (NOW, NOW + DAY):
        session = started(case, now)
        answer_all(session, now)
        responses.submit(session, now=now)

    assert response_of(case)["submitted_at"] == NOW


def test_an_open_question_that_is_sent_all_the_same_is_never_routine():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "red", NOW, **NONE)

    responses.submit(session, now=NOW)
    score(NOW)

    assert [alert["tier"] for alert in alerts_of(case)] == ["soon"]
    assert responses.result(session, now=NOW).tier is Tier.SOON


def test_an_amendment_sees_only_its_own_answers_and_can_raise_the_tier():
    case = invited(NOW)
    first = started(case, NOW)
    answer_all(first, NOW)
    responses.submit(first, now=NOW)
    score(NOW)

    second = started(case, NOW + DAY)
    seen = responses.visit(second, now=NOW + DAY)
    answer(second, "skin", NOW + DAY, **NONE | {"pus": ["yes"]})
    score(NOW + DAY)

    assert (seen.is_amending, seen.answers) == (True, {})
    assert response_of(case)["tier"] == "urgent"
    assert [alert["tier"] for alert in alerts_of(case)] == ["urgent"]


def test_of_a_change_that_one_phone_began_to_tell_another_that_starts_later_shows_nothing():
    case = invited(NOW)
    first = started(case, NOW)
    answer_all(first, NOW)
    responses.submit(first, now=NOW)
    second = started(case, NOW + DAY)
    answer(second, "sore", NOW + DAY, answer=["9"])

    third = started(case, NOW + DAY + MINUTE)

    assert responses.visit(second, now=NOW + DAY + MINUTE).answers == {"sore": 9}
    assert responses.visit(third, now=NOW + DAY + MINUTE).answers == {}


def test_a_tier_that_was_acted_on_never_falls_by_itself():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "red", NOW, chest=["yes"])
    score(NOW)

    answer(session, "red", NOW + MINUTE, **NONE)
    score(NOW + MINUTE)

    assert response_of(case)["tier"] == "emergency"
    assert [alert["state"] for alert in alerts_of(case)] == ["triggered"]
    assert responses.result(session, now=NOW + MINUTE).tier is Tier.EMERGENCY


def test_after_a_clinician_closed_the_case_old_answers_page_nobody_again():
    case = invited(NOW)
    session = started(case, NOW)
    answer(session, "breath", NOW, answer=["exert"])
    score(NOW)
    close(case, NOW + MINUTE)

    answered = answer(session, "sore", NOW + 2 * MINUTE, answer=["2"])
    score(NOW + 2 * MINUTE)

    assert not answered.is_alarming
    assert len(alerts_of(case)) == 1


def test_the_same_worry_told_anew_after_the_case_was_closed_pages_again_and_says_so():
    case = invited(NOW)
    first = started(case, NOW)
    answer_all(first, NOW, skin=NONE | {"pus": ["yes"]})
    responses.submit(first, now=NOW)
    score(NOW)
    close(case, NOW + MINUTE)

    second = started(case, NOW + DAY)
    answered = answer(second, "skin", NOW + DAY, **NONE | {"pus": ["yes"]})
    score(NOW + DAY)

    assert answered.is_alarming
    assert [alert["state"] for alert in alerts_of(case)] == ["resolved", "triggered"]
    assert responses.result(second, now=NOW + DAY).promised_at == NOW + DAY + 30 * MINUTE


def test_a_response_that_cannot_be_judged_pages_and_holds_up_nobody():
    broken, fine = invited(NOW), invited(NOW, given_name="Walter", mobile="(202) 555-0131")
    answer(started(broken, NOW), "sore", NOW, answer=["1"])
    answer(started(fine, NOW), "breath", NOW, answer=["exert"])
    desk.change("UPDATE invitation SET touch = 'day99' WHERE id = :id", id=broken.invitation_id)

    score(NOW)

    assert response_of(broken)["score_fault"] == "NotFound"
    assert [alert["tier"] for alert in alerts_of(broken)] == ["urgent"]
    assert [alert["tier"] for alert in alerts_of(fine)] == ["urgent"]


def test_an_alert_that_cannot_be_raised_holds_up_no_other_response(database: Database):
    worrying, fine = invited(NOW), invited(NOW, given_name="Walter", mobile="(202) 555-0131")
    answer(started(worrying, NOW), "breath", NOW, answer=["exert"])
    answer_all(started(fine, NOW), NOW)
    refuse_alerts(database)

    done = responses.score_due(now=NOW)

    assert done == 1
    assert response_of(fine)["scored_revision"] == response_of(fine)["revision"]
    assert response_of(worrying)["scored_revision"] == 0


def refuse_alerts(database: Database) -> None:
    """As if no alert could be stored."""
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as connection:
        connection.execute("ALTER TABLE alert ADD CONSTRAINT none_today CHECK (tier = 'soon') NOT VALID")


def test_the_wrong_person_ends_the_link_and_the_number_is_not_used_again():
    case = invited(NOW)
    (message,) = desk.rows("SELECT id, contact_id FROM message WHERE invitation_id = :id", id=case.invitation_id)
    token = link(case.invitation_id, NOW, message_id=message["id"])
    session = responses.start(token, language="en", now=NOW)

    responses.not_me(session, now=NOW)

    (contact,) = desk.rows("SELECT blocked_reason FROM contact WHERE id = :id", id=message["contact_id"])
    assert contact["blocked_reason"] == "not_me"
    assert desk.invitation_state(case.invitation_id) == ("undeliverable", "not_me")
    with pytest.raises(SessionOver):
        responses.visit(session, now=NOW)
    with pytest.raises(NotFound):
        responses.start(token, language="en", now=NOW)


def test_the_trail_tells_that_the_wrong_person_had_the_link():
    case = invited(NOW)

    responses.not_me(responses.start(case.token, language="en", now=NOW), now=NOW + MINUTE)

    (told,) = desk.rows("SELECT actor_kind, object_id, at FROM audit_event WHERE action = 'contact.not_me'")
    assert (told["actor_kind"], told["object_id"]) == ("patient", case.invitation_id)
    assert told["at"] == NOW + MINUTE


def texted_and_mailed(case) -> tuple[str, str]:
    """One link that went to the phone, and one that went to the mailbox."""
    (text,) = desk.rows("SELECT id FROM message WHERE invitation_id = :id", id=case.invitation_id)
    with transaction() as tx:
        (row,) = desk.rows("SELECT patient_id FROM contact WHERE kind = 'email'")
        (mailbox,) = [one for one in contacts.of_patient(tx, row["patient_id"]) if one.kind is ContactKind.EMAIL]
        invitation = invitations.get(tx, case.invitation_id)
        tz = desk.RIVERSIDE.tz
        messages.queue(tx, invitation, mailbox, due_at=NOW, tz=tz, kind=Kind.FRESH_LINK, touch_no=1)
    (mail,) = desk.rows("SELECT id FROM message WHERE kind = 'fresh_link'")
    return tuple(link(case.invitation_id, NOW, message_id=each["id"]) for each in (text, mail))


def test_the_wrong_person_on_one_contact_leaves_the_other_in_use():
    case = invited(NOW, email="maria@example.org")
    text, mail = texted_and_mailed(case)

    responses.not_me(responses.start(text, language="en", now=NOW), now=NOW)

    assert desk.invitation_state(case.invitation_id)[0] == "scheduled"
    assert responses.start(mail, language="en", now=NOW)
    with pytest.raises(NotFound):
        responses.start(text, language="en", now=NOW)


def test_a_link_that_was_taken_back_before_keeps_the_time_at_which_it_was():
    case = invited(NOW)
    (message,) = desk.rows("SELECT id FROM message WHERE invitation_id = :id", id=case.invitation_id)
    before, now = (link(case.invitation_id, NOW, message_id=message["id"]) for _ in range(2))
    with transaction() as tx:
        tx.change(
            "UPDATE invitation_link SET revoked_at = made_at WHERE token_sha256 = %(token)s",
            {"token": links.sha256(before)},
        )

    responses.not_me(responses.start(now, language="en", now=NOW), now=NOW + MINUTE)

    revoked = desk.rows("SELECT revoked_at FROM invitation_link WHERE message_id IS NOT NULL ORDER BY revoked_at")
    assert [row["revoked_at"] for row in revoked] == [NOW, NOW + MINUTE]


def test_a_wrong_birthday_is_noted_and_locks_nobody_out():
    case = invited(NOW)
    session = started(case, NOW)

    responses.confirm_birth(session, month=1, day=9, now=NOW)

    assert response_of(case)["identity"] == "unconfirmed"
    assert not answer(session, "sore", NOW, answer=["4"]).is_alarming


def test_a_birthday_that_is_left_blank_takes_no_doubt_back():
    case = invited(NOW)
    session = started(case, NOW)
    responses.confirm_birth(session, month=1, day=9, now=NOW)

    responses.confirm_birth(session, month=None, day=None, now=NOW)

    assert response_of(case)["identity"] == "unconfirmed"


def test_a_phone_whose_hour_is_over_changes_no_language():
    session = started(invited(NOW), NOW)

    with pytest.raises(SessionOver):
        responses.set_language(session, "es", now=NOW + HOUR)


def test_staff_enter_the_same_form_by_phone():
    case = invited(NOW)
    sheet = responses.sheet(case.invitation_id)

    tier = responses.enter_by_phone(
        case.invitation_id, {"fever": "yes"}, by=SAM.actor, now=NOW, answered_by=AnsweredBy.HELPER
    )
    score(NOW)

    assert (sheet.language, sheet.answers) == ("en", {})
    assert tier is Tier.SOON
    row = response_of(case)
    assert (row["mode"], row["entered_by"], row["answered_by"]) == ("phone", SAM.id, "helper")
    assert row["tier"] == "soon"
    assert desk.invitation_state(case.invitation_id)[0] == "completed"


def test_staff_finish_by_phone_what_the_patient_began():
    case = invited(NOW)
    answer(started(case, NOW), "breath", NOW, answer=["exert"])

    tier = responses.enter_by_phone(case.invitation_id, {"fever": "no"}, by=SAM.actor, now=NOW + HOUR)

    assert tier is Tier.URGENT
    assert responses.sheet(case.invitation_id).answers == {"breath": "exert", "fever": "no"}


def test_a_phone_call_without_answers_is_not_a_survey():
    with pytest.raises(Refused):
        responses.enter_by_phone(invited(NOW).invitation_id, {}, by=SAM.actor, now=NOW)
    with pytest.raises(ValueError, match="by a person"):
        responses.enter_by_phone(invited(NOW).invitation_id, {"fever": "no"}, by=SYSTEM, now=NOW)


@pytest.mark.parametrize("seed", range(12))
def test_the_page_and_the_worker_say_the_same(seed: int):
    chance = random.Random(seed)
    case = invited(NOW)
    session = started(case, NOW)
    item = responses.visit(session, now=NOW).first_open()
    while item is not None:
        item = responses.answer(session, item.key, some_form(item, chance), now=NOW).visit.first_open()
    responses.submit(session, now=NOW)

    page = responses.result(session, now=NOW)
    score(NOW)

    assert response_of(case)["tier"] == page.tier
    (newest,) = desk.rows("SELECT fired FROM score ORDER BY revision DESC LIMIT 1")
    assert [each["rule"] for each in newest["fired"]] == [each.rule for each in page.score.fired]


def some_form(item, chance: random.Random) -> dict[str, list[str]]:
    """An answer at random, bad news now and then."""
    if item.kind is ItemKind.LINES:
        return {line.key: [chance.choice(["no"] * 9 + ["yes"])] for line in item.plain_lines}
    if item.kind is ItemKind.CHOICE:
        return {"answer": [chance.choice([item.options[0].key, chance.choice(item.options).key])]}
    return {"answer": [str(chance.randint(0, 10))]} if item.kind is ItemKind.SCALE else GOOD_DAY["note"]
