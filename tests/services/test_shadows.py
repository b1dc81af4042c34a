"""A candidate in shadow judges new responses beside the version in force; nobody is told, paged or held up by it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from survey import clock
from survey.domain.comparison import Case, Compared
from survey.domain.errors import Refused
from survey.domain.protocol import Protocol, Tier
from survey.domain.queues import Queue
from survey.domain.versions import Version, VersionState
from survey.services import engine, protocols, shadows, versions
from survey.store import doorbell
from tests import desk, lowering_version, surveys
from tests.cast import ANA, BEN, LENA, SAM
from tests.conftest import Database
from tests.desk import SLUG
from tests.lowering_version import DEEP, response, verified
from tests.staff import BREATHLESS, CALM, answered
from tests.workers.processes import environment, eventually, running
from workers.drain import drain

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SAME = desk.PACK.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
NEVER_ASKS = SAME.replace("day2", "day3")
"""Knows the one contact by another name."""
ALARMING = SAME.replace("in: [deep, exert] }\n    why", "in: [no, deep, exert] }\n    why")
"""Would page for everybody."""
TOUCHED = ("response", "answer", "score", "alert", "alert_event", "page", "page_attempt", "message", "invitation")


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    surveys.open_clinic(NOW)
    return database


def in_shadow(text: str | None = None, *, days: int = 14, now: datetime = NOW) -> Version:
    """A proved candidate that Ana has put in shadow."""
    return versions.shadow(verified(text, now=now).id, days=days, by=ANA.actor, now=now)


def unproved(text: str, *, now: datetime = NOW) -> Version:
    """A candidate that no proof would ever let into shadow."""
    draft = versions.draft(text, name="draft.yaml", by=ANA.actor, now=now)
    proved = "UPDATE protocol_version SET state = 'verified', certificate = :hash, verifier = 'none' WHERE id = :id"
    desk.change(proved, hash="0" * 64, id=draft.id)
    return versions.shadow(draft.id, days=14, by=ANA.actor, now=now)


def work(now: datetime, *, limit: int = 500) -> int:
    """A maintenance worker goes on until nothing is due."""
    judged = 0
    while part := shadows.score_due(now=now, limit=limit):
        judged += part
    return judged


def said() -> dict[UUID, tuple[int, str | None, str | None]]:
    """Response → revision, tier and fault of whatever was said in shadow."""
    rows = desk.rows("SELECT * FROM shadow_score")
    return {row["response_id"]: (row["revision"], row["tier"], row["fault"]) for row in rows}


def everything_else() -> dict[str, list[str]]:
    return {table: sorted(str(row) for row in desk.rows(f"SELECT * FROM {table}")) for table in TOUCHED}


def test_a_candidate_that_would_page_for_everybody_pages_for_nobody_and_touches_no_row_of_a_patient() -> None:
    candidate = unproved(ALARMING)
    for answers in (CALM, CALM, DEEP):
        response(answers, now=NOW + HOUR)
    before = everything_else()
    assert before["alert"]
    assert before["page"]

    assert work(NOW + 2 * HOUR) == 3

    assert everything_else() == before
    assert {tier for _, tier, _ in said().values()} == {"urgent"}
    tally = shadows.comparison(candidate.id).tally
    assert (tally.judged, tally.raised, tally.lowered) == (3, 2, 0)


def test_the_comparison_has_the_counts_and_names_who_moves_and_by_which_rule() -> None:
    candidate = in_shadow()
    response(now=NOW + HOUR)
    lowered = response(DEEP, now=NOW + HOUR, given_name="Juan")

    work(NOW + HOUR)

    shadow = shadows.comparison(candidate.id)
    assert (shadow.tally.judged, shadow.tally.lowered, shadow.faults) == (2, 1, {})
    assert shadow.tally.matrix[Tier.URGENT, Tier.ROUTINE] == 1
    assert shadow.tally.rules["U1", Tier.URGENT, Tier.ROUTINE] == 1
    (move,) = shadow.moves
    whose = "SELECT i.procedure_id FROM response r JOIN invitation i ON i.id = r.invitation_id WHERE r.id = :id"
    (row,) = desk.rows(whose, id=lowered)
    assert (move.procedure_id, move.name, move.because) == (row["procedure_id"], "Juan Lindqvist", ("U1",))
    assert (move.before, move.after) == (Tier.URGENT, Tier.ROUTINE)


def test_whom_it_takes_less_seriously_stands_before_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = unproved(SAME.replace("in: [deep, exert] }\n    why", "in: [no, exert] }\n    why"))
    response(DEEP, now=NOW + HOUR)
    response(now=NOW + 2 * HOUR)
    work(NOW + 3 * HOUR)
    moves = [(move.before, move.after) for move in shadows.comparison(candidate.id).moves]
    assert moves == [(Tier.URGENT, Tier.ROUTINE), (Tier.ROUTINE, Tier.URGENT)]

    monkeypatch.setattr(shadows, "LISTED", 1)

    (first,) = shadows.comparison(candidate.id).moves
    assert first.after is Tier.ROUTINE


def test_only_what_begins_and_is_scored_within_the_days_counts_however_late_the_worker_comes() -> None:
    response(now=NOW - HOUR)
    begun_before = surveys.invited(NOW - HOUR)
    answered(begun_before, CALM, now=NOW - HOUR)
    in_shadow(days=1)
    answered(begun_before, BREATHLESS, now=NOW + HOUR)
    within = response(now=NOW + DAY - HOUR)
    response(now=NOW + DAY + HOUR)

    assert work(NOW + 10 * DAY) == 1

    assert set(said()) == {within}


def test_later_answers_are_judged_again_in_the_place_of_the_earlier() -> None:
    candidate = in_shadow()
    case = surveys.invited(NOW)
    answered(case, CALM, now=NOW + HOUR)
    work(NOW + HOUR)
    first = said()

    answered(case, DEEP, now=NOW + 2 * HOUR)
    assert (work(NOW + 2 * HOUR), work(NOW + 2 * HOUR)) == (1, 0)

    (response_id,) = first
    assert said()[response_id][0] > first[response_id][0]
    assert shadows.comparison(candidate.id).tally.judged == 1


def test_an_answer_that_the_candidate_has_not_seen_yet_does_not_blur_the_comparison() -> None:
    candidate = in_shadow()
    case = surveys.invited(NOW)
    answered(case, CALM, now=NOW + HOUR)
    work(NOW + HOUR)

    answered(case, DEEP, now=NOW + 2 * HOUR)

    assert shadows.comparison(candidate.id).tally.matrix == {(Tier.ROUTINE, Tier.ROUTINE): 1}


def test_of_several_workers_at_once_none_fails_and_nothing_is_judged_twice() -> None:
    in_shadow()
    judged = {response(now=NOW + HOUR) for _ in range(12)}

    with ThreadPoolExecutor(max_workers=6) as pool:
        done = sum(pool.map(lambda _: shadows.score_due(now=NOW + HOUR, limit=3), range(12)))
    done += work(NOW + HOUR)

    assert done == 12
    assert set(said()) == judged


def test_a_response_at_a_contact_that_the_candidate_never_asks_is_left_out() -> None:
    candidate = in_shadow(NEVER_ASKS)
    response(now=NOW + HOUR)

    assert work(NOW + HOUR) == 1

    assert [fault for _, _, fault in said().values()] == ["NotFound"]
    shadow = shadows.comparison(candidate.id)
    assert (shadow.tally.judged, shadow.tally.left_out, shadow.faults) == (0, 1, {})


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Protocol, Case], Compared]]:
    """Whatever candidate there is raises."""

    def compare(pack: Protocol, case: Case) -> Compared:
        raise TypeError(f"{pack.slug} cannot judge {case.answers}")

    monkeypatch.setattr(shadows, "compare", compare)
    return iter((compare,))


@pytest.mark.usefixtures("raising")
def test_patients_are_scored_and_paged_for_while_the_candidate_raises() -> None:
    candidate = in_shadow()
    case = surveys.invited(NOW)

    answered(case, BREATHLESS, now=NOW + HOUR)
    assert work(NOW + HOUR) == 1
    answered(surveys.invited(NOW), BREATHLESS, now=NOW + HOUR)

    assert [alert["tier"] for alert in surveys.alerts_of(case)] == ["urgent"]
    assert desk.rows("SELECT count(*) AS n FROM alert")[0]["n"] == 2
    assert shadows.comparison(candidate.id).faults == {"TypeError": 1}
    assert shadows.comparison(candidate.id).tally.judged == 0


def test_a_candidate_that_cannot_be_read_holds_up_neither_another_one_nor_the_worker(clinic: Database) -> None:
    broken = in_shadow()
    other = in_shadow(SAME.replace("\nversion: 2\n", "\nversion: 3\n"))
    desk.as_owner(clinic, "UPDATE protocol_version SET source = 'slug: [' WHERE id = %(id)s", id=broken.id)
    response(now=NOW + HOUR)
    after: list[datetime] = []

    def next_handler(*, now: datetime) -> int:
        after.append(now)
        return 0

    drain(Queue.MAINTENANCE, shadows.score_due, next_handler)

    assert after
    assert shadows.comparison(other.id).tally.judged == 1
    assert shadows.comparison(broken.id).tally.judged == 0


def test_what_is_being_said_in_shadow_keeps_no_response_from_being_scored(clinic: Database) -> None:
    candidate = in_shadow()
    case = surveys.invited(NOW)
    answered(case, CALM, now=NOW + HOUR)
    response_id = surveys.response_of(case)["id"]
    with psycopg.connect(clinic.url.replace("+psycopg", "")) as slow:
        slow.execute(
            "INSERT INTO shadow_score (protocol_version_id, response_id, revision, tier, at)"
            " VALUES (%s, %s, 1, 'routine', now())",
            (candidate.id, response_id),
        )

        answered(case, BREATHLESS, now=NOW + HOUR)  # while the other transaction is open

        assert [alert["tier"] for alert in surveys.alerts_of(case)] == ["urgent"]


def test_another_text_or_another_shadow_begins_anew() -> None:
    candidate = in_shadow()
    response(now=NOW + HOUR)
    work(NOW + HOUR)
    by = {"by": ANA.actor, "now": NOW + 2 * HOUR}

    versions.end_shadow(candidate.id, **by)
    assert len(said()) == 1
    versions.shadow(candidate.id, days=3, **by)
    assert said() == {}

    response(now=NOW + 2 * HOUR)
    work(NOW + 2 * HOUR)
    assert len(said()) == 1
    text = lowering_version.source() + "# A word.\n"
    versions.change(candidate.id, text, name="d", expected_sha256=candidate.sha256, **by)
    assert said() == {}


def test_a_candidate_whose_proof_fails_on_a_second_look_says_nothing_more() -> None:
    candidate = unproved(ALARMING)
    response(now=NOW + HOUR)
    work(NOW + HOUR)

    assert not versions.verify(candidate.id, now=NOW + HOUR).holds

    assert protocols.numbered(SLUG, 2).state is VersionState.DRAFT
    assert said() == {}
    response(now=NOW + 2 * HOUR)
    assert work(NOW + 2 * HOUR) == 0


def test_an_ended_shadow_judges_no_more_and_its_days_stay_known() -> None:
    candidate = in_shadow()

    ended = versions.end_shadow(candidate.id, by=BEN.actor, now=NOW + HOUR)
    response(now=NOW + 2 * HOUR)

    assert work(NOW + 2 * HOUR) == 0
    assert (ended.state, ended.in_shadow) == (VersionState.VERIFIED, (NOW, NOW + HOUR))
    with pytest.raises(Refused, match="cannot become verified"):
        versions.end_shadow(candidate.id, by=BEN.actor, now=NOW + HOUR)
    (line,) = desk.rows("SELECT actor_id FROM audit_event WHERE action = 'protocol.shadow_ended'")
    assert line["actor_id"] == BEN.id


def test_a_draft_is_never_in_shadow_and_days_are_1_to_90() -> None:
    draft = versions.draft(SAME, name="d", by=ANA.actor, now=NOW)
    with pytest.raises(Refused, match="cannot become shadow"):
        versions.shadow(draft.id, days=14, by=ANA.actor, now=NOW)
    versions.verify(draft.id, now=NOW)

    for days in (0, 91):
        with pytest.raises(Refused, match="1 to 90 days") as refused:
            versions.shadow(draft.id, days=days, by=SAM.actor, now=NOW)
        assert refused.value.field == "days"


def test_what_was_said_stays_to_be_read_once_the_candidate_is_published() -> None:
    candidate = in_shadow(SAME)
    response(now=NOW + HOUR)
    work(NOW + HOUR)

    versions.publish(candidate.id, approver=LENA.actor, now=NOW + 2 * HOUR)
    response(now=NOW + 3 * HOUR)

    assert work(NOW + 3 * HOUR) == 0
    assert shadows.comparison(candidate.id).tally.judged == 1


@pytest.mark.processes
def test_a_real_worker_judges_what_was_scored_and_leaves_the_alert_alone(clinic: Database, redis_url: str) -> None:
    now = clock.now()
    candidate = unproved(ALARMING, now=now)
    response(now=now)
    before = everything_else()
    doorbell.configure(redis_url)

    with running("worker", "maintenance", environ=environment(clinic, redis_url)):
        assert engine.ring(Queue.MAINTENANCE)
        eventually(said, within_s=60)

    assert shadows.comparison(candidate.id).tally.raised == 1
    assert everything_else() == before
