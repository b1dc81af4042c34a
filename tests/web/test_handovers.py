"""The handover sheet over HTTP: read, signed by each of the two for himself, printed, found again."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from survey import clock
from survey.domain.oncall import Schedule
from survey.store.session import transaction
from tests import factories, staff
from tests.cast import ANA, BEN, LENA, OLGA, ROOT, SAM, Person
from tests.staff import Desk


@pytest.fixture
def at() -> datetime:
    return clock.now().replace(microsecond=0) + timedelta(minutes=20)


@pytest.fixture
def nights(desk: Desk, at: datetime) -> Schedule:
    assert desk
    made = factories.schedule("nights")
    factories.on_call(made, ANA, starts_at=at - timedelta(hours=12), ends_at=at)
    factories.on_call(made, BEN, starts_at=at, ends_at=at + timedelta(hours=12))
    return made


def page_of(nights: Schedule) -> str:
    return f"/on-call/{nights.id}/handover"


def sign(desk: Desk, nights: Schedule, at: datetime, **form: str):
    return desk.post(page_of(nights), {"at": at.isoformat(), "sure": "y"} | form, of=page_of(nights))


def signatures() -> list[tuple[bool, bool]]:
    with transaction() as tx:
        rows = tx.run(sa.text("SELECT given_at IS NOT NULL, taken_at IS NOT NULL FROM handover"))
        return [tuple(row) for row in rows]


def test_the_sheet_has_each_open_alert_and_both_names(desk: Desk, nights: Schedule) -> None:
    staff.alarm(now=clock.now())

    page = desk.signed_in(ANA).get(page_of(nights)).text

    assert page.count("<bdi>Maria Lindqvist</bdi>") == 1
    assert "Nobody yet" in page
    assert "No call yet" in page
    assert "Hand over to Ben Okafor" in page
    assert page.count("not signed yet") == 2


def test_an_empty_night_says_so(desk: Desk, nights: Schedule) -> None:
    assert "Nothing is open." in desk.signed_in(ANA).get(page_of(nights)).text


def test_giver_and_taker_sign_and_find_it_again(desk: Desk, nights: Schedule, at: datetime) -> None:
    staff.alarm(now=clock.now())

    page = desk.signed_in(ANA).follow(sign(desk, nights, at, note="A-1001: call the daughter"))
    assert "Signed." in page.text
    assert "Hand over to" not in page.text
    page = desk.signed_in(BEN).get(page_of(nights)).text
    assert "Take over from Ana Reyes" in page
    assert "A-1001: call the daughter" in page
    assert "Note for whoever takes over" not in page, "the note is the giver's"
    desk.follow(sign(desk, nights, at))

    assert signatures() == [(True, True)]
    kept = desk.signed_in(SAM).get(page_of(nights)).text
    (address,) = {part.split('"')[0] for part in kept.split('href="') if part.startswith("/on-call/handovers/")}
    again = desk.get(address)
    assert again.status_code == 200
    assert "not signed" not in again.text


def test_a_signature_is_not_given_by_a_slip(desk: Desk, nights: Schedule, at: datetime) -> None:
    desk.signed_in(ANA)

    page = sign(desk, nights, at, sure="", note="typed already")

    assert page.status_code == 422
    assert "Tick the box" in page.text
    assert "typed already" in page.text
    assert signatures() == []


def test_a_note_that_is_too_long_comes_back_as_typed(desk: Desk, nights: Schedule, at: datetime) -> None:
    desk.signed_in(ANA)

    page = sign(desk, nights, at, note="x" * 1001)

    assert page.status_code == 422
    assert "x" * 1001 in page.text
    assert signatures() == []


def test_nobody_signs_for_another(desk: Desk, nights: Schedule, at: datetime) -> None:
    page = desk.signed_in(LENA).get(page_of(nights)).text
    assert "Sign as" not in page

    refused = sign(desk, nights, at)

    assert refused.status_code == 422
    assert "Only the two whose shifts meet here" in refused.text
    assert signatures() == []


@pytest.mark.parametrize("sent", ["", "nonsense", "2026-03-11T08:00"])
def test_a_form_of_another_change_is_told_so(desk: Desk, nights: Schedule, sent: str) -> None:
    desk.signed_in(ANA)

    page = desk.post(page_of(nights), {"at": sent, "sure": "y"}, of=page_of(nights))

    assert page.status_code == 404
    assert signatures() == []


def test_a_roster_without_a_change_has_an_empty_page(desk: Desk) -> None:
    page = desk.signed_in(ANA).get(page_of(factories.schedule("empty")))

    assert page.status_code == 200
    assert "No change of the watch is in sight" in page.text


@pytest.mark.parametrize(("person", "status"), [(SAM, 200), (ROOT, 403), (OLGA, 403)])
def test_whoever_may_read_alerts_reads_it(desk: Desk, nights: Schedule, person: Person, status: int) -> None:
    assert desk.signed_in(person).get(page_of(nights)).status_code == status


def test_reading_it_is_on_the_trail_without_a_name(desk: Desk, nights: Schedule) -> None:
    staff.alarm(now=clock.now())
    desk.signed_in(ANA).get(page_of(nights))

    with transaction() as tx:
        rows = tx.run(sa.text("SELECT object_id, detail FROM audit_event WHERE action = 'handover.read'")).all()

    assert [(row.object_id, row.detail) for row in rows] == [(nights.id, {})]
