"""The page of replies: what is open, red first, whose it may be, what we answered, and one tap for done."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from survey import clock
from survey.domain.sites import Site
from survey.services import fresh_links, invitations
from survey.store import sites
from survey.store.session import transaction
from tests import desk as the_desk
from tests import surveys, texting
from tests.cast import ANA, OLGA, RIVERSIDE, ROOT, SAM
from tests.staff import Desk

FILTERS = ("?show=done", "?site=1", "?page=9", "?page=-1", "?page=x&show=nonsense", "?page=99999999999999999999")


@pytest.fixture
def sam(desk: Desk) -> Desk:
    return desk.signed_in(SAM)


def reply(body: str, **more: str) -> str:
    """A text came in and was read; its id."""
    return str(texting.reply(body, now=clock.now(), **more)["id"])


def test_without_replies_it_says_so_kindly(sam: Desk) -> None:
    assert "No reply is open." in sam.get("/replies").text
    assert "Nothing yet." in sam.get("/replies?show=done").text


@pytest.mark.parametrize("query", FILTERS)
def test_any_filter_makes_a_page(sam: Desk, query: str) -> None:
    reply("Hello")

    assert sam.get(f"/replies{query}").status_code == 200


def test_a_reply_says_whose_it_may_be_what_was_texted_and_what_we_answered(sam: Desk) -> None:
    surveys.invited(clock.now())
    reply("May I swim?")

    page = sam.get("/replies").text

    assert "Maria Lindqvist</bdi></a>" in page
    assert "May I swim?" in page
    assert "We answered that no nurse watches this number, and whom to call." in page
    assert "(202) 555-0121" in page


def test_a_number_that_two_share_names_both_and_a_stranger_nobody(sam: Desk) -> None:
    surveys.invited(clock.now())
    surveys.invited(clock.now(), given_name="Pia")
    reply("It is better")
    reply("Who is this?", sender=texting.STRANGER)

    page = sam.get("/replies").text

    assert "2 patients share this number." in page
    assert "Pia Lindqvist" in page
    assert "Unknown number" in page


def test_a_sender_that_is_no_number_is_shown_as_it_is(sam: Desk) -> None:
    reply("Your parcel is here", sender="PARCELS")

    assert "PARCELS" in sam.get("/replies").text


def test_a_long_reply_is_folded_and_nothing_of_it_is_lost(sam: Desk) -> None:
    long = "It hurts where the needle went in. " * 115
    reply(long)

    page = sam.get("/replies").text

    assert f"{long[:400]}…</blockquote>" in page
    assert "Show all 4,025 characters" in page
    assert f"{long}</blockquote></details>" in page


def test_a_long_reply_with_red_flag_words_stands_there_whole(sam: Desk) -> None:
    surveys.invited(clock.now())
    long = "It hurts where the needle went in. " * 115 + "And I cannot breathe."
    reply(long)

    page = sam.get("/replies").text

    assert f"{long}</blockquote>" in page
    assert "Show all" not in page


def test_red_flag_words_stand_first_and_then_the_newest(sam: Desk) -> None:
    surveys.invited(clock.now())
    for body in ("now my chest hurts", "Earlier words", "Latest words"):
        reply(body)

    page = sam.get("/replies").text

    assert page.index("my chest hurts") < page.index("Latest words") < page.index("Earlier words")
    assert page.count("Red-flag words") == 1


def test_a_text_while_an_alert_is_open_stands_red_and_leads_to_the_alert(sam: Desk) -> None:
    case = surveys.invited(clock.now())
    reply("My chest hurts")
    surveys.score(clock.now())
    (alert,) = surveys.alerts_of(case)
    reply("it is getting worse")
    reply("A stranger's words", sender=texting.STRANGER)

    page = sam.get("/replies").text

    assert page.index("My chest hurts") < page.index("getting worse") < page.index("stranger")
    assert page.count('class="card hot"') == 2
    assert f'href="/alerts/{alert["id"]}">Alert A-{alert["short_no"]}</a> is open: nobody has it yet.' in page
    assert "The patient texted while alert" in sam.get(f"/alerts/{alert['id']}").text


def test_a_wish_for_a_fresh_link_to_a_closed_check_in_is_told_as_what_it_is(sam: Desk) -> None:
    case = surveys.invited(clock.now())
    with transaction() as tx:
        invitations.close(tx, case.invitation_id, reason="Asked us to", by=SAM.actor, now=clock.now())
    fresh_links.ask(case.token, now=clock.now())

    page = sam.get("/replies").text

    assert "Asked for a fresh link on the page. Their check-in is closed, so none was sent: call them." in page
    assert "Asked to be called" not in page
    assert "We sent no answer" not in page
    story = sam.get(f"/procedures/{surveys.procedure_of(case)}").text
    assert "Asked on the page for a fresh link; the check-in is closed, so none was sent" in story


def test_what_a_patient_texts_is_shown_as_text(sam: Desk) -> None:
    reply("<script>alert(1)</script>")

    page = sam.get("/replies").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


def test_one_tap_is_done_and_the_navigation_counts_what_is_left(sam: Desk) -> None:
    one, _ = reply("One"), reply("Two")
    assert "2<span" in sam.get("/replies").text

    page = sam.follow(sam.post(f"/replies/{one}/done", of="/replies")).text

    assert "Done. The reply stays" in page
    assert "One</blockquote>" not in page
    assert "1<span" in page
    (row,) = the_desk.rows("SELECT done_by, done_note FROM inbound WHERE done_at IS NOT NULL")
    assert (row["done_by"], row["done_note"]) == (SAM.id, None)
    assert len(the_desk.rows("SELECT 1 FROM audit_event WHERE action = 'inbound.closed'")) == 1


def test_a_note_is_kept_with_the_reply(sam: Desk) -> None:
    one = reply("One")

    sam.post(f"/replies/{one}/done", {"note": "Called back, all well"}, of="/replies")

    assert "Sam Carter</bdi>" in (page := sam.get("/replies?show=done").text)
    assert "Called back, all well" in page


def test_a_note_that_is_too_long_is_kept_as_it_was_typed(sam: Desk) -> None:
    one = reply("One")

    response = sam.post(f"/replies/{one}/done", {"note": "x" * 501}, of="/replies")

    assert response.status_code == 422
    assert "Write at most 500 characters." in response.text
    assert "x" * 501 in response.text
    assert the_desk.rows("SELECT 1 FROM inbound WHERE done_at IS NOT NULL") == []


def test_the_second_to_press_done_is_told_and_changes_nothing(desk: Desk) -> None:
    one = reply("One")
    desk.signed_in(SAM).post(f"/replies/{one}/done", {"note": "Sam"}, of="/replies")

    page = desk.follow(desk.signed_in(ANA).post(f"/replies/{one}/done", {"note": "Ana"}, of="/replies")).text

    assert "Somebody had marked it as done before you." in page
    assert the_desk.rows("SELECT done_note FROM inbound")[0]["done_note"] == "Sam"


def test_a_refusal_in_other_words_can_be_obeyed_with_a_tap(sam: Desk) -> None:
    case = surveys.invited(clock.now())
    the_desk.change("UPDATE invitation SET state = 'sent', sent_at = now() WHERE id = :id", id=case.invitation_id)
    one = reply("I never asked for these messages")
    assert "May want no more texts" in sam.get("/replies").text

    page = sam.follow(sam.post(f"/replies/{one}/stop-texts", of="/replies")).text

    assert "No more texts go to this number." in page
    (row,) = the_desk.rows("SELECT scope, source FROM suppression")
    assert (row["scope"], row["source"]) == ("program", "staff")
    assert the_desk.invitation_state(case.invitation_id) == ("undeliverable", "stopped")


def test_a_wrong_number_that_is_silenced_already_wants_no_tap_for_it(sam: Desk) -> None:
    surveys.invited(clock.now())
    reply("Wrong number. Please stop texting me.")

    page = sam.get("/replies").text

    assert "Please stop texting me." in page
    assert "May want no more texts" not in page


def test_stop_start_and_a_call_that_is_listed_want_no_tap(sam: Desk) -> None:
    surveys.invited(clock.now())
    for word in ("CALL", "STOP", "START"):
        reply(word)

    assert "No reply is open." in sam.get("/replies").text


def test_what_no_worker_has_read_yet_is_there_all_the_same(sam: Desk) -> None:
    texting.text("Hello?", now=clock.now())

    page = sam.get("/replies").text

    assert "Not read yet" in page
    assert "Hello?" in page


def test_the_filter_by_site_shows_that_site_and_strangers(sam: Desk) -> None:
    surveys.invited(clock.now())
    reply("From Riverside")
    reply("From a stranger", sender=texting.STRANGER)
    other = second_site()

    page = sam.get(f"/replies?site={other.id}").text

    assert "From a stranger" in page
    assert "From Riverside" not in page


def test_what_nobody_has_read_yet_stands_at_each_site(sam: Desk) -> None:
    surveys.invited(clock.now())
    other = second_site()
    texting.text("Hello?", now=clock.now())

    for site in (RIVERSIDE, other):
        assert "Hello?" in sam.get(f"/replies?site={site.id}").text


def second_site() -> Site:
    other = replace(RIVERSIDE, id=uuid4(), slug="hillside", name="Hillside Pain Clinic")
    with transaction() as tx:
        sites.insert(tx, other)
    return other


def test_fifty_stand_on_a_page(sam: Desk) -> None:
    for number in range(51):
        texting.text(f"Text {number}", now=clock.now() - timedelta(minutes=number), sender=f"+120255501{number:02d}")
    texting.read(clock.now())

    first, second = sam.get("/replies").text, sam.get("/replies?page=2").text

    assert first.count("<article") == 50
    assert second.count("<article") == 1
    assert "Page 2 of 2, 51 replies" in second


def test_whoever_sees_no_patients_sees_no_replies(desk: Desk) -> None:
    one = reply("One")

    for outsider in (ROOT, OLGA):
        desk.signed_in(outsider)
        assert desk.get("/replies").status_code == 403
        assert desk.post(f"/replies/{one}/done", of="/on-call").status_code == 403
        assert desk.post(f"/replies/{one}/stop-texts", of="/on-call").status_code == 403
    assert the_desk.rows("SELECT 1 FROM inbound WHERE done_at IS NOT NULL") == []


def test_a_reply_that_does_not_exist_is_not_there(sam: Desk) -> None:
    assert sam.post("/replies/00000000-0000-4000-8000-000000000000/done", of="/replies").status_code == 404


def test_replies_stand_in_the_patients_story_and_an_opt_out_beside_the_number(sam: Desk) -> None:
    case = surveys.invited(clock.now())
    one = reply("May I swim?")
    reply("STOP")
    sam.post(f"/replies/{one}/done", {"note": "Told her yes"}, of="/replies")
    (row,) = the_desk.rows("SELECT procedure_id FROM invitation WHERE id = :id", id=case.invitation_id)

    page = sam.get(f"/procedures/{row['procedure_id']}").text

    for told in ("May I swim?", "Asked for no more texts", "Told her yes", "Text (not watched)", "No texts since"):
        assert told in page
    assert "asked for by text; nothing leaves by itself" in page


def test_what_was_texted_before_the_day_of_the_procedure_stands_in_no_story_of_it(sam: Desk) -> None:
    case = surveys.invited(clock.now())
    reply("May I swim?")
    the_desk.change("UPDATE inbound SET received_at = received_at - interval '3 days'")
    reply("May I run?")

    page = sam.get(f"/procedures/{surveys.procedure_of(case)}").text

    assert "May I run?" in page
    assert "May I swim?" not in page
