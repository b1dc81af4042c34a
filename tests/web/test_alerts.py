"""The alert on one screen: looking changes nothing, the first to take it wins, and three taps close it."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from survey import clock
from survey.services import alerts
from survey.store.session import transaction
from tests import staff
from tests.cast import ANA, BEN, SAM
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
