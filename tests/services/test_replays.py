"""What-if: a version held against every response so far, in parts, and the version in force against itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import psycopg
import pytest

from survey.domain.accounts import SYSTEM
from survey.domain.answers import Answers
from survey.domain.errors import NotFound, Refused
from survey.domain.protocol import Tier
from survey.domain.queues import Queue
from survey.domain.replays import Replay, ReplayState
from survey.domain.versions import Version
from survey.local import clinic as demo_clinic
from survey.local import seed
from survey.services import engine, protocols, replays, versions
from survey.services.replays import Moves
from survey.store import replays as store
from survey.store.session import transaction
from tests import desk, second_version, surveys
from tests.cast import ANA, LENA
from tests.conftest import Database
from tests.desk import SLUG
from tests.staff import BREATHLESS, CALM, answered

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SECOND = second_version.source()
"""Breathless on exertion is an emergency there, wherever the needle went."""
AGAIN = desk.PACK.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
EXERTED: Answers = {**CALM, "breath": "exert"}
"""Urgent in the first version."""
MILD = SECOND.replace("tier: emergency", "tier: soon")
"""Takes no red flag seriously."""


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    surveys.open_clinic(NOW)
    return database


def response(answers: Answers = CALM, *, now: datetime = NOW, **changes: object) -> UUID:
    """A patient has answered, and the answers are scored."""
    case = surveys.invited(now, **changes)
    answered(case, answers, now=now)
    return UUID(str(surveys.response_of(case)["id"]))


def candidate(text: str = SECOND) -> Version:
    return versions.draft(text, name="draft.yaml", by=ANA.actor, now=NOW)


def live() -> UUID:
    with transaction() as tx:
        return protocols.live(tx, SLUG)[0]


def start(version_id: UUID, *, now: datetime = LATER) -> Replay:
    return replays.start(version_id, by=ANA.actor, now=now)


def work(*, limit: int = 3) -> None:
    """A worker that goes on until nothing is left."""
    for turn in count():
        if not replays.replay_due(now=LATER, limit=limit):
            return
        assert turn < 1000


def stands(replay: Replay) -> Replay:
    return replays.get(replay.id)[0]


def replayed(version_id: UUID, *, limit: int = 3) -> Replay:
    """A whole what-if, from its start to its end."""
    replay = start(version_id)
    work(limit=limit)
    return stands(replay)


def listed(replay: Replay, **between: Tier) -> list[tuple[Tier, Tier, tuple[str, ...]]]:
    return [(one.before, one.after, one.because) for one in replays.moves(replay.id, **between).found]


def trail(replay: Replay) -> list[tuple[str, UUID | None]]:
    query = "SELECT action, actor_id FROM audit_event WHERE object_id = :id ORDER BY at, action DESC"
    return [(row["action"], row["actor_id"]) for row in desk.rows(query, id=replay.id)]


# ---- a candidate


def test_a_candidate_is_held_against_every_response_and_says_who_moves_and_by_which_rule() -> None:
    for answers in (CALM, CALM, CALM, CALM, EXERTED, EXERTED, BREATHLESS):
        response(answers)

    replay = replayed(candidate().id)

    assert (replay.state, replay.judged, replay.total, replay.ended_at) == (ReplayState.DONE, 7, 7, LATER)
    assert replay.tally.matrix == {
        (Tier.ROUTINE, Tier.ROUTINE): 4,
        (Tier.URGENT, Tier.EMERGENCY): 2,
        (Tier.URGENT, Tier.URGENT): 1,
    }
    (rule,) = {rule for rule, _before, _after in replay.tally.rules}
    assert listed(replay) == [(Tier.URGENT, Tier.EMERGENCY, (rule,))] * 2
    (week,) = replay.tally.weeks.values()
    assert (week.responses, week.before, week.after, week.night_before) == (7, 3, 3, 0)
    assert trail(replay) == [("replay.started", ANA.id), ("replay.finished", None)]


def test_who_moves_is_listed_in_pages_and_for_one_cell_alone() -> None:
    for _ in range(3):
        response(EXERTED)
    replay = replayed(candidate().id)
    assert listed(replay, before=Tier.URGENT, after=Tier.EMERGENCY) == listed(replay)
    assert listed(replay, before=Tier.ROUTINE) == listed(replay, after=Tier.SOON) == []

    beyond = replays.moves(replay.id, page=9)

    assert (beyond.page, beyond.pages, beyond.total, len(beyond.found)) == (1, 1, 3, 3)
    assert beyond.found[0].name == "Maria Lindqvist"
    assert Moves(total=101, page=1, found=()).pages == 3


def test_responses_of_all_versions_of_the_protocol_count_and_those_of_another_protocol_do_not() -> None:
    response(EXERTED)
    second = publish()
    response(EXERTED)
    desk.publish(desk.PACK.parents[1] / "lumbar-epidural-steroid-injection/v1.yaml")

    assert start(candidate(SECOND.replace("version: 2", "version: 3", 1)).id).total == 2
    assert start(second).total == 1


def test_what_is_answered_after_the_start_does_not_count() -> None:
    for _ in range(4):
        response()
    replay = start(candidate().id)
    assert replays.replay_due(now=LATER, limit=3) == 3
    for _ in range(3):
        response(EXERTED, now=LATER + timedelta(minutes=1))

    work()

    assert (stands(replay).judged, stands(replay).tally.raised) == (4, 0)


def test_a_response_that_is_not_finished_and_said_nothing_worrying_does_not_count() -> None:
    session = surveys.started(surveys.invited(NOW), NOW)
    surveys.answer(session, "red", NOW, **surveys.NONE)
    surveys.score(NOW)

    assert replayed(candidate().id).judged == 0


def test_a_response_at_a_contact_that_the_candidate_does_not_know_is_left_out() -> None:
    response()
    response(EXERTED)
    desk.change("UPDATE invitation SET touch = 'day9' WHERE id = (SELECT min(invitation_id::text)::uuid FROM response)")

    replay = replayed(candidate().id)

    assert (replay.state, replay.judged, replay.tally.left_out, replay.tally.judged) == (ReplayState.DONE, 2, 1, 1)


def test_a_clinic_without_responses_has_its_result_at_once() -> None:
    replay = replayed(candidate().id)

    assert (replay.state, replay.total, replay.judged) == (ReplayState.DONE, 0, 0)


def test_the_steps_do_not_show_in_the_result() -> None:
    for number in range(7):
        response(EXERTED if number % 3 else CALM)
    version = candidate()

    small, exact, large = (replayed(version.id, limit=limit) for limit in (2, 7, 100))

    assert small.tally == exact.tally == large.tally
    assert listed(small) == listed(exact) == listed(large)


# ---- the version in force


def test_the_version_in_force_reproduces_every_score_also_where_the_record_has_changed_since() -> None:
    for answers in (CALM, EXERTED, BREATHLESS):
        response(answers)
    desk.change("UPDATE procedure SET body_sites = '{chest_wall}', context = '{}'")

    replay = replayed(live())

    assert (replay.judged, replay.tally.differing, replay.tally.left_out) == (3, 0, 0)
    assert listed(replay) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("tier = 'soon'", (Tier.SOON, Tier.ROUTINE)),
        ('fired = \'[{"rule": "S9", "tier": "routine"}]\'', (Tier.ROUTINE, Tier.ROUTINE)),
    ],
)
def test_a_stored_score_that_was_changed_is_found(clinic: Database, change: str, said: tuple[Tier, Tier]) -> None:
    for _ in range(4):
        response()
    touched = response()
    with psycopg.connect(clinic.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("ALTER TABLE score DISABLE TRIGGER append_only")
        owner.execute(f"UPDATE score SET {change} WHERE response_id = %s", [touched])
        owner.execute("ALTER TABLE score ENABLE TRIGGER append_only")

    replay = replayed(live())

    assert (replay.state, replay.tally.differing) == (ReplayState.DONE, 1)
    assert [(before, after) for before, after, _because in listed(replay)] == [said]


def test_the_whole_invented_history_is_reproduced() -> None:
    riverside = demo_clinic.settle(NOW)
    assert seed.past(riverside, NOW, progress=lambda *_: None) > 500

    replay = replayed(live(), limit=replays.STEP)

    assert replay.judged > 400
    assert (replay.tally.judged, replay.tally.differing, replay.tally.left_out) == (replay.judged, 0, 0)
    assert replay.tally.matrix[Tier.URGENT, Tier.URGENT] > 5


def publish() -> UUID:
    """The same protocol again, under the next number."""
    by = {"author": ANA.actor, "approver": LENA.actor}
    return versions.publish_file(AGAIN, name="v2.yaml", now=NOW + timedelta(minutes=1), **by).id


def test_what_was_started_before_a_version_was_published_stays_a_what_if_over_the_versions_before_it() -> None:
    for _ in range(4):
        response(EXERTED)
    version = candidate(AGAIN)
    versions.verify(version.id, now=NOW)
    replay = start(version.id, now=NOW)
    replays.replay_due(now=LATER, limit=3)
    versions.publish(version.id, approver=LENA.actor, now=LATER)

    work()

    assert stands(replay).judged == 4
    assert start(version.id, now=LATER).total == 0


# ---- workers that die, and workers side by side


def test_a_worker_that_dies_in_the_middle_loses_its_part_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        response(EXERTED if number % 2 else CALM)
    version = candidate()
    unbroken = replayed(version.id)
    replay = start(version.id)
    replays.replay_due(now=LATER, limit=3)
    before = stands(replay)

    with monkeypatch.context() as broken:
        broken.setattr(store, "add_moves", dies_after(store.add_moves))
        with pytest.raises(KeyboardInterrupt):
            replays.replay_due(now=LATER, limit=3)
    assert stands(replay) == before
    work()

    assert (stands(replay).judged, stands(replay).tally) == (8, unbroken.tally)
    assert listed(replay) == listed(unbroken)


def dies_after(done: Callable[..., None]) -> Callable[..., None]:
    def dies(*arguments: object) -> None:
        done(*arguments)
        raise KeyboardInterrupt

    return dies


def test_a_replay_that_one_worker_is_at_is_nothing_for_another() -> None:
    response()
    start(candidate().id)

    with transaction() as tx:
        assert store.claim(tx) is not None
        assert replays.replay_due(now=LATER) == 0
    assert replays.replay_due(now=LATER) == 1


def test_a_what_if_at_work_keeps_no_response_from_being_scored(clinic: Database) -> None:
    case = surveys.invited(NOW)
    answered(case, CALM, now=NOW)
    replay = start(candidate().id, now=LATER)
    with psycopg.connect(clinic.url.replace("+psycopg", "")) as slow:
        slow.execute(
            "INSERT INTO replay_move (replay_id, response_id, before, after, because) VALUES (%s, %s, %s, %s, '{}')",
            (replay.id, surveys.response_of(case)["id"], "routine", "soon"),
        )

        answered(case, BREATHLESS, now=LATER)  # while the other transaction is open

        assert [alert["tier"] for alert in surveys.alerts_of(case)] == ["urgent"]


def test_of_several_workers_at_once_none_counts_a_response_twice() -> None:
    for number in range(12):
        response(EXERTED if number % 2 else CALM)
    replay = start(candidate().id)

    with ThreadPoolExecutor(4) as workers:
        for _ in workers.map(lambda _: work(limit=1), range(4)):
            pass
    work(limit=1)

    ended = stands(replay)
    assert (ended.state, ended.judged, ended.tally.judged) == (ReplayState.DONE, 12, 12)
    assert len(listed(replay)) == ended.tally.raised == 6


def test_two_versions_are_replayed_side_by_side_and_one_version_only_once_at_a_time() -> None:
    response()
    version = candidate()
    replay, own = start(version.id), start(live())

    with pytest.raises(Refused, match="is running"):
        start(version.id)
    work()

    assert (stands(replay).judged, stands(own).judged) == (1, 1)
    assert start(version.id).id != replay.id


def test_a_running_replay_keeps_the_sentinel_ringing_until_it_is_done() -> None:
    response()
    start(candidate().id)
    assert engine.backlogs(now=LATER)[Queue.MAINTENANCE].rows == 1

    work()

    assert Queue.MAINTENANCE not in engine.backlogs(now=LATER)


# ---- given up


def half_done() -> tuple[Version, Replay]:
    """A candidate whose what-if has judged three of six."""
    for _ in range(6):
        response(EXERTED)
    version = candidate()
    replay = start(version.id)
    replays.replay_due(now=LATER, limit=3)
    assert len(listed(replay)) == 3
    return version, replay


def test_a_cancelled_what_if_keeps_nothing_and_counts_for_nothing() -> None:
    version, replay = half_done()

    replays.cancel(replay.id, by=LENA.actor, now=LATER)

    assert replays.replay_due(now=LATER) == 0
    assert (stands(replay).state, stands(replay).judged, stands(replay).ended_by) == (ReplayState.CANCELLED, 3, LENA.id)
    assert listed(replay) == []
    assert trail(replay) == [("replay.started", ANA.id), ("replay.cancelled", LENA.id)]
    with transaction() as tx:
        assert replays.latest(tx, version.id, version.sha256) is None
    assert replays.cancel(replay.id, by=ANA.actor, now=LATER) == stands(replay)


def test_a_new_one_begins_from_the_first_response_again() -> None:
    version, replay = half_done()
    replays.cancel(replay.id, by=LENA.actor, now=LATER)

    again = replayed(version.id)

    assert (again.judged, again.tally.raised, len(listed(again))) == (6, 6, 6)


def test_what_has_ended_is_not_cancelled() -> None:
    replay = replayed(candidate().id)

    with pytest.raises(Refused, match="done already"):
        replays.cancel(replay.id, by=ANA.actor, now=LATER)
    with pytest.raises(NotFound):
        replays.cancel(uuid4(), by=ANA.actor, now=LATER)


def test_another_text_ends_the_what_if_of_the_text_before() -> None:
    version, replay = half_done()
    other = start(live())

    versions.change(version.id, MILD, name="d", expected_sha256=version.sha256, by=ANA.actor, now=LATER)
    work()

    assert (stands(replay).state, listed(replay)) == (ReplayState.CANCELLED, [])
    assert stands(other).state is ReplayState.DONE
    assert replays.shown(version.id) == stands(replay)


def test_the_newest_finished_one_of_a_text_is_what_others_read() -> None:
    response(EXERTED)
    version = candidate()
    first = replayed(version.id)
    second = replayed(version.id)
    start(version.id)

    with transaction() as tx:
        assert replays.latest(tx, version.id, version.sha256) in (first, second)
        assert replays.latest(tx, version.id, "0" * 64) is None
        assert replays.latest(tx, live(), version.sha256) is None


def test_a_draft_that_is_thrown_away_takes_its_what_if_along() -> None:
    version, replay = half_done()

    versions.discard(version.id, by=ANA.actor, now=LATER)

    assert replays.replay_due(now=LATER) == 0
    with pytest.raises(NotFound):
        replays.get(replay.id)


def test_a_candidate_that_cannot_judge_a_response_ends_with_the_kind_of_fault_and_the_response_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _version, replay = half_done()
    following = desk.rows("SELECT max(id::text)::uuid AS id FROM response")[0]["id"]
    judge = replays.compare

    def stumbles(pack: object, case: replays.Case) -> object:
        if case.response_id == following:
            raise KeyError("Maria Lindqvist, chest")
        return judge(pack, case)

    monkeypatch.setattr(replays, "compare", stumbles)
    work()

    ended = stands(replay)
    assert (ended.state, ended.fault, ended.judged) == (ReplayState.FAILED, f"KeyError at response {following}", 3)
    assert listed(replay) == []
    assert trail(replay)[-1] == ("replay.failed", None)


def test_a_version_that_cannot_be_read_any_more_ends_its_what_if(clinic: Database) -> None:
    version, replay = half_done()
    desk.as_owner(clinic, "UPDATE protocol_version SET source = 'nothing: 1' WHERE id = %(id)s", id=version.id)

    work()

    assert (stands(replay).state, stands(replay).fault) == (ReplayState.FAILED, "ProtocolError")


def test_the_system_starts_none() -> None:
    with pytest.raises(Refused, match="by a person"):
        replays.start(live(), by=SYSTEM, now=LATER)
