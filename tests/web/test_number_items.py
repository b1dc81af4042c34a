"""A question that wants a number: typed by patient or staff, kept on the page when refused, scored as a number."""

from pathlib import Path

import pytest
from flask import Flask

from survey import clock
from tests import desk as clinic
from tests import surveys
from tests.cast import SAM
from tests.phone import Phone, application
from tests.staff import CALM, Desk
from tests.surveys import Case, response_of, score

HEAT = """\
  temp:
    kind: number
    label: { en: Temperature, es: Temperatura }
    text: { en: "What is your temperature?", es: "¿Qué temperatura tiene?" }
    help: { en: "Not sure? Call {phone}.", es: "¿No sabe? Llame al {phone}." }
    unit: { en: °F, es: °F }
    least: 95
    most: 108
    decimals: 1
    worse: higher

  note:
    kind: text
"""
HOT = """\
rules:
  S90:
    tier: soon
    when: { item: temp, at_least: 100.4 }
    why: The temperature is high
    source: this test
"""


@pytest.fixture
def with_heat(desk: Desk, tmp_path: Path) -> Desk:
    """The clinic with a second version in force, which asks for the temperature as well."""
    path = tmp_path / "trigger-point-injection" / "v2.yaml"
    path.parent.mkdir()
    text = clinic.PACK.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
    text = text.replace("  note:\n    kind: text\n", HEAT, 1).replace("\nrules:\n", f"\n{HOT}", 1)
    path.write_text(text, encoding="utf-8")
    clinic.publish(path)
    return desk


@pytest.fixture
def case(with_heat: Desk) -> Case:
    assert with_heat
    return surveys.invited(clock.now())


@pytest.fixture
def phone(case: Case) -> Phone:
    app: Flask = application()
    return Phone(app).begin(case.token)


def answered(case: Case) -> object:
    """The temperature that is stored."""
    (row,) = clinic.rows(
        """SELECT a.value FROM answer a JOIN response r ON r.id = a.response_id
        WHERE r.invitation_id = :id AND a.item = 'temp'""",
        id=case.invitation_id,
    )
    return row["value"]


def up_to_heat(phone: Phone) -> Phone:
    """Every question of a good day before the temperature."""
    while not phone.path.endswith("/temp"):
        item = phone.path.rsplit("/", 1)[1]
        phone.answer(item, **{name: values[0] for name, values in surveys.GOOD_DAY[item].items()})
    return phone


def test_the_question_stands_with_its_unit_its_help_and_the_keys_of_a_phone(phone: Phone) -> None:
    page = up_to_heat(phone)

    assert '<label for="answer">What is your temperature?</label>' in page.html
    assert 'inputmode="decimal"' in page.html
    assert '<span id="answer-unit">°F</span>' in page.html
    assert "Not sure? Call (202) 555-0100." in page.text


def test_what_was_typed_stays_on_the_page_when_it_is_refused(phone: Phone) -> None:
    page = up_to_heat(phone).answer("temp", answer="38,5")

    assert page.status == 422
    assert "Type a number from 95 to 108." in page.text
    assert 'value="38,5"' in page.html
    assert 'aria-describedby="answer-unit answer-hint answer-error"' in page.html
    assert 'href="#answer"' in page.html


def test_a_number_is_kept_shown_again_read_back_and_scored(phone: Phone, case: Case) -> None:
    up_to_heat(phone).answer("temp", answer=" 100,4 ").answer("note", answer="")

    assert answered(case) == 100.4
    assert 'value="100.4"' in phone.open("/check-in/questions/temp").html
    assert "Temperature 100.4 °F" in phone.open("/check-in/review").text
    phone.press("/check-in/send")
    score(clock.now())
    assert response_of(case)["tier"] == "soon"


def test_a_number_below_the_threshold_changes_nothing(phone: Phone, case: Case) -> None:
    up_to_heat(phone).answer("temp", answer="100.3").answer("note", answer="").press("/check-in/send")

    score(clock.now())

    assert response_of(case)["tier"] == "routine"


def entered(desk: Desk, case: Case, temp: str) -> object:
    page = f"/check-ins/{case.invitation_id}/phone"
    sent: dict[str, str] = {"temp": temp}
    for key, answer in CALM.items():
        sent |= (
            {f"{key}.{line}": yes for line, yes in answer.items()} if isinstance(answer, dict) else {key: str(answer)}
        )
    return desk.post(page, sent, of=page)


def test_staff_type_the_number_that_they_hear_beside_its_unit(with_heat: Desk, case: Case) -> None:
    sam = with_heat.signed_in(SAM)

    page = sam.get(f"/check-ins/{case.invitation_id}/phone").text
    saved = sam.follow(entered(sam, case, "101"))

    assert 'id="temp" value="" inputmode="decimal"' in page
    assert '<span id="temp-unit" lang="en">°F</span>' in page
    assert '<p class="hint">Not sure? Call (202) 555-0100.</p>' in page
    assert "The answers score soon." in saved.text
    assert answered(case) == 101


def test_staff_are_pointed_at_a_number_that_cannot_be_read_and_find_it_as_typed(with_heat: Desk, case: Case) -> None:
    sam = with_heat.signed_in(SAM)

    page = entered(sam, case, "a hundred")

    assert page.status_code == 422
    assert 'href="#temp"' in page.text
    assert 'value="a hundred"' in page.text
    assert "Type a number, in digits only." in page.text
