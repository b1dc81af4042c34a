"""The faults: each hurts one part of a running stack, and leaves it to recover by itself."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from random import Random

from survey.local import clinic
from tests.faults.load import Load
from tests.faults.servers import PATIENCE_S, frozen, until
from tests.faults.stack import LEADS, Stack

OUTAGE_S = 4.0
FINE, HANGS, FAILS = "200", "hang", "500"
SLOW = "slow:700"
"""Below the time that a call may take."""
WORKERS = ("scoring", "paging", "sending")

Fault = Callable[[Stack, Load, Random], None]


def kill_scoring_worker(stack: Stack, _load: Load, _random: Random) -> None:
    """While it has the rows."""
    stack.kill("scoring")


def kill_paging_worker_in_a_call(stack: Stack, load: Load, _random: Random) -> None:
    """The carrier has the request and has not answered: nobody will ever know whether it was sent."""
    with pagers(stack, SLOW):
        calls = _calls(stack, SLOW)
        load.enrol(6)

        def is_in_a_call() -> bool:
            load.listen()
            return _calls(stack, SLOW) > calls

        until(is_in_a_call, what="a page is being handed over", every_s=0.05)
        stack.kill("paging")


def _calls(stack: Stack, mode: str) -> int:
    return sum(entry.mode == mode for entry in stack.wire())


@contextlib.contextmanager
def pagers(stack: Stack, mode: str) -> Iterator[None]:
    """The carrier deals in that way with whatever goes to a clinician."""
    numbers = [member.pager for member in clinic.TEAM if member.pager]
    for number in numbers:
        stack.phones.deal(number, mode)
    try:
        yield
    finally:
        for number in numbers:
            stack.phones.deal(number, FINE)


def kill_sending_worker(stack: Stack, load: Load, _random: Random) -> None:
    """While a batch of texts is under way."""
    load.enrol(3)
    stack.kill("sending")


def kill_beat(stack: Stack, _load: Load, _random: Random) -> None:
    """Nothing that matters hangs on it."""
    stack.kill("beat")


def kill_leading_sentinel(stack: Stack, _load: Load, _random: Random) -> None:
    """Another one has to find out by itself."""
    leader = until(stack.leader, what="a sentinel leads")
    said = _elections(stack)
    stack.kill(leader or "")
    until(lambda: _elections(stack) > said, what="another sentinel leads", every_s=0.05)


def _elections(stack: Stack) -> int:
    return sum(LEADS in line for line in stack.log("sentinels"))


def kill_a_web_worker(stack: Stack, _load: Load, random: Random) -> None:
    """With whatever request it has in its hands."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(random.choice(until(stack.web_workers, what="the web has workers")), signal.SIGKILL)


def kill_web(stack: Stack, _load: Load, _random: Random) -> None:
    """gunicorn's master, and its workers with it."""
    stack.kill("web")


def flush_often(stack: Stack, _load: Load, _random: Random) -> None:
    """FLUSHALL under load."""
    for _ in range(8):
        stack.servers.flush()
        time.sleep(0.1)


def lose_doorbells(stack: Stack, load: Load, _random: Random) -> None:
    """Rings wait in Redis, for all workers are stopped, and are flushed. The workers then listen, and hear nothing."""
    load.enrol(6)
    until(lambda: load.texted() >= 4, what="texts are on the wire")
    with frozen(*(stack.living(name) for name in WORKERS)):
        # What was handed out before the stop would wake a worker after it.
        until(lambda: stack.servers.listeners() == 0, what="no worker listens")
        load.settle(patience_s=PATIENCE_S)
        stack.servers.flush()


def lose_redis(stack: Stack, load: Load, _random: Random) -> None:
    """Killed, away for a while, and empty when it is back."""
    stack.servers.kill_redis()
    load.live(OUTAGE_S, rate=1)
    stack.servers.raise_redis()


def hang_redis(stack: Stack, load: Load, _random: Random) -> None:
    """It takes what it is told and says nothing."""
    with stack.servers.redis_paused():
        load.live(OUTAGE_S, rate=1)


def restart_postgres(stack: Stack, _load: Load, _random: Random) -> None:
    """As an operator does it."""
    stack.servers.halt_postgres(signal.SIGINT)
    stack.servers.raise_postgres()


def crash_postgres(stack: Stack, _load: Load, _random: Random) -> None:
    """As a crash does it: no good-byes, and recovery from the log."""
    stack.servers.halt_postgres(signal.SIGQUIT)
    stack.servers.raise_postgres()


def hang_carrier(stack: Stack, load: Load, _random: Random) -> None:
    """Requests go in, and no answer comes out."""
    _hurt_carrier(stack, load, HANGS)


def break_carrier(stack: Stack, load: Load, _random: Random) -> None:
    """It answers that it does not know what became of the text."""
    _hurt_carrier(stack, load, FAILS)


def _hurt_carrier(stack: Stack, load: Load, mode: str) -> None:
    with pagers(stack, mode):
        load.live(OUTAGE_S, rate=1)

        def is_met() -> bool:
            load.live(0.5, rate=2)
            return _calls(stack, mode) > 0

        until(is_met, what="a page has met it")


FAULTS: tuple[Fault, ...] = (
    kill_scoring_worker,
    kill_paging_worker_in_a_call,
    kill_sending_worker,
    kill_beat,
    kill_leading_sentinel,
    kill_a_web_worker,
    kill_web,
    flush_often,
    lose_doorbells,
    lose_redis,
    hang_redis,
    restart_postgres,
    crash_postgres,
    hang_carrier,
    break_carrier,
)
"""Each is done once, in an order that a seed decides."""
