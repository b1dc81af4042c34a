"""Sending to patients: claim what is due, decide once more, hand it to a provider, record what came of it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import structlog

from survey.domain import messages as rules
from survey.domain import sending_hours
from survey.domain.messages import Ending, Facts, Message, MessageState
from survey.domain.patients import ContactKind
from survey.interop import phones
from survey.messaging import registry, render
from survey.messaging.outcomes import Attempt
from survey.services import links, messages
from survey.store import messages as store
from survey.store.session import Tx, transaction

log = structlog.get_logger()

THREADS = 8
"""Provider calls at once; a slow provider holds a thread, never a database connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An attempt whose row is committed: all that is left to do is `call`."""

    message: Message
    reference: UUID
    call: Callable[[], Attempt]


def send_due(*, now: datetime, limit: int = 100) -> int:
    """Send what is due, at most `limit`; how many messages were looked at, 0 when nothing is left.

    Safe to call from many processes at once. A message whose sender died in the middle of the provider's call becomes
    `unknown` and is not sent again; one whose sender died before the call goes back into the queue.
    """
    lapsed = _recover(now, limit)
    token = uuid4()
    with transaction() as tx:
        claimed = store.claim(tx, token=token, until=now + rules.LEASE, now=now, limit=limit)
    if claimed:
        _send_all(claimed, token=token, now=now)
    return lapsed + len(claimed)


def _recover(now: datetime, limit: int) -> int:
    with transaction() as tx:
        lapsed = store.find_lapsed(tx, now=now, limit=limit)
        for message, called in lapsed:
            if not called:
                store.swap(tx, message, rules.released(message))
                continue
            store.lapse_attempt(tx, message, now=now)
            unknown = rules.after(message, Ending.UNKNOWN, detail="lease_expired", now=now)
            store.swap(tx, message, unknown)
            messages.follow(tx, unknown, now=now)
    return len(lapsed)


def _send_all(message_ids: Iterable[UUID], *, token: UUID, now: datetime) -> None:
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="send") as pool:
        sent = [pool.submit(_send, message_id, token=token, now=now) for message_id in message_ids]
    for one in sent:
        one.result()


def _send(message_id: UUID, *, token: UUID, now: datetime) -> None:
    with transaction() as tx:
        begun = _begin(tx, message_id, token=token, now=now)
    if begun is None:
        return
    attempt = begun.call()
    with transaction() as tx:
        ended = _finish(tx, begun, attempt, now=now)
    log.info("message.attempted", message=str(message_id), outcome=attempt.outcome, detail=attempt.detail, state=ended)


def _begin(tx: Tx, message_id: UUID, *, token: UUID, now: datetime) -> _Begun | None:
    """Decide once more, from current facts; None when the message is not to be sent now."""
    facts = messages.decide(tx, message_id, token=token, now=now)
    return None if facts is None else _prepare(tx, facts, now=now)


def _prepare(tx: Tx, facts: Facts, *, now: datetime) -> _Begun | None:
    """Make the link and the words, and note the attempt before the provider is called."""
    message = facts.message
    provider = registry.sms() if facts.contact.kind is ContactKind.SMS else registry.email()
    if provider is None:
        store.swap(tx, message, rules.held(message, until=now + rules.NO_PROVIDER_PAUSE, reason=messages.NO_PROVIDER))
        return None
    reference, begun = uuid4(), rules.started(message)
    try:
        call = _call(tx, facts, reference=reference, now=now)
    except render.NoWords as missing:
        log.error("message.no_words", message=str(message.id), missing=str(missing))
        messages.fail(tx, message, reason="no_words", now=now)
        return None
    store.swap(tx, message, begun)
    store.insert_attempt(tx, reference, begun, provider=provider.name, now=now)
    return _Begun(message=begun, reference=reference, call=call)


def _call(tx: Tx, facts: Facts, *, reference: UUID, now: datetime) -> Callable[[], Attempt]:
    """The provider's call with everything it needs, so that nothing is left to look up after the commit."""
    message, to, language = facts.message, facts.contact.address, facts.language
    token = links.make(tx, message.invitation_id, message.id, now, facts.expires_at)
    variables = {
        "clinic": facts.site.sms_name,
        "emergency": facts.site.emergency_number,
        "link": f"{registry.public_url()}/s/{token}",
        "phone": phones.national(facts.site.phone),
    }
    sms, email = registry.sms(), registry.email()
    if facts.contact.kind is ContactKind.SMS and sms is not None:
        body = render.text(message.kind, "sms", language, variables)
        # Past the window a carrier must not go on trying: a text at night is worse than a call in the morning.
        left = sending_hours.closing(now, facts.tz) - now
        return lambda: sms.send(to, body, reference=reference, valid_for=left)
    if email is not None:
        body = render.text(message.kind, "email", language, variables)
        subject = render.text(message.kind, "email_subject", language, variables)
        return lambda: email.send(to, subject, body, reference=reference)
    raise RuntimeError("a message was prepared for a channel that nobody carries")


def _finish(tx: Tx, begun: _Begun, attempt: Attempt, *, now: datetime) -> MessageState:
    ending = Ending(attempt.outcome.value)
    said = store.finish_attempt(
        tx, begun.reference, outcome=ending, provider_ref=attempt.provider_ref, detail=attempt.detail, now=now
    )
    current = store.get_for_update(tx, begun.message.id)
    # A sender that slept through its lease finds `unknown`, and knows better.
    ours = current.lease_token == begun.message.lease_token or current.state is MessageState.UNKNOWN
    if not ours or current.attempts != begun.message.attempts:
        return current.state
    new = rules.after(current, ending, detail=attempt.detail, now=now, wait_s=attempt.retry_after_s)
    new = rules.told(new, said) if said else new
    store.swap(tx, current, new)
    messages.follow(tx, new, now=now)
    return new.state
