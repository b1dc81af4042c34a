"""Rings a queue's worker: one constant Celery message on a Redis list, and never an error or a wait for the caller.

Celery's message protocol (version 2) is published for clients that are not Celery. Writing the one constant message
here keeps Celery out of the web process and of the sentinel, which must run without it, and bounds the wait ourselves:
a Celery publish to a hung Redis was measured to hold its caller for seconds.
"""

import base64
import json
import time
from functools import cache
from threading import Lock, local
from uuid import uuid4

import redis
import structlog

from survey.domain.queues import TASKS, Queue

log = structlog.get_logger()

PREFIX = "daytwo:"
"""Celery's `global_keyprefix`; the workers carry the same."""
WAIT_S = 0.25
"""How long a ring may take when Redis hangs."""
PAUSE_S = 3.0
"""After a failure nobody rings for so long: eight web threads must not each wait on a hung Redis."""

# A ring still waiting in the list will be answered after this commit, so a second one adds nothing.
_RING_ONCE = "if redis.call('llen', KEYS[1]) == 0 then redis.call('lpush', KEYS[1], ARGV[1]) end"

_ID = "<id>"

_client: redis.Redis | None = None
_silent_until = 0.0
_lock = Lock()
_mine = local()
"""A thread's connection and the pool that it was made by. redis-py closes it after any error, and opens it again."""


def configure(url: str) -> None:
    """Point this process at a Redis: `redis://…` or `unix:///path`."""
    global _client, _silent_until
    _silent_until = 0.0
    _client = redis.Redis.from_url(url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S, retry=None)


def ring(queue: Queue) -> bool:
    """Ring; whether it was heard. A silent doorbell is no fault: the sentinel looks every two seconds."""
    global _silent_until
    if _client is None or time.monotonic() < _silent_until:
        return False
    try:
        _ring(_client.connection_pool, queue)
    except redis.RedisError as error:
        with _lock:
            _silent_until = time.monotonic() + PAUSE_S
        log.warning("doorbell.silent", queue=queue.value, error=type(error).__name__)
        return False
    return True


def _ring(pool: redis.ConnectionPool, queue: Queue) -> None:
    """One command and its answer on a connection of this thread's own, at a quarter of what the client costs a tap."""
    if getattr(_mine, "pool", None) is not pool:
        _mine.pool, _mine.connection = pool, pool.make_connection()
    try:
        _exchange(_mine.connection, queue)
    except redis.ConnectionError:  # closed since by a Redis that has restarted: it opens anew, or fails at once
        _exchange(_mine.connection, queue)


def _exchange(connection: redis.Connection, queue: Queue) -> None:
    connection.send_command("EVAL", _RING_ONCE, 1, PREFIX + queue, message(queue))  # type: ignore[no-untyped-call]
    connection.read_response()


def message(queue: Queue) -> str:
    """The Celery message, protocol 2 in kombu's Redis envelope, that runs the queue's drain task without arguments."""
    return _template(queue).replace(_ID, str(uuid4()))


@cache
def _template(queue: Queue) -> str:
    body = base64.b64encode(json.dumps([[], {}, {}]).encode()).decode()
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": TASKS[queue],
                "id": _ID,
                "root_id": _ID,
                "argsrepr": "()",
                "kwargsrepr": "{}",
            },
            "properties": {
                "correlation_id": _ID,
                "delivery_mode": 1,
                "delivery_info": {"exchange": "", "routing_key": queue.value},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": _ID,
            },
        }
    )


def reachable() -> bool:
    """Whether Redis answers now."""
    if _client is None:
        return False
    try:
        return bool(_client.ping())
    except redis.RedisError:
        return False
