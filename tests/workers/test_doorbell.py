"""The doorbell is written without Celery; a real Celery worker has to understand it."""

from datetime import timedelta
from uuid import UUID

import pytest
import redis
import sqlalchemy as sa

from survey import clock
from survey.domain.protocol import Tier
from survey.domain.queues import Queue
from survey.services import alerts, engine
from survey.store import doorbell
from survey.store.session import transaction
from tests import factories
from tests.cast import RIVERSIDE
from tests.conftest import Database
from tests.workers.processes import environment, eventually, running

pytestmark = pytest.mark.processes


def worry() -> UUID:
    now = clock.now()
    response_id = factories.response(now=now)
    with transaction() as tx:
        score = {"tier": Tier.URGENT, "now": now, "answered_at": now}
        alert = alerts.raise_for(tx, response_id=response_id, site=RIVERSIDE, **score)
    assert alert is not None
    return alert.id


def was_paged(alert_id: UUID) -> bool:
    """Whether a worker has had the page in its hands; that it is planned says nothing of a worker."""
    return all(told.page.attempts for told in alerts.get(alert_id).pages)


def test_a_commit_rings_and_a_real_worker_answers_within_a_second(database: Database, redis_url: str) -> None:
    factories.clinic(now=clock.now())
    doorbell.configure(redis_url)

    with running("worker", "paging", environ=environment(database, redis_url)):
        eventually(lambda: doorbell.ring(Queue.PAGING) and engine.last_beat("worker:paging"), within_s=120)
        alert_id = worry()
        took = eventually(lambda: was_paged(alert_id), within_s=5)

    assert took < 1


def test_one_worker_listens_to_every_queue_that_it_was_given(database: Database, redis_url: str) -> None:
    doorbell.configure(redis_url)
    queues = [queue.value for queue in Queue]

    with running("worker", *queues, environ=environment(database, redis_url)):
        for queue in Queue:
            component = f"worker:{queue}"
            eventually(lambda q=queue, c=component: doorbell.ring(q) and engine.last_beat(c), within_s=120)

    with transaction() as tx:
        assert tx.run(
            sa.text("SELECT count(*) FROM engine_heartbeat WHERE component LIKE 'worker:%'")
        ).scalar_one() == len(Queue)


def test_a_worker_started_before_its_redis_waits_for_it(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from survey.local import redis as local

    folder = tmp_path_factory.mktemp("late") / ".daytwo"
    folder.mkdir(mode=0o700)
    url = local.url(local.socket_path(folder))
    doorbell.configure(url)

    with running("worker", "paging", environ=environment(database, url)) as worker:
        eventually(lambda: worker.poll() is None, within_s=1)
        server = local.start(folder)
        try:
            eventually(lambda: doorbell.ring(Queue.PAGING) and engine.last_beat("worker:paging"), within_s=120)
        finally:
            server.stop()


def test_a_ring_that_waits_is_not_doubled(redis_url: str) -> None:
    doorbell.configure(redis_url)

    for _ in range(5):
        doorbell.ring(Queue.SENDING)

    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(doorbell.PREFIX + Queue.SENDING) == 1


def test_a_ring_outlives_the_worker_that_was_killed_before_it(database: Database, redis_url: str) -> None:
    factories.clinic(now=clock.now() - timedelta(minutes=1))
    doorbell.configure(redis_url)
    with running("worker", "paging", environ=environment(database, redis_url)) as worker:
        eventually(lambda: doorbell.ring(Queue.PAGING) and engine.last_beat("worker:paging"), within_s=120)
        worker.kill()
        worker.wait()
    alert_id = worry()

    with running("worker", "paging", environ=environment(database, redis_url)):
        eventually(lambda: was_paged(alert_id), within_s=120)
