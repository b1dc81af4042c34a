"""Texts to many patients at once: queued, handed over by sixteen threads, and a page beside them as fast as alone."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import psycopg
import structlog

from benchmarks import paging
from benchmarks.figures import Figure, percentile
from benchmarks.world import FIRST_ANSWERS, World, people, settle
from survey import clock
from survey.domain.invitations import Invitation, InvitationState
from survey.domain.patients import Contact, ContactKind
from survey.local import ports
from survey.messaging import registry
from survey.messaging.twilio_sms import TwilioSms
from survey.services import messages, sending
from survey.store.session import transaction

PATIENTS = 10_000
PROVIDER_MS = 50
LIMIT_PER_S = sending.THREADS * 1000 / PROVIDER_MS
QUEUED_AT_ONCE = 500
ROUNDS = 3
PAGES_PER_S = 3.0

DUE = """
CREATE TEMPORARY TABLE due ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS patient, gen_random_uuid() AS procedure, gen_random_uuid() AS invitation,
    gen_random_uuid() AS contact, '+1' || (%(first)s + n / 100) || '55501' || lpad((n %% 100)::text, 2, '0') AS address
  FROM generate_series(0, %(count)s - 1) AS n;
INSERT INTO patient (id, given_name, family_name, born_on, language, zone, created_at)
  SELECT patient, 'Given', 'Family', '1970-01-01', 'en', %(zone)s, %(now)s FROM due;
INSERT INTO procedure (id, patient_id, site_id, protocol, performed_on, body_sites, agents, context, source_key,
    created_at)
  SELECT procedure, patient, %(site)s, 'trigger-point-injection', (%(now)s - interval '2 days')::date, '{leg}',
    '{lidocaine}', '{}', procedure::text, %(now)s FROM due;
INSERT INTO contact (id, patient_id, kind, address, consented_at, consent_how, consent_wording)
  SELECT contact, patient, 'sms', address, %(now)s, 'spoken', '1' FROM due;
INSERT INTO invitation (id, procedure_id, site_id, touch, protocol_version_id, state, due_at, call_at, expires_at)
  SELECT invitation, procedure, %(site)s, 'day2', %(version)s, 'scheduled', %(now)s, %(now)s + interval '1 day',
    %(now)s + interval '28 days' FROM due;
"""
WAITING = """
SELECT i.id, i.procedure_id, i.due_at, i.expires_at, c.id, c.patient_id, c.address, c.consented_at
FROM invitation i JOIN procedure d ON d.id = i.procedure_id JOIN contact c ON c.patient_id = d.patient_id
WHERE i.state = 'scheduled' AND NOT EXISTS (SELECT FROM message m WHERE m.invitation_id = i.id)
"""


def measure(world: World, *, seconds: float) -> list[Figure]:
    """Queuing, then the rate, then pages alone and beside a bulk in turn."""
    due = _due(world, PATIENTS, first=200)
    queued_s = _queue(due)
    settle(world)
    with _provider() as url:
        rate, growth = _rate(url, seconds=seconds)
    _take_back(world)
    idle, beside = _pages(world, seconds=seconds)
    return [
        Figure(name=f"{PATIENTS:,} due invitations queued", value=queued_s, unit="s", budget=10),
        Figure(
            name=f"handed over, {sending.THREADS} threads, provider of {PROVIDER_MS} ms",
            value=rate,
            unit="texts/s",
            budget=0.8 * LIMIT_PER_S,
            at_least=True,
        ),
        Figure(name="  of what the threads allow", value=100 * rate / LIMIT_PER_S, unit="%"),
        Figure(name="  memory gained meanwhile", value=growth, unit="MB", budget=16),
        Figure(name="page, nothing else at work, p50", value=percentile(idle, 0.5), unit="ms"),
        Figure(name="page, nothing else at work, p99", value=percentile(idle, 0.99), unit="ms"),
        Figure(name="page beside a bulk, p50", value=percentile(beside, 0.5), unit="ms"),
        Figure(name="page beside a bulk, p99", value=percentile(beside, 0.99), unit="ms", budget=150),
    ]


def _zone(now: datetime) -> str:
    """A zone in which it is noon: the hours of sending are open there whenever this runs."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _due(world: World, count: int, *, first: int) -> list[tuple[Invitation, Contact]]:
    """So many patients whose survey is due, with numbers from that area code on."""
    now = clock.now()
    values = {"count": count, "first": first, "now": now, "zone": _zone(now)}
    with psycopg.connect(world.superuser, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(DUE, values | {"site": world.site_id, "version": world.version_id})
        rows = connection.execute(WAITING).fetchall()
    settle(world)
    return [_as_due(world, *row) for row in rows]


def _as_due(
    world: World,
    invitation_id: UUID,
    procedure_id: UUID,
    due_at: datetime,
    expires_at: datetime,
    contact_id: UUID,
    patient_id: UUID,
    address: str,
    consented_at: datetime,
) -> tuple[Invitation, Contact]:
    invitation = Invitation(
        id=invitation_id,
        procedure_id=procedure_id,
        site_id=world.site_id,
        touch="day2",
        protocol_version_id=world.version_id,
        state=InvitationState.SCHEDULED,
        due_at=due_at,
        expires_at=expires_at,
    )
    contact = Contact(
        id=contact_id,
        patient_id=patient_id,
        kind=ContactKind.SMS,
        address=address,
        consented_at=consented_at,
        blocked_at=None,
        blocked_reason=None,
    )
    return invitation, contact


def _queue(due: list[tuple[Invitation, Contact]]) -> float:
    """Put them in the outbox as enrolment does; how many seconds that took."""
    tz, began = ZoneInfo(_zone(clock.now())), time.perf_counter()
    left = iter(due)
    while some := list(islice(left, QUEUED_AT_ONCE)):
        with transaction() as tx:
            for invitation, contact in some:
                messages.queue(tx, invitation, contact, due_at=invitation.due_at, tz=tz)
    return time.perf_counter() - began


def _rate(url: str, *, seconds: float) -> tuple[float, float]:
    """Texts a second, and the megabytes that this process has gained between a fifth of the time and the end."""
    sms = TwilioSms(
        base_url=url,
        account_sid="AC0",
        auth_token="x",  # noqa: S106 (opens nothing)
        sender="+12025550100",
        receipts_url=f"{url}/receipts",
        timeout_s=5,
    )
    registry.wire(registry.Wiring(public_url="https://chk.example.org", sms=sms, email=None))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # as the workers here
    sending.send_due(now=clock.now())  # the first loads the protocol and opens the connections
    done, began, early = 0, time.perf_counter(), 0.0
    while time.perf_counter() < began + seconds and (part := sending.send_due(now=clock.now())):
        done += part
        early = early or (_resident() if time.perf_counter() > began + seconds / 5 else 0.0)
    rate = done / (time.perf_counter() - began)
    sms.close()
    return rate, _resident() - early


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _provider() -> Iterator[str]:
    """A carrier in a process of its own that takes so long for each text."""
    port = ports.next_free(8300)
    code = f"from survey.local.carrier import Carrier; Carrier({port}).serve_forever()"
    process = subprocess.Popen([sys.executable, "-c", code])
    url = f"http://127.0.0.1:{port}"
    try:
        paging.until_it_answers(f"{url}/journal.json")
        _slow(url)
        yield url
    finally:
        process.kill()
        process.wait()


def _slow(url: str) -> None:
    wanted = {"to": "*", "mode": f"slow:{PROVIDER_MS}", "times": None}
    httpx.post(f"{url}/script", json=wanted, trust_env=False).raise_for_status()


def _pages(world: World, *, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of pages alone and beside a bulk, in turn: a machine's speed drifts."""
    share = int(PAGES_PER_S * seconds / ROUNDS)
    people(world, 1 + 2 * ROUNDS * share, answers=FIRST_ANSWERS)
    fresh = iter(paging.fresh(world))
    idle: list[float] = []
    beside: list[float] = []
    with paging.running(world, "sending") as carrier:
        _slow(carrier)
        paging.times(world, carrier, list(islice(fresh, 1)), per_s=1.0, worrying=1)  # the first loads the protocol
        for number in range(ROUNDS):
            idle += paging.times(world, carrier, list(islice(fresh, share)), per_s=PAGES_PER_S, worrying=1)
            _queue(_due(world, int(LIMIT_PER_S * (seconds / ROUNDS + 3)), first=400 + 100 * number))
            beside += paging.times(world, carrier, list(islice(fresh, share)), per_s=PAGES_PER_S, worrying=1)
            _take_back(world)
    return idle, beside


def _take_back(world: World) -> None:
    """What the bulk has left is not sent any more."""
    with psycopg.connect(world.superuser, autocommit=True) as connection:
        connection.execute("UPDATE message SET state = 'cancelled' WHERE state = 'pending'")
    time.sleep(2.0)
