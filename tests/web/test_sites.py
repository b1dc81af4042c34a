"""The settings page: a manager sets names, numbers and hours, and sees each text as it then reads."""

import pytest

from survey.services import sites
from tests.cast import LENA, RIVERSIDE, ROOT, SAM
from tests.desk import rows
from tests.staff import Desk

PAGE = f"/settings/{RIVERSIDE.id}"


@pytest.fixture
def lena(desk: Desk) -> Desk:
    return desk.signed_in(LENA)


def fields(**changes: object) -> dict[str, object]:
    usual = {
        "seen": sites.mark(sites.get(RIVERSIDE.id)),
        "name": RIVERSIDE.name,
        "sms_name": RIVERSIDE.sms_name,
        "phone": "(202) 555-0100",
        "emergency_number": "911",
        "opens": "08:00",
        "closes": "18:00",
        "workdays": ["1", "2", "3", "4", "5"],
        "zone": RIVERSIDE.zone,
    }
    return usual | changes


def save(desk: Desk, **changes: object):
    return desk.post(PAGE, fields(**changes), of=PAGE)


def test_a_manager_changes_the_hours_and_the_name_for_texts(lena: Desk) -> None:
    page = lena.follow(save(lena, sms_name="Northgate", closes="17:30", workdays=["1", "2", "4"]))

    assert "The settings of Riverside Pain Clinic are saved." in page.text
    assert "Northgate" in page.text
    assert "Mon, Tue, Thu, 08:00–17:30" in page.text
    (event,) = rows("SELECT * FROM audit_event WHERE action = 'site.changed'")
    assert (event["actor_id"], event["detail"]) == (LENA.id, {"fields": "sms_name closes workdays"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sms_name": ""}, "This cannot be empty."),
        ({"sms_name": "Clínica Río"}, "leave out í"),
        ({"sms_name": "W" * 25}, "Use at most 24 characters."),
        ({"sms_name": "Pain Injection Clinic"}, "tells whoever sees the phone about the patient"),
        ({"phone": "12"}, "is not a phone number"),
        ({"phone": "+7 301 123 45 67", "sms_name": "W" * 24}, "shorten it by"),
        ({"emergency_number": "call"}, "three to six digits"),
        ({"closes": "07:00"}, "must close later than it opens"),
        ({"opens": "early"}, "Enter a time as hours and minutes"),
        ({"workdays": []}, "Choose the days"),
        ({"zone": "Mars/Olympus"}, "is no time zone"),
    ],
)
def test_what_does_not_fit_is_refused_and_what_was_typed_stays(
    lena: Desk, changes: dict[str, object], sentence: str
) -> None:
    refused = save(lena, **{"name": "Riverside by the river", **changes})

    assert refused.status_code == 422
    assert sentence in refused.text
    assert "Riverside by the river" in refused.text
    assert sites.get(RIVERSIDE.id) == RIVERSIDE


def test_the_texts_are_shown_as_they_would_read_before_anything_is_saved(lena: Desk) -> None:
    page = save(lena, sms_name="Northgate", look="1")

    assert page.status_code == 200
    assert "Northgate: thanks for your visit." in page.text
    assert sites.get(RIVERSIDE.id) == RIVERSIDE


def test_two_managers_do_not_undo_each_other(lena: Desk) -> None:
    before = fields()
    save(lena, closes="17:00")

    late = lena.post(PAGE, before | {"opens": "09:00"}, of=PAGE)

    assert late.status_code == 422
    assert "Somebody has changed this site meanwhile" in late.text
    assert sites.get(RIVERSIDE.id).opens == RIVERSIDE.opens


def test_the_pages_follow_at_once(lena: Desk) -> None:
    before = lena.get("/about-our-texts").text

    save(lena, sms_name="Northgate")

    assert "Riverside Clinic" in before
    assert "begin with “Northgate”" in lena.get("/about-our-texts").text


@pytest.mark.parametrize("person", [SAM, ROOT])
def test_nobody_else_sets_them(desk: Desk, person) -> None:
    page = desk.signed_in(person).get("/settings")

    assert page.status_code == 403
    assert 'href="/settings"' not in page.text
