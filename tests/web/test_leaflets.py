"""The leaflet and the public page: what they say, and what they keep to themselves."""

import re

import pytest

from survey import clock
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.web import leaflets
from tests import surveys
from tests.cast import MARIA, SAM
from tests.staff import Desk

NAMES = re.compile(r"\{\w+\}")


@pytest.fixture
def leaflet(desk: Desk) -> str:
    registry.wire(Wiring(public_url="https://chk.northgate.example", sms=None, email=None, senders=("+12025550100",)))
    case = surveys.invited(clock.now())
    desk.signed_in(SAM)
    return f"/procedures/{surveys.procedure_of(case)}/leaflet"


def test_the_leaflet_says_who_texts_from_where_and_what_to_heed(desk: Desk, leaflet: str) -> None:
    page = desk.get(leaflet).text

    for told in (
        "Riverside Pain Clinic",
        "begin with “Riverside Clinic”",
        "chk.northgate.example",
        "(202) 555-0100",
        "We never ask you to reply with personal data",
        "Call 911 now if you have any of these",
        "It is hard to breathe, even when you sit still",
        "new weakness, or trouble breathing",
        "2 days after your visit",
        "reply STOP",
    ):
        assert told in page, told


def test_the_leaflet_speaks_spanish(desk: Desk, leaflet: str) -> None:
    page = desk.get(f"{leaflet}?language=es").text

    assert '<html lang="es"' in page
    assert "Le cuesta respirar, aunque esté en reposo" in page
    assert "Nunca le pedimos que responda con datos personales" in page


def test_the_leaflet_names_no_patient(desk: Desk, leaflet: str) -> None:
    page = desk.get(leaflet).text

    assert MARIA.given_name not in page
    assert MARIA.family_name not in page


def test_everybody_may_read_about_our_texts(desk: Desk, leaflet: str) -> None:
    assert leaflet
    page = desk.client.application.test_client().get("/about-our-texts")

    assert page.status_code == 200
    assert "Our links always begin with chk.northgate.example" in page.text
    assert "never ask you to reply with personal data" in page.text
    assert MARIA.family_name not in page.text


def test_where_only_the_provider_knows_the_number_the_name_is_told(desk: Desk) -> None:
    assert "Our texts begin with “Riverside Clinic”." in desk.get("/about-our-texts").text


def test_both_languages_say_the_same_things() -> None:
    english, spanish = leaflets.catalogue("en"), leaflets.catalogue("es")

    assert english.keys() == spanish.keys()
    for key, sentence in english.items():
        assert sorted(NAMES.findall(sentence)) == sorted(NAMES.findall(spanish[key])), key
