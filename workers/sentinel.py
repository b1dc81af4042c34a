"""The sentinel: a plain loop that needs only PostgreSQL. It rings for what is due, and does itself what is overdue."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Event

import httpx
import structlog

from survey import clock
from survey.domain.errors import DomainError
from survey.domain.queues import Queue
from survey.services import canary, contact_proofs, engine, escalation, inbound, owner_mails, pages, scores, sending
from survey.settings import Settings
from workers.drain import drain

EVERY_S = 2.0
OVERDUE = timedelta(seconds=2)
"""After that the workers had their chance."""
KNOCK_EVERY_S = 30.0
"""So often every queue is rung although nothing is due: the worker that answers is alive, the whole way through."""
PING_EVERY_S = 60.0
PING_TIMEOUT_S = 10.0
HUNG = timedelta(seconds=8)
"""A leader that was not heard of for so long has lost its seat, although its connection is still there."""
TEXTS_OVERDUE = timedelta(minutes=1)
"""Texts to patients come in bulks that take the workers a while."""
TEXTS = 16
HANDS = 4
"""Threads that hand over pages: a provider that hangs must not hold up the loop."""
BUDGET_S = 1.0

Healthy = Callable[[datetime], bool]

log = structlog.get_logger()


def run(settings: Settings, stop: Event, *, healthy: Healthy | None = None) -> None:
    """Watch until `stop` is set. Of any number of sentinels one leads and the others stand by.

    `healthy` says whether every invariant holds; the outside heartbeat is sent only while it does.
    """
    watch = Sentinel(settings, healthy=healthy)
    try:
        while not stop.is_set():
            began = time.monotonic()
            watch.tick(clock.now())
            stop.wait(max(0.0, EVERY_S - (time.monotonic() - began)))
    finally:
        watch.end()


class Sentinel:
    """One watcher. `tick` is one look; it never raises for a database that is away."""

    def __init__(self, settings: Settings, *, healthy: Healthy | None = None) -> None:
        self._seat = engine.candidate(settings.database_url.get_secret_value())
        self._ping = Heartbeat(settings.heartbeat_url, healthy=healthy)
        self._hands = ThreadPoolExecutor(max_workers=HANDS + 1, thread_name_prefix="page")
        self._busy: list[Future[int]] = []
        self._sending: Future[int] | None = None
        self._knocked = float("-inf")
        self._led = False
        self._canary = partial(canary.walk, begins=settings.canary)

    def tick(self, now: datetime) -> None:
        """Lead if nobody else does: beat, ring, help. Otherwise stand by."""
        try:
            if self._leads(now):
                clock.agree(engine.beat(engine.SENTINEL, now=now))
                waiting = engine.backlogs(now=now)
                self._help(waiting, self._ring(waiting), now)
                self._ping.send(now)
                drain(Queue.PAGING, self._canary, seconds=BUDGET_S)
        except DomainError as error:
            self._led = False
            log.error("sentinel.hindered", error=type(error).__name__)

    def end(self) -> None:
        """Let the next one lead. A page that is being handed over is finished first."""
        self._hands.shutdown(wait=True, cancel_futures=True)
        self._ping.end()
        self._seat.leave()

    def _leads(self, now: datetime) -> bool:
        leads = self._seat.leads()
        if leads and not self._led:
            log.info("sentinel.leads")
        self._led = leads
        if not leads:
            last = engine.last_beat(engine.SENTINEL)
            if last is not None and now - last > HUNG and self._seat.depose():
                log.error("sentinel.deposed_a_hung_leader")
        return leads

    def _ring(self, waiting: engine.Backlogs) -> set[Queue]:
        """Ring where something waits, and now and then everywhere; the queues whose ring was not heard."""
        knock = time.monotonic() - self._knocked > KNOCK_EVERY_S
        if knock:
            self._knocked = time.monotonic()
        return {queue for queue in (Queue if knock else waiting) if not engine.ring(queue)}

    def _help(self, waiting: engine.Backlogs, unheard: set[Queue], now: datetime) -> None:
        overdue = {queue for queue, backlog in waiting.items() if now - backlog.since > OVERDUE}
        mine = overdue | (unheard & waiting.keys())  # nobody else will hear of it
        if Queue.INBOUND in mine:
            drain(Queue.INBOUND, inbound.handle_due, seconds=BUDGET_S)
        # Words of danger in a reply have to be scored at once, since whoever did not read it may not score either.
        if mine & {Queue.INBOUND, Queue.SCORING}:
            drain(Queue.SCORING, scores.score_due, seconds=BUDGET_S)
        # What was scored just now has to page at once, likewise.
        if mine & {Queue.INBOUND, Queue.SCORING, Queue.PAGING}:
            drain(Queue.PAGING, escalation.advance_due, seconds=BUDGET_S)
            self._page()
        if Queue.SENDING in unheard & waiting.keys() or _is_late(waiting.get(Queue.SENDING), now):
            self._send_texts()

    def _page(self) -> None:
        self._busy = [hand for hand in self._busy if not hand.done()]
        for _ in range(HANDS - len(self._busy)):
            self._busy.append(self._hands.submit(_hand_over))

    def _send_texts(self) -> None:
        """Whoever was not reached in time is told so, also without Redis and without a worker."""
        if self._sending is None or self._sending.done():
            self._sending = self._hands.submit(_send_some)


def _is_late(backlog: engine.Backlog | None, now: datetime) -> bool:
    return backlog is not None and now - backlog.since > TEXTS_OVERDUE


def _send_some() -> int:
    return drain(Queue.SENDING, partial(sending.send_due, limit=TEXTS), seconds=BUDGET_S)


def _hand_over() -> int:
    """Pages first; only then codes, and test pages before shifts."""
    done = drain(Queue.PAGING, pages.send_due, owner_mails.send_due, seconds=BUDGET_S)
    return done + drain(Queue.PAGING, *contact_proofs.WORK, seconds=BUDGET_S)


class Heartbeat:
    """Tells a monitor outside that all is well, and never when that is not known."""

    def __init__(self, url: str | None, *, healthy: Healthy | None) -> None:
        self._url, self._healthy = url, healthy
        self._next = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heartbeat")
        self._running: Future[None] | None = None

    def send(self, now: datetime) -> None:
        """Once a minute, without waiting for it."""
        if self._url is None or time.monotonic() < self._next or (self._running and not self._running.done()):
            return
        self._next = time.monotonic() + PING_EVERY_S
        self._running = self._thread.submit(self._ping, self._url, now)

    def end(self) -> None:
        """Send no more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _ping(self, url: str, now: datetime) -> None:
        try:
            if self._healthy is None or not self._healthy(now):
                log.error("heartbeat.withheld")
                return
            httpx.get(url, timeout=PING_TIMEOUT_S).raise_for_status()
        except (DomainError, httpx.HTTPError) as error:
            log.error("heartbeat.failed", error=type(error).__name__)
