"""An administrator makes accounts; whoever is to be paged proves the number on the first day."""

import re
from dataclasses import replace

from survey import clock
from survey.messaging import registry
from survey.services import contact_proofs
from tests.cast import ROOT, SAM
from tests.fakes import FakeSms
from tests.staff import Desk

NORA = {
    "name": "Nora Quill",
    "email": "nora@example.org",
    "role": "clinician",
    "pager": "(202) 555-0142",
    "password": "seven grey herons at dusk",
}


def sign_in(desk: Desk):
    return desk.post("/sign-in", {name: NORA[name] for name in ("email", "password")}, of="/sign-in")


def sent_code() -> str:
    """What the text says that a worker sends."""
    wired, sms = registry._wiring, FakeSms()
    assert wired is not None
    registry.wire(replace(wired, sms=sms))
    while contact_proofs.send_due(now=clock.now()):
        pass
    found = re.search(r"\d{6}", sms.wire[-1].body)
    assert found
    return found[0]


def test_a_new_clinicians_number_is_paged_once_she_has_typed_in_the_code_that_went_there(desk: Desk) -> None:
    root = desk.signed_in(ROOT)
    page = root.follow(root.post("/users", NORA, of="/users")).text
    assert "Nora Quill can sign in now." in page
    assert "No page goes to the number until its owner has signed in" in page
    root.post("/sign-out", {}, of="/users")

    response = sign_in(desk)
    assert response.headers["Location"] == "/me/reach"
    page = desk.follow(response).text
    assert "No page can reach you." in page
    (way,) = re.findall(r"/me/reach/methods/([0-9a-f-]{36})/code", page)
    desk.post(f"/me/reach/methods/{way}/code", {}, of="/me/reach")
    page = desk.follow(desk.post(f"/me/reach/methods/{way}/verify", {"code": sent_code()}, of="/me/reach")).text

    assert "Verified. Pages go there from now on." in page
    desk.post("/sign-out", {}, of="/me/reach")
    assert sign_in(desk).headers["Location"] == "/worklist"


def test_a_page_that_was_asked_for_comes_before_the_unproved_number(desk: Desk) -> None:
    root = desk.signed_in(ROOT)
    root.post("/users", NORA, of="/users")
    root.post("/sign-out", {}, of="/users")

    given = {name: NORA[name] for name in ("email", "password")} | {"next": "/alerts"}

    assert desk.post("/sign-in", given, of="/sign-in").headers["Location"] == "/alerts"


def test_a_number_for_somebody_who_takes_no_alerts_is_told_beside_its_field_and_kept(desk: Desk) -> None:
    response = desk.signed_in(ROOT).post("/users", NORA | {"role": "staff"}, of="/users")

    assert response.status_code == 422
    assert "Only clinicians and managers are paged. Leave this empty." in response.text
    assert 'value="(202) 555-0142"' in response.text


def test_a_mailbox_that_has_an_account_is_told_beside_its_field(desk: Desk) -> None:
    response = desk.signed_in(ROOT).post("/users", NORA | {"email": SAM.email}, of="/users")

    assert response.status_code == 422
    assert "This email address has an account already." in response.text
    assert 'value="Nora Quill"' in response.text
