"""The form at the desk: what it catches while the patient is there."""

import pytest

from survey import clock
from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope, Source
from survey.services import suppressions
from survey.store.session import transaction
from tests.cast import SAM
from tests.staff import Desk
from tests.web.test_patients import enrol, row

KEEP = "Keep this number all the same: somebody will call"


@pytest.fixture
def sam(desk: Desk) -> Desk:
    return desk.signed_in(SAM)


@pytest.mark.parametrize(
    ("mobile", "sentence"),
    [("(202) 555-0121 ext. 7", "This number cannot receive texts"), ("+44 20 7946 0958", "belongs to another country")],
)
def test_a_number_without_texts_is_caught_before_anything_is_saved(sam: Desk, mobile: str, sentence: str) -> None:
    refused = enrol(sam, mobile=mobile)

    assert refused.status_code == 422
    assert sentence in refused.text
    assert KEEP in refused.text
    assert row("SELECT count(*) FROM patient")["count"] == 0


def test_the_desk_may_keep_such_a_number_and_the_patient_is_called(sam: Desk) -> None:
    page = sam.follow(enrol(sam, mobile="+44 20 7946 0958", keep_number="y"))

    assert "is on the call list: the number belongs to another country" in page.text


def test_a_number_that_opted_out_is_told_with_the_way_back(sam: Desk) -> None:
    with transaction() as tx:
        suppressions.suppress(
            tx, ContactKind.SMS, "+12025550121", scope=Scope.PROGRAM, source=Source.REPLY, now=clock.now()
        )

    refused = enrol(sam)

    assert refused.status_code == 422
    assert "The patient can text START to us" in refused.text


def test_a_good_number_is_not_asked_about(sam: Desk) -> None:
    assert KEEP not in sam.get("/enrol").text
    assert enrol(sam).status_code == 303


def test_without_consent_the_patient_is_enrolled_and_called(sam: Desk) -> None:
    page = sam.follow(enrol(sam, consent=""))

    assert "is on the call list: the patient has not agreed to texts or emails" in page.text
    assert "no consent" in page.text


def test_the_zip_code_and_the_helper_stand_on_the_patients_page(sam: Desk) -> None:
    page = sam.follow(enrol(sam, place="79901", helper_may_answer="y"))

    assert "<dd>America/Denver</dd>" in page.text
    assert "<dd>May answer for the patient</dd>" in page.text


def test_a_place_that_tells_no_zone_is_pointed_out(sam: Desk) -> None:
    page = sam.follow(enrol(sam, place="Texas"))

    assert "does not tell one time zone, so the clinic’s counts" in page.text
