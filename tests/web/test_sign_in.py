"""Signing in, staying in, and getting out."""

import hashlib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from survey import clock
from survey.domain.accounts import SYSTEM, Role
from survey.services import accounts
from survey.store.session import transaction
from survey.web.sign_in import network
from tests.cast import SAM
from tests.staff import Desk

EMAIL, PASSWORD = "nora@example.org", "seven grey herons at dusk"


@pytest.fixture
def nora(desk: Desk) -> Desk:
    accounts.create_user(EMAIL, "Nora Quill", Role.STAFF, PASSWORD, by=SYSTEM, now=clock.now())
    return desk


def sign_in(desk: Desk, email: str = EMAIL, password: str = PASSWORD, **more: str):
    return desk.post("/sign-in", {"email": email, "password": password} | more, of="/sign-in")


def test_the_right_password_opens_the_worklist(nora: Desk) -> None:
    response = sign_in(nora)

    assert response.headers["Location"] == "/worklist"
    assert "Nora Quill" in nora.follow(response).text


def test_the_page_that_was_asked_for_comes_first(nora: Desk) -> None:
    assert sign_in(nora, next="/trends").headers["Location"] == "/trends"


def test_a_foreign_address_is_not_followed(nora: Desk) -> None:
    assert sign_in(nora, next="//evil.example").headers["Location"] == "/worklist"


def test_the_browser_holds_an_opaque_cookie_and_the_database_its_hash_alone(nora: Desk) -> None:
    cookie = next(c for c in sign_in(nora).headers.getlist("Set-Cookie") if c.startswith("daytwo="))
    token = cookie.split("=", 1)[1].split(";")[0]

    with transaction() as tx:
        kept = tx.run(sa.text("SELECT token_sha256 FROM staff_session")).scalars().all()

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert [bytes(one) for one in kept] == [hashlib.sha256(token.encode()).digest()]
    assert len(token) >= 43


def test_unknown_mailbox_wrong_password_and_disabled_account_read_the_same(nora: Desk) -> None:
    gone = accounts.create_user("gone@example.org", "Gone", Role.STAFF, PASSWORD, by=SYSTEM, now=clock.now())
    accounts.disable(gone, by=SYSTEM, now=clock.now())

    answers = [
        sign_in(nora, email="nobody@example.org"),
        sign_in(nora, password="not the right password"),
        sign_in(nora, email="gone@example.org"),
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert all(accounts.NOT_KNOWN in answer.text for answer in answers)


def test_what_was_typed_stays_save_the_password(nora: Desk) -> None:
    text = sign_in(nora, password="wrong").text

    assert f'value="{EMAIL}"' in text
    assert "wrong" not in text.split("<main")[1].split("summary")[0]


def test_signing_in_makes_a_new_session_and_ends_the_old(nora: Desk) -> None:
    nora.signed_in(SAM)
    old = nora.client.get_cookie("daytwo")
    assert old is not None

    # A signed-in browser has no form on the sign-in page, so the token comes from another page.
    nora.post("/sign-in", {"email": EMAIL, "password": PASSWORD})

    assert accounts.session(old.value, now=clock.now()) is None
    new = nora.client.get_cookie("daytwo")
    assert new is not None
    assert new.value != old.value


def test_signing_out_ends_the_session_at_once(nora: Desk) -> None:
    sign_in(nora)
    cookie = nora.client.get_cookie("daytwo")
    assert cookie is not None

    response = nora.post("/sign-out")

    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    nora.client.set_cookie("daytwo", cookie.value)
    assert nora.get("/worklist").status_code == 303


def test_a_desktop_left_alone_signs_itself_out_after_15_minutes(desk: Desk) -> None:
    desk.signed_in(SAM, now=clock.now() - timedelta(minutes=16))

    assert desk.get("/worklist").status_code == 303


def test_a_form_without_its_token_is_refused(nora: Desk) -> None:
    response = nora.client.post(
        "/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert response.status_code == 400


def test_empty_fields_are_named_in_a_summary_that_leads_to_them(nora: Desk) -> None:
    text = sign_in(nora, email="", password="").text

    assert 'href="#email"' in text
    assert "Enter your password." in text
    assert "<title>Error: " in text


@pytest.mark.parametrize(
    ("address", "expected"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2ff::9", "2001:db8:1:200::/56"), (None, "local")],
)
def test_a_guesser_cannot_hop_within_a_network(address: str | None, expected: str) -> None:
    assert network(address) == expected
