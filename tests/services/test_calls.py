"""The call list: whoever is silent is on it, most urgent first, until somebody is spoken to or the lead closes it."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from survey.domain.accounts import Permission, may
from survey.domain.alerts import ContactResult
from survey.domain.calls import OF_SILENCE, Result, Wanted, half_day, is_for_lead
from survey.domain.errors import Refused
from survey.domain.invitations import InvitationState, Trouble, ask_for_call
from survey.domain.patients import Block
from survey.domain.protocol import Flag
from survey.domain.silence import ENDED, Facts, Silence, alarm, silence, ways
from survey.domain.stops import Reason
from survey.services import alerts, calls, invitations, links, patients
from survey.store import alerts as alert_store
from survey.store import calls as store
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store.session import DatabaseError, transaction
from tests import desk, factories, surveys
from tests.cast import ANA, LENA, RIVERSIDE, SAM
from tests.conftest import Database
from tests.staff import BREATHLESS, answered
from tests.surveys import NOTHING_SPECIAL, Case

NOW = datetime(2026, 3, 11, 15, 0, tzinfo=UTC)
"""Wednesday, eleven in the morning on Riverside's wall."""
NEXT_DAY = NOW + timedelta(days=1)
RISKY = {**NOTHING_SPECIAL, "anticoag": Flag.YES, "diabetes": Flag.YES}


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    surveys.open_clinic(NOW)


def look(now: datetime = NEXT_DAY, *, page: int = 1, **wanted: object) -> calls.CallList:
    return calls.look(Wanted(**wanted), page=page, now=now)


def ids(now: datetime = NEXT_DAY, **wanted: object) -> list[UUID]:
    return [row.line.invitation_id for row in look(now, **wanted).rows]


def silent(state: str = "delivered", *, now: datetime = NOW, **changes: object) -> Case:
    """Somebody who was texted a day before the next, and has not answered."""
    case = surveys.invited(now, **changes)
    desk.change(
        """UPDATE invitation SET state = :state, sent_at = :now, call_at = :due, trouble = :trouble WHERE id = :id""",
        state=state,
        now=now,
        due=now + timedelta(hours=24),
        trouble="landline" if state == "undeliverable" else None,
        id=case.invitation_id,
    )
    return case


def called(case: Case, result: Result = Result.NO_ANSWER, *, now: datetime = NEXT_DAY, **changes: object) -> bool:
    return calls.note(case.invitation_id, result=result, by=SAM.actor, now=now, **changes)


def state(case: Case) -> str:
    return desk.invitation_state(case.invitation_id)[0]


# ---- the same word in Python and in SQL


def scatter(number: int, random: Random) -> None:
    """Surveys in any state at all, with contacts, responses, alerts and calls of any kind."""
    with transaction() as tx:
        version = tx.run(sa.text("SELECT id FROM protocol_version")).scalar_one()
        policy = tx.run(sa.text("SELECT id FROM policy_version")).scalar_one()
        for _ in range(number):
            _one(tx, random, version, policy)


def _one(tx, random: Random, version, policy) -> None:
    patient, procedure, invitation = uuid4(), uuid4(), uuid4()
    due = NOW + timedelta(days=random.randint(-40, 5))
    now_state = random.choice(list(InvitationState))
    named = {"given_name": "Ivy", "family_name": f"Test{random.random()}", "born_on": "1980-01-01", "language": "en"}
    factories.insert(tx, "patient", id=patient, **named, created_at=NOW)
    for number in range(random.randint(0, 2)):
        agreed = {"consented_at": NOW, "consent_how": "spoken"} if random.random() < 0.7 else {}
        blocked = {"blocked_at": NOW, "blocked_reason": random.choice(list(Block))} if random.random() < 0.5 else {}
        address = {"kind": "sms", "address": f"+1202555012{number}"}
        factories.insert(tx, "contact", id=uuid4(), patient_id=patient, **address, **agreed, **blocked)
    cancelled = {"cancelled_at": NOW} if random.random() < 0.15 else {}
    day = {"performed_on": (due - timedelta(days=2)).date(), "protocol": desk.SLUG, "source_key": str(procedure)}
    about = {"patient_id": patient, "site_id": RIVERSIDE.id, "created_at": NOW}
    factories.insert(tx, "procedure", id=procedure, **about, **day, **cancelled)
    ended = {
        "stopped": {"stopped_at": NOW, "stop_reason": "moved away"},
        "completed": {"completed_at": NOW},
        "reached": {"reached_at": NOW},
        "undeliverable": {"trouble": random.choice(["landline", "stopped", "not_me", "gave_up"])},
    }.get(now_state, {})
    belongs = {"procedure_id": procedure, "site_id": RIVERSIDE.id, "protocol_version_id": version, "touch": "day2"}
    call_at = due + timedelta(hours=random.randint(0, 48))
    window = {"due_at": due, "call_at": call_at, "expires_at": due + timedelta(days=28)}
    factories.insert(tx, "invitation", id=invitation, **belongs, **window, state=now_state, **ended)
    for _ in range(random.choice([0, 0, 1, 2, 3])):
        _try(tx, random, invitation)
    if random.random() < 0.6:
        _response(tx, random, invitation, version, policy)


def _try(tx, random: Random, invitation) -> None:
    at = NOW + timedelta(hours=random.randint(-30, 0))
    tried = {"at": at, "by": SAM.id, "result": random.choice(list(Result)), "half_day": half_day(at, RIVERSIDE.tz)}
    factories.insert(tx, "call_attempt", id=uuid4(), invitation_id=invitation, **tried)


def _response(tx, random: Random, invitation, version, policy) -> None:
    response = uuid4()
    mode = {"mode": "phone", "entered_by": SAM.id} if random.random() < 0.4 else {"mode": "web"}
    begun = {"language": "en", "answered_by": "self", "started_at": NOW, "answered_at": NOW}
    belongs = {"invitation_id": invitation, "protocol_version_id": version}
    factories.insert(tx, "response", id=response, **belongs, **begun, **mode)
    for ordinal in range(random.randint(0, 2)):
        is_open = ordinal == 0 and random.random() < 0.6
        tier = random.choice(["soon", "urgent", "emergency"])
        result = random.choice([*ContactResult, None]) if is_open else random.choice(list(ContactResult))
        at = NOW + timedelta(hours=random.randint(-30, 0))
        tried = {"contacted_by": ANA.id, "contacted_at": at, "contact_result": result} if result else {}
        closed = {"resolved_by": ANA.id, "resolved_at": NOW, "outcome": "other", "usefulness": "worth_it"}
        ended = {"next_action_at": NOW} if is_open else {"state": "resolved", **closed}
        about = {"dedup_key": f"{response}:{ordinal}", "response_id": response, "site_id": RIVERSIDE.id}
        weight = {"tier": tier, "severity": "routine" if tier == "soon" else "urgent", "policy_version_id": policy}
        times = {"created_at": NOW, "promised_at": NOW + timedelta(minutes=30)}
        factories.insert(tx, "alert", id=uuid4(), **about, **weight, **times, **tried, **ended)


def facts_of(invitation_id: UUID) -> Facts:
    """The facts of one survey, gathered by other queries than those of the list."""
    with transaction() as tx:
        invitation = invitation_store.get(tx, invitation_id)
        (row,) = desk_rows(tx, "SELECT * FROM procedure WHERE id = :id", id=invitation.procedure_id)
        said = desk_rows(tx, "SELECT * FROM response WHERE invitation_id = :id", id=invitation_id)
        found = [
            one["id"]
            for each in said
            for one in desk_rows(tx, "SELECT id FROM alert WHERE response_id = :id", id=each["id"])
        ]
        spoken = [one.at for one in store.attempts(tx, invitation_id) if one.result is Result.REACHED]
        usable, blocks = ways(contact_store.of_patient(tx, row["patient_id"]))
        alarmed = alarm([alert_store.get(tx, one) for one in found], spoken_at=max(spoken, default=None))
    return Facts(
        state=invitation.state,
        trouble=invitation.trouble,
        is_due=invitation.due_at <= NOW,
        is_cancelled=row["cancelled_at"] is not None,
        by_phone=any(each["mode"] == "phone" for each in said),
        alarm=alarmed,
        is_usable=usable,
        blocks=blocks,
    )


def desk_rows(tx, query: str, **values: object) -> list[sa.RowMapping]:
    return list(tx.run(sa.text(query), values).mappings())


@pytest.mark.parametrize("seed", range(4))
def test_the_list_and_the_rule_say_the_same_word_of_every_survey(seed: int) -> None:
    scatter(150, Random(seed))
    with transaction() as tx:
        listed = store.silences(tx, now=NOW)

    said = {invitation_id: silence(facts_of(invitation_id)) for invitation_id in listed}

    assert len(listed) == 150
    assert listed == said
    assert len(set(listed.values())) > 9


@pytest.mark.parametrize("seed", range(3))
def test_everybody_whose_time_has_come_is_on_the_list_exactly_once_or_with_the_lead(seed: int) -> None:
    scatter(150, Random(seed))
    with transaction() as tx:
        words = store.silences(tx, now=NOW)
        waiting = {
            row["id"]
            for row in desk_rows(tx, "SELECT id FROM invitation WHERE call_at <= :now", now=NOW)
            if words[row["id"]] not in ENDED | {Silence.WITH_CLINICIAN}
        }
    red = {key for key, word in words.items() if word is Silence.RED_UNREACHABLE}

    seen = [one for page in (1, 2, 3) for one in (row.line.invitation_id for row in look(NOW, page=page).rows)]
    with_lead = [
        one for page in (1, 2) for one in (row.line.invitation_id for row in look(NOW, page=page, kind="lead").rows)
    ]

    assert len(seen) == len(set(seen))
    assert set(seen) | set(with_lead) == waiting | red
    assert not set(seen) & set(with_lead)


@pytest.mark.parametrize("seed", range(2))
def test_the_lead_gets_what_the_rule_says(seed: int) -> None:
    scatter(150, Random(seed))

    rows = [row for page in (1, 2, 3) for row in look(NOW, page=page).rows] + [*look(NOW, kind="lead").rows]

    with transaction() as tx:
        for row in rows:
            enough = is_for_lead(store.attempts(tx, row.line.invitation_id), sent_back_at=None)
            assert row.line.is_for_lead == (enough and row.line.silence is not Silence.RED_UNREACHABLE)
    assert any(row.line.is_for_lead for row in rows)


def test_the_numbers_beside_the_kinds_are_those_of_the_lines() -> None:
    scatter(80, Random(5))
    kinds = look(NOW).kinds

    assert kinds
    assert all(look(NOW, kind=kind).total == number for kind, number in kinds.items())
    assert look(NOW).total == len(look(NOW, page=1).rows) + len(look(NOW, page=2).rows)


# ---- who stands where


def test_nobody_is_called_before_the_day_is_over() -> None:
    silent()

    assert ids(NEXT_DAY - timedelta(minutes=1)) == []
    assert len(ids(NEXT_DAY)) == 1


def test_red_and_unreachable_comes_first_then_who_asked_then_the_rest_by_risk() -> None:
    calm = silent("delivered")
    wrong = silent("undeliverable")
    risky = silent("delivered", context=RISKY)
    asked = silent("delivered")
    with transaction() as tx:
        old = invitation_store.get_for_update(tx, asked.invitation_id)
        invitation_store.swap(tx, old, ask_for_call(old, now=NOW))
    red = surveys.invited(NOW)
    answered(red, BREATHLESS, now=NOW)
    (alert,) = alerts.open_alerts()
    alerts.record_contact(alert.id, result=ContactResult.NO_ANSWER, by=ANA.actor, epoch=alert.epoch, now=NOW)

    assert ids() == [one.invitation_id for one in (red, asked, risky, wrong, calm)]
    assert look().rows[0].promised_at == alert.promised_at
    assert look().rows[2].flags


def test_flags_weigh_from_enrolment_on() -> None:
    known = surveys.invited(NOW, context=RISKY)
    unknown = surveys.invited(NOW, context={})
    calm = surveys.invited(NOW)

    (a, b, c) = (
        desk.rows("SELECT risk FROM invitation WHERE id = :id", id=one.invitation_id)[0]["risk"]
        for one in (known, unknown, calm)
    )

    assert a == 6
    assert a > b > c == 0


def test_worrying_answers_that_were_left_unfinished_stand_above_a_silent_patient() -> None:
    wrong = silent("undeliverable")
    partial = silent("opened")
    response_of = {"invitation_id": partial.invitation_id, "language": "en", "mode": "web", "answered_by": "helper"}
    (version,) = desk.rows("SELECT protocol_version_id AS id FROM invitation WHERE id = :id", id=partial.invitation_id)
    with transaction() as tx:
        factories.insert(
            tx,
            "response",
            id=uuid4(),
            **response_of,
            protocol_version_id=version["id"],
            started_at=NOW,
            answered_at=NOW,
        )
    desk.change("UPDATE response SET tier = 'soon'")

    first, second = look().rows

    assert (first.line.invitation_id, second.line.invitation_id) == (partial.invitation_id, wrong.invitation_id)
    assert (first.line.tier, first.line.is_helped) == ("soon", True)


def test_of_two_alike_the_one_who_waits_longer_is_first() -> None:
    later, earlier = silent(), silent(now=NOW - timedelta(hours=3))

    assert ids() == [earlier.invitation_id, later.invitation_id]


def test_whoever_was_tried_just_now_makes_room_for_the_others() -> None:
    wrong, calm = silent("undeliverable"), silent()
    called(wrong)

    assert ids() == [calm.invitation_id, wrong.invitation_id]
    assert ids(NEXT_DAY + timedelta(hours=2)) == [wrong.invitation_id, calm.invitation_id]


def test_nobody_drops_off_by_age_not_even_after_the_link_has_ended() -> None:
    silent()
    (about,) = {row.line.procedure_id for row in look().rows}
    old = NOW + timedelta(days=25)
    assert [row.line.procedure_id for row in look(old).rows] == [about]

    after = NOW + timedelta(days=40)
    assert invitations.expire_due(now=after) > 0

    assert [row.line.silence for row in look(after).rows] == [Silence.LINK_ENDED]
    assert [row.line.procedure_id for row in look(after + timedelta(days=400)).rows] == [about]


def test_a_cancelled_procedure_and_a_closed_survey_are_not_called_about() -> None:
    cancelled, closed = silent(), silent()
    (row,) = desk.rows("SELECT procedure_id FROM invitation WHERE id = :id", id=cancelled.invitation_id)
    patients.cancel(row["procedure_id"], by=SAM.actor, now=NOW)
    patients.stop(closed.invitation_id, reason="Moved away", by=SAM.actor, now=NOW)

    assert ids() == []


# ---- a call and what follows


def test_reached_takes_the_patient_off_the_list_and_takes_back_what_was_queued() -> None:
    case = surveys.invited(NOW)
    called(case, Result.REACHED, now=NOW)

    assert state(case) == "reached"
    assert {one for _, one, _ in desk.message_states(case.invitation_id)} == {"cancelled"}
    assert ids(NEXT_DAY + timedelta(days=2)) == []


def test_after_two_tries_in_different_halves_of_days_the_lead_decides() -> None:
    case = silent()
    called(case)
    called(case, Result.VOICEMAIL, now=NEXT_DAY + timedelta(minutes=10))
    assert look().kinds.get("lead") is None

    called(case, now=NEXT_DAY + timedelta(hours=3))

    later = NEXT_DAY + timedelta(hours=4)
    assert ids(later) == []
    assert ids(later, kind="lead") == [case.invitation_id]


def test_the_lead_sends_it_back_or_closes_it_with_a_reason() -> None:
    case = silent()
    called(case)
    called(case, now=NEXT_DAY + timedelta(hours=3))
    later = NEXT_DAY + timedelta(hours=4)

    calls.send_back(case.invitation_id, by=LENA.actor, now=later)
    assert ids(later) == [case.invitation_id]
    called(case, now=later + timedelta(hours=20))
    assert ids(later + timedelta(hours=21), kind="lead") == [case.invitation_id]
    calls.close(case.invitation_id, reason=Reason.NOT_REACHED, note="Letter sent", by=LENA.actor, now=later)

    (row,) = desk.rows("SELECT * FROM invitation WHERE id = :id", id=case.invitation_id)
    assert (row["state"], row["stop_reason"]) == ("stopped", "Could not be reached: Letter sent")
    assert row["stopped_by"] == LENA.id


def test_another_reason_needs_words() -> None:
    with pytest.raises(Refused, match="Say in a few words why"):
        calls.close(silent().invitation_id, reason=Reason.OTHER, note=" ", by=LENA.actor, now=NOW)


def test_only_clinicians_and_managers_decide() -> None:
    assert [may(one.role, Permission.CALL_DECIDE) for one in (SAM, ANA, LENA)] == [False, True, True]


def test_one_call_stands_for_every_check_in_of_a_procedure_and_ends_them_all() -> None:
    case = silent()
    far = NOW + timedelta(days=9)
    desk.change("UPDATE invitation SET state = 'delivered', call_at = :far WHERE touch <> 'day2'", far=far)
    assert ids(far) == [case.invitation_id]

    called(case, Result.REACHED, now=far)

    assert {row["state"] for row in desk.rows("SELECT state FROM invitation")} == {"reached"}
    assert ids(far + timedelta(days=90)) == []


def test_what_is_asked_later_is_still_asked_after_a_call_today() -> None:
    called(silent(), Result.REACHED)

    (row,) = desk.rows("SELECT state FROM invitation WHERE touch <> 'day2'")
    assert row["state"] == "scheduled"


def test_a_double_tap_is_one_call() -> None:
    case = silent()
    called(case)
    called(case, now=NEXT_DAY + timedelta(seconds=2))

    assert len(desk.rows("SELECT 1 FROM call_attempt")) == 1


def test_a_wrong_number_is_not_called_again_and_the_mailbox_is_tried() -> None:
    case = silent(email="maria@example.org")

    called(case, Result.WRONG_NUMBER)

    (row,) = desk.rows("SELECT blocked_reason FROM contact WHERE kind = 'sms'")
    assert row["blocked_reason"] == "not_me"
    assert ("email", "pending", None) in desk.message_states(case.invitation_id)
    assert calls.sheet(case.invitation_id).phone is None


def test_what_was_sent_to_a_wrong_number_opens_nothing_more() -> None:
    case = silent()
    with transaction() as tx:
        message = desk.rows("SELECT id FROM message")[0]
        links.make(tx, case.invitation_id, message["id"], NOW, NOW + timedelta(days=20))

    called(case, Result.WRONG_NUMBER)

    (link,) = desk.rows("SELECT revoked_at FROM invitation_link WHERE message_id IS NOT NULL")
    assert link["revoked_at"] is not None


def test_a_wrong_number_without_another_way_stays_on_the_list() -> None:
    case = silent()

    called(case, Result.WRONG_NUMBER)

    assert desk.invitation_state(case.invitation_id) == ("undeliverable", Trouble.NOT_ME)
    (row,) = look(NEXT_DAY + timedelta(hours=2)).rows
    assert (row.line.silence, row.line.phone) == (Silence.WRONG_NUMBER, None)


def test_a_wrong_number_that_was_a_landline_is_a_wrong_number_from_then_on() -> None:
    case = silent("undeliverable")
    desk.change("UPDATE contact SET blocked_at = :now, blocked_reason = 'landline'", now=NOW)

    called(case, Result.WRONG_NUMBER)

    assert calls.sheet(case.invitation_id).phone is None
    (row,) = desk.rows("SELECT blocked_reason, blocked_at FROM contact")
    assert (row["blocked_reason"], row["blocked_at"]) == ("not_me", NOW)


def test_who_stopped_texts_and_may_still_be_mailed_has_not_opted_out_of_everything() -> None:
    case = silent("undeliverable", email="maria@example.org")
    desk.change("UPDATE contact SET blocked_at = :now, blocked_reason = 'stopped' WHERE kind = 'sms'", now=NOW)

    with transaction() as tx:
        assert store.silences(tx, now=NEXT_DAY)[case.invitation_id] is Silence.UNDELIVERABLE


def test_calls_are_only_ever_added() -> None:
    called(silent())

    with pytest.raises(DatabaseError, match="42501"):
        desk.change("DELETE FROM call_attempt")


# ---- the text that we called


def test_the_patient_is_told_once_a_day_that_we_called() -> None:
    case = silent()

    assert called(case, text=True)
    assert not called(case, Result.VOICEMAIL, now=NEXT_DAY + timedelta(hours=2), text=True)
    assert called(case, now=NEXT_DAY + timedelta(days=1), text=True)

    assert len(desk.rows("SELECT 1 FROM message WHERE kind = 'called'")) == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "Riverside Clinic: we called you at 11:00 AM and will try again. "
                "You can ring us on (202) 555-0100. Emergency: 911."
            ),
        ),
        (
            "es",
            (
                "Riverside Clinic: le llamamos a las 11:00 a. m. y volveremos a llamarle. "
                "Puede llamarnos al (202) 555-0100. Emergencia: 911."
            ),
        ),
    ],
)
@pytest.mark.parametrize("how_far", ["opened", "undeliverable", "expired"])
def test_the_text_leaves_once_and_says_when_we_called_and_moves_nothing(
    language: str, words: str, how_far: str
) -> None:
    case = silent(how_far, language=language)
    desk.change("UPDATE message SET state = 'cancelled'")
    with desk.texting() as carrier:
        called(case, text=True)
        desk.send_until(NEXT_DAY + timedelta(hours=3), start=NEXT_DAY, every=timedelta(hours=1))
        texts = [one.body for one in carrier.journal.to(desk.MARIAS_PHONE)]

    assert texts == [words]
    assert state(case) == how_far


def test_a_text_that_we_called_is_not_sent_to_somebody_who_answered_meanwhile() -> None:
    case = silent()
    desk.change("UPDATE message SET state = 'cancelled'")
    with desk.texting() as carrier:
        called(case, text=True)
        called(case, Result.REACHED, now=NEXT_DAY + timedelta(minutes=1))
        desk.send(NEXT_DAY + timedelta(minutes=2))

        assert carrier.journal.entries() == []


def test_no_text_at_night_none_after_stop_and_none_unless_asked_for() -> None:
    case, stopped, unasked = (
        silent(),
        silent(mobile="(202) 555-0122", mrn="2"),
        silent(mobile="(202) 555-0123", mrn="3"),
    )
    desk.change(
        "UPDATE contact SET blocked_at = :now, blocked_reason = 'stopped' WHERE address = '+12025550122'", now=NOW
    )

    assert not called(case, now=NEXT_DAY + timedelta(hours=12), text=True)
    assert not called(stopped, text=True)
    assert not called(unasked)


def test_every_kind_of_silence_that_is_listed_has_a_weight() -> None:
    listed = set(Silence) - ENDED - {Silence.WITH_CLINICIAN, Silence.NOT_DUE, Silence.RED_UNREACHABLE}

    assert set(OF_SILENCE) == listed
