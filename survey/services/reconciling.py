"""Texts that may have left: ask the provider, and believe it. None is sent again on a guess."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from survey.domain import messages as rules
from survey.domain.messages import MessageState
from survey.domain.queues import Queue
from survey.messaging.outcomes import Finding, Lost, Sms, Trace
from survey.services import carriers, messages, receipts
from survey.store import messages as message_store
from survey.store import reconciling as store
from survey.store.reconciling import Unknown
from survey.store.session import Tx, transaction

log = structlog.get_logger()

THREADS = 8
LIMIT = 40
"""Asked about at once: five questions for each thread, so that a slow provider does not hold up what is to be sent."""
ABSENT_TWICE = timedelta(minutes=2)
"""So long apart a provider has to say twice that it has no such text, before another one leaves."""
NEVER_LEFT = "never_left"


def ask_due(*, now: datetime) -> int:
    """Ask about texts that may have left a minute ago or more; how many.

    Found, a text is what the provider says. Absent twice, it is sent after all. Otherwise it stays unknown; after a day
    nobody asks any more, and the patient is on the call list by then.
    """
    with transaction() as tx:
        answering = carriers.answering(tx, now)
        unknown = store.take(tx, providers=list(answering), now=now, limit=LIMIT)
    if not unknown:
        return 0
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="ask") as pool:
        findings = list(pool.map(lambda one: _ask(answering[one.provider], one), unknown))
    for one, finding in zip(unknown, findings, strict=True):
        _settle(one, finding, now=now)
    return len(unknown)


def _ask(carrier: Sms, one: Unknown) -> Finding:
    lost = Lost(
        reference=one.attempt_id,
        to=one.to,
        body_sha256=one.body_sha256,
        since=one.since,
        until=one.until,
        known=one.known,
    )
    return carrier.find(lost)


def _settle(one: Unknown, finding: Finding, *, now: datetime) -> None:
    with transaction() as tx:
        if finding.trace is Trace.FOUND:
            store.note_found(tx, one.attempt_id, provider_ref=finding.provider_ref)
            receipts.note(tx, one.attempt_id, finding.delivery, fault=finding.fault, now=now)
        elif finding.trace is Trace.ABSENT:
            _absent(tx, one, now=now)
    log.info("message.asked_about", message=str(one.message_id), provider=one.provider, trace=finding.trace)


def _absent(tx: Tx, one: Unknown, *, now: datetime) -> None:
    """Once is not enough: a request that hung may still be on its way into the provider's books."""
    if one.absent_at is None:
        store.note_absent(tx, one.attempt_id, now=now)
        return
    message = message_store.get_for_update(tx, one.message_id)
    if message.state is not MessageState.UNKNOWN or now - one.absent_at < ABSENT_TWICE:
        return
    store.note_never_left(tx, one.attempt_id)
    messages.release(tx, message.id)
    message_store.swap(tx, message, replace(rules.held(message, until=now, reason=NEVER_LEFT), sent_at=None))
    tx.ring(Queue.SENDING)
