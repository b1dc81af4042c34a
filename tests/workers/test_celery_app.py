"""Celery is set up so that it can lose or repeat anything without harm."""

import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from survey.domain.queues import TASKS, Queue
from survey.settings import load
from survey.store import doorbell
from tests.workers.processes import SECRET


@pytest.fixture(scope="module")
def celery_app() -> Iterator[ModuleType]:
    """The application, which reads its settings when it is imported, as a worker does. It never connects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", "postgresql:///nowhere")
        patch.setenv("REDIS_URL", "unix:///nowhere.sock?db=3")
        patch.setenv("SECRET_KEY", SECRET)
        patch.setenv("PUBLIC_URL", "http://127.0.0.1:8000")
        load.cache_clear()
        module = importlib.import_module("workers.celery_app")
        module.app.loader.import_default_modules()
        yield module
    load.cache_clear()


@pytest.mark.parametrize(
    ("redis_url", "broker"),
    [
        ("unix:///run/redis.sock?db=3", "redis+socket:///run/redis.sock?virtual_host=3"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:secret@/run/redis.sock?db=1", "redis+socket://:secret@/run/redis.sock?virtual_host=1"),
        ("redis://:secret@redis:6379/0", "redis://:secret@redis:6379/0"),
        ("rediss://redis:6379/2", "rediss://redis:6379/2"),
    ],
)
def test_a_redis_address_is_spelled_as_celery_wants_it(celery_app: ModuleType, redis_url: str, broker: str) -> None:
    assert celery_app.broker_url(redis_url) == broker


def test_every_queue_has_a_task_that_goes_there(celery_app: ModuleType) -> None:
    ours = {name for name in celery_app.app.tasks if not name.startswith("celery.")}

    assert ours == set(TASKS.values())
    assert celery_app.app.conf.task_routes == {name: {"queue": queue} for queue, name in TASKS.items()}


def test_its_keys_are_the_doorbells(celery_app: ModuleType) -> None:
    assert celery_app.app.conf.broker_transport_options["global_keyprefix"] == doorbell.PREFIX


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("accept_content", ["json"]),
        ("broker_connection_max_retries", None),
        ("result_backend", None),
        ("task_acks_late", True),
        ("task_ignore_result", True),
        ("task_publish_retry_policy", {"max_retries": 0}),
        ("worker_prefetch_multiplier", 1),
    ],
)
def test_what_has_to_be_set(celery_app: ModuleType, setting: str, value: object) -> None:
    assert celery_app.app.conf[setting] == value


def test_beat_rings_for_housekeeping_alone(celery_app: ModuleType) -> None:
    assert {entry["task"] for entry in celery_app.app.conf.beat_schedule.values()} == {TASKS[Queue.MAINTENANCE]}
