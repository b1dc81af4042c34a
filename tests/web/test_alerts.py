"""The alert on one screen: looking changes nothing, the first to take it wins, and three taps close it."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from survey import clock
from survey.services import alerts, promises
from survey.store.session import transaction
from tests import staff
from tests.cast import ANA, BEN, LENA, SAM
from tests.staff import Desk


@pytest.fixture
def alert_id(desk: Desk) -> UUID:
    assert desk
    return staff.alarm(now=clock.now())


def press(desk: Desk, alert_id: UUID, button: str, epoch: int = 1, **more: str):
    page = f"/alerts/{alert_id}"
    return desk.post(f"{page}/{button}", {"epoch": epoch} | more, of=page)


def state(alert_id: UUID) -> dict[str, object]:
    with transaction() as tx:
        return dict(tx.run(sa.text("SELECT * FROM alert WHERE id = :id"), {"id": alert_id}).mappings().one())


def test_the_screen_says_why_who_and_until_when(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(ANA)

    page = desk.get(f"/alerts/{alert_id}").text

    assert "<h1>Breathing: " in page
    assert "Maria Lindqvist" in page
    assert 'href="tel:+12025550121"' in page
    assert "call promised by" in page
    assert "I’ll take it" in page


def test_looking_changes_nothing(desk: Desk, alert_id: UUID) -> None:
    before = state(alert_id)
    desk.signed_in(ANA)

    desk.get(f"/alerts/{alert_id}")
    desk.get(f"/alerts/{alert_id}?outcome=reassured")
    desk.client.head(f"/alerts/{alert_id}")

    assert state(alert_id) == before


def test_six_taps_from_asleep_to_closed(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(ANA)

    desk.follow(press(desk, alert_id, "take"))
    page = desk.follow(press(desk, alert_id, "contact", result="reached"))
    assert "What was decided?" in page.text
    page = desk.get(f"/alerts/{alert_id}?outcome=reassured")
    assert "Was this alert useful?" in page.text
    page = desk.follow(press(desk, alert_id, "close", outcome="reassured", usefulness="worth_it"))

    assert "Closed" in page.text
    ended = state(alert_id)
    assert (ended["state"], ended["outcome"], ended["usefulness"]) == ("resolved", "reassured", "worth_it")
    assert ended["resolved_by"] == ANA.id


def test_the_second_reads_who_was_first(desk: Desk, alert_id: UUID) -> None:
    alerts.take(alert_id, by=ANA.actor, epoch=1, now=clock.now())
    desk.signed_in(BEN)

    page = desk.follow(press(desk, alert_id, "take"))

    assert "Ana Reyes took this" in page.text
    assert state(alert_id)["acked_by"] == ANA.id


def test_a_screen_from_before_it_moved_on_is_told_so(desk: Desk, alert_id: UUID) -> None:
    alerts.take(alert_id, by=ANA.actor, epoch=1, now=clock.now())
    desk.signed_in(ANA)
    press(desk, alert_id, "pass-on")

    page = desk.follow(press(desk, alert_id, "take", epoch=1))

    assert "moved on since the page was shown" in page.text
    assert state(alert_id)["acked_by"] is None


def test_no_answer_offers_another_try_and_only_outcomes_that_need_no_patient(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(ANA)
    press(desk, alert_id, "take")

    page = desk.follow(press(desk, alert_id, "contact", result="no_answer")).text

    assert "Try again: did you reach the patient?" in page
    assert "outcome=ambulance" in page
    assert "outcome=reassured" not in page


def test_a_close_before_any_call_is_refused_in_words(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(ANA)
    press(desk, alert_id, "take")

    page = desk.follow(press(desk, alert_id, "close", outcome="reassured", usefulness="worth_it"))

    assert "Record first whether you reached the patient" in page.text
    assert state(alert_id)["state"] == "acknowledged"


@pytest.mark.parametrize("more", [{"result": "nonsense"}, {}, {"result": "reached", "epoch": "x"}])
def test_a_form_that_cannot_be_read_changes_nothing(desk: Desk, alert_id: UUID, more: dict[str, str]) -> None:
    desk.signed_in(ANA)

    response = desk.post(f"/alerts/{alert_id}/contact", {"epoch": "1"} | more)

    assert response.status_code == 303
    assert state(alert_id)["contact_result"] is None


def test_staff_see_the_alert_and_cannot_take_it(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(SAM)

    assert "I’ll take it" not in desk.get(f"/alerts/{alert_id}").text
    assert press(desk, alert_id, "take").status_code == 403


def test_an_alert_that_does_not_exist_is_404(desk: Desk) -> None:
    desk.signed_in(ANA)

    assert desk.get("/alerts/00000000-0000-4000-8000-00000000ffff").status_code == 404


def test_a_late_promise_is_said_to_be_late(desk: Desk) -> None:
    late = staff.alarm(now=clock.now() - timedelta(minutes=50))
    desk.signed_in(ANA)

    assert " late</strong>" in desk.get(f"/alerts/{late}").text


def test_the_pages_own_link_tells_no_health_fact_and_takes_without_sign_in(desk: Desk, alert_id: UUID) -> None:
    door = f"/a/{staff.paged_token(now=clock.now())}"

    page = desk.get(door).text
    assert state(alert_id)["state"] == "triggered"
    assert "Lindqvist" not in page
    assert "Breathing" not in page
    after = desk.follow(desk.post(door, {"epoch": 1}, of=door)).text

    assert "You have it" in after
    assert "Sign in to see the patient" in after
    assert state(alert_id)["acked_by"] == ANA.id


def test_a_link_after_the_race_shows_the_present_state(desk: Desk, alert_id: UUID) -> None:
    door = f"/a/{staff.paged_token(now=clock.now())}"
    alerts.take(alert_id, by=BEN.actor, epoch=1, now=clock.now())

    assert "Ben Okafor took this" in desk.get(door).text


def test_a_link_that_was_never_sent_is_not_known(desk: Desk) -> None:
    response = desk.get("/a/" + "2" * 22)

    assert response.status_code == 404
    assert "This link is not known" in response.text


def test_the_second_may_take_over_by_a_button_that_names_the_first(desk: Desk, alert_id: UUID) -> None:
    alerts.take(alert_id, by=ANA.actor, epoch=1, now=clock.now())
    desk.signed_in(BEN)
    assert "Take over from Ana Reyes" in desk.get(f"/alerts/{alert_id}").text

    page = desk.follow(press(desk, alert_id, "take-over"))

    assert "Did you reach the patient?" in page.text
    assert (state(alert_id)["acked_by"], state(alert_id)["epoch"]) == (BEN.id, 2)


def test_an_old_take_over_shows_the_alert_as_it_stands_with_a_fresh_button(desk: Desk, alert_id: UUID) -> None:
    alerts.take(alert_id, by=ANA.actor, epoch=1, now=clock.now())
    alerts.take_over(alert_id, by=LENA.actor, epoch=1, now=clock.now())
    desk.signed_in(BEN)

    page = desk.follow(press(desk, alert_id, "take-over", epoch=1)).text

    assert "moved on since the page was shown" in page
    assert "Take over from Lena Fischer" in page
    assert 'name="epoch" value="2"' in page
    assert state(alert_id)["acked_by"] == LENA.id


def test_the_door_shows_the_present_with_a_fresh_button_after_an_old_press(desk: Desk, alert_id: UUID) -> None:
    door = f"/a/{staff.paged_token(now=clock.now())}"
    alerts.take(alert_id, by=BEN.actor, epoch=1, now=clock.now())
    alerts.pass_on(alert_id, by=BEN.actor, epoch=1, now=clock.now())

    page = desk.follow(desk.post(door, {"epoch": 1}, of=door)).text

    assert "moved on since the page was shown" in page
    assert "I’ll take it" in page
    assert 'name="epoch" value="2"' in page
    assert state(alert_id)["acked_by"] is None


def test_the_door_lets_one_take_over(desk: Desk, alert_id: UUID) -> None:
    door = f"/a/{staff.paged_token(now=clock.now())}"
    alerts.take(alert_id, by=BEN.actor, epoch=1, now=clock.now())
    assert "Take over from Ben Okafor" in desk.get(door).text

    page = desk.follow(desk.post(door, {"epoch": 1, "over": "yes"}, of=door)).text

    assert "You have it" in page
    assert state(alert_id)["acked_by"] == ANA.id


def test_a_colleague_is_asked_to_help_or_given_the_alert(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(ANA)
    press(desk, alert_id, "take")

    page = desk.follow(press(desk, alert_id, "responders", user_id=str(LENA.id))).text
    assert "Asked to help: Lena Fischer" in page
    page = desk.follow(press(desk, alert_id, "reassign", user_id=str(BEN.id))).text

    assert "nobody has it yet" in page
    assert (state(alert_id)["state"], state(alert_id)["epoch"]) == ("triggered", 2)


@pytest.mark.parametrize("button", ["responders", "reassign"])
@pytest.mark.parametrize("who", ["", "nobody", str(SAM.id)])
def test_without_a_person_who_takes_alerts_nobody_is_asked(desk: Desk, alert_id: UUID, button: str, who: str) -> None:
    desk.signed_in(ANA)

    page = desk.follow(press(desk, alert_id, button, user_id=who)).text

    assert "Choose a person. Nobody was paged." in page
    assert state(alert_id)["epoch"] == 1


def test_after_a_try_in_vain_the_other_number_stands_there_and_that_the_promise_holds(
    desk: Desk, alert_id: UUID
) -> None:
    with transaction() as tx:
        tx.run(
            sa.text("""INSERT INTO contact (id, patient_id, kind, address, consented_at, consent_by, consent_how,
            consent_wording) SELECT gen_random_uuid(), patient_id, kind, '+12025550129', consented_at, consent_by,
            consent_how, consent_wording FROM contact LIMIT 1""")
        )
    desk.signed_in(ANA)
    press(desk, alert_id, "take")

    page = desk.follow(press(desk, alert_id, "contact", result="voicemail")).text

    assert 'href="tel:+12025550129"' in page
    assert "does not keep the promise" in page
    assert "call promised by" in page


def test_three_tries_in_vain_show_the_clinics_own_rule(desk: Desk, alert_id: UUID) -> None:
    desk.signed_in(ANA)
    press(desk, alert_id, "take")
    for _ in range(2):
        page = desk.follow(press(desk, alert_id, "contact", result="no_answer")).text
    assert "tries in vain" not in page

    page = desk.follow(press(desk, alert_id, "contact", result="no_answer")).text

    assert "3 tries in vain." in page
    assert "a welfare check" in page


def test_a_broken_promise_says_what_the_patient_was_told_or_that_only_a_call_is_left(desk: Desk) -> None:
    late = staff.alarm(now=clock.now() - timedelta(minutes=50))
    desk.signed_in(ANA)
    assert promises.break_due(now=clock.now()) == 1

    said = {}
    for state_of_text in ("pending", "accepted", "undelivered"):
        with transaction() as tx:
            tx.run(sa.text("UPDATE message SET state = :s WHERE kind = 'not_reached'"), {"s": state_of_text})
        said[state_of_text] = desk.get(f"/alerts/{late}").text

    assert "is about to be sent to the patient" in said["pending"]
    assert "The patient was texted at" in said["accepted"]
    assert "no text to this patient is possible" in said["undelivered"]
