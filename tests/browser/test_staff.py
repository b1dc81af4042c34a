"""The staff's desk: sign in, enrol, import, work through the list, type a survey heard on the phone."""

from datetime import timedelta

from survey import clock
from survey.local.clinic import ADMIN, LENA, STAFF, Riverside
from tests.browser import world
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in

CSV = """Given name,Family name,Date of birth,Procedure date,Mobile,Consent
Ada,Nilsson,1979-04-02,{day},(202) 555-0141,yes
Rosa,Ibarra,1990-12-24,{day},,yes
Otto,,1966-06-06,{day},(202) 555-0142,yes
"""


def test_a_wrong_password_is_refused_with_the_focus_on_the_summary(open_page: OpenPage) -> None:
    page = open_page(width=1280)
    page.goto("/sign-in")

    page.fill("input[name=email]", STAFF.email)
    page.fill("input[name=password]", "not the password")
    with page.expect_navigation() as refused:
        page.click("main button")

    assert refused.value.status == 422
    assert page.title().startswith("Error:")
    assert page.evaluate("document.activeElement.id") == "error-summary"
    assert page.input_value("input[name=email]") == STAFF.email
    assert page.input_value("input[name=password]") == ""


def test_a_patient_is_enrolled_and_told_when_the_text_goes_out(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, STAFF)
    phone.open(f"/enrol?protocol={riverside.protocol}")
    today = riverside.site.local(clock.now()).date()

    phone.page.fill("input[name=given_name]", "Ada")
    phone.page.fill("input[name=family_name]", "Nilsson")
    phone.page.fill("input[name=born_on]", "1979-04-02")
    phone.page.fill("input[name=mobile]", "(202) 555-0141")
    phone.page.fill("input[name=performed_on]", today.isoformat())
    phone.page.check("input[name=consent]")
    phone.page.check("input[name=body_sites][value=leg]")
    phone.tap("main form button")

    assert phone.heading == "Ada Nilsson"
    assert "will be texted on" in phone.page.inner_text("[role=status]")
    assert "10:00 AM" in phone.page.inner_text("[role=status]")


def test_an_enrolment_with_gaps_keeps_what_was_typed(open_page: OpenPage) -> None:
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, STAFF)
    phone.open("/enrol")

    phone.page.fill("input[name=given_name]", "Ada")
    phone.page.fill("input[name=mobile]", "12")
    refused = phone.tap("main form button")

    assert refused.status == 422
    assert phone.page.input_value("input[name=given_name]") == "Ada"
    assert phone.page.input_value("input[name=mobile]") == "12"
    assert phone.page.locator("#error-summary a[href='#family_name']").count() == 1


def test_a_file_is_previewed_confirmed_and_known_the_second_time(open_page: OpenPage, riverside: Riverside) -> None:
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, STAFF)
    day = riverside.site.local(clock.now()).date() - timedelta(days=1)
    file = {"name": "day.csv", "mimeType": "text/csv", "buffer": CSV.format(day=day).encode()}

    phone.open("/imports/new")
    phone.page.select_option("select[name=protocol]", riverside.protocol)
    phone.page.set_input_files("input[type=file]", file)
    phone.tap("main form button")
    preview = phone.page.inner_text("main")
    phone.tap("form[action$='/confirm'] button")
    confirmed = phone.page.inner_text("[role=status]")
    phone.open("/imports/new")
    phone.page.select_option("select[name=protocol]", riverside.protocol)
    phone.page.set_input_files("input[type=file]", file)
    phone.tap("main form button")

    assert all(word in preview for word in ("Will be asked", "Call list", "Refused"))
    assert confirmed.startswith("2 enrolled")
    assert phone.page.locator("form[action$='/confirm']").count() == 0


def test_a_survey_is_typed_while_the_patient_is_on_the_phone(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.enrol(riverside, clock.now(), language="es")
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, STAFF)
    phone.open(f"/check-ins/{case.invitation_id}/phone")

    for line in ("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord"):
        phone.page.check(f"input[name='red.{line}'][value=no]")
    phone.page.check("input[name=weak][value=worse]")
    refused = phone.tap("main form button:not([name])")
    assert refused.status == 422
    assert phone.page.is_checked("input[name=weak][value=worse]")
    phone.tap("button[name=leave_open]")

    assert "score urgent" in phone.page.inner_text("[role=status]")


def test_the_worklist_counts_add_up_and_open_the_story(open_page: OpenPage, riverside: Riverside) -> None:
    alert = world.alarm(riverside, clock.now())
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, LENA)

    phone.open("/worklist")
    counts = [int(number.split()[0]) for number in phone.page.locator(".sum dd:not(.sign)").all_inner_texts()]
    assert counts[0] == sum(counts[1:])
    assert counts[0] > 0
    phone.tap(f"table.cards a[href$='{alert.alert_id}']")

    assert "Maria Lindqvist" in phone.page.inner_text("main")


def test_an_administrator_sees_no_patient(open_page: OpenPage) -> None:
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, ADMIN)

    refused = phone.open("/worklist")

    assert refused.status == 403
    assert phone.page.locator("nav a[href='/worklist']").count() == 0
    assert phone.heading == "Not for this account"


def test_signing_out_shuts_the_pages(open_page: OpenPage) -> None:
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, STAFF)
    phone.open("/worklist")

    phone.tap("form.who button")
    phone.open("/worklist")

    assert phone.path == "/sign-in"
