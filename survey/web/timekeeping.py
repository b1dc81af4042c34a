"""Keeps the web to the database's clock, as workers and sentinels are: a promise told by a wrong clock comes late."""

import time
from threading import Lock

import structlog
from flask import Flask

from survey import clock
from survey.domain.errors import Unavailable
from survey.services import engine

EVERY_S = 30.0

log = structlog.get_logger()


class Timekeeper:
    """Asks the database for the time now and then, with the request that comes first."""

    def __init__(self) -> None:
        self._next = float("-inf")
        self._asking = Lock()

    def keep(self) -> None:
        """Ask if it is time, unless somebody else is asking; a database that is away is left alone as long."""
        if time.monotonic() < self._next or not self._asking.acquire(blocking=False):
            return
        try:
            self._next = time.monotonic() + EVERY_S
            off = clock.agree(engine.time())
            if off:
                log.warning("clock.corrected", seconds=round(off.total_seconds()))
        except Unavailable:
            log.error("clock.not_agreed")
        finally:
            self._asking.release()


def install(app: Flask) -> None:
    """Before a request is read."""
    app.before_request(Timekeeper().keep)
