"""The Celery application: a doorbell's listener. Its queues hold rings without arguments; the work stands in rows."""

import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import worker_init

from survey import clock
from survey.domain.queues import TASKS, Queue
from survey.settings import load
from workers import schedule, wiring

settings = load()
# Celery warns root because of pickled messages; ours are JSON, and nothing else is accepted.
warnings.filterwarnings("ignore", category=SecurityWarning)


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis address: a Unix socket is `redis+socket:///path?virtual_host=0` there."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{user}{parts.path}?virtual_host={number}"


app = Celery(  # type: ignore[no-untyped-call]
    "daytwo",
    broker=broker_url(settings.redis_url.get_secret_value()),
    task_cls="workers.task:Task",
    include=["workers.alerts", "workers.inbound", "workers.maintenance", "workers.messages", "workers.responses"],
)
app.conf.update(
    task_ignore_result=True,
    result_backend=None,
    task_acks_late=True,  # a worker that dies gives its ring to the next; the work itself is in rows anyway
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,  # no ring waits behind a busy thread
    task_publish_retry_policy={"max_retries": 0},  # fail fast: the sentinel rings again
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # Celery gives up after 100 tries otherwise
    broker_transport_options={
        "visibility_timeout": 300,
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,  # else a dead worker's ring comes back only after some 100 s
        "socket_connect_timeout": 0.5,
        "socket_keepalive": True,
        "health_check_interval": 10,  # a half-open connection is found in about 21 s instead of 51
        "global_keyprefix": wiring.PREFIX,
    },
    worker_cancel_long_running_tasks_on_connection_loss=False,  # never cut a provider's call in two
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,  # our log lines are JSON, and go out as they are
    task_serializer="json",
    accept_content=["json"],
    task_default_queue=Queue.MAINTENANCE.value,
    task_create_missing_queues=True,
    task_routes={name: {"queue": queue.value} for queue, name in TASKS.items()},
    beat_schedule=schedule.TABLE,
    enable_utc=True,
)


def task(queue: Queue) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Makes a function the task that drains that queue."""
    return app.task(name=TASKS[queue])  # type: ignore[no-any-return, no-untyped-call]


@worker_init.connect  # type: ignore[untyped-decorator]
def _connect(sender: Any = None, **_named: Any) -> None:
    """Wire the process before its threads start, each with a connection of its own and one to spare."""
    wiring.connect(settings, pool_size=(getattr(sender, "concurrency", None) or 4) + 1)
    wiring.check_protocols(set(app.amqp.queues.consume_from), now=clock.now())
