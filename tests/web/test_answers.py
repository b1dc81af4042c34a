"""The patient's pages: nothing is lost, nobody is locked out, and help stands wherever it may be needed."""

import gzip
import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask

from survey import clock
from survey.domain.answers import answer_in_words
from survey.services import responses
from survey.store import session as database_session
from survey.web.app import create_app
from tests import desk, texting
from tests.conftest import Database
from tests.phone import ORIGIN, TAG, Phone, application, settings
from tests.surveys import GOOD_DAY, Case, alerts_of, invited, link, open_clinic, response_of, score

NOW = clock.now()
PHONE = "(202) 555-0100"
EMERGENCY = "Call 911"
ALL_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
)
BOTS = (
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "WhatsApp/2.23 A",
    "facebookexternalhit/1.1",
    "Safe Links",
    "",
    "an-agent-that-nobody-knows/0.1",
)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    open_clinic(NOW)


@pytest.fixture
def app() -> Flask:
    return application()


@pytest.fixture
def phone(app: Flask) -> Phone:
    return Phone(app)


@pytest.fixture
def case() -> Case:
    return invited(NOW)


def state_of_everything() -> dict[str, list[str]]:
    """Every row of every table."""
    tables = [row["table_name"] for row in desk.rows(ALL_TABLES)]
    assert len(tables) > 40
    return {table: sorted(str(dict(row)) for row in desk.rows(f'SELECT * FROM "{table}"')) for table in tables}


def answer_all(phone: Phone) -> Phone:
    """Every page of a good day."""
    while "/questions/" in phone.path:
        item = phone.path.rsplit("/", 1)[1]
        phone.answer(item, **{name: values[0] for name, values in GOOD_DAY[item].items()})
    return phone


# ---- the link


PROBES = (
    {},
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch", "X-Moz": "prefetch"},
    {"X-Purpose": "preview"},
    *({"User-Agent": bot} for bot in BOTS),
)


@pytest.mark.parametrize("is_sent", [False, True])
def test_opening_a_link_changes_nothing_however_often_and_whoever_does_it(phone: Phone, case: Case, is_sent: bool):
    if is_sent:
        answer_all(Phone(phone.app).begin(case.token)).finish()
    paths = [f"/s/{case.token}{end}" for end in ("", "?language=es", "/start", "/not-me", "/fresh")]
    before = state_of_everything()

    for number in range(100):
        headers = PROBES[number % len(PROBES)]
        for path in paths:
            assert phone.client.get(path, headers=headers).status_code in (200, 303)
        phone.client.head(paths[0], headers=headers)
        phone.client.options(paths[0], headers=headers)

    assert state_of_everything() == before
    assert "Set-Cookie" not in phone.open(paths[0]).page.headers
    assert phone.begin(case.token).path == "/check-in/questions/red"


def test_the_first_page_names_the_clinic_and_neither_patient_nor_treatment(phone: Phone, case: Case):
    text = phone.open(f"/s/{case.token}").text

    assert "Riverside Pain Clinic" in text
    assert EMERGENCY in text
    assert PHONE in text
    assert not re.search("maria|lindqvist|inject|trigger|shot", text, re.IGNORECASE)


def test_the_first_page_weighs_less_than_15_kilobytes_in_at_most_three_requests(phone: Phone, case: Case):
    phone.headers = {"Accept-Encoding": "gzip"}
    page = phone.open(f"/s/{case.token}").page
    html = gzip.decompress(page.data).decode()

    addresses = re.findall(r'(?:src|href)="(/[^"]+\.(?:css|js|png|svg|ico)[^"]*)"', html)
    sheets = [phone.client.get(address, headers=phone.headers) for address in addresses]

    assert len(sheets) == 1
    assert "<script" not in html
    total = sum(len(answer.data) + len(str(answer.headers)) for answer in [page, *sheets])
    assert total <= 15_000
    assert len(sheets[0].data) <= 3 * 1024


def test_start_swaps_the_link_for_a_cookie_and_no_later_address_holds_the_token(phone: Phone, case: Case):
    phone.begin(case.token)

    cookie = phone.client.get_cookie("daytwo-patient")
    assert cookie
    assert (cookie.http_only, cookie.same_site, cookie.max_age) == (True, "Lax", 3600)
    assert case.token not in "".join(phone.trail[2:])
    assert case.token not in phone.html
    (row,) = desk.rows("SELECT token_sha256 FROM patient_session")
    assert cookie.value.encode() not in bytes(row["token_sha256"])


def test_over_https_the_cookie_is_bound_to_this_host(case: Case):
    client = application(public_url="https://localhost").test_client()

    answer = client.post(
        f"/s/{case.token}/start", base_url="https://localhost", headers={"Origin": "https://localhost"}
    )

    assert re.search(r"__Host-daytwo-patient=[^\n]+; Secure; HttpOnly; Path=/; SameSite=Lax", str(answer.headers))


def test_an_unknown_and_a_malformed_link_get_the_same_page(phone: Phone):
    unknown = phone.open("/s/" + "z" * 22).page
    malformed = phone.open("/s/not-a-link-at-all!").page

    assert unknown.status_code == malformed.status_code == 404
    assert unknown.data == malformed.data
    assert PHONE in phone.text
    assert EMERGENCY in phone.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE invitation_link SET expires_at = made_at - interval '1 s'", "This link has ended"),
        ("UPDATE invitation_link SET revoked_at = now()", "This link is closed"),
    ],
)
def test_a_link_that_has_ended_says_so_and_offers_a_way_on(phone: Phone, case: Case, change: str, words: str):
    desk.change(change)

    page = phone.open(f"/s/{case.token}")
    started = Phone(phone.app).press(f"/s/{case.token}/start")

    assert (page.status, started.status) == (410, 410)
    assert words in page.text
    assert PHONE in page.text
    assert EMERGENCY in page.text


def test_guessing_links_is_slowed_down_and_a_live_link_never(phone: Phone, case: Case):
    statuses = [phone.open("/s/" + "z" * 22).status for _ in range(31)]

    assert (statuses[29], statuses[30]) == (404, 429)
    assert PHONE in phone.text
    assert EMERGENCY in phone.text
    assert [phone.open(f"/s/{case.token}").status for _ in range(60)] == [200] * 60


# ---- answering


def test_a_good_day_from_link_to_result(phone: Phone, case: Case):
    answer_all(phone.begin(case.token)).finish()
    score(NOW)

    assert phone.path == "/check-in/done"
    assert "did not show a warning sign" in phone.text
    assert response_of(case)["tier"] == "routine"
    assert desk.invitation_state(case.invitation_id)[0] == "completed"


def test_a_red_yes_shows_help_before_any_other_question(phone: Phone, case: Case):
    phone.begin(case.token).answer("red", chest="yes")

    assert phone.path == "/check-in/help"
    assert "Call 911 now." in phone.text
    assert 'href="tel:911"' in phone.html
    assert "We are telling the doctor on call." in phone.text
    assert re.search(r"Expect a call from us by \d+:\d\d\s[AP]M", phone.text)
    assert len(desk.rows("SELECT FROM answer")) == 1

    phone.open("/check-in")
    assert phone.path == "/check-in/questions/breath"
    assert "We are telling the clinician on call." in phone.text


def test_the_time_on_the_page_is_the_time_of_the_alert(phone: Phone, case: Case):
    phone.begin(case.token).answer("breath", answer="exert")
    shown = re.search(r"by (\d+:\d\d)\s[AP]M", phone.text)
    score(clock.now())

    (alert,) = alerts_of(case)
    assert shown
    local = alert["promised_at"].astimezone(desk.RIVERSIDE.tz)
    assert shown[1] in (f"{local.hour % 12 or 12}:{local:%M}", f"{(local - timedelta(minutes=1)):%-I:%M}")


def test_a_call_that_did_not_come_is_admitted(phone: Phone, case: Case):
    phone.begin(case.token).answer("breath", answer="exert")
    score(clock.now())
    desk.change("UPDATE alert SET promised_at = now() - interval '1 minute'")

    assert f"If nobody has called you, call {PHONE} now." in phone.open("/check-in/help").text


def test_pressing_a_button_twice_or_going_back_saves_once(phone: Phone, case: Case):
    phone.begin(case.token)

    phone.answer("sore", answer="4").open("/check-in/questions/sore").answer("sore", answer="4")

    assert len(desk.rows("SELECT FROM answer")) == 1


def test_going_back_shows_what_was_answered(phone: Phone, case: Case):
    phone.begin(case.token).answer("sore", answer="4").open("/check-in/questions/sore")

    assert re.search(r'class="chosen"[^>]*value="4"[^>]*>4', phone.html)
    assert 'href="/check-in/questions/breath">Back' in phone.html


def test_the_same_link_on_another_phone_goes_on_where_the_first_one_stopped(phone: Phone, case: Case):
    phone.begin(case.token).answer("red", none_of_these="1")

    other = Phone(phone.app).begin(case.token)

    assert other.path == "/check-in/questions/breath"


def test_a_question_left_open_is_told_beside_it_in_a_summary_and_keeps_what_was_marked(phone: Phone, case: Case):
    phone.begin(case.token).answer("red", breath="no")

    assert phone.status == 422
    assert re.search(r"<title>Error: ", phone.html)
    assert 'id="error-summary" role="alert" tabindex="-1"' in phone.html
    assert 'action="/check-in/questions/red#error-summary"' in phone.html
    assert phone.html.count('class="wrong"') == 6
    assert re.search(r'name="breath" value="no" id="breath-1" checked', phone.html)
    assert all(f'href="#{name}-0"' in phone.html for name in ("chest", "swell"))
    assert desk.rows("SELECT FROM answer") == []


def test_a_text_that_is_too_long_is_kept_for_shortening(phone: Phone, case: Case):
    phone.begin(case.token).answer("note", answer="a" * 501)

    assert phone.status == 422
    assert "Use 500 characters or fewer. You have 501." in phone.text
    assert "a" * 501 in phone.html


def test_what_was_texted_may_be_longer_than_the_question_asks_and_may_be_sent_as_it_is(phone: Phone, case: Case):
    texted = "My chest hurts. " + "It hurts. " * 390 + "Please help."
    texting.reply(texted, now=clock.now())

    phone.begin(case.token).open("/check-in/questions/note")
    assert texted in phone.text
    phone.answer("note", answer=texted)

    assert phone.status == 200
    assert [row["value"] for row in desk.rows("SELECT value FROM answer WHERE item = 'note'")] == [texted]

    phone.answer("note", answer=f"{texted} And more.")
    assert phone.status == 422


def test_what_a_patient_writes_is_shown_as_text(phone: Phone, case: Case):
    phone.begin(case.token).answer("note", answer="<script>alert(1)</script>").open("/check-in/review")

    assert "<script" not in phone.html
    assert "<script>alert(1)</script>" in phone.text or "&lt;script&gt;" in phone.html


def test_nobody_has_to_choose_who_answers_in_silence(phone: Phone, case: Case):
    phone.open(f"/s/{case.token}").press(f"/s/{case.token}/start").press("/check-in/who")

    assert phone.status == 422
    assert "Choose who is answering." in phone.text


def test_the_wrong_person_is_thanked_and_the_link_ends(phone: Phone, case: Case):
    phone.open(f"/s/{case.token}").press(f"/s/{case.token}/start").press("/check-in/who", who="not_me")

    assert phone.path == "/check-in/closed"
    assert "Thank you for telling us" in phone.text
    assert phone.client.get_cookie("daytwo-patient") is None
    assert phone.open(f"/s/{case.token}").status == 410


def test_a_helper_is_reminded_whose_answers_they_are(phone: Phone, case: Case):
    phone.begin(case.token, who="helper")

    assert "Answer for the person you are helping." in phone.text
    assert response_of(case)["answered_by"] == "helper"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"month": "5", "day": "32"}, "Type the day of that month as a number"),
        ({"month": "2", "day": "30"}, "Type the day of that month as a number"),
        ({"month": "5", "day": "0"}, "Type the day of that month as a number"),
        ({"month": "5", "day": "May"}, "Type the day of that month as a number"),
        ({"month": "5"}, "Choose the month and type the day"),
        ({"day": "17"}, "Choose the month and type the day"),
        ({"month": "13", "day": "17"}, "Choose the month and type the day"),
    ],
)
def test_half_a_birthday_is_asked_again_and_can_be_skipped(phone: Phone, case: Case, fields, words):
    phone.begin(case.token).open("/check-in/birth").press("/check-in/birth", **fields)

    assert phone.status == 422
    assert words in phone.text
    assert phone.press("/check-in/birth", skip="1", **fields).path == "/check-in/review"


def test_a_wrong_birthday_is_taken_without_a_word(phone: Phone, case: Case):
    phone.begin(case.token).open("/check-in/birth").press("/check-in/birth", month="1", day="9")

    assert phone.path == "/check-in/review"
    assert response_of(case)["identity"] == "unconfirmed"


@pytest.mark.parametrize("page", ["help", "done"])
def test_nobody_is_told_what_to_do_before_there_is_anything_to_do(phone: Phone, case: Case, page: str):
    phone.begin(case.token).open(f"/check-in/{page}")

    assert phone.path == "/check-in/questions/red"


@pytest.mark.parametrize("page", ["who", "questions/red", "birth", "review", "help"])
def test_whoever_has_sent_the_answers_comes_back_to_what_to_do_now(phone: Phone, case: Case, page: str):
    answer_all(phone.begin(case.token).answer("breath", answer="exert").open("/check-in")).finish()

    phone.open(f"/check-in/{page}")

    assert (phone.status, phone.path) == (200, "/check-in/done")


def test_the_check_names_each_question_and_what_is_still_open(phone: Phone, case: Case):
    phone.begin(case.token).answer("red", none_of_these="1").open("/check-in/review")

    assert re.search(r'Change<span class="hidden">: Warning signs</span>', phone.html)
    assert re.search(r'Answer<span class="hidden">: Soreness</span>', phone.html)
    assert "Not answered" in phone.text


TELLING = {
    "sore": {"answer": "7"},
    "fever": {"answer": "felt"},
    "help": {"answer": "next"},
    "note": {"answer": "Throbs behind the left ear"},
}
"""Answers whose words stand on no other page."""


def telling(phone: Phone) -> list[str]:
    """Answer the questions that are open, some of them so that it would be told; in words, what was told."""
    for _ in range(20):
        if phone.path == "/check-in/help":
            phone.open("/check-in")
        if "/questions/" not in phone.path:
            break
        item = phone.path.rsplit("/", 1)[1]
        good = {name: values[0] for name, values in GOOD_DAY.get(item, {"answer": ["ok"]}).items()}
        phone.answer(item, **TELLING.get(item, good))
    given = responses.visit(phone.client.get_cookie("daytwo-patient").value, now=clock.now())
    return [answer_in_words(given.protocol, given.protocol.item(key), given.answers[key], "en") for key in TELLING]


def shown_after_sending(phone: Phone, case: Case) -> dict[str, str]:
    """Every page that this phone can come to, but for those that it adds answers on."""
    paths = [
        "",
        "/who",
        "/help",
        "/birth",
        "/review",
        "/done",
        *(f"/questions/{item}" for item in (*GOOD_DAY, "weakfx")),
    ]
    return {path: phone.open(path).html for path in (f"/s/{case.token}", *(f"/check-in{path}" for path in paths))}


def test_after_sending_the_answers_are_shown_on_no_page_of_any_phone(app: Flask, case: Case):
    sender, beside, later, amending = Phone(app), Phone(app), Phone(app), Phone(app)
    beside.begin(case.token)
    told = telling(sender.begin(case.token))
    before = sender.open("/check-in/review").text
    sender.finish()
    later.begin(case.token)
    telling(amending.begin(case.token))
    amending.open("/check-in/review").finish()

    pages = [shown_after_sending(phone, case) for phone in (sender, beside, later, amending)]

    assert all(words in before for words in told)
    for path, html in ((path, html) for each in pages for path, html in each.items()):
        assert "chosen" not in html, path
        assert "checked" not in html, path
        assert "left ear" not in html, path
        asks = re.search(r'action="/check-in/questions/', html)  # its choices are words, too
        assert asks or not [words for words in told if words in unescape(TAG.sub(" ", html))], path


def test_whoever_tells_of_a_change_starts_from_empty_and_a_better_day_lowers_nothing(app: Flask, case: Case):
    first, second = Phone(app), Phone(app)
    answer_all(first.begin(case.token).answer("breath", answer="exert").open("/check-in")).finish()
    score(clock.now())

    second.begin(case.token)
    assert second.path == "/check-in/questions/red"
    answer_all(second).finish()
    score(clock.now())

    assert response_of(case)["tier"] == "urgent"
    assert [alert["tier"] for alert in alerts_of(case)] == ["urgent"]
    assert "We are sending your answers to the doctor on call." in second.text


def test_something_has_changed_reaches_the_clinic_through_the_same_link(phone: Phone, case: Case):
    answer_all(phone.begin(case.token)).finish()
    phone.open(f"/s/{case.token}")
    assert "Tell us what has changed" in phone.text

    phone.press(f"/s/{case.token}/start").press("/check-in/who", who="self").answer("breath", answer="exert")
    score(clock.now())

    assert phone.path == "/check-in/help"
    assert [alert["tier"] for alert in alerts_of(case)] == ["urgent"]


# ---- languages


def test_the_whole_way_is_in_spanish_where_spanish_is_chosen(phone: Phone, case: Case):
    phone.open(f"/s/{case.token}?language=es")
    assert '<html lang="es" dir="ltr">' in phone.html

    phone.press(f"/s/{case.token}/start", language="es").press("/check-in/who", who="self")
    assert "En este momento" in phone.text

    answer_all(phone).finish()
    assert "no mostraron ninguna señal de alarma" in phone.text


def test_the_language_can_be_changed_on_any_page_and_stays(phone: Phone, case: Case):
    phone.begin(case.token).press("/check-in/language", language="es", here="/check-in/questions/red")

    assert phone.path == "/check-in/questions/red"
    assert phone.open("/check-in/questions/breath").html.startswith('<!doctype html>\n<html lang="es"')


def test_a_language_that_nobody_offers_changes_nothing(phone: Phone, case: Case):
    phone.begin(case.token).press("/check-in/language", language="de", here="/check-in/questions/red")

    assert (phone.status, phone.path) == (200, "/check-in/questions/red")
    assert phone.html.startswith('<!doctype html>\n<html lang="en"')
    assert [row["language"] for row in desk.rows("SELECT language FROM patient_session")] == ["en"]


def test_a_language_form_sends_nobody_elsewhere(phone: Phone, case: Case):
    phone.begin(case.token)

    for here in ("https://example.org/", "//example.org", "/sign-in", "/check-in\\@example.org"):
        answer = phone.client.post(
            "/check-in/language",
            data={
                "csrf_token": re.search(r'csrf_token" value="([^"]+)', phone.html)[1],
                "language": "en",
                "here": here,
            },
            headers={"Origin": ORIGIN},
        )
        assert answer.location == "/check-in"


# ---- when something is wrong


def test_a_phone_that_lost_its_cookie_is_told_to_open_the_link_again(phone: Phone, case: Case):
    phone.begin(case.token)
    phone.client.delete_cookie("daytwo-patient")

    phone.answer("red", none_of_these="1")

    assert phone.status == 403
    assert "Please open your link again" in phone.text
    assert "Your last answer may not be saved." in phone.text
    assert PHONE in phone.text


def test_every_error_of_a_patients_page_carries_the_phone_and_the_emergency_number(phone: Phone, case: Case):
    phone.begin(case.token)
    headers = {"Origin": ORIGIN}

    answers = {
        400: phone.client.post("/check-in/questions/red", data={"chest": "yes"}, headers=headers),
        403: phone.client.post("/check-in/questions/red", headers={"Sec-Fetch-Site": "cross-site"}),
        404: phone.client.get("/check-in/nowhere"),
        405: phone.client.get("/check-in/send"),
        413: phone.client.post("/check-in/questions/note", data={"answer": "a" * 70_000}, headers=headers),
    }

    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    assert all(PHONE in answer.get_data(as_text=True) for answer in answers.values())
    assert all("tel:911" in answer.get_data(as_text=True) for answer in answers.values())


def test_without_its_database_a_page_says_that_nothing_was_saved_and_whom_to_call(phone: Phone, case: Case):
    phone.begin(case.token)
    database_session.configure("postgresql+psycopg://nobody@127.0.0.1:1/none")

    phone.answer("red", none_of_these="1")

    assert phone.status == 503
    assert "We cannot save answers right now" in phone.text
    assert "Your last answer is not saved yet." in phone.text
    assert PHONE in phone.text
    assert EMERGENCY in phone.text
    assert 'href="/check-in/questions/red">Try again' in phone.html
    assert phone.page.headers["Retry-After"]


def test_a_process_that_never_saw_its_database_still_names_the_emergency_number(case: Case):
    database_session.configure("postgresql+psycopg://nobody@127.0.0.1:1/none")

    page = Phone(create_app(settings())).open(f"/s/{case.token}")

    assert page.status == 503
    assert EMERGENCY in page.text
    assert "Call your clinic" in page.text


def test_a_fault_of_ours_is_a_calm_page_and_the_log_names_no_value(phone: Phone, case: Case, capsys):
    phone.begin(case.token)
    desk.change("UPDATE invitation SET touch = 'day99' WHERE id = :id", id=case.invitation_id)
    capsys.readouterr()

    page = phone.open("/check-in/questions/red")
    logged = capsys.readouterr().out

    assert page.status in (404, 500)
    assert PHONE in page.text
    assert case.token not in logged


def test_a_link_of_a_reminder_opens_the_same_survey(phone: Phone, case: Case):
    phone.begin(case.token).answer("red", none_of_these="1")

    reminder = link(case.invitation_id, NOW)

    assert Phone(phone.app).begin(reminder).path == "/check-in/questions/breath"


def test_a_phone_answers_one_survey_only(phone: Phone, case: Case):
    other = invited(NOW, given_name="Walter", mobile="(202) 555-0131")
    phone.begin(case.token).answer("sore", answer="9")

    second = Phone(phone.app).begin(other.token)

    assert responses.sheet(other.invitation_id).answers == {}
    assert second.path == "/check-in/questions/red"
