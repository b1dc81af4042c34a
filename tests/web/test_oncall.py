"""The on-call page: who is paged now, where nobody is, and shifts that only a manager moves."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from survey import clock
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, RIVERSIDE, SAM
from tests.staff import Desk


@pytest.fixture
def lena(desk: Desk) -> Desk:
    return desk.signed_in(LENA)


def schedule_id(name: str) -> str:
    with transaction() as tx:
        return str(tx.run(sa.text("SELECT id FROM schedule WHERE name = :name"), {"name": name}).scalar_one())


def add(desk: Desk, *, name: str = "primary", who: str = str(BEN.id), starts: str, ends: str):
    form = {"schedule_id": schedule_id(name), "user_id": who, "starts_at": starts, "ends_at": ends}
    return desk.post("/on-call/shifts", form)


def wall(days: float) -> str:
    """That many days from now, on the roster's clock, as a browser sends it."""
    return f"{RIVERSIDE.local(clock.now() + timedelta(days=days)):%Y-%m-%dT%H:%M}"


def test_the_page_names_who_would_be_paged_now_and_the_order_of_paging(desk: Desk) -> None:
    desk.signed_in(SAM)

    page = desk.get("/on-call").text

    assert f"Now: <bdi>{ANA.name}</bdi>" in page
    assert "At once: whoever is on call on primary, by text and push." in page
    assert "until somebody takes it" in page
    assert page.index("<h2>Primary") < page.index("<h2>Backup")


def test_a_gap_within_two_weeks_is_shown(desk: Desk) -> None:
    factories.on_call(factories.schedule("nights"), BEN, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=3))
    desk.signed_in(SAM)

    assert '<span class="late">Nobody</span>' in desk.get("/on-call").text


def test_somebody_who_cannot_be_paged_is_said_to_be(desk: Desk) -> None:
    with transaction() as tx:
        tx.run(sa.text("UPDATE contact_method SET disabled_at = now(), disabled_reason = 'test'"))
    desk.signed_in(SAM)

    assert "cannot be paged" in desk.get("/on-call").text


def test_a_manager_adds_a_shift_and_takes_it_off(lena: Desk) -> None:
    page = lena.follow(add(lena, starts=wall(40), ends=wall(41)))
    assert "The shift is on the roster." in page.text
    with transaction() as tx:
        shift = tx.run(sa.text("SELECT id FROM shift ORDER BY lower(during) DESC LIMIT 1")).scalar_one()

    page = lena.follow(lena.post(f"/on-call/shifts/{shift}/remove"))

    assert "The shift is off the roster." in page.text


def test_two_people_at_once_are_refused_beside_the_field(lena: Desk) -> None:
    response = add(lena, starts=wall(1), ends=wall(2))

    assert response.status_code == 422
    assert "Somebody is on call on this schedule then." in response.text
    assert 'href="#starts_at"' in response.text


@pytest.mark.parametrize(
    ("starts", "ends", "field"),
    [("", "2030-01-01T08:00", "starts_at"), ("soon", "2030-01-01T08:00", "starts_at"),
     ("2030-01-02T08:00", "2030-01-01T08:00", "ends_at")],
)  # fmt: skip
def test_times_that_cannot_be_are_named(lena: Desk, starts: str, ends: str, field: str) -> None:
    response = add(lena, starts=starts, ends=ends)

    assert response.status_code == 422
    assert f'href="#{field}"' in response.text


def test_somebody_who_takes_no_alerts_cannot_be_put_on_call(lena: Desk) -> None:
    assert add(lena, who=str(SAM.id), starts=wall(40), ends=wall(41)).status_code == 422


def test_a_clinician_reads_the_roster_and_does_not_change_it(desk: Desk) -> None:
    desk.signed_in(ANA)

    assert "Add a shift" not in desk.get("/on-call").text
    assert add(desk, starts=wall(40), ends=wall(41)).status_code == 403
