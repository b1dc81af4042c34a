"""The pages of calls: the list and its taps, the form with its script, the lead's decision, and the end of contact."""

from datetime import timedelta

import pytest
import yaml

from survey import clock
from survey.domain.calls import Result
from survey.services import calls
from survey.settings import ROOT
from tests import desk as place
from tests import surveys
from tests.architecture.test_words import gaps
from tests.cast import ANA, LENA, SAM
from tests.staff import BREATHLESS, CALM, Desk
from tests.surveys import Case
from tests.web.test_patients import fields

BAD = ("?kind=nonsense", "?site=1&page=x", "?page=99", "?kind=lead", "?kind=asked", "?kind=red_unreachable")


@pytest.fixture
def case(desk: Desk) -> Case:
    """Maria, texted yesterday, and silent."""
    assert desk
    made = surveys.invited(clock.now())
    place.change(
        "UPDATE invitation SET state = 'delivered', sent_at = :sent, call_at = :due WHERE id = :id",
        sent=clock.now() - timedelta(hours=25),
        due=clock.now() - timedelta(hours=1),
        id=made.invitation_id,
    )
    return made


@pytest.fixture
def sam(desk: Desk) -> Desk:
    return desk.signed_in(SAM)


def tap(desk: Desk, case: Case, **data: str):
    return desk.post(f"/check-ins/{case.invitation_id}/calls", data, of="/calls")


def story_of(case: Case) -> str:
    return f"/procedures/{surveys.procedure_of(case)}"


def tried_twice(case: Case) -> None:
    for days in (2, 1):
        calls.note(case.invitation_id, result=Result.NO_ANSWER, by=SAM.actor, now=clock.now() - timedelta(days=days))


# ---- the list


def test_with_nobody_to_call_the_page_says_so(sam: Desk) -> None:
    assert "Nobody to call." in sam.get("/calls").text


def test_a_line_says_who_why_how_often_and_on_which_number(sam: Desk, case: Case) -> None:
    page = sam.get("/calls").text

    for words in ("Maria Lindqvist", "Delivered, not opened", "Not yet", 'href="tel:+12025550121"', "day 2"):
        assert words in page
    assert f"/check-ins/{case.invitation_id}/phone" in page


def test_a_patient_who_speaks_another_language_is_marked(sam: Desk, case: Case) -> None:
    assert case
    assert "Speaks Spanish" not in sam.get("/calls").text

    place.change("UPDATE patient SET language = 'es'")

    assert "Speaks Spanish" in sam.get("/calls").text


@pytest.mark.parametrize("query", BAD)
def test_any_filter_makes_a_page(sam: Desk, case: Case, query: str) -> None:
    assert case
    assert sam.get(f"/calls{query}").status_code == 200


def test_a_name_is_shown_as_text(sam: Desk, case: Case) -> None:
    assert case
    place.change("UPDATE patient SET given_name = '<b>Bo'")

    assert "&lt;b&gt;Bo" in sam.get("/calls").text


def test_one_tap_notes_a_call_and_the_list_tells_of_it(sam: Desk, case: Case) -> None:
    page = sam.follow(tap(sam, case, result="no_answer", back="/calls?kind=delivered_not_opened")).text

    assert "Noted: no answer." in page
    assert "1 time. No answer" in page
    assert "Sam Carter called: no answer" in sam.get(story_of(case)).text


def test_the_tick_beside_the_tap_says_whether_a_text_goes_out(sam: Desk, case: Case) -> None:
    place.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'landline'")

    page = sam.follow(tap(sam, case, result="voicemail", text="y")).text

    assert "Noted: voicemail. No text goes out" in page


def test_a_tap_leads_back_only_to_our_own_pages(sam: Desk, case: Case) -> None:
    response = tap(sam, case, result="no_answer", back="https://elsewhere.example/")

    assert response.headers["Location"] == "/calls"


def test_a_tap_that_nobody_offers_changes_nothing(sam: Desk, case: Case) -> None:
    assert tap(sam, case, result="moon").status_code == 303
    assert place.rows("SELECT 1 FROM call_attempt") == []


@pytest.mark.parametrize("result", ["reached", "wrong_number"])
def test_what_cannot_be_undone_is_asked_about_first(sam: Desk, case: Case, result: str) -> None:
    page = sam.get(f"/check-ins/{case.invitation_id}/calls/new?result={result}").text

    assert f'value="{result}"' in page
    assert "Neither can be undone." in page
    assert place.rows("SELECT 1 FROM call_attempt") == []


def test_the_page_of_a_call_needs_a_result_and_keeps_the_note(sam: Desk, case: Case) -> None:
    address = f"/check-ins/{case.invitation_id}/calls"

    refused = sam.post(address, {"note": "Rang twice"}, of=f"{address}/new")

    assert refused.status_code == 422
    assert "Choose what came of the call." in refused.text
    assert "Rang twice" in refused.text


def test_a_note_stands_in_the_story(sam: Desk, case: Case) -> None:
    address = f"/check-ins/{case.invitation_id}/calls"
    sam.post(address, {"result": "reached", "note": "Feels well", "back": "/calls"}, of=f"{address}/new")

    page = sam.get(story_of(case)).text

    assert "Sam Carter called: reached, without the questions" in page
    assert "Feels well" in page
    assert "Nobody to call." in sam.get("/calls").text


# ---- the lead


def test_after_two_tries_the_line_waits_for_the_lead(sam: Desk, case: Case) -> None:
    tried_twice(case)

    assert "Nobody to call." in sam.get("/calls").text
    assert "Waits for a clinician or a manager" in sam.get("/calls?kind=lead").text
    assert sam.get(f"/check-ins/{case.invitation_id}/decision").status_code == 403


def test_the_lead_closes_with_a_reason_and_the_story_says_by_whom(desk: Desk, case: Case) -> None:
    tried_twice(case)
    desk.signed_in(LENA)
    address = f"/check-ins/{case.invitation_id}/decision"

    assert "Decide" in desk.get("/calls?kind=lead").text
    refused = desk.post(address, {"reason": "other", "note": ""}, of=address)
    desk.follow(desk.post(address, {"reason": "not_reached", "note": "Letter sent"}, of=address))

    assert refused.status_code == 422
    page = desk.get(story_of(case)).text
    assert "closed by Lena Fischer: Could not be reached: Letter sent" in page
    assert "Closed by Lena Fischer" in page


def test_the_lead_sends_it_back(desk: Desk, case: Case) -> None:
    tried_twice(case)
    desk.signed_in(ANA)
    address = f"/check-ins/{case.invitation_id}"

    desk.follow(desk.post(f"{address}/another-try", of=f"{address}/decision"))

    assert "Maria Lindqvist" in desk.get("/calls").text
    assert "Ana Reyes asked for another try by phone" in desk.get(story_of(case)).text


# ---- the form by phone


def test_the_form_says_what_to_say_and_asks_what_the_patient_would_be_asked(sam: Desk, case: Case) -> None:
    page = sam.get(f"/check-ins/{case.invitation_id}/phone").text

    for words in (
        "Hello, I am calling from Riverside Clinic. Am I speaking with Maria Lindqvist?",
        "hang up and call 911",
        "On a voicemail say only this",
        'href="tel:+12025550121"',
        "A helper",
    ):
        assert words in page
    assert "{" not in page.split("<main")[1].split("</main>")[0]


def test_the_language_of_the_call_is_chosen_and_stays(sam: Desk, case: Case) -> None:
    address = f"/check-ins/{case.invitation_id}/phone?language=es"

    asked = sam.get(address).text
    refused = sam.post(address, {"breath": "no"}, of=address)
    sam.post(address, fields(CALM), of=address)

    assert "¿Hablo con Maria Lindqvist?" in asked
    assert "Am I speaking with" in asked
    assert "¿Hablo con Maria Lindqvist?" in refused.text
    assert place.rows("SELECT language FROM response")[0]["language"] == "es"


def test_what_was_answered_before_is_filled_in_and_said_so(sam: Desk, case: Case) -> None:
    now = clock.now()
    session = surveys.started(case, now)
    surveys.answer(session, "red", now, none_of_these=["1"])
    surveys.answer(session, "breath", now, answer=["no"])

    page = sam.get(f"/check-ins/{case.invitation_id}/phone").text

    assert "Answered before," in page
    assert 'name="breath" value="no" id="breath-0" checked' in page


def test_after_saving_the_page_says_what_to_tell_the_patient(sam: Desk, case: Case) -> None:
    address = f"/check-ins/{case.invitation_id}/phone"

    page = sam.follow(sam.post(address, fields(BREATHLESS), of=address)).text

    assert "Saved. The answers score urgent. The clinician on call is being paged." in page
    assert "Tell the patient this now" in page
    assert "Expect a call from (202) 555-0100 by" in page
    assert "{" not in page.split("<main")[1].split("</main>")[0]


def test_a_spanish_patient_is_told_the_end_in_spanish_with_the_english_beside_it(sam: Desk, case: Case) -> None:
    address = f"/check-ins/{case.invitation_id}/phone?language=es"

    page = sam.follow(sam.post(address, fields(CALM), of=address)).text

    assert "Sus respuestas no mostraron ninguna señal de alarma" in page
    assert "Your answers did not show a warning sign" in page


def test_there_is_no_end_to_tell_where_nothing_was_answered(sam: Desk, case: Case) -> None:
    assert sam.get(f"/check-ins/{case.invitation_id}/outcome").status_code == 404


def test_the_script_is_whole_in_every_language() -> None:
    english, spanish = (
        yaml.safe_load((ROOT / f"config/words/script.{language}.yaml").read_text(encoding="utf-8"))
        for language in ("en", "es")
    )

    assert english.keys() == spanish.keys()
    assert [key for key in english if gaps(english[key]) != gaps(spanish[key])] == []


# ---- all contact stops


def test_stopping_asks_for_a_reason_first_and_keeps_what_was_typed(sam: Desk, case: Case) -> None:
    address = f"{story_of(case)}/stop-all"

    asked = sam.get(address).text
    refused = sam.post(address, {"note": "Her son called"}, of=address)

    assert "Stop all contact?" in asked
    assert refused.status_code == 422
    assert "Choose why all contact stops." in refused.text
    assert "Her son called" in refused.text
    assert place.rows("SELECT 1 FROM contact_stop") == []


def test_the_page_of_the_patient_says_that_contact_has_stopped_and_lifts_it(sam: Desk, case: Case) -> None:
    story = story_of(case)
    stopped = sam.follow(sam.post(f"{story}/stop-all", {"reason": "admitted"}, of=f"{story}/stop-all")).text
    again = sam.follow(sam.post(f"{story}/contact-again", of=story)).text

    assert "All contact has stopped: In hospital. Sam Carter" in stopped
    assert "Sam Carter stopped all contact with the patient" in stopped
    assert "The patient may be contacted again." in again
    assert "All contact has stopped: In hospital." not in again
    assert "Sam Carter took up contact again" in again
