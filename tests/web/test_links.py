"""Every end of a link leads on, a fresh one goes only to what is on file, and the wrong person is let go."""

from datetime import timedelta

import pytest
from flask import Flask

from survey import clock
from survey.services import invitations, replies, responses
from survey.store.session import transaction
from tests import desk
from tests.cast import SAM
from tests.conftest import Database
from tests.phone import Phone, application
from tests.surveys import Case, answer_all, invited, link, open_clinic, response_of, started

NOW = clock.now()
HOUR = timedelta(hours=1)
UNKNOWN = "z" * 22
CLINIC = "(202) 555-0100"
ON_ITS_WAY = "A fresh link is on its way to the phone or mailbox that we have on file."
WILL_CALL = "We will call you"
BUTTON = "Send me a fresh link"


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


def ask(phone: Phone, token: str) -> Phone:
    """Open the link and press the button, whose form has no address of its own."""
    return phone.open(f"/s/{token}").press(phone.path)


def fresh_links() -> list[str]:
    """The kinds of contact that fresh links are queued to."""
    found = desk.rows("SELECT c.kind FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.kind = 'fresh_link'")
    return [row["kind"] for row in found]


def asked_call(case: Case) -> bool:
    (row,) = desk.rows("SELECT asked_call_at, call_at FROM invitation WHERE id = :id", id=case.invitation_id)
    return row["asked_call_at"] is not None and row["call_at"] <= clock.now()


def expire(case: Case) -> None:
    """Day 30 of the link is past; the survey itself is still open."""
    desk.change("UPDATE invitation_link SET expires_at = made_at WHERE invitation_id = :id", id=case.invitation_id)


def use(case: Case) -> None:
    session = started(case, NOW)
    answer_all(session, NOW)
    responses.submit(session, now=NOW)


def revoke(case: Case) -> None:
    desk.change("UPDATE invitation_link SET revoked_at = made_at WHERE invitation_id = :id", id=case.invitation_id)


ENDS = {
    "expired": (expire, 410, "This link has ended"),
    "used": (use, 200, "We have your answers"),
    "revoked": (revoke, 410, "This link is closed"),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_of_a_link_shows_advice_a_phone_and_a_way_to_a_fresh_link(phone: Phone, case: Case, end: str):
    change, status, heading = ENDS[end]
    change(case)

    phone.open(f"/s/{case.token}")

    assert phone.status == status
    assert heading in phone.text
    assert "Is it an emergency?" in phone.text
    assert "Call 911" in phone.text
    assert CLINIC in phone.text
    assert BUTTON in phone.text


@pytest.mark.parametrize("end", ENDS)
def test_a_fresh_link_goes_to_the_phone_on_file_whatever_became_of_the_old_one(phone: Phone, case: Case, end: str):
    ENDS[end][0](case)

    ask(phone, case.token)

    assert phone.status == 200
    assert ON_ITS_WAY in phone.text
    assert CLINIC in phone.text
    assert fresh_links() == ["sms"]
    assert not asked_call(case)


@pytest.mark.parametrize("token", [UNKNOWN, "not-a-link-at-all!", "a", "a/b/c", "..", "1" * 23, "%00", "💉" * 22])
def test_what_is_no_link_of_ours_gets_the_same_pages_to_the_byte_and_no_message(app: Flask, case: Case, token: str):
    known, other = Phone(app), Phone(app)

    shown = [ask(known, UNKNOWN).page.data, known.open(f"/s/{UNKNOWN}").page.data]
    theirs = [ask(other, token).page.data, other.open(f"/s/{token}").page.data]

    assert theirs == shown
    assert other.status == 404
    assert BUTTON in other.text
    assert fresh_links() == []
    assert not asked_call(case)


def test_the_confirmation_says_the_same_words_for_a_link_that_is_unknown(app: Flask, case: Case):
    known, unknown = ask(Phone(app), case.token), ask(Phone(app), UNKNOWN)

    assert known.text == unknown.text
    assert ON_ITS_WAY in unknown.text
    assert "Nothing after 5 minutes?" in unknown.text


@pytest.mark.parametrize("copied", ["{}.", "({})", "<{}>", "{}/"])
def test_the_button_works_also_where_more_than_the_link_was_copied(phone: Phone, case: Case, copied: str):
    expire(case)

    phone.press(f"/s/{copied.format(case.token)}")

    assert ON_ITS_WAY in phone.text
    assert fresh_links() == ["sms"]


def test_an_address_that_is_typed_along_is_not_written_to(phone: Phone, case: Case):
    expire(case)

    phone.open(f"/s/{case.token}").press(phone.path, mobile="+12025550199", email="thief@example.org", to="x")

    (row,) = desk.rows(
        "SELECT c.address FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.kind = 'fresh_link'"
    )
    assert row["address"] == desk.MARIAS_PHONE
    assert len(desk.rows("SELECT FROM contact")) == 1


def test_the_fresh_link_opens_the_survey_where_it_stood_and_the_old_one_goes_on_working(phone: Phone, case: Case):
    phone.begin(case.token).answer("red", none_of_these="1")
    ask(Phone(phone.app), case.token)

    with desk.texting() as carrier:
        desk.send(clock.now())
        (text,) = [text for text in carrier.journal.to(desk.MARIAS_PHONE) if "fresh link" in text.body]

    token = text.body.split("/s/")[1].split()[0]
    assert token != case.token
    assert Phone(phone.app).begin(token).path == "/check-in/questions/breath"
    assert Phone(phone.app).begin(case.token).path == "/check-in/questions/breath"


def test_a_full_stop_or_a_bracket_around_a_link_does_no_harm(phone: Phone, case: Case):
    statuses = {
        around: phone.open(f"/s/{around.replace('T', case.token)}").status for around in ("T.", "(T)", "T/", "T%20")
    }

    assert set(statuses.values()) == {200}, statuses


def test_at_most_one_an_hour_and_the_page_says_to_look_for_it(phone: Phone, case: Case):
    for _ in range(5):
        ask(phone, case.token)

    assert fresh_links() == ["sms"]
    assert "We send one link an hour at most" in phone.text


def test_at_most_three_a_day(phone: Phone, case: Case):
    for _ in range(4):
        ask(phone, case.token)
        desk.change("UPDATE message SET due_at = due_at - interval '1 hour' WHERE kind = 'fresh_link'")

    assert len(fresh_links()) == 3

    desk.change("UPDATE message SET due_at = due_at - interval '21 hours' WHERE kind = 'fresh_link'")
    ask(phone, case.token)

    assert len(fresh_links()) == 4


def test_the_mailbox_is_used_where_the_phone_may_not_be(phone: Phone):
    case = invited(NOW, email="maria@example.org")
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'stopped' WHERE kind = 'sms'")

    ask(phone, case.token)

    assert fresh_links() == ["email"]


def past_day_30(case: Case) -> None:
    ended = "UPDATE invitation SET state = 'expired', due_at = now() - interval '2 days', expires_at = now()"
    desk.change(f"{ended} WHERE id = :id", id=case.invitation_id)


def closed(case: Case) -> None:
    with transaction() as tx:
        invitations.close(tx, case.invitation_id, reason="Asked us to", by=SAM.actor, now=NOW)


def without_contact(case: Case) -> None:
    assert case
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'refused'")


@pytest.mark.parametrize("over", [past_day_30, closed, without_contact])
def test_where_no_link_can_help_staff_are_told_and_the_page_says_that_they_call(phone: Phone, case: Case, over):
    over(case)

    ask(phone, case.token)

    assert phone.status == 200
    assert WILL_CALL in phone.text
    assert "in its opening hours" in phone.text
    assert CLINIC in phone.text
    assert fresh_links() == []
    assert asked_call(case)
    assert len(desk.rows("SELECT FROM audit_event WHERE action = 'call.asked'")) == 1


def test_a_closed_check_in_is_on_no_call_list_so_staff_read_it_among_the_replies(phone: Phone, case: Case):
    closed(case)

    for _ in range(3):
        ask(phone, case.token)

    (row,) = replies.look(site_id=None, done=False, page=1, now=clock.now()).rows
    assert row.inbound.is_wish
    assert row.inbound.sender == desk.MARIAS_PHONE
    assert [sender.family_name for sender in row.senders] == ["Lindqvist"]


def test_whose_check_in_is_closed_and_who_has_no_number_is_told_to_call_and_not_that_we_call(phone: Phone, case: Case):
    closed(case)
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'not_me'")

    ask(phone, case.token)

    assert "Please call your clinic" in phone.text
    assert WILL_CALL not in phone.text
    assert CLINIC in phone.text
    assert replies.look(site_id=None, done=False, page=1, now=clock.now()).rows == ()


def test_whoever_stands_on_the_call_list_stands_not_among_the_replies_as_well(phone: Phone, case: Case):
    without_contact(case)

    ask(phone, case.token)

    assert asked_call(case)
    assert replies.look(site_id=None, done=False, page=1, now=clock.now()).rows == ()


def test_staff_are_told_once_an_hour_however_often_the_button_is_pressed(phone: Phone, case: Case):
    without_contact(case)

    for _ in range(5):
        ask(phone, case.token)

    assert len(desk.rows("SELECT FROM audit_event WHERE action = 'call.asked'")) == 1


def test_asking_in_the_place_of_links_that_do_not_exist_is_slowed_down(phone: Phone):
    statuses = [phone.press(f"/s/{UNKNOWN}").status for _ in range(31)]

    assert statuses[:30] == [200] * 30
    assert statuses[30] == 429


def test_another_site_cannot_press_the_button(app: Flask, case: Case):
    answer = app.test_client().post(f"/s/{case.token}", headers={"Origin": "https://example.org"})

    assert answer.status_code == 403
    assert fresh_links() == []


def test_every_end_speaks_spanish(phone: Phone, case: Case):
    expire(case)
    phone.open(f"/s/{case.token}?language=es")
    assert "Envíenme un nuevo enlace" in phone.text

    phone.press(f"/s/{case.token}?language=es")

    assert 'lang="es"' in phone.html
    assert "Un nuevo enlace va en camino" in phone.text


# ---- not me


def say_not_me_before(phone: Phone, token: str) -> Phone:
    return phone.open(f"/s/{token}/not-me").press(f"/s/{token}/not-me", language="en")


def say_not_me_after(phone: Phone, token: str) -> Phone:
    return phone.begin(token, who="not_me")


WAYS = (say_not_me_before, say_not_me_after)


def texted(**changes: object) -> Case:
    """Somebody whose link went out in a text."""
    case = invited(NOW, **changes)
    (message,) = desk.rows("SELECT id FROM message WHERE invitation_id = :id", id=case.invitation_id)
    return Case(invitation_id=case.invitation_id, token=link(case.invitation_id, NOW, message_id=message["id"]))


@pytest.mark.parametrize("say", WAYS)
def test_the_wrong_person_is_thanked_the_link_ends_and_a_person_calls(phone: Phone, say):
    case = texted()

    say(phone, case.token)

    assert phone.path == "/check-in/closed"
    assert "maria" not in phone.text.lower()
    assert desk.invitation_state(case.invitation_id) == ("undeliverable", "not_me")
    (row,) = desk.rows("SELECT call_at FROM invitation WHERE id = :id", id=case.invitation_id)
    assert row["call_at"] <= clock.now()
    (contact,) = desk.rows("SELECT blocked_reason FROM contact")
    assert contact["blocked_reason"] == "not_me"
    assert phone.open(f"/s/{case.token}").status == 410
    assert Phone(phone.app).press(f"/s/{case.token}/start").status == 410


def test_whoever_began_and_says_not_me_on_the_links_page_keeps_no_key_to_it(phone: Phone):
    case = texted()
    phone.begin(case.token)

    say_not_me_before(phone, case.token)

    assert phone.client.get_cookie("daytwo-patient") is None


@pytest.mark.parametrize("say", WAYS)
def test_the_survey_goes_by_the_other_channel_and_the_wrong_number_gets_nothing_more(phone: Phone, say):
    case = texted(email="maria@example.org")

    say(phone, case.token)

    waiting = [(kind, state) for kind, state, _ in desk.message_states(case.invitation_id)]
    assert waiting == [("sms", "cancelled"), ("email", "pending")]
    ask(phone, case.token)
    assert fresh_links() == ["email"]


def test_the_wrong_person_who_began_leaves_doubt_and_a_call(phone: Phone):
    case = texted()
    phone.begin(case.token).answer("sore", answer="4")

    say_not_me_before(Phone(phone.app), case.token)

    assert response_of(case)["identity"] == "unconfirmed"
    (row,) = desk.rows("SELECT call_at, state FROM invitation WHERE id = :id", id=case.invitation_id)
    assert (row["state"], row["call_at"] <= clock.now()) == ("opened", True)
    assert phone.open("/check-in").status == 403


def test_links_to_the_patients_other_surveys_end_with_it(phone: Phone):
    first, second = texted(mrn="A1"), texted(mrn="A1", performed_on=desk.RIVERSIDE.local(NOW).date())
    assert len(desk.rows("SELECT FROM contact")) == 1

    say_not_me_before(phone, first.token)

    assert phone.open(f"/s/{second.token}").status == 410


def test_asking_whose_it_is_changes_nothing_and_leads_back(phone: Phone, case: Case):
    phone.open(f"/s/{case.token}/not-me")

    assert "You cannot undo this." in phone.text
    assert f'href="/s/{case.token}?language=en"' in phone.html
    assert desk.rows("SELECT FROM contact WHERE blocked_at IS NOT NULL") == []


@pytest.mark.parametrize("end", [expire, revoke])
def test_a_link_that_has_ended_asks_nobody_whose_it_is(phone: Phone, case: Case, end):
    end(case)

    phone.open(f"/s/{case.token}/not-me")

    assert phone.status == 410
    assert phone.path == f"/s/{case.token}"
    assert "You cannot undo this." not in phone.text


@pytest.mark.parametrize("token", [UNKNOWN, "-"])
def test_not_me_in_the_place_of_an_unknown_link_leads_to_the_page_of_unknown_links(phone: Phone, token: str):
    assert phone.open(f"/s/{token}/not-me").status == 404
    assert phone.press(f"/s/{token}/not-me").status == 404
