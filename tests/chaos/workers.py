"""Scenarios 1, 2, 3, 7, 8: processes that die, freeze, are doubled or missing; and Redis."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from survey import clock
from survey.domain.alerts import Severity
from survey.domain.pages import PageKind
from survey.domain.queues import Queue
from survey.services import oncall, pages
from survey.store import alerts as alert_store
from survey.store import doorbell
from survey.store.session import transaction
from tests.chaos.evidence import Terms
from tests.chaos.scenarios import ENGINE, USUAL, scenario
from tests.chaos.scene import LEASE_S, SENTINELS, Scene
from tests.faults.servers import frozen, until
from tests.faults.stack import LEADS

SLOW = "slow:800"
FINE = "200"
TAKEOVER_S = 10.0
WATCHED_S = 5.0
"""So long the three have to show who leads: two looks each."""


@scenario(0, *USUAL, terms=Terms(late_s=5, clean=True), quick=True)
def nothing_fails(scene: Scene) -> None:
    """A quiet night: every answer is paged at once, each page is on the wire once."""
    scene.submit(8)


@scenario(0, *ENGINE, terms=Terms(late_s=5, clean=True))
def nobody_answers_for_48_hours(scene: Scene) -> None:
    """The last step repeats for ever."""
    scene.commit(1)
    scene.live(timedelta(minutes=30), every=timedelta(minutes=1))
    scene.live(timedelta(hours=48), every=timedelta(minutes=10))


def _doomed(scene: Scene, when: str) -> None:
    """A sender that dies by kill -9 at that point of its one page."""
    command = [sys.executable, "-m", "tests.chaos.doomed", when]
    ended = subprocess.run(command, env=scene.stack.environ, check=False, timeout=60, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, f"the doomed sender came back: {ended.stderr.decode()[-500:]}"


@scenario(1, "scoring", "sentinels", terms=Terms(late_s=20))
def killed_before_the_send(scene: Scene) -> None:
    """A sender takes a page in hand and is killed: it is sent when the lease is over."""
    _let_die(scene, "before")
    scene.await_pages(1)


@scenario(1, "scoring", "sentinels", terms=Terms(late_s=20), quick=True)
def killed_after_the_providers_yes(scene: Scene) -> None:
    """The provider has taken the text, and the sender is killed before it writes that down: one more copy, no third."""
    _let_die(scene, "after")
    scene.await_pages(2)
    scene.rest()
    assert len(scene.wire()) == 2, "one more copy, and no third"


def _let_die(scene: Scene, when: str) -> None:
    """The sentinels stand still while the doomed one takes the page."""
    with frozen(*(scene.stack.living(name) for name in ("sentinel-1", "sentinel-2"))):
        scene.commit()
        until(lambda: scene.rows("SELECT FROM page WHERE state = 'pending'"), what="a page waits", every_s=0.02)
        _doomed(scene, when)
        (page,) = scene.rows("SELECT * FROM page WHERE state = 'leased'")
        scene.run("UPDATE page SET lease_until = clock_timestamp() + interval '1 s' WHERE id = %s", page.id)
    again = _sent_again_s(scene, page.id)
    assert again < LEASE_S + 2 + 10, f"sent again after {again:.1f} s"


def _sent_again_s(scene: Scene, page_id: object) -> float:
    began = time.monotonic()
    until(
        lambda: scene.rows("SELECT FROM page WHERE id = %s AND state IN ('accepted', 'delivered')", page_id),
        what="the page of the dead sender is sent",
        every_s=0.02,
    )
    return time.monotonic() - began


@scenario(1, *ENGINE, terms=Terms(late_s=25))
def killed_again_and_again(scene: Scene) -> None:
    """Two paging workers are killed in turn, each in the midst of its calls."""
    scene.up("paging-2")
    scene.deal("slow:300")
    for number in range(6):
        before = len(scene.wire())
        scene.commit(3)
        scene.await_pages(before + 1)
        time.sleep(scene.random.random() * 0.3)
        scene.stack.kill(("paging", "paging-2")[number % 2])
    scene.deal(FINE)


@scenario(2, *ENGINE, terms=Terms(late_s=15), quick=True)
def frozen_in_the_send(scene: Scene) -> None:
    """A sender freezes in its call for longer than its lease, and wakes while another sends: it changes nothing."""
    scene.deal(SLOW)
    scene.commit()
    scene.await_pages(1)
    with frozen(scene.stack.living("paging")):
        scene.await_pages(2, patience_s=40)
    scene.rest()
    tries = scene.rows("SELECT outcome, finished_at FROM page_attempt")
    assert all(one.finished_at for one in tries), "each try is told to its end"
    scene.deal(FINE)


@scenario(3, *USUAL, terms=Terms(late_s=10))
def redis_is_flushed(scene: Scene) -> None:
    """FULL of rings and emptied, again and again, while answers come in."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(scene.submit, 12)
        while not done.done():
            scene.servers.flush()
            time.sleep(0.05)
    with frozen(*(scene.stack.living(name) for name in ("scoring", "paging"))):
        scene.commit(2)
        scene.servers.flush()


@scenario(3, *USUAL, terms=Terms(late_s=5, clean=True), quick=True)
def redis_is_stopped(scene: Scene) -> None:
    """No Redis from beginning to end: the sentinel hears of nothing and sees it all."""
    scene.servers.kill_redis()
    try:
        for _ in range(6):
            scene.submit(2)
            time.sleep(0.7)
        scene.await_paged(12)
        scene.rest()
    finally:
        scene.servers.raise_redis()


@scenario(3, *USUAL, terms=Terms(late_s=6, clean=True))
def redis_hangs(scene: Scene) -> None:
    """It takes connections and never answers."""
    with scene.servers.redis_paused():
        for _ in range(6):
            scene.submit(2)
            time.sleep(0.7)
        scene.await_paged(12)


@scenario(7, *ENGINE, "beat", "beat-2", terms=Terms(clean=True), quick=True)
def everything_twice(scene: Scene) -> None:
    """Two beats, three sentinels, two paging workers, ten rings for each row, ten hands on one step: once is enough."""
    scene.stack.stop("sentinels")
    before = _leaders(scene)
    scene.up("sentinels-3", "paging-2")
    until(lambda: all(scene.stack.pid(name) for name in SENTINELS), what="three sentinels run")
    time.sleep(WATCHED_S)
    leaders = _leaders(scene) - before
    assert leaders == 1, f"of three sentinels one leads; {leaders} said so"
    for response in scene.commit(6):
        _ring_ten_times()
        del response
    scene.await_alerts(6)
    scene.rest()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(_fire_again, [scene.alerts()[0].id] * 10))
    scene.live(timedelta(minutes=16), every=timedelta(minutes=1))
    steps = scene.rows("SELECT alert_id, idem_key FROM alert_event WHERE kind = 'paged'")
    assert len(steps) == len({(one.alert_id, one.idem_key) for one in steps}), "a step was told twice"
    assert _twice(scene) == [], "a page was planned twice"


def _leaders(scene: Scene) -> int:
    return sum(LEADS in line for line in scene.stack.log("sentinels"))


def _ring_ten_times() -> None:
    for _ in range(10):
        doorbell.ring(Queue.SCORING)
        doorbell.ring(Queue.PAGING)


def _fire_again(alert_id: object) -> None:
    """The first step once more, as a worker does that was asleep."""
    now = clock.now()
    with transaction() as tx:
        alert = alert_store.get(tx, alert_id)  # type: ignore[arg-type]
        policy = oncall.policy(tx, alert.policy_version_id)
        ways = oncall.ways(tx, policy.steps[0].targets, Severity.URGENT, now)
        pages.plan_first(tx, alert, ways, kind=PageKind.CALL, step_seq=0, now=now)


def _twice(scene: Scene) -> list[object]:
    return scene.rows(
        """SELECT alert_id FROM page
        GROUP BY alert_id, kind, epoch, cycle, step_seq, contact_method_id, rule_delay_s HAVING count(*) > 1"""
    )


@scenario(7, *USUAL, terms=Terms(late_s=TAKEOVER_S))
def the_leading_sentinel_dies(scene: Scene) -> None:
    """And all workers with it: another sentinel leads within seconds."""
    for name in ("scoring", "paging"):
        scene.stack.stop(name)
    leader = until(scene.stack.leader, what="a sentinel leads")
    os.kill(scene.stack.living(leader), signal.SIGSTOP)
    os.kill(scene.stack.living(leader), signal.SIGKILL)
    began = time.monotonic()
    scene.submit(2)
    scene.await_pages(2)
    assert time.monotonic() - began < TAKEOVER_S


@scenario(8, "web", "sentinels", terms=Terms(late_s=5, clean=True), quick=True)
def no_celery_at_all(scene: Scene) -> None:
    """No worker, no beat: two sentinels page by themselves."""
    for _ in range(8):
        scene.submit(1)
        time.sleep(0.6)
    scene.await_paged(8)


@scenario(8, *USUAL, terms=Terms(late_s=5, clean=True))
def no_beat(scene: Scene) -> None:
    """Nothing that matters hangs on beat, and none runs here."""
    scene.submit(6)
