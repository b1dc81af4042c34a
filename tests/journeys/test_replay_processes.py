"""A what-if with real workers: one is killed in the middle of a part, and another finishes it."""

import signal
from datetime import timedelta

import pytest
import sqlalchemy as sa

from survey import clock
from survey.domain.answers import Answers
from survey.domain.queues import Queue
from survey.domain.replays import Replay, ReplayState
from survey.services import replays, versions
from survey.store import doorbell
from survey.store.session import transaction
from tests import desk, second_version, surveys
from tests.cast import ANA
from tests.conftest import Database
from tests.staff import CALM, answered
from tests.workers.processes import environment, eventually, running

pytestmark = pytest.mark.processes

EXERTED: Answers = {**CALM, "breath": "exert"}
"""Urgent, and under the second version an emergency."""
WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO replay_move%'"


def stands(replay: Replay) -> Replay:
    return replays.get(replay.id)[0]


def moved(replay: Replay) -> int:
    return replays.moves(replay.id).total


def test_a_worker_is_killed_in_the_middle_and_another_finishes_with_the_same_result(
    database: Database, redis_url: str
) -> None:
    doorbell.configure(redis_url)
    now = clock.now() - timedelta(hours=3)
    surveys.open_clinic(now)
    for _ in range(8):
        answered(surveys.invited(now), EXERTED, now=now)
    version = versions.draft(second_version.source(), name="draft.yaml", by=ANA.actor, now=now)
    replay = replays.start(version.id, by=ANA.actor, now=clock.now())
    replays.replay_due(now=clock.now(), limit=3)
    environ = environment(database, redis_url)

    with running("worker", "maintenance", environ=environ) as worker, transaction() as tx:
        # It has moved the cursor, and waits with its list of who moves for a row that is held here.
        tx.run(sa.text("SELECT id FROM response FOR UPDATE"))
        eventually(lambda: desk.rows(WAITS), within_s=60)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert (stands(replay).state, stands(replay).judged, moved(replay)) == (ReplayState.RUNNING, 3, 3)

    with running("worker", "maintenance", environ=environ):
        doorbell.ring(Queue.MAINTENANCE)  # as the sentinel does while a row says that it runs
        eventually(lambda: not stands(replay).is_running, within_s=60)

    ended = stands(replay)
    assert (ended.state, ended.judged, ended.tally.judged, ended.tally.raised) == (ReplayState.DONE, 8, 8, 8)
    assert moved(replay) == 8
