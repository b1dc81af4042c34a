"""Drains one queue: calls its service until nothing is due, and tells what that took."""

import time
from collections.abc import Callable

import structlog

from survey import clock
from survey.domain.queues import Queue

Handler = Callable[..., int]
"""Takes `now`, does some of what is due, and answers how much that was."""

log = structlog.get_logger()


def drain(queue: Queue, *handlers: Handler, seconds: float | None = None) -> int:
    """Call the handlers in turn, each time with a fresh `now`, until none has anything left; how much was done.

    Stops after `seconds`, if given. Never raises: whatever went wrong, the rows are still due, and the sentinel rings
    again in two seconds.
    """
    began, done = time.monotonic(), 0
    try:
        while part := sum(handler(now=clock.now()) for handler in handlers):
            done += part
            if seconds is not None and time.monotonic() - began > seconds:
                break
    except Exception as error:  # noqa: BLE001 (the one place: a worker outlives whatever its task meets)
        # The type alone: an error's text may quote a row.
        log.error("drain.failed", queue=queue.value, done=done, error=type(error).__name__)
        return done
    if done:
        log.info("drain.done", queue=queue.value, done=done, took_ms=round((time.monotonic() - began) * 1000))
    return done
