"""The sentinel leads alone, rings for what is due, does what is overdue, and outlives whatever breaks."""

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import redis
import sqlalchemy as sa

from survey import clock
from survey.domain.queues import Queue
from survey.messaging import registry
from survey.services import alerts, engine
from survey.settings import Settings
from survey.store import doorbell
from survey.store.session import transaction
from tests import desk, factories, texting
from tests.cast import ANA
from tests.conftest import Database
from tests.desk import WEDNESDAY_TEN
from tests.fakes import FakeSms
from tests.night import Night
from tests.workers.processes import SECRET, environment, eventually, running
from workers.sentinel import HUNG, Sentinel

NO_REDIS = "unix:///nowhere/redis.sock?db=0"


def settings(database: Database, **more: object) -> Settings:
    ours = {"database_url": database.url, "redis_url": NO_REDIS, "secret_key": SECRET, "canary": False}
    return Settings(**ours, public_url="https://daytwo.example.org", **more)


@pytest.fixture
def sentinel(database: Database) -> Iterator[Sentinel]:
    doorbell.configure(NO_REDIS)
    watch = Sentinel(settings(database), healthy=lambda _now: True)
    yield watch
    watch.end()


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    now = clock.now()  # the sentinel's own hands read the clock
    factories.clinic(now=now)
    quiet = Night(now=now)
    quiet.wire()
    return quiet


def test_it_rings_for_what_is_due_and_leaves_the_work_to_the_workers(
    sentinel: Sentinel, night: Night, redis_url: str
) -> None:
    doorbell.configure(redis_url)
    night.raised()

    sentinel.tick(night.now + timedelta(seconds=2))

    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(doorbell.PREFIX + Queue.PAGING) == 1
    assert night.sms.wire == []


def test_what_is_overdue_by_more_than_two_seconds_it_does_itself(
    sentinel: Sentinel, night: Night, redis_url: str
) -> None:
    doorbell.configure(redis_url)
    alert = night.raised()

    sentinel.tick(night.now + timedelta(seconds=3))

    eventually(lambda: night.sms.to(ANA), within_s=5)
    assert night.story(alert) == ["opened", "paged"]


def test_where_no_ring_is_heard_it_does_not_wait(sentinel: Sentinel, night: Night) -> None:
    night.raised()

    sentinel.tick(night.now + timedelta(seconds=1))

    eventually(lambda: night.sms.to(ANA), within_s=5)


def test_a_clinicians_code_takes_the_alert_and_is_answered_where_no_ring_is_heard(
    sentinel: Sentinel, night: Night
) -> None:
    alert = night.worry()
    texting.text("1", now=night.now, sender=ANA.mobile)

    sentinel.tick(night.now + timedelta(seconds=1))

    assert night.alert(alert).acked_by == ANA.id
    eventually(lambda: "you have alert" in night.sms.to(ANA)[-1].body, within_s=5)


def due_text(monkeypatch: pytest.MonkeyPatch) -> FakeSms:
    """It is Maria's day 2, and her text is due."""
    desk.open_clinic()
    carrier = FakeSms()
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=carrier, email=None))
    desk.enrol(desk.maria())
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY_TEN)
    return carrier


def test_a_patients_text_leaves_where_no_ring_is_heard(sentinel: Sentinel, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = due_text(monkeypatch)

    sentinel.tick(WEDNESDAY_TEN)

    eventually(lambda: [one.to for one in carrier.wire] == [desk.MARIAS_PHONE], within_s=5)


@pytest.mark.parametrize(("seconds", "texts"), [(60, 0), (61, 1)])
def test_where_rings_are_heard_it_leaves_texts_to_the_workers_for_a_minute(
    sentinel: Sentinel, redis_url: str, monkeypatch: pytest.MonkeyPatch, seconds: int, texts: int
) -> None:
    carrier = due_text(monkeypatch)
    doorbell.configure(redis_url)
    (due,) = desk.rows("SELECT min(due_at) AS at FROM message")

    sentinel.tick(due["at"] + timedelta(seconds=seconds))
    sentinel.end()

    assert len(carrier.wire) == texts


def test_now_and_then_it_rings_everywhere_so_that_every_worker_shows_that_it_lives(
    sentinel: Sentinel, redis_url: str
) -> None:
    doorbell.configure(redis_url)

    sentinel.tick(clock.now())

    with redis.Redis.from_url(redis_url) as client:
        assert [client.llen(doorbell.PREFIX + queue) for queue in Queue] == [1] * len(Queue)


def test_of_two_one_leads_and_when_it_ends_the_other_does(database: Database, sentinel: Sentinel, night: Night) -> None:
    second = Sentinel(settings(database), healthy=None)
    sentinel.tick(night.now)
    second.tick(night.now + timedelta(seconds=2))
    led = engine.last_beat(engine.SENTINEL)

    sentinel.end()
    later = night.now + timedelta(seconds=4)
    eventually(lambda: (second.tick(later), engine.last_beat(engine.SENTINEL) == later)[1], within_s=5)
    second.end()

    assert led == night.now


def test_a_leader_that_hangs_loses_its_seat(database: Database, sentinel: Sentinel, night: Night) -> None:
    second = Sentinel(settings(database), healthy=None)
    sentinel.tick(night.now)

    later = night.now + HUNG + timedelta(seconds=1)
    second.tick(later)
    eventually(lambda: (second.tick(later), engine.last_beat(engine.SENTINEL) == later)[1], within_s=5)
    second.end()


def test_it_goes_on_after_its_connections_were_cut(database: Database, sentinel: Sentinel, night: Night) -> None:
    sentinel.tick(night.now)
    with transaction() as tx:
        tx.run(
            sa.text("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()""")
        )

    sentinel.tick(night.now + timedelta(seconds=2))
    sentinel.tick(night.now + timedelta(seconds=4))

    assert engine.last_beat(engine.SENTINEL) == night.now + timedelta(seconds=4)
    assert database.name


class Monitor(BaseHTTPRequestHandler):
    """The monitor outside."""

    heard = 0

    def do_GET(self) -> None:
        """Note one heartbeat."""
        type(self).heard += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Quietly."""


@pytest.fixture
def monitor() -> Iterator[str]:
    Monitor.heard = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Monitor) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize(("holds", "expected"), [(True, 1), (False, 0), (None, 0)])
def test_the_outside_heartbeat_is_sent_once_a_minute_and_only_while_all_is_known_to_be_well(
    database: Database, monitor: str, holds: bool | None, expected: int
) -> None:
    healthy = None if holds is None else (lambda _now: holds)
    watch = Sentinel(settings(database, heartbeat_url=monitor), healthy=healthy)

    for second in range(3):
        watch.tick(clock.now() + timedelta(seconds=second))
    watch.end()

    assert Monitor.heard == expected


@pytest.mark.processes
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_the_standby_takes_over_within_ten_seconds(database: Database, redis_url: str, ending: signal.Signals) -> None:
    factories.clinic(now=clock.now())
    environ = environment(database, redis_url)

    with running("sentinel", environ=environ) as first:
        eventually(lambda: engine.last_beat(engine.SENTINEL), within_s=120)
        with running("sentinel", environ=environ):
            eventually(lambda: _candidates() == 2, within_s=120)
            first.send_signal(ending)
            first.wait()
            died = clock.now()
            took = eventually(lambda: (engine.last_beat(engine.SENTINEL) or died) > died, within_s=10)

    assert took < 10


def _candidates() -> int:
    """Sentinels that are connected: each has a seat, which asks for the lock, apart from its pool."""
    with transaction() as tx:
        question = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%advisory%'"
        )
        return int(tx.run(sa.text(question + " AND pid <> pg_backend_pid()")).scalar_one())


@pytest.mark.processes
def test_with_neither_redis_nor_a_worker_an_alert_is_still_escalated(database: Database) -> None:
    factories.clinic(now=clock.now())

    with running("sentinel", environ=environment(database, NO_REDIS)):
        eventually(lambda: engine.last_beat(engine.SENTINEL), within_s=120)
        night = Night(now=clock.now())
        alert = night.raised()
        took = eventually(lambda: len(alerts.get(alert.id).story) > 1, within_s=10)

    assert took < 5
