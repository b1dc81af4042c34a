"""Sending to patients: claim what is due, keep sixteen calls going, and let two clerks alone touch the database."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog

from survey.domain import messages as rules
from survey.domain.errors import Unavailable
from survey.domain.messages import Ending
from survey.messaging.outcomes import Attempt
from survey.services import attempts, carriers, messages
from survey.services.attempts import Begun, Done, Wanted
from survey.store import messages as store
from survey.store.session import Tx, transaction

log = structlog.get_logger()

One = TypeVar("One")
Result = TypeVar("Result")

THREADS = 16
"""Provider calls at once; a slow provider holds a thread, never a database connection."""
AHEAD = 16
"""So many more are decided about than there are threads, so that none waits for the database."""
LIMIT = 640
"""Looked at in one go, so that a worker that is asked to stop does so before long."""
CLAIMED = 160
"""Leased at once: ten calls for each thread, which end well within the lease however slow they are."""
HANDFUL = 8
"""What a transaction costs is shared by so many messages, as long as more are on their way."""
LINGER_S = 0.02
"""Seconds that a few wait for more to come."""


class _Drain:
    """What one drain has in hand: the desk decides and records, its clerks touch the database, senders call providers.

    Messages go round: leased, decided about in one transaction, called, back, recorded in another one.
    """

    def __init__(self, *, now: datetime, limit: int) -> None:
        self._token = uuid4()
        self._began_at, self._began = now, time.monotonic()
        self._left, self._claimed = limit, 0
        self._claiming: Future[Sequence[UUID]] | None = None
        self._waiting: deque[Wanted] = deque()
        self._calling: dict[Future[Attempt], Begun] = {}
        self._back: list[Done] = []
        self._beginning: Future[list[Begun]] | None = None
        self._ending: Future[list[Wanted]] | None = None

    def run(self) -> int:
        """Keep every thread calling until nothing is due; how many messages were leased."""
        with (
            ThreadPoolExecutor(max_workers=2, thread_name_prefix="clerk") as self._clerks,
            ThreadPoolExecutor(max_workers=3, thread_name_prefix="desk") as self._desk,
            ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="send") as self._senders,
        ):
            enough = 1
            while self._left or self._waiting or self._back or self._open():
                self._claim()
                self._begin(enough)
                self._end(enough)
                over = wait(self._open(), timeout=LINGER_S, return_when=FIRST_COMPLETED).done
                self._collect(over)
                enough = HANDFUL if over else 1
        return self._claimed

    def _open(self) -> set[Future[Any]]:
        at_desk = (self._claiming, self._beginning, self._ending)
        return {*self._calling, *(one for one in at_desk if one is not None)}

    def _claim(self) -> None:
        if self._claiming is None and self._left and len(self._waiting) < THREADS + AHEAD:
            some = min(CLAIMED, self._left)
            self._claiming = self._desk.submit(_claim_some, token=self._token, now=self._now(), limit=some)

    def _begin(self, enough: int) -> None:
        room = min(THREADS + AHEAD - len(self._calling), len(self._waiting))
        if self._beginning is None and room >= min(enough, max(len(self._waiting), 1)):
            wanted = [self._waiting.popleft() for _ in range(room)]
            self._beginning = self._desk.submit(_begin_all, self._clerks, wanted, token=self._token, now=self._now())

    def _end(self, enough: int) -> None:
        if self._ending is None and len(self._back) >= enough:
            self._ending = self._desk.submit(_finish_all, self._clerks, self._back, now=self._now())
            self._back = []

    def _collect(self, over: set[Future[Any]]) -> None:
        for call in over & self._calling.keys():
            self._back.append(Done(self._calling.pop(call), call.result()))
        if self._claiming in over and (claiming := self._claiming):
            self._lease(claiming.result())
            self._claiming = None
        if self._beginning in over and (begun := self._beginning):
            self._calling |= {self._senders.submit(one.call): one for one in begun.result()}
            self._beginning = None
        if self._ending in over and (ended := self._ending):
            self._waiting.extendleft(ended.result())
            self._ending = None

    def _lease(self, found: Sequence[UUID]) -> None:
        self._waiting.extend(Wanted(message_id=one) for one in found)
        self._claimed += len(found)
        self._left = 0 if len(found) < min(CLAIMED, self._left) else self._left - len(found)

    def _now(self) -> datetime:
        """The drain's clock, moved on by the whole seconds that have passed since it began."""
        return self._began_at + timedelta(seconds=int(time.monotonic() - self._began))


def send_due(*, now: datetime, limit: int = LIMIT) -> int:
    """Send what is due, at most `limit`; how many messages were looked at, 0 when nothing is left.

    Safe to call from many processes at once. A message whose sender died in the middle of the provider's call becomes
    `unknown` and is not sent again; one whose sender died before the call goes back into the queue.
    """
    return _recover(now, limit) + _Drain(now=now, limit=limit).run()


def _recover(now: datetime, limit: int) -> int:
    with transaction() as tx:
        lapsed = store.find_lapsed(tx, now=now, limit=limit)
        for message, called in lapsed:
            if not called:
                store.swap(tx, message, rules.released(message))
                continue
            said = store.lapse_attempt(tx, message, now=now)
            unknown = rules.after(message, Ending.UNKNOWN, detail="lease_expired", now=now)
            new = rules.told(unknown, said) if said else unknown
            store.swap(tx, message, new)
            messages.follow(tx, new, now=now)
    return len(lapsed)


def _claim_some(*, token: UUID, now: datetime, limit: int) -> Sequence[UUID]:
    with transaction() as tx:
        return store.claim(tx, token=token, until=now + rules.LEASE, now=now, limit=limit)


def _begin_all(clerks: Executor, wanted: Sequence[Wanted], *, token: UUID, now: datetime) -> list[Begun]:
    return _together(clerks, lambda tx, some: attempts.begin(tx, some, token=token, now=now), wanted)


def _finish_all(clerks: Executor, done: Sequence[Done], *, now: datetime) -> list[Wanted]:
    """Record how calls ended; the messages that another provider may take at once."""
    again = _together(clerks, lambda tx, some: attempts.finish(tx, some, now=now), done)
    with transaction() as tx:
        carriers.note(tx, [(one.attempt, one.begun.probes) for one in done], now=now)
    return again


def _together(
    clerks: Executor, work: Callable[[Tx, Sequence[One]], list[Result]], items: Sequence[One]
) -> list[Result]:
    """One transaction for all; when that fails one for each, so that a row that cannot be dealt with spoils no other.

    What fails alone is left to its lease. Raises Unavailable without a database.
    """
    whole = clerks.submit(_in_one, work, items)
    if whole.exception() is None:
        return whole.result()
    alone = [clerks.submit(_in_one, work, [one]) for one in items]
    failures = [error for one in alone if (error := one.exception())]
    for error in failures:
        if isinstance(error, Unavailable):
            raise error
        log.error("message.left_to_its_lease", error=type(error).__name__)
    return [result for one in alone if one.exception() is None for result in one.result()]


def _in_one(work: Callable[[Tx, Sequence[One]], list[Result]], items: Sequence[One]) -> list[Result]:
    with transaction() as tx:
        return work(tx, items)
