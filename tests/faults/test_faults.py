"""Under load, whatever dies: what was taken from a patient is stored, scored and paged, and nobody is flooded."""

import os
import time
from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from survey.domain.protocol import Tier
from tests.faults.crowd import CROWD, FINE, Patient, choice
from tests.faults.hurt import FAULTS, lose_doorbells
from tests.faults.load import Load
from tests.faults.proof import Findings, examine
from tests.faults.servers import until
from tests.faults.stack import Stack, sentinels

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

RATE = 2.0
"""Patients a second."""
BETWEEN_FAULTS_S = 1.5
SETTLES_WITHIN_S = 90.0
"""After the last fault. The longest honest wait is two pauses of 15 s, after calls whose end nobody knows."""
SCORED_WITHIN, PAGED_WITHIN = timedelta(seconds=30), timedelta(seconds=60)
A_SENTINEL_WOULD_HAVE_S = 12.0
"""It does itself what is overdue by 5 s, and looks every 2 s."""
WORKERS_LISTENING = 3
SEED = int(os.environ.get("FAULT_SEED", "0")) or Random().randrange(1, 10_000)


def proven(stack: Stack, patients: Sequence[Patient], *, within_s: float = SETTLES_WITHIN_S) -> Findings:
    """The proof, once nothing is amiss any more; an AssertionError with all that still is, when time is over."""
    deadline = time.monotonic() + within_s
    while (found := examine(stack, patients)).all and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not found.all, "\n".join([*found.all, "", *stack.last_lines()])
    print(_told(found))
    return found


def _told(found: Findings) -> str:
    """What the proof saw, for whoever reads the test's output."""
    copies = sorted(found.copies.values())
    return (
        f"{found.responses} responses, {found.red} red, {len(copies)} pages, at most {max(copies, default=0)} copies; "
        f"scored after {_spread(found.scored_after)}; paged after {_spread(found.paged_after)}"
    )


def _spread(spans: Sequence[timedelta]) -> str:
    seconds = sorted(span.total_seconds() for span in spans) or [0.0]
    return f"{seconds[len(seconds) // 2]:.2f} s (median), {seconds[-1]:.2f} s (longest)"


def test_when_nothing_fails_each_page_is_on_the_wire_once(stack: Stack, load: Load) -> None:
    load.live(8, rate=RATE)
    load.settle(patience_s=60)

    found = proven(stack, load.patients)

    assert load.trouble == []
    assert not load.tally.failed
    assert found.red >= 5
    assert set(found.copies.values()) == {1}


def test_the_proof_sees_what_it_is_there_to_see(stack: Stack, load: Load) -> None:
    load.enrol(len(CROWD))
    until(lambda: load.texted() == len(CROWD), what="everybody has the link")
    load.settle(patience_s=60)
    proven(stack, load.patients)
    never_taken = Patient(mobile=load.patients[1].mobile, story=FINE, taken=[choice("fever", "chills", Tier.SOON)])

    repeated = examine(stack, load.patients, wire=stack.wire() * 4)
    silent = examine(stack, load.patients, wire=[])
    forgetful = examine(stack, [never_taken])

    assert any("4 copies" in one for one in repeated.repeated)
    assert len(silent.unpaged) >= 3
    assert any("lost what was taken: ['fever']" in one for one in forgetful.lost)
    assert any("its answers are soon" in one for one in forgetful.unscored)


def test_whatever_is_killed_flushed_or_hung_nothing_taken_is_lost(stack: Stack, load: Load) -> None:
    faults = list(FAULTS)
    Random(SEED).shuffle(faults)
    random = Random(SEED)
    print(f"FAULT_SEED={SEED}: {', '.join(fault.__name__ for fault in faults)}")

    for fault in faults:
        began = time.monotonic()
        fault(stack, load, random)
        load.live(BETWEEN_FAULTS_S, rate=RATE)
        load.flow()
        print(f"{fault.__name__}: {time.monotonic() - began:.1f} s")
    load.settle(patience_s=120)
    found = proven(stack, load.patients)

    print(f"{dict(load.tally.failed)} for patients; the slowest try that was taken took {max(load.tally.took_s):.2f} s")
    assert load.trouble == []
    assert found.red >= 40
    assert max(found.scored_after) < SCORED_WITHIN
    assert max(found.paged_after) < PAGED_WITHIN
    assert max(found.copies.values()) > 1, "no fault has doubled a page: the faults were too mild to prove anything"
    stack.await_whole()


def test_without_the_sentinel_the_same_proof_fails(stack: Stack, load: Load) -> None:
    stack.stop("sentinels")

    lose_doorbells(stack, load, Random(SEED))
    until(lambda: stack.servers.listeners() >= WORKERS_LISTENING, what="the workers listen again")
    with pytest.raises(AssertionError) as failed:
        proven(stack, load.patients, within_s=A_SENTINEL_WOULD_HAVE_S)
    stack.start("sentinels", sentinels())

    assert "nobody was paged" in str(failed.value)
    assert "scored 0" in str(failed.value)
    assert proven(stack, load.patients).red >= 3
    assert load.trouble == []
