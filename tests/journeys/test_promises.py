"""The promise clock: what the patient was told is a row, and when nobody was reached by then, things happen."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain.alerts import Alert, AlertState, ContactResult, Outcome, Usefulness
from survey.domain.patients import Patient
from survey.domain.protocol import Tier
from survey.messaging.outcomes import Outcome as Ending
from survey.services import alerts, escalation, health, promises, sending
from survey.store import health as health_store
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import ANA, BEN, JUAN, LENA, MARIA, NIGHT
from tests.conftest import Database
from tests.night import Night

MINUTE = timedelta(minutes=1)
MARIAS_PHONE = "+12025550121"
PROMISED = 30 * MINUTE


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def worry(night: Night, tier: Tier = Tier.URGENT, *, patient: Patient = MARIA, phone: str = MARIAS_PHONE) -> Alert:
    """An alert about a patient who may be texted."""
    response_id = factories.response(of=patient, now=night.now)
    with transaction() as tx:
        consent = {"consented_at": NIGHT, "consent_by": ANA.id, "consent_how": "spoken", "consent_wording": "v1"}
        factories.insert(tx, "contact", id=uuid4(), patient_id=patient.id, kind="sms", address=phone, **consent)
    return night.worry(tier, of=response_id)


def tried(night: Night, alert: Alert, result: ContactResult) -> Alert:
    epoch = night.alert(alert).epoch
    return alerts.record_contact(alert.id, result=result, by=ANA.actor, epoch=epoch, now=night.now)


def texted(night: Night, phone: str = MARIAS_PHONE) -> list[str]:
    """What the patient's phone got, once the texts that are due have left."""
    while sending.send_due(now=night.now):
        pass
    return [one.body for one in night.sms.wire if one.to == phone]


def rows(alert: Alert) -> list[dict[str, object]]:
    found = desk.rows("SELECT * FROM promise WHERE alert_id = :id ORDER BY made_at, due_at", id=alert.id)
    return [dict(row) for row in found]


# ---- the row


def test_a_promise_stands_with_the_alert(night: Night) -> None:
    alert = night.raised()

    (made,) = rows(alert)

    assert (made["due_at"], made["made_at"]) == (alert.promised_at, alert.created_at)
    assert (made["kept_at"], made["broken_at"]) == (None, None)


def test_a_worse_tier_promises_earlier_and_the_first_promise_counts_no_more(night: Night) -> None:
    alert = night.worry(Tier.SOON)
    night.forward(MINUTE)

    night.worry(Tier.URGENT, of=alert.response_id)

    later, sooner = sorted(rows(alert), key=lambda row: row["due_at"], reverse=True)
    assert later["cancelled_at"] == night.now
    assert sooner["due_at"] == night.now + PROMISED
    assert sooner["cancelled_at"] is None


def test_reaching_the_patient_keeps_it_and_a_voicemail_does_not(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)

    tried(night, alert, ContactResult.VOICEMAIL)
    assert rows(alert)[0]["kept_at"] is None
    tried(night, alert, ContactResult.REACHED)

    assert rows(alert)[0]["kept_at"] == night.now
    night.forward(timedelta(hours=2))
    assert "promise_broken" not in night.story(alert)


# ---- broken


def test_nobody_has_it_the_next_step_comes_at_once_and_the_patient_is_told(night: Night) -> None:
    alert = worry(night)

    night.forward(PROMISED)

    assert night.story(alert).count("promise_broken") == 1
    assert night.minutes(LENA) == [12, 17, 22, 27, 30]
    (text,) = texted(night)
    assert text == (
        "Riverside Clinic: we have not reached you yet. Please call us on (202) 555-0100. "
        "If you feel worse or it is an emergency, call 911 now."
    )
    assert rows(alert)[0]["told_patient_at"] == NIGHT + PROMISED


def test_taken_and_nothing_tried_it_is_paged_to_the_holder_and_to_the_backup(night: Night) -> None:
    alert = worry(night)
    night.take(alert, ANA)

    night.forward(PROMISED)

    stands = night.alert(alert)
    assert (stands.state, stands.epoch, stands.acked_by) == (AlertState.TRIGGERED, 2, None)
    assert night.minutes(ANA) == [0, 15, 30]
    assert night.minutes(BEN) == [30]
    assert len(texted(night)) == 1


def test_whoever_tries_in_vain_keeps_it_is_reminded_and_the_backup_is_asked_to_help(night: Night) -> None:
    alert = worry(night)
    night.take(alert, ANA)
    night.forward(20 * MINUTE)
    tried(night, alert, ContactResult.NO_ANSWER)

    night.forward(10 * MINUTE)

    stands = night.alert(alert)
    assert (stands.state, stands.epoch, stands.acked_by) == (AlertState.ACKNOWLEDGED, 1, ANA.id)
    assert night.minutes(ANA) == [0, 15, 30]
    assert "please try again to reach the patient" in night.sms.to(ANA)[-1].body
    assert "please help Ana Reyes" in night.sms.to(BEN)[0].body
    night.forward(6 * MINUTE)
    assert night.minutes(ANA) == [0, 15, 30, 35]
    assert night.minutes(BEN) == [30]


def test_a_promise_is_broken_once_however_often_and_by_how_many_it_is_looked_at(night: Night) -> None:
    alert = worry(night)
    night.now += PROMISED

    for _ in range(3):
        promises.break_due(now=night.now)
        escalation.advance_due(now=night.now)

    assert night.story(alert).count("promise_broken") == 1
    assert len(texted(night)) == 1


def test_of_two_who_have_found_the_same_promise_the_second_finds_it_seen_to(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    worry(night)
    night.now += PROMISED
    with transaction() as tx:
        found = promises.store.due_ids(tx, now=night.now, limit=20)
    monkeypatch.setattr(promises.store, "due_ids", lambda *_, **__: found * 2)

    assert promises.break_due(now=night.now) == 1
    assert len(texted(night)) == 1


def test_a_late_call_keeps_it_late_and_takes_the_text_back_that_has_not_left(night: Night) -> None:
    alert = worry(night)
    night.forward(PROMISED)

    night.take(alert, ANA)
    tried(night, alert, ContactResult.REACHED)

    (row,) = rows(alert)
    assert (row["broken_at"], row["kept_at"]) == (NIGHT + PROMISED, NIGHT + PROMISED)
    assert texted(night) == []


def test_an_alert_that_ended_without_the_patient_breaks_no_promise(night: Night) -> None:
    alert = worry(night)
    night.take(alert, ANA)
    tried(night, alert, ContactResult.NO_ANSWER)
    words = {"outcome": Outcome.AMBULANCE, "usefulness": Usefulness.EVENT_CONFIRMED}
    alerts.close(alert.id, **words, by=ANA.actor, epoch=1, now=night.now)

    night.forward(timedelta(hours=3))

    assert "promise_broken" not in night.story(alert)
    assert texted(night) == []
    assert night.next_due() is None, "a closed alert leaves nothing to look at"


# ---- the text


def test_a_spanish_patient_is_told_in_spanish(night: Night) -> None:
    worry(night, patient=JUAN, phone="+12025550122")

    night.forward(PROMISED)

    assert "no hemos podido hablar con usted" in texted(night, "+12025550122")[0]


OPTED_OUT = """INSERT INTO suppression (id, kind, address, scope, source, at)
    VALUES (gen_random_uuid(), 'sms', '+12025550121', 'program', 'reply', now())"""
STOPPED = """INSERT INTO contact_stop (id, patient_id, at, by, reason)
    SELECT gen_random_uuid(), id, now(), '00000000-0000-4000-8000-000000000102', 'asked' FROM patient"""
LANDLINE = "UPDATE contact SET blocked_at = now(), blocked_reason = 'landline'"
NEVER_AGREED = """UPDATE contact
    SET consented_at = NULL, consent_by = NULL, consent_how = NULL, consent_wording = NULL"""


@pytest.mark.parametrize("bar", [OPTED_OUT, STOPPED, LANDLINE, NEVER_AGREED])
def test_who_opted_out_was_stopped_or_never_agreed_gets_no_text_and_the_page_says_call(night: Night, bar: str) -> None:
    alert = worry(night)
    desk.change(bar)

    night.forward(PROMISED)

    assert texted(night) == []
    assert rows(alert)[0]["told_patient_at"] is None
    assert promises.look(night.alert(alert)).is_last_way_a_call


def test_a_text_that_was_refused_has_told_nobody(night: Night) -> None:
    alert = worry(night)
    night.forward(PROMISED)
    night.sms.always = Ending.REFUSED

    texted(night)

    assert promises.look(night.alert(alert)).is_last_way_a_call


def test_it_leaves_at_night_and_on_a_day_that_had_its_text(night: Night) -> None:
    worry(night)
    day = NIGHT.astimezone(factories.RIVERSIDE.tz).date()
    with transaction() as tx:
        (first,) = desk.rows("SELECT id FROM invitation")
        about = {"invitation_id": first["id"], "contact_id": desk.rows("SELECT id FROM contact")[0]["id"]}
        timed = {"due_at": NIGHT, "give_up_at": NIGHT + timedelta(days=1), "kind": "called", "state": "delivered"}
        message_id = uuid4()
        factories.insert(tx, "message", id=message_id, **about, **timed)
        factories.insert(tx, "text_day", address=MARIAS_PHONE, day=day, message_id=message_id)

    night.forward(PROMISED)

    assert len(texted(night)) == 1


# ---- no answer


def test_no_answer_is_tried_again_a_quarter_of_an_hour_later(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    tried(night, alert, ContactResult.VOICEMAIL)

    night.forward(16 * MINUTE)

    assert night.minutes(ANA) == [0, 15]
    assert "please try again" in night.sms.to(ANA)[1].body


def test_after_three_tries_in_vain_the_last_resort_is_asked_to_help(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)

    for _ in range(3):
        night.forward(2 * MINUTE)
        assert night.minutes(LENA) == []
        tried(night, alert, ContactResult.NO_ANSWER)
    night.settle()

    assert night.minutes(LENA) == [6]
    assert night.minutes(BEN) == [6]
    assert night.minutes(ANA) == [0], "whoever has it knows"
    assert night.story(alert)[-1] == "colleague_asked"
    assert night.alert(alert).acked_by == ANA.id
    assert promises.look(night.alert(alert)).asks_for_rule


# ---- SOON


def test_a_broken_promise_of_soon_pages_nobody_and_tells_the_patient(night: Night) -> None:
    alert = worry(night, Tier.SOON)

    night.forward(timedelta(days=4))

    assert [one for one in night.sms.wire if one.to != MARIAS_PHONE] == []
    assert night.story(alert)[:3] == ["opened", "promise_broken", "overdue"]
    assert rows(alert)[0]["broken_at"] == alert.promised_at
    assert alert.promised_at.astimezone(factories.RIVERSIDE.tz).strftime("%a %H:%M") == "Thu 18:00"


# ---- seen by the invariants


def test_a_promise_that_nobody_looks_at_is_a_broken_invariant(night: Night) -> None:
    night.raised()
    late = night.now + PROMISED + timedelta(seconds=61)
    name = "every promised call is made, or seen not to have been"

    with transaction() as tx:
        before = health_store.breaches(tx, now=late)[name]
    promises.break_due(now=late)
    with transaction() as tx:
        after = health_store.breaches(tx, now=late)[name]

    assert (before, after) == (1, 0)
    assert any("promised call" in check.sentence for check in health.examine(late))


def test_one_promise_that_cannot_be_seen_to_does_not_hold_up_the_others(night: Night) -> None:
    broken, sound = worry(night), night.worry()
    night.take(broken, ANA)
    tried(night, broken, ContactResult.NO_ANSWER)
    desk.change("UPDATE alert SET policy_version_id = :id WHERE id = :alert", id=_empty_policy(), alert=broken.id)
    night.now += PROMISED

    assert promises.break_due(now=night.now) == 1

    assert rows(broken)[0]["broken_at"] is None
    assert rows(sound)[0]["broken_at"] == night.now


def _empty_policy() -> UUID:
    version_id = uuid4()
    with transaction() as tx:
        empty = {"policy": "empty", "version": 1, "published_at": NIGHT}
        spans = {"ack_ttl": timedelta(minutes=30), "loop_every": timedelta(minutes=5)}
        factories.insert(tx, "policy_version", id=version_id, **empty, **spans)
    return version_id
