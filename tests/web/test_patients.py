"""Pages of one patient: enrol, the story in order, the survey by phone, closing and cancelling."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from survey import clock
from survey.store.session import transaction
from tests import desk as place
from tests import staff, surveys
from tests.cast import RIVERSIDE, SAM
from tests.staff import BREATHLESS, CALM, Desk
from tests.surveys import Case


@pytest.fixture
def sam(desk: Desk) -> Desk:
    return desk.signed_in(SAM)


@pytest.fixture
def case(desk: Desk) -> Case:
    assert desk
    return surveys.invited(clock.now())


def enrolment(**changes: object) -> dict[str, object]:
    today = RIVERSIDE.local(clock.now()).date()
    usual = {
        "given_name": "Maria",
        "family_name": "Lindqvist",
        "born_on": "1984-05-17",
        "performed_on": today.isoformat(),
        "language": "en",
        "site": str(RIVERSIDE.id),
        "mobile": "(202) 555-0121",
        "consent": "y",
        "consent_how": "spoken",
        "body_sites": ["trapezius_upper"],
        "agents": ["lidocaine"],
    }
    return usual | changes


def enrol(desk: Desk, **changes: object):
    return desk.post("/enrol", enrolment(**changes), of="/enrol")


def row(query: str) -> dict[str, object]:
    with transaction() as tx:
        return dict(tx.run(sa.text(query)).mappings().one())


def by_phone(desk: Desk, case: Case, **fields: str):
    page = f"/check-ins/{case.invitation_id}/phone"
    return desk.post(page, fields, of=page)


def fields(answers: dict[str, object]) -> dict[str, str]:
    """The form of a survey, as a browser sends it."""
    sent = {}
    for key, answer in answers.items():
        if isinstance(answer, dict):
            sent |= {f"{key}.{line}": value for line, value in answer.items()}
        else:
            sent[key] = str(answer)
    return sent


def test_enrolling_says_who_is_texted_when(sam: Desk) -> None:
    page = sam.follow(enrol(sam))

    assert "Maria Lindqvist is enrolled and will be texted on" in page.text
    assert "10:00 AM" in page.text


def test_a_patient_without_a_phone_is_enrolled_for_the_call_list(sam: Desk) -> None:
    page = sam.follow(enrol(sam, mobile="", consent=""))

    assert "is on the call list: no mobile number and no email address is recorded" in page.text


def test_flags_that_nobody_knows_are_kept_as_unknown_and_settled_ones_are_not_asked(sam: Desk) -> None:
    asked = sam.get("/enrol").text
    enrol(sam, flag_diabetes="yes")

    assert 'name="flag_anticoag"' in asked
    assert 'name="flag_site_chest"' not in asked
    context = row("SELECT context FROM procedure")["context"]
    assert context == {"anticoag": "unknown", "diabetes": "yes", "immuno": "unknown", "lung": "unknown"}


def test_with_two_protocols_the_form_begins_with_the_one_used_last_and_links_the_other(sam: Desk) -> None:
    lumbar = place.publish(place.LUMBAR_PACK).title
    before = sam.get("/enrol").text
    surveys.invited(clock.now())

    after = sam.get("/enrol").text

    assert f"Protocol: {lumbar}." in before
    assert f"Protocol: {lumbar}." not in after
    assert f'href="/enrol?protocol={place.LUMBAR}">{lumbar}</a>' in after


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("given_name", "", "Enter the patient’s given name."),
        ("born_on", "17th of May", "Enter a date as year-month-day"),
        ("performed_on", "2099-01-01", "lies in the future"),
        ("mobile", "12", "mobile"),
        ("zone", "Mars/Olympus", "is not a time zone"),
        ("email", "nobody", "is not an email address"),
        ("body_sites", "moon", "body_sites"),
        ("flag_diabetes", "perhaps", "flag_diabetes"),
    ],
)
def test_a_bad_field_is_named_beside_it_and_in_the_summary_and_what_was_typed_stays(
    sam: Desk, field: str, value: str, sentence: str
) -> None:
    response = enrol(sam, **{"family_name": "Kept & Shown", field: value})

    assert response.status_code == 422
    assert "<title>Error: " in response.text
    assert sentence in response.text
    assert f'href="#{field}' in response.text
    assert f'id="{field}-error"' in response.text
    assert "Kept &amp; Shown" in response.text


def test_the_same_procedure_twice_is_refused_in_words(sam: Desk) -> None:
    enrol(sam)

    response = enrol(sam)

    assert response.status_code == 422
    assert "enrolled already" in response.text


def test_the_story_tells_everything_in_order(sam: Desk) -> None:
    now = clock.now()
    alert_id = staff.alarm(now=now - timedelta(minutes=5))
    with transaction() as tx:
        found = tx.run(sa.text("SELECT procedure_id FROM invitation WHERE touch = 'day2'")).scalar_one()

    page = sam.get(f"/procedures/{found}").text

    order = ["Sam Carter enrolled the patient", "Check-in started, by phone, typed by Sam Carter", "Alert 1001 opened"]
    places = [page.index(words) for words in order]
    assert places == sorted(places)
    assert "Breathing: " in page
    assert f"/alerts/{alert_id}" in page


def test_flags_that_count_as_present_are_told_apart_from_known_ones(sam: Desk) -> None:
    enrol(sam, flag_diabetes="yes", flag_lung="no")
    with transaction() as tx:
        found = tx.run(sa.text("SELECT id FROM procedure")).scalar_one()

    page = sam.get(f"/procedures/{found}").text

    assert "What is not known counts as present." in page
    assert page.count("Not known") == 2


def test_the_form_by_phone_is_saved_and_scored_at_once(sam: Desk, case: Case) -> None:
    page = sam.follow(by_phone(sam, case, **fields(BREATHLESS)))

    assert "Saved. The answers score urgent. The clinician on call is being paged." in page.text
    assert row("SELECT mode, entered_by FROM response") == {"mode": "phone", "entered_by": SAM.id}


def test_a_question_left_open_is_pointed_at_and_the_rest_stays(sam: Desk, case: Case) -> None:
    response = by_phone(sam, case, **fields({**CALM, "fever": "yes"}) | {"bleed": ""})

    assert response.status_code == 422
    assert 'href="#bleed-0"' in response.text
    assert 'value="yes" id="fever-2" checked' in response.text
    assert "Save with questions left open" in response.text


def test_a_form_with_open_questions_can_be_saved_and_is_never_routine(sam: Desk, case: Case) -> None:
    response = by_phone(sam, case, breath="no", leave_open="yes")

    assert response.status_code == 303
    assert "The answers score routine" not in sam.follow(response).text


def test_an_answer_that_cannot_be_read_is_refused(sam: Desk, case: Case) -> None:
    response = by_phone(sam, case, sore="eleven", leave_open="yes")

    assert response.status_code == 422
    assert 'href="#sore-0"' in response.text


def test_a_branch_question_appears_when_an_answer_asks_for_it(sam: Desk, case: Case) -> None:
    response = by_phone(sam, case, **fields({**CALM, "weak": "same"}))

    assert response.status_code == 422
    assert 'href="#weakfx-0"' in response.text


def test_a_spanish_patient_is_asked_in_spanish_with_the_english_beside_it(sam: Desk) -> None:
    case = surveys.invited(clock.now(), language="es")

    page = sam.get(f"/check-ins/{case.invitation_id}/phone").text

    assert 'lang="es"' in page
    assert "Warning signs" in page
    assert "{emergency}" not in page


def test_closing_needs_a_reason_and_keeps_it(sam: Desk, case: Case) -> None:
    story = f"/procedures/{surveys.procedure_of(case)}"
    stop = f"{story}/check-ins/{case.invitation_id}/stop"

    empty = sam.post(stop, {"reason": " "}, of=story)
    done = sam.follow(sam.post(stop, {"reason": "Admitted to hospital"}, of=story))

    assert empty.status_code == 422
    assert "Say in a few words why" in empty.text
    assert "Admitted to hospital" in done.text


def test_cancelling_asks_first_and_then_stops_everything(sam: Desk, case: Case) -> None:
    story = f"/procedures/{surveys.procedure_of(case)}"

    asked = sam.get(f"{story}/cancel")
    assert row("SELECT cancelled_at FROM procedure")["cancelled_at"] is None
    done = sam.follow(sam.post(f"{story}/cancel", of=story))

    assert "Cancel the procedure?" in asked.text
    assert "Nothing more is sent about it." in done.text
    assert row("SELECT DISTINCT state FROM invitation")["state"] == "stopped"


def test_a_procedure_that_does_not_exist_is_404(sam: Desk) -> None:
    assert sam.get("/procedures/00000000-0000-4000-8000-00000000ffff").status_code == 404
