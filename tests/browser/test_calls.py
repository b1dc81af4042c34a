"""The call list in a browser: one tap for a call, the form with its script, the lead's decision, the end of contact."""

from datetime import timedelta

import pytest

from survey import clock
from survey.domain.calls import Result
from survey.local.clinic import LENA, STAFF, Riverside
from survey.services import calls
from tests.browser import world
from tests.browser.conftest import OpenPage
from tests.browser.walk import Phone, sign_in


def line(name: str) -> str:
    return f"table.cards tr:has-text('{name}')"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_call_without_an_answer_is_one_tap_on_a_phone_and_on_a_desk(
    open_page: OpenPage, riverside: Riverside, width: int
) -> None:
    world.silent(riverside, clock.now(), given_name="Cara", family_name="Lind")
    phone = Phone(open_page(width=width))
    sign_in(phone.page, STAFF)
    phone.open("/calls")

    phone.tap(f"{line('Cara Lind')} button[value=no_answer]")

    assert phone.path == "/calls"
    assert "Noted: no answer." in phone.page.inner_text("[role=status]")
    assert "1 time. No answer" in phone.page.inner_text(line("Cara Lind"))


def test_the_patient_is_asked_in_spanish_and_told_the_end_of_it(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.silent(riverside, clock.now(), given_name="Cara", family_name="Lind", language="es")
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, STAFF)
    phone.open("/calls")

    phone.tap(f"{line('Cara Lind')} a[href$='{case.invitation_id}/phone']")
    script = phone.page.inner_text("main")
    for name in ("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord"):
        phone.page.check(f"input[name='red.{name}'][value=no]")
    phone.page.check("input[name=weak][value=worse]")
    phone.tap("main form.card button:not([name])")
    phone.tap("button[name=leave_open]")

    assert "¿Hablo con Cara Lind?" in script
    assert "Tell the patient this now" in phone.heading
    assert "Estamos enviando sus respuestas" in phone.page.inner_text("main")


def test_the_lead_decides_after_two_tries(open_page: OpenPage, riverside: Riverside) -> None:
    now = clock.now()
    case = world.silent(riverside, now, given_name="Cara", family_name="Lind")
    for hours in (30, 5):
        by = riverside.actor(STAFF)
        calls.note(case.invitation_id, result=Result.NO_ANSWER, by=by, now=now - timedelta(hours=hours))
    phone = Phone(open_page(width=1280))
    sign_in(phone.page, LENA)
    phone.open("/calls?kind=lead")

    phone.tap(f"{line('Cara Lind')} a.button")
    phone.page.check("input[name=reason][value=not_reached]")
    phone.tap("main button.danger")
    phone.open(f"/procedures/{case.procedure_id}")

    assert "Closed by Lena Storystone" in phone.page.inner_text("main")


def test_all_contact_stops_from_one_page_and_is_taken_up_again(open_page: OpenPage, riverside: Riverside) -> None:
    case = world.silent(riverside, clock.now(), given_name="Cara", family_name="Lind")
    phone = Phone(open_page(width=390))
    sign_in(phone.page, STAFF)
    phone.open(f"/procedures/{case.procedure_id}")

    phone.tap("a[href$='/stop-all']")
    phone.page.check("input[name=reason][value=died]")
    phone.tap("main button.danger")
    stopped = phone.page.inner_text("main")
    phone.tap("form[action$='/contact-again'] button")

    assert "All contact has stopped: The patient died." in stopped
    assert "may be contacted again" in phone.page.inner_text("[role=status]")
