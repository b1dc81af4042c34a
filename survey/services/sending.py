"""Sending to patients: claim what is due, keep sixteen calls going, and let one hand alone touch the database."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
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
BATCH = 320
"""Claimed at once: twenty calls for each thread, which end well within the lease however slow they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What one drain has in hand. Its clerk alone touches the database; the pool of senders calls providers."""

    clerk: Executor
    token: UUID
    began_at: datetime
    began: float
    waiting: deque[Wanted]

    def now(self) -> datetime:
        """The drain's clock, moved on by the whole seconds that have passed since it began."""
        return self.began_at + timedelta(seconds=int(time.monotonic() - self.began))


def send_due(*, now: datetime, limit: int = BATCH) -> int:
    """Send what is due, at most `limit`; how many messages were looked at, 0 when nothing is left.

    Safe to call from many processes at once. A message whose sender died in the middle of the provider's call becomes
    `unknown` and is not sent again; one whose sender died before the call goes back into the queue.
    """
    lapsed = _recover(now, limit)
    token = uuid4()
    with transaction() as tx:
        claimed = store.claim(tx, token=token, until=now + rules.LEASE, now=now, limit=limit)
    if claimed:
        waiting = deque(Wanted(message_id=one) for one in claimed)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="clerk") as clerk:
            _send_all(_Batch(clerk=clerk, token=token, began_at=now, began=time.monotonic(), waiting=waiting))
    return lapsed + len(claimed)


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


def _send_all(batch: _Batch) -> None:
    """Keep every thread calling: decide about as many as will be wanted next, record whatever has come back."""
    calling: dict[Future[Attempt], Begun] = {}
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="send") as pool:
        while batch.waiting or calling:
            room = THREADS + AHEAD - len(calling)
            wanted = [batch.waiting.popleft() for _ in range(min(room, len(batch.waiting)))]
            for begun in _begin_all(batch, wanted):
                calling[pool.submit(begun.call)] = begun
            over, _ = wait(calling, return_when=FIRST_COMPLETED)
            _finish_all(batch, [Done(calling.pop(one), one.result()) for one in over])


def _begin_all(batch: _Batch, wanted: Sequence[Wanted]) -> list[Begun]:
    now = batch.now()
    return _together(batch.clerk, lambda tx, some: attempts.begin(tx, some, token=batch.token, now=now), wanted)


def _finish_all(batch: _Batch, done: Sequence[Done]) -> None:
    if not done:
        return
    now = batch.now()
    again = _together(batch.clerk, lambda tx, some: attempts.finish(tx, some, now=now), done)
    batch.waiting.extendleft(again)
    with transaction() as tx:
        carriers.note(tx, [(one.attempt, one.begun.probes) for one in done], now=now)


def _together(clerk: Executor, work: Callable[[Tx, Sequence[One]], list[Result]], items: Sequence[One]) -> list[Result]:
    """One transaction for all; when that fails one for each, so that a row that cannot be dealt with spoils no other.

    What fails alone is left to its lease. Raises Unavailable without a database.
    """
    if not items:
        return []
    whole = clerk.submit(_in_one, work, items)
    if whole.exception() is None:
        return whole.result()
    alone = [clerk.submit(_in_one, work, [one]) for one in items]
    failures = [error for one in alone if (error := one.exception())]
    for error in failures:
        if isinstance(error, Unavailable):
            raise error
        log.error("message.left_to_its_lease", error=type(error).__name__)
    return [result for one in alone if one.exception() is None for result in one.result()]


def _in_one(work: Callable[[Tx, Sequence[One]], list[Result]], items: Sequence[One]) -> list[Result]:
    with transaction() as tx:
        return work(tx, items)
