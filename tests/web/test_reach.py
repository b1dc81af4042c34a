"""The page “How I am paged”: add, prove, put in order, test, remove; and a manager's look at others."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from survey import clock
from survey.domain.oncall import MethodKind
from survey.messaging import registry
from survey.services import contact_methods, contact_proofs
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, OLGA, ROOT, SAM, Person
from tests.fakes import FakeEmail, FakePush, FakeSms
from tests.staff import Desk

NEW = {"kind": "sms", "address": "(202) 555-0119", "label": "My own phone"}


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def ana(desk: Desk, sms: FakeSms) -> Desk:
    wired = registry._wiring
    assert wired is not None
    registry.wire(replace(wired, sms=sms, email=FakeEmail(), push=FakePush()))
    return desk.signed_in(ANA)


def work() -> None:
    while contact_proofs.send_due(now=clock.now()):
        pass


def second(person: Person = ANA) -> str:
    """The id of the way that was added last."""
    return str(next(one.id for one in contact_methods.contact_methods(person.id) if one.address.endswith("0119")))


def post(desk: Desk, path: str, data: dict[str, str] | None = None, *, of: str = "/me/reach"):
    return desk.post(path, data, of=of)


def test_a_clinician_adds_a_phone_types_the_code_and_is_paged_there(ana: Desk, sms: FakeSms) -> None:
    page = ana.follow(post(ana, "/me/reach/methods", NEW)).text
    assert "A code is on its way" in page
    assert "Not verified: not paged yet" in page
    assert "••• ••• 0119 (My own phone)" in page
    assert "5550119" not in page
    work()
    code = re.search(r"\d{6}", sms.wire[-1].body)
    assert code

    page = ana.follow(post(ana, f"/me/reach/methods/{second()}/verify", {"code": code[0]})).text

    assert "Verified. Pages go there from now on." in page
    assert "Last proved" in page


def test_a_wrong_code_is_told_beside_its_field_and_kept(ana: Desk) -> None:
    post(ana, "/me/reach/methods", NEW)
    work()

    refused = post(ana, f"/me/reach/methods/{second()}/verify", {"code": "12345"})

    assert refused.status_code == 422
    assert 'href="#code"' in refused.text
    assert "This is not the code. 4 tries left." in refused.text
    assert 'value="12345"' in refused.text


def test_an_address_that_is_unfit_is_told_beside_its_field_and_kept(ana: Desk) -> None:
    refused = post(ana, "/me/reach/methods", NEW | {"address": "12"})

    assert refused.status_code == 422
    assert 'href="#address"' in refused.text
    assert 'value="12"' in refused.text
    assert 'value="My own phone"' in refused.text


def test_a_secret_address_is_never_shown_again(ana: Desk) -> None:
    post(ana, "/me/reach/methods", {"kind": "apprise", "address": "pagerduty://key@secret"})

    page = ana.get("/me/reach").text

    assert "pagerduty://•••" in page
    assert "secret" not in page


def test_a_test_page_is_sent_at_once_and_answered_by_its_link(ana: Desk, sms: FakeSms) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)
    assert "A test page is on its way" in ana.follow(post(ana, f"/me/reach/methods/{own.id}/test")).text
    work()
    link = "/t/" + sms.wire[-1].body.split("/t/")[1].split()[0]

    for _ in range(2):
        assert "A test: there is no alert" in ana.get(link).text
    assert contact_methods.contact_methods(ANA.id)[0].confirmed_at is None
    page = ana.follow(post(ana, link, of=link)).text

    assert "Pages reach you here" in page
    assert contact_methods.contact_methods(ANA.id)[0].confirmed_at is not None


def test_the_link_of_a_mailed_test_asks_for_its_owner(ana: Desk, desk: Desk) -> None:
    email = FakeEmail()
    wired = registry._wiring
    assert wired is not None
    registry.wire(replace(wired, email=email))
    with transaction() as tx:
        method = factories.method(tx, BEN, MethodKind.EMAIL, BEN.email)
    contact_methods.ask_test(method.id, by=BEN.actor, now=clock.now())
    work()
    link = "/t/" + email.wire[-1].body.split("/t/")[1].split()[0]

    refused = ana.follow(post(ana, link, of=link)).text
    assert "Sign in as the person" in refused
    desk.client.delete_cookie("daytwo")
    assert "Sign in to confirm" in desk.get(link).text

    desk.signed_in(BEN)
    assert "Pages reach you here" in desk.follow(post(desk, link, of=link)).text


@pytest.mark.parametrize("token", ["1" * 22, "short"])
def test_an_unknown_link_leads_to_the_sign_in(desk: Desk, token: str) -> None:
    response = desk.get(f"/t/{token}")

    assert response.status_code == 404
    assert "Sign in" in response.text


def test_removing_asks_first_and_then_stops(ana: Desk) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)
    path = f"/me/reach/methods/{own.id}/remove"
    assert "Remove this way?" in ana.get(path).text
    assert len(contact_methods.contact_methods(ANA.id)) == 1

    page = ana.follow(post(ana, path, of=path)).text

    assert "Removed. No page goes there any more." in page
    assert "No page can reach you." in page


def test_the_last_way_of_the_last_resort_is_kept_and_the_page_says_why(desk: Desk) -> None:
    desk.signed_in(LENA)
    (own,) = contact_methods.contact_methods(LENA.id)
    path = f"/me/reach/methods/{own.id}/remove"

    page = desk.follow(post(desk, path, of=path)).text

    assert "last resort" in page
    assert len(contact_methods.contact_methods(LENA.id)) == 1


def test_ways_are_put_in_order(ana: Desk) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)
    late = post(ana, "/me/reach/rules", {"method_id": str(own.id), "minutes": "5"})
    assert late.status_code == 422
    assert "Choose 0 minutes for it first." in late.text

    for minutes in ("0", "5"):
        post(ana, "/me/reach/rules", {"method_id": str(own.id), "minutes": minutes})
    page = ana.get("/me/reach").text

    assert "At once: <bdi>Text to ••• ••• 0111" in page
    assert "5 minutes later: <bdi>Text to" in page
    last = re.findall(r"/me/reach/rules/([0-9a-f-]+)/remove", page)[-1]
    assert "5 minutes later" not in ana.follow(post(ana, f"/me/reach/rules/{last}/remove")).text


@pytest.mark.parametrize("minutes", ["61", "-1", "soon", ""])
def test_minutes_that_cannot_be_are_named(ana: Desk, minutes: str) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)

    refused = post(ana, "/me/reach/rules", {"method_id": str(own.id), "minutes": minutes})

    assert refused.status_code == 422
    assert 'href="#minutes"' in refused.text


def test_nobody_touches_what_is_somebody_elses(ana: Desk) -> None:
    (bens,) = contact_methods.contact_methods(BEN.id)

    assert ana.get(f"/me/reach/methods/{bens.id}/remove").status_code == 404
    assert post(ana, f"/me/reach/methods/{bens.id}/remove").status_code == 404
    assert post(ana, "/me/reach/rules", {"method_id": str(bens.id), "minutes": "0"}).status_code == 422
    assert "Only the person" in ana.follow(post(ana, f"/me/reach/methods/{bens.id}/test")).text
    assert len(contact_methods.contact_methods(BEN.id)) == 1


def test_a_manager_sees_who_can_be_paged_and_adds_a_way_that_its_owner_verifies(desk: Desk) -> None:
    desk.signed_in(LENA)
    with transaction() as tx:
        off = "UPDATE contact_method SET disabled_at = now(), disabled_reason = 'test' WHERE user_id = :id"
        tx.run(sa.text(off), {"id": BEN.id})
    listed = desk.get("/reach").text
    assert "None: cannot be paged" in listed
    assert SAM.name not in listed
    theirs = f"/reach/{BEN.id}"

    page = desk.follow(post(desk, f"{theirs}/methods", NEW, of=theirs)).text

    assert "It is not paged until its owner has signed in" in page
    assert "Send a code" not in page
    assert "Send me a test page" not in page
    assert f'href="{theirs}/methods/{second(BEN)}/remove"' in page


@pytest.mark.parametrize("person", [SAM, ROOT, OLGA])
def test_whoever_takes_no_alerts_has_no_such_page(desk: Desk, person: Person) -> None:
    desk.signed_in(person)

    assert desk.get("/me/reach").status_code == 403
    assert "/me/reach" not in desk.get("/on-call").text


@pytest.mark.parametrize("path", ["/reach", f"/reach/{BEN.id}"])
def test_a_clinician_does_not_look_at_others(ana: Desk, path: str) -> None:
    assert ana.get(path).status_code == 403
