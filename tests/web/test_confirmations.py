"""The page after enrolling: it looks again by itself, and takes the right number."""

from collections.abc import Iterator

import pytest

from survey import clock
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import sending
from tests.cast import SAM
from tests.fakes import FakeSms
from tests.staff import Desk
from tests.web.test_patients import enrol


@pytest.fixture
def carrier() -> Iterator[FakeSms]:
    return FakeSms(now=clock.now())


@pytest.fixture
def sam(desk: Desk, carrier: FakeSms) -> Desk:
    registry.wire(Wiring(public_url="http://localhost", sms=carrier, email=None))
    return desk.signed_in(SAM)


@pytest.fixture
def open_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noon at the clinic, whatever the clock of this machine says."""
    monkeypatch.setattr("survey.domain.confirmations.is_open", lambda *_: True)


@pytest.fixture
def address(sam: Desk, open_hours: None) -> str:  # noqa: ARG001
    """The page of Maria's text."""
    place = enrol(sam).headers["Location"]
    assert place.endswith("/confirmation")
    return str(place)


def test_the_page_looks_again_until_it_knows_and_keeps_what_enrolling_said(sam: Desk, address: str) -> None:
    first, second = sam.get(address), sam.get(address)

    assert first.headers["Refresh"] == f"3; url={address}?again=1"
    for page in (first, second):
        assert "Maria Lindqvist is enrolled and will be texted on" in page.text
        assert "The text leaves in a moment." in page.text


def test_a_page_that_takes_a_number_does_not_load_itself_again(sam: Desk, address: str) -> None:
    page = sam.get(f"{address}?still=1")

    assert "Refresh" not in page.headers
    assert 'value="(202) 555-0121"' in page.text


def test_looking_again_is_one_reading_on_the_trail(sam: Desk, address: str) -> None:
    from tests.desk import rows

    for query in ("", "?again=1", "?again=1"):
        sam.get(address + query)

    assert rows("SELECT count(*) FROM audit_event WHERE action = 'procedure.read'")[0]["count"] == 1


def test_the_sent_text_is_told(sam: Desk, address: str) -> None:
    while sending.send_due(now=clock.now()):
        pass

    assert "Waiting for the phone’s receipt" in sam.get(address).text


def test_a_number_that_gets_no_texts_is_refused_beside_its_field(sam: Desk, address: str) -> None:
    refused = sam.post(address, {"mobile": "12"}, of=f"{address}?still=1")

    assert refused.status_code == 422
    assert "is not a phone number" in refused.text
    assert 'value="12"' in refused.text


def test_the_right_number_takes_the_place_of_the_wrong_one(sam: Desk, address: str) -> None:
    page = sam.follow(sam.post(address, {"mobile": "(202) 555-0129"}, of=f"{address}?still=1"))

    assert "(202) 555-0129" in page.text
    assert "(202) 555-0121" not in page.text


def test_without_a_provider_the_desk_is_told(desk: Desk, open_hours: None) -> None:  # noqa: ARG001
    sam = desk.signed_in(SAM)

    page = sam.follow(enrol(sam))

    assert "No text confirms the number now: no provider for texts is set up." in page.text
