"""The second person's page: what changes, what was tried, what is to be signed; then the version is in force."""

import re

import pytest

from survey import clock
from survey.domain.versions import Version, VersionState
from survey.services import protocols, replays, versions
from tests import desk as rows
from tests import surveys
from tests.cast import ANA, BEN, LENA, OLGA, ROOT, SAM, Person
from tests.desk import SLUG
from tests.lowering_version import DEEP, event, listed, response, source, verified
from tests.staff import Desk
from tests.web.test_protocols import reading

PAGE = f"/protocols/{SLUG}/2/publish"
SIGN = f"/protocols/{SLUG}/2/sign"


def stands() -> VersionState:
    return protocols.numbered(SLUG, 2).state


def signed_form(version: Version, reason: str) -> dict[str, str]:
    """What the form of the one downgrade sends."""
    (one,) = listed(version)
    terms = {"sha256": version.sha256, "before": "urgent", "after": "routine"}
    return {"response": str(one.weighed.response_id), "reason": reason, **terms}


def approval(version: Version) -> dict[str, str]:
    return {"sha256": version.sha256, "agreed": "y"}


def test_the_page_tells_what_changes_what_was_tried_and_what_happens_to_surveys_under_way(desk: Desk) -> None:
    now = clock.now()
    surveys.invited(now, mrn="waits")
    response(now=now)
    surveys.started(surveys.invited(now, mrn="begun"), now)
    verified(now=now)
    desk.signed_in(LENA)

    page = reading(desk.get(PAGE).text)

    assert re.search(r"\d+ differences to version 1 , which is in force", page)
    assert re.search(r"4 surveys that were not sent yet move to this version. 1 ends on the version before", page)
    assert re.search(r"Proof Proved Every promise holds for each of [\d,]{20,} answer sets", page)
    assert "What-if Not done Nobody has run one of this text." in page
    assert "None unsigned" in page
    assert "Shadow Not tried" in page
    assert "Publish version 2" in page


def test_a_what_if_of_this_text_is_told_and_one_of_another_text_is_not(desk: Desk) -> None:
    now = clock.now()
    response(DEEP, now=now)
    version = verified(now=now)
    replays.start(version.id, by=ANA.actor, now=clock.now())
    while replays.replay_due(now=clock.now()):
        pass
    desk.signed_in(LENA)
    assert "What-if Done Of 1 response, 0 keep their tier" in reading(desk.get(PAGE).text)

    by = {"by": ANA.actor, "now": now}
    versions.change(version.id, source() + "# A word.\n", name="d", expected_sha256=version.sha256, **by)

    assert "Nobody has run one of this text." in reading(desk.get(PAGE).text)


def test_a_manager_signs_each_downgrade_and_publishes(desk: Desk) -> None:
    now = clock.now()
    event(now=now)
    version = verified(now=now)
    desk.signed_in(LENA)
    page = reading(desk.get(PAGE).text)
    assert "Maria Lindqvist" in page
    assert "Urgent as it was, Routine under this version" in page
    assert "U1 Pain on a deep breath" in page
    assert "1 confirmed event that would be taken less seriously is not signed" in page
    assert "Publish version 2" not in page

    signed = reading(desk.follow(desk.post(SIGN, signed_form(version, "The image was <clear>."), of=PAGE)).text)
    assert re.search(r"Signed by Lena Fischer on \w+ \d+, \d+: The image was <clear>\.", signed)

    done = desk.follow(desk.post(PAGE, approval(version), of=PAGE))
    assert stands() is VersionState.PUBLISHED
    assert "is in force" in done.text
    after = reading(desk.get(PAGE).text)
    assert "Signed by Lena Fischer" in after
    assert "Publish version 2" not in after


def test_whoever_wrote_it_reads_what_is_missing_and_can_do_neither(desk: Desk) -> None:
    now = clock.now()
    event(now=now)
    version = verified(now=now, by=LENA)
    desk.signed_in(LENA)

    page = desk.get(PAGE).text
    assert "whoever wrote a version cannot approve it. Ask another manager." in page
    assert "Sign this downgrade" not in page
    for path, form in ((SIGN, signed_form(version, "Fine.")), (PAGE, approval(version))):
        refused = desk.post(path, form, of=PAGE)
        assert refused.status_code == 422
        assert "Two people are needed" in reading(refused.text).partition("What changes")[0]
    assert stands() is VersionState.VERIFIED


def test_a_signature_without_a_reason_is_refused_beside_its_field(desk: Desk) -> None:
    now = clock.now()
    response_id, version = event(now=now), verified(now=now)
    desk.signed_in(LENA)

    for typed, said in ((" ", "Write why this is acceptable"), ("x" * 501, "Use at most 500 characters")):
        refused = desk.post(SIGN, signed_form(version, typed), of=PAGE)
        assert refused.status_code == 422
        assert said in refused.text.partition(f'id="reason-{response_id}-error"')[2].partition("</p>")[0]
        assert f'<a href="#reason-{response_id}">' in refused.text
        assert f">{typed}</textarea>" in refused.text


def test_a_text_that_changed_since_it_was_read_is_neither_signed_nor_published_and_the_reason_is_kept(
    desk: Desk,
) -> None:
    now = clock.now()
    event(now=now)
    read = verified(now=now)
    form = signed_form(read, "The image was clear.")
    desk.signed_in(LENA)
    by = {"by": ANA.actor, "now": now}
    versions.change(read.id, source() + "# A word.\n", name="d", expected_sha256=read.sha256, **by)
    versions.verify(read.id, now=now)

    refused = desk.post(SIGN, form, of=PAGE)
    assert refused.status_code == 422
    assert "have changed since you read them" in refused.text
    assert ">The image was clear.</textarea>" in refused.text
    refused = desk.post(PAGE, approval(read), of=PAGE)
    assert refused.status_code == 422
    assert "has changed since you read it" in refused.text
    assert stands() is VersionState.VERIFIED


def test_an_event_that_is_confirmed_while_the_page_is_open_still_stops_publishing(desk: Desk) -> None:
    now = clock.now()
    version = verified(now=now)
    desk.signed_in(LENA)
    assert "Publish version 2" in desk.get(PAGE).text

    event(now=now)

    refused = desk.post(PAGE, approval(version), of=PAGE)
    assert refused.status_code == 422
    assert "1 confirmed event less seriously, and nobody has signed that" in refused.text
    assert "Sign this downgrade" in refused.text
    assert stands() is VersionState.VERIFIED


def test_publishing_asks_for_a_word_of_approval(desk: Desk) -> None:
    version = verified(now=clock.now())
    desk.signed_in(LENA)

    refused = desk.post(PAGE, {"sha256": version.sha256}, of=PAGE)

    assert refused.status_code == 422
    assert "Tick this once you have read the points above." in refused.text
    assert stands() is VersionState.VERIFIED


@pytest.mark.parametrize("spoilt", [{"response": "x"}, {"sha256": ""}, {"before": "dreadful"}, {"after": ""}])
def test_a_form_that_is_no_form_of_ours_signs_nothing(desk: Desk, spoilt: dict[str, str]) -> None:
    now = clock.now()
    event(now=now)
    version = verified(now=now)
    desk.signed_in(LENA)

    refused = desk.post(SIGN, signed_form(version, "Fine.") | spoilt, of=PAGE)

    assert refused.status_code == 422
    assert "That page was out of date" in refused.text
    assert rows.rows("SELECT count(*) AS n FROM downgrade_signature")[0]["n"] == 0


def test_an_unproved_draft_says_what_is_missing(desk: Desk) -> None:
    versions.draft(source(), name="d", by=ANA.actor, now=clock.now())
    desk.signed_in(LENA)

    page = reading(desk.get(PAGE).text)

    assert "Proof Not proved Nobody has proved this text yet" in page
    assert "is not proved. Prove it first." in page
    assert "Publish version 2" not in page


def test_a_clinician_reads_the_page_and_can_neither_sign_nor_publish(desk: Desk) -> None:
    now = clock.now()
    event(now=now)
    version = verified(now=now)
    desk.signed_in(BEN)

    page = desk.get(PAGE).text
    assert "Only a manager may approve" in page
    assert "Not signed" in page
    assert desk.post(SIGN, signed_form(version, "Fine."), of=PAGE).status_code == 403
    assert desk.post(PAGE, approval(version), of=PAGE).status_code == 403
    (line,) = rows.rows("SELECT DISTINCT actor_id, object_id FROM audit_event WHERE action = 'downgrade.read'")
    assert (line["actor_id"], line["object_id"]) == (BEN.id, version.id)


@pytest.mark.parametrize("person", [SAM, ROOT, OLGA], ids=lambda person: person.role)
def test_nobody_else_opens_it(desk: Desk, person: Person) -> None:
    version = verified(now=clock.now())
    desk.signed_in(person)

    assert desk.get(PAGE).status_code == 403
    assert desk.post(PAGE, approval(version), of="/protocols").status_code == 403
    assert stands() is VersionState.VERIFIED


def test_an_event_at_a_contact_that_it_never_asks_is_told_without_a_form(desk: Desk) -> None:
    now = clock.now()
    event(now=now)
    text = rows.PACK.read_text(encoding="utf-8")
    verified(text.replace("version: 1", "version: 2", 1).replace("day2", "day3"), now=now)
    desk.signed_in(LENA)

    page = desk.get(PAGE).text

    assert "does not ask at that contact" in page
    assert "Sign this downgrade" not in page
    assert "Publish version 2" in page
