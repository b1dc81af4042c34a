"""A clinician takes an alert by text: with its code, with `ack`, and never by accident."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from survey.domain.alerts import Alert, AlertState, ContactResult, Outcome, Usefulness
from survey.domain.errors import Stale
from survey.messaging import gsm7
from survey.messaging.outcomes import Outcome as Ending
from survey.services import alerts, escalation, inbound, owner_mails
from survey.store import reply_codes
from survey.store.session import transaction
from tests import desk, factories, texting
from tests.cast import ANA, BEN, LENA, MARIA, RIVERSIDE, Person
from tests.conftest import Database
from tests.fakes import Sent
from tests.night import Night

SECOND = timedelta(seconds=1)
PIA = UUID(int=78)
"""A patient whose number is a clinician's, too."""


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def texts(night: Night, person: Person, body: str, **more: str) -> list[Sent]:
    """That person texts us; what we answer."""
    before = len(night.sms.wire)
    texting.text(body, now=night.now, sender=person.mobile, **more)
    texting.read(night.now)
    night.settle()
    return night.sms.wire[before:]


def close(alert: Alert, now: datetime) -> None:
    held = alerts.get(alert.id).alert
    alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=held.epoch, now=now)
    words = {"outcome": Outcome.REASSURED, "usefulness": Usefulness.WORTH_IT}
    alerts.close(alert.id, **words, by=ANA.actor, epoch=held.epoch, now=now)


def codes() -> list[tuple[int, bool]]:
    """Each code ever given, and whether it is live."""
    found = desk.rows("SELECT code, released_at IS NULL AS live FROM reply_code ORDER BY given_at, code")
    return [(row["code"], row["live"]) for row in found]


def test_the_code_in_the_page_takes_the_alert_and_the_answer_says_so(night: Night) -> None:
    alert = night.worry()
    assert "Reply 1 to take it" in night.sms.wire[0].body

    (answer,) = texts(night, ANA, "1")

    assert night.alert(alert).acked_by == ANA.id
    assert answer.to == ANA.mobile
    assert answer.body.startswith(f"Riverside Clinic: you have alert {alert.short_no}. Call the patient. Open ")
    assert night.story(alert) == ["opened", "paged", "taken"]


@pytest.mark.parametrize("words", ["ack", "ACK", "ack 1", "Ack {number}", "ack A-{number}", "{number}"])
def test_ack_and_the_alerts_own_number_take_it_too(night: Night, words: str) -> None:
    alert = night.worry()

    texts(night, ANA, words.format(number=alert.short_no))

    assert night.alert(alert).acked_by == ANA.id


def test_a_bare_ack_with_two_open_takes_neither_and_lists_the_codes(night: Night) -> None:
    first, second = night.worry(), night.worry()

    (answer,) = texts(night, ANA, "ack")

    assert {night.alert(one).state for one in (first, second)} == {AlertState.TRIGGERED}
    assert f"Reply 1 for {first.short_no}, 2 for {second.short_no} to take it" in answer.body


def test_a_bare_ack_takes_the_only_one_that_nobody_has(night: Night) -> None:
    first, second = night.worry(), night.worry()
    night.take(first, BEN)

    texts(night, ANA, "ack")

    assert night.alert(second).acked_by == ANA.id
    assert night.alert(first).acked_by == BEN.id


@pytest.mark.parametrize("word", ["YES", "y", "CANCEL", "END", "QUIT", "START", "ok"])
def test_words_of_carriers_never_take(night: Night, word: str) -> None:
    alert = night.worry()

    texts(night, ANA, word)

    assert night.alert(alert).acked_by is None


def test_the_second_of_two_hears_who_has_it_and_when(night: Night) -> None:
    alert = night.worry()
    night.forward(timedelta(minutes=5))
    texts(night, ANA, "1")

    (answer,) = texts(night, BEN, "1")

    assert f"Ana Reyes took alert {alert.short_no} at 12:36 AM." in answer.body
    assert night.alert(alert).acked_by == ANA.id


def test_a_code_of_a_closed_alert_takes_nothing_and_is_free_again(night: Night) -> None:
    alert = night.worry()
    texts(night, ANA, "1")
    close(alert, night.now)

    (answer,) = texts(night, ANA, "1")
    again = night.worry()

    assert f"alert {alert.short_no} is closed" in answer.body
    assert codes() == [(1, False), (1, True)]
    assert night.alert(again).acked_by is None


def test_each_phone_counts_its_own_codes_and_repeats_keep_theirs(night: Night) -> None:
    first = night.worry()
    second = night.worry()
    night.forward(timedelta(minutes=6))

    said = [(one.to, f"alert {first.short_no}" in one.body, one.body.split("Reply ")[1][0]) for one in night.sms.wire]

    assert {code for to, is_first, code in said if is_first} == {"1"}
    assert {code for to, is_first, code in said if not is_first} == {"2"}
    assert night.alert(second).acked_by is None


def test_the_smallest_free_code_is_given(night: Night) -> None:
    first, _ = night.worry(), night.worry()
    night.take(first, ANA)
    close(first, night.now)

    night.worry()

    assert "Reply 1 to take it" in night.sms.wire[-1].body


def test_ten_senders_at_once_give_ten_alerts_ten_codes_of_one_phone(night: Night) -> None:
    method_id = _method_of(ANA)
    raised = [night.raised() for _ in range(10)]

    def give(alert: Alert) -> int | None:
        with transaction() as tx:
            return reply_codes.give(tx, method_id, alert.id, now=night.now)

    with ThreadPoolExecutor(max_workers=10) as pool:
        given = list(pool.map(give, raised * 2))

    assert given[:10] == given[10:]
    assert sorted(given[:10]) == list(range(1, 11))


def test_when_all_codes_are_in_use_the_page_asks_for_the_alerts_number(night: Night) -> None:
    alert = night.raised()
    with transaction() as tx:
        tx.run(
            sa.text("""INSERT INTO reply_code (contact_method_id, code, alert_id, given_at, released_at)
            SELECT :method, 1, :alert, :now, :now"""),
            {"method": _method_of(ANA), "alert": alert.id, "now": night.now},
        )
    others = [night.raised() for _ in range(3)]
    with transaction() as tx:
        for code, other in zip((1, 2, 3), others, strict=True):
            values = {"contact_method_id": _method_of(ANA), "code": code, "alert_id": other.id, "given_at": night.now}
            factories.insert(tx, "reply_code", **values)

    full = _given_with_highest(3, alert, night.now)
    free = _given_with_highest(4, alert, night.now)

    assert (full, free) == (None, 4)


def _given_with_highest(highest: int, alert: Alert, now: datetime) -> int | None:
    kept, reply_codes.HIGHEST = reply_codes.HIGHEST, highest
    try:
        with transaction() as tx:
            return reply_codes.give(tx, _method_of(ANA), alert.id, now=now)
    finally:
        reply_codes.HIGHEST = kept


def _method_of(person: Person) -> UUID:
    (row,) = desk.rows("SELECT id FROM contact_method WHERE user_id = :id AND kind = 'sms'", id=person.id)
    found: UUID = row["id"]
    return found


def test_five_answers_that_changed_nothing_are_enough_in_ten_minutes(night: Night) -> None:
    night.worry()

    answered = [len(texts(night, ANA, "I am on my way")) for _ in range(7)]
    night.forward(timedelta(minutes=10, seconds=1))
    later = [one for one in texts(night, ANA, "hello") if one.to == ANA.mobile]

    assert answered == [1, 1, 1, 1, 1, 0, 0]
    assert len(later) == 1


def test_whoever_was_told_too_often_still_takes_and_hears_it(night: Night) -> None:
    alert = night.worry()
    for _ in range(6):
        texts(night, ANA, "hm")

    (answer,) = texts(night, ANA, "1")

    assert "you have alert" in answer.body
    assert night.alert(alert).acked_by == ANA.id


def test_words_are_left_to_a_person_and_codes_are_not(night: Night) -> None:
    night.worry()

    words = texting.reply("I am ill, who can stand in?", now=night.now, sender=ANA.mobile)
    code = texting.reply("1", now=night.now, sender=ANA.mobile)

    assert (words["wants_person"], code["wants_person"]) == (True, False)
    assert texting.answers() == []  # nothing that patients are answered


def test_a_clinician_without_any_alert_is_answered_nothing(night: Night) -> None:
    assert texts(night, ANA, "ack") == []
    assert texting.answers() == []


def test_the_number_of_an_alert_that_one_was_never_paged_for_takes_nothing(night: Night) -> None:
    alert = night.worry()

    texts(night, LENA, str(alert.short_no))

    assert night.alert(alert).acked_by is None


def test_a_stranger_who_texts_a_code_takes_nothing(night: Night) -> None:
    alert = night.worry()

    texting.reply("1", now=night.now, sender=texting.STRANGER)

    assert night.alert(alert).acked_by is None
    assert texting.answers() == ["not_watched"]


@pytest.mark.parametrize("change", ["verified_at = NULL", "disabled_at = now(), disabled_reason = 'admin'"])
def test_a_phone_that_is_not_in_use_takes_nothing(night: Night, change: str) -> None:
    alert = night.worry()
    desk.change(f"UPDATE contact_method SET {change} WHERE user_id = :id", id=ANA.id)

    texting.reply("1", now=night.now, sender=ANA.mobile)

    assert night.alert(alert).acked_by is None


def test_a_number_of_both_is_the_clinicians_for_codes_and_the_patients_for_all_else(night: Night) -> None:
    alert = night.worry()
    _is_pias_too(ANA)

    words = texting.reply("my arm hurts", now=night.now, sender=ANA.mobile)
    texts(night, ANA, "1")

    assert texting.patients_of(words["id"]) == {"Pia"}
    assert words["wants_person"] is True
    assert night.alert(alert).acked_by == ANA.id


def _is_pias_too(person: Person) -> None:
    with transaction() as tx:
        values = {name: getattr(MARIA, name) for name in ("given_name", "family_name", "born_on", "language")}
        factories.insert(tx, "patient", id=PIA, **values | {"given_name": "Pia"}, created_at=factories.NIGHT)
        values = {"kind": "sms", "address": person.mobile, "consented_at": factories.NIGHT}
        consent = {"consent_by": ANA.id, "consent_how": "spoken", "consent_wording": "v1"}
        factories.insert(tx, "contact", id=UUID(int=77), patient_id=PIA, **values, **consent)


def test_stop_ends_pages_to_that_phone_tells_the_owner_and_others_are_paged(night: Night) -> None:
    desk.change("UPDATE schedule SET owner_id = :lena", lena=LENA.id)
    alert = night.raised()
    escalation.advance_due(now=night.now)

    texts(night, ANA, "STOP")
    night.forward(SECOND)
    while owner_mails.send_due(now=night.now):
        pass

    assert night.minutes(ANA) == []
    assert night.minutes(BEN) == [0], "what waits there fails at once"
    (mail,) = night.email.wire
    assert (mail.to, mail.subject) == (LENA.email, "Riverside Clinic: Ana Reyes is not paged by text any more")
    (method,) = desk.rows("SELECT disabled_reason FROM contact_method WHERE user_id = :id", id=ANA.id)
    assert method["disabled_reason"] == "stop_reply"
    assert night.alert(alert).acked_by is None
    assert texting.answers() == []


def test_stop_of_a_number_of_both_is_obeyed_for_the_patient_as_well(night: Night) -> None:
    night.worry()
    _is_pias_too(ANA)

    texting.reply("STOP", now=night.now, sender=ANA.mobile)

    assert desk.rows("SELECT scope FROM suppression")[0]["scope"] == "program"
    assert desk.rows("SELECT 1 FROM contact_method WHERE disabled_reason = 'stop_reply'")


def test_an_owner_mail_that_surely_did_not_leave_is_tried_again(night: Night) -> None:
    desk.change("UPDATE schedule SET owner_id = :lena", lena=LENA.id)
    night.email.always = Ending.TRY_LATER
    texting.reply("STOP", now=night.now, sender=ANA.mobile)

    owner_mails.send_due(now=night.now)
    assert owner_mails.send_due(now=night.now + SECOND) == 0
    night.email.always = Ending.ACCEPTED
    owner_mails.send_due(now=night.now + owner_mails.AGAIN)

    assert [one.outcome.value for one in night.email.wire] == ["try_later", "accepted"]
    assert owner_mails.send_due(now=night.now + 2 * owner_mails.AGAIN) == 0


def test_twenty_texts_and_taps_at_once_have_one_winner(night: Night) -> None:
    alert = night.worry()
    night.forward(timedelta(minutes=12))
    for person in (ANA, BEN, LENA):
        texting.text("1", now=night.now, sender=person.mobile)

    def race(number: int) -> str:
        try:
            if number % 4 == 0:
                inbound.handle_due(now=night.now)
                return "text"
            return str(alerts.take(alert.id, by=(ANA, BEN, LENA)[number % 3].actor, epoch=1, now=night.now).acked_by)
        except Stale:
            return "stale"

    with ThreadPoolExecutor(max_workers=20) as pool:
        heard = Counter(pool.map(race, range(20)))
    texting.read(night.now)
    night.settle()

    holder = night.alert(alert).acked_by
    assert set(heard) - {"text", "stale"} <= {str(holder)}
    assert night.story(alert).count("taken") == 1


def test_take_against_step_ends_in_one_of_two_orders_and_pages_nobody_after_the_taking(night: Night) -> None:
    raised = [night.worry() for _ in range(8)]
    night.now += timedelta(minutes=3)

    def act(number: int) -> None:
        if number % 2:
            escalation.advance_due(now=night.now)
        else:
            alerts.take(raised[number // 2].id, by=ANA.actor, epoch=1, now=night.now)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(act, range(16)))
    before = len(night.sms.wire)
    night.settle()

    assert {night.alert(one).acked_by for one in raised} == {ANA.id}
    assert len(night.sms.wire) == before


def test_every_answer_fits_one_segment(night: Night) -> None:
    first, second = night.worry(), night.worry()
    answers = [*texts(night, ANA, "ack"), *texts(night, ANA, "1")]
    night.take(second, BEN)
    answers += texts(night, ANA, "2")
    close(first, night.now)
    answers += texts(night, ANA, "1")

    assert len(answers) == 4
    assert all(gsm7.segments(one.body)[1] == 1 for one in answers)
    assert all(RIVERSIDE.sms_name in one.body for one in answers)
