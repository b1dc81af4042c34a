"""The page of a candidate in shadow: started for some days, read while it goes on, ended."""

from datetime import timedelta

import pytest

from survey import clock
from survey.domain.versions import VersionState
from survey.services import protocols, shadows, versions
from survey.web.shadows import days
from tests import desk as rows
from tests.cast import ANA, BEN, LENA, OLGA, ROOT, SAM, Person
from tests.desk import SLUG
from tests.lowering_version import DEEP, response, source, verified
from tests.staff import Desk
from tests.web.test_protocols import reading

PAGE = f"/protocols/{SLUG}/2/shadow"
DAY = timedelta(days=1)


def stands() -> VersionState:
    return protocols.numbered(SLUG, 2).state


def test_a_clinician_starts_a_shadow_and_reads_on_which_day_it_is(desk: Desk) -> None:
    verified(now=clock.now())
    desk.signed_in(ANA)
    assert 'value="14"' in desk.get(PAGE).text

    page = reading(desk.follow(desk.post(PAGE, {"days": "21"}, of=PAGE)).text)

    assert "Day 1 of 21" in page
    assert "scores new responses from now on. Nobody is shown what it says" in page
    assert "No response has been compared yet." in page


def test_what_it_would_have_said_stands_on_the_page_with_whom_it_moves(desk: Desk) -> None:
    now = clock.now()
    versions.shadow(verified(now=now).id, days=14, by=ANA.actor, now=now)
    response(now=now)
    response(DEEP, now=now, given_name="Juan")
    assert shadows.score_due(now=now) == 2
    desk.signed_in(BEN)

    page = reading(desk.get(PAGE).text)

    assert "Of 2 responses, 1 keeps its tier, 0 would be taken more seriously, 1 less seriously." in page
    assert "paged for 0 of them in place of 1" in page
    assert "Juan Lindqvist" in page
    assert "U1 Pain on a deep breath" in page
    (line,) = rows.rows("SELECT actor_id FROM audit_event WHERE action = 'shadow.read'")
    assert line["actor_id"] == BEN.id


def test_faults_and_contacts_that_it_does_not_know_are_told(desk: Desk) -> None:
    now = clock.now()
    candidate = versions.shadow(verified(now=now).id, days=14, by=ANA.actor, now=now)
    for fault in ("TypeError", "NotFound"):
        rows.change(
            "INSERT INTO shadow_score (protocol_version_id, response_id, revision, fault, at)"
            " VALUES (:id, gen_random_uuid(), 1, :fault, now())",
            id=candidate.id,
            fault=fault,
        )
    desk.signed_in(ANA)

    page = reading(desk.get(PAGE).text)

    assert "1 response could not be judged (TypeError). This is a fault in the version" in page
    assert "1 response is left out: this version does not ask at that contact." in page


@pytest.mark.parametrize(
    ("typed", "said"), [("0", "for 1 to 90 days"), ("91", "1 to 90"), ("", "Enter a number"), ("two", "Not a valid")]
)
def test_days_that_cannot_be_are_refused_beside_the_field_and_kept(desk: Desk, typed: str, said: str) -> None:
    verified(now=clock.now())
    desk.signed_in(ANA)

    refused = desk.post(PAGE, {"days": typed}, of=PAGE)

    assert refused.status_code == 422
    assert said in refused.text.partition('id="days-error"')[2].partition("</p>")[0]
    assert f'value="{typed}"' in refused.text
    assert stands() is VersionState.VERIFIED


def test_it_is_ended_with_a_button_and_can_begin_anew(desk: Desk) -> None:
    now = clock.now()
    versions.shadow(verified(now=now).id, days=14, by=ANA.actor, now=now)
    desk.signed_in(BEN)

    page = reading(desk.follow(desk.post(f"{PAGE}/end", of=PAGE)).text)

    assert stands() is VersionState.VERIFIED
    assert "The shadow has ended" in page
    assert "Another shadow begins anew" in page
    assert "cannot become verified" in desk.follow(desk.post(f"{PAGE}/end", of=PAGE)).text


def test_a_draft_is_told_to_be_proved_first(desk: Desk) -> None:
    versions.draft(source(), name="d", by=ANA.actor, now=clock.now())
    desk.signed_in(ANA)

    assert "This version is not proved." in reading(desk.get(PAGE).text)
    refused = desk.post(PAGE, {"days": "14"}, of=PAGE)
    assert refused.status_code == 422
    assert "cannot become shadow" in reading(refused.text)


def test_a_version_in_force_that_was_never_in_shadow_says_so(desk: Desk) -> None:
    desk.signed_in(ANA)

    assert "never in shadow" in reading(desk.get(f"/protocols/{SLUG}/1/shadow").text)


@pytest.mark.parametrize("person", [SAM, ROOT, OLGA], ids=lambda person: person.role)
def test_it_is_for_those_who_write_protocols(desk: Desk, person: Person) -> None:
    verified(now=clock.now())
    desk.signed_in(person)

    assert desk.get(PAGE).status_code == 403
    assert desk.post(PAGE, {"days": "14"}, of="/protocols").status_code == 403
    assert desk.post(f"{PAGE}/end", of="/protocols").status_code == 403
    assert stands() is VersionState.VERIFIED


def test_days_are_counted_from_one_and_end_with_the_last(desk: Desk) -> None:
    assert desk
    now = clock.now()
    version = verified(now=now, by=LENA)
    assert days(version, now) is None

    candidate = versions.shadow(version.id, days=3, by=LENA.actor, now=now)

    assert [days(candidate, now + part * DAY) for part in (0, 0.99, 1, 2.5, 9)] == [
        (1, 3),
        (1, 3),
        (2, 3),
        (3, 3),
        (3, 3),
    ]
