"""Sending to patients: claim what is due, decide once more, hand it to a provider, record what came of it."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from survey.domain import messages as rules
from survey.domain import sending_hours
from survey.domain.errors import Unavailable
from survey.domain.messages import Ending, Facts, Kind, Message, MessageState
from survey.domain.patients import ContactKind
from survey.interop import phones
from survey.messaging import registry, render, wordings
from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome, Sms
from survey.services import carriers, links, messages, receipts
from survey.store import messages as store
from survey.store.session import Tx, transaction

log = structlog.get_logger()

One = TypeVar("One")
Result = TypeVar("Result")

THREADS = 16
"""Provider calls at once; a slow provider holds a thread, never a database connection."""
AHEAD = 8
"""So many more are decided about than there are threads, so that none waits for the database."""
BATCH = 320
"""Claimed at once: twenty calls for each thread, which end well within the lease however slow they are."""
CARRIERS_REST = "carriers_rest"
"""Why a message waits while each provider has failed too often to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An attempt whose row is committed: all that is left to do is `call`. `tried` are the carriers asked so far."""

    message: Message
    reference: UUID
    call: Callable[[], Attempt]
    tried: frozenset[str]
    by_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """A message to decide about, and the providers that surely did not take it."""

    message_id: UUID
    tried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Done:
    begun: _Begun
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What one drain has in hand. Only its own thread touches the database; the pool calls providers."""

    token: UUID
    began_at: datetime
    began: float
    waiting: deque[_Next]

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
        waiting = deque(_Next(message_id=one) for one in claimed)
        _send_all(_Batch(token=token, began_at=now, began=time.monotonic(), waiting=waiting))
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


def _send_all(batch: _Batch) -> None:
    """Keep every thread calling: decide about as many as will be wanted next, record whatever has come back."""
    calling: dict[Future[Attempt], _Begun] = {}
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="send") as pool:
        while batch.waiting or calling:
            room = THREADS + AHEAD - len(calling)
            wanted = [batch.waiting.popleft() for _ in range(min(room, len(batch.waiting)))]
            for begun in _begin_all(batch, wanted):
                calling[pool.submit(begun.call)] = begun
            over, _ = wait(calling, return_when=FIRST_COMPLETED)
            _finish_all(batch, [_Done(calling.pop(one), one.result()) for one in over])


def _begin_all(batch: _Batch, wanted: Sequence[_Next]) -> list[_Begun]:
    now = batch.now()
    begun = _together(lambda tx, one: _begin(tx, one, token=batch.token, now=now), wanted)
    return [one for one in begun if one is not None]


def _finish_all(batch: _Batch, done: Sequence[_Done]) -> None:
    now = batch.now()
    again = _together(lambda tx, one: _finish(tx, one, now=now), done)
    batch.waiting.extendleft(one for one in again if one is not None)
    with transaction() as tx:
        carriers.note(tx, [one.attempt for one in done], now=now)


def _together(work: Callable[[Tx, One], Result], items: Sequence[One]) -> list[Result]:
    """One transaction for all; when that fails one for each, so that a row that cannot be dealt with spoils no other.

    What fails alone is left to its lease. Raises Unavailable without a database.
    """
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="record") as clerk:
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


def _in_one(work: Callable[[Tx, One], Result], items: Iterable[One]) -> list[Result]:
    with transaction() as tx:
        return [work(tx, one) for one in items]


def _begin(tx: Tx, wanted: _Next, *, token: UUID, now: datetime) -> _Begun | None:
    """Decide once more, from current facts; None when the message is not to be sent now."""
    facts = messages.decide(tx, wanted.message_id, token=token, now=now)
    return None if facts is None else _prepare(tx, facts, tried=wanted.tried, now=now)


def _prepare(tx: Tx, facts: Facts, *, tried: frozenset[str], now: datetime) -> _Begun | None:
    """Make the link and the words, and note the attempt before the provider is called."""
    message = facts.message
    by_text = facts.channel is ContactKind.SMS
    carrier = carriers.pick(tx, but_not=tried, now=now) if by_text else None
    provider = carrier or (None if by_text else registry.email())
    if provider is None:
        _hold(tx, message, by_text=by_text, now=now)
        return None
    reference, begun = uuid4(), rules.started(message)
    try:
        call, words = _call(tx, facts, carrier, reference=reference, now=now)
    except render.NoWords as missing:
        log.error("message.no_words", message=str(message.id), missing=str(missing))
        messages.fail(tx, message, reason="no_words", now=now)
        return None
    if not messages.reserve(tx, facts, now=now):
        return None
    store.swap(tx, message, begun)
    mark = hashlib.sha256(words.encode()).digest()
    store.insert_attempt(tx, reference, begun, provider=provider.name, body_sha256=mark, now=now)
    return _Begun(message=begun, reference=reference, call=call, tried=tried | {provider.name}, by_text=by_text)


def _hold(tx: Tx, message: Message, *, by_text: bool, now: datetime) -> None:
    """No provider takes it now: it waits, for as long as the first of them rests or until somebody sets one up."""
    if by_text and registry.carriers():
        until, reason = carriers.next_chance(tx, now), CARRIERS_REST
    else:
        until, reason = now + rules.NO_PROVIDER_PAUSE, messages.NO_PROVIDER
    store.swap(tx, message, rules.held(message, until=until, reason=reason))


def _call(
    tx: Tx, facts: Facts, carrier: Sms | None, *, reference: UUID, now: datetime
) -> tuple[Callable[[], Attempt], str]:
    """The provider's call with everything it needs, and the words, so that nothing is left to look up."""
    message, to, language = facts.message, facts.address, facts.language
    variables = _variables(tx, facts, now=now)
    if carrier is not None:
        body = render.text(message.kind, "sms", language, variables)
        # Past the window a carrier must not go on trying: a text at night is worse than a call in the morning.
        left = sending_hours.closing(now, facts.tz) - now if facts.terms.keeps_hours else VALID_FOR
        return lambda: carrier.send(to, body, reference=reference, valid_for=left), body
    email = registry.email()
    if email is None:
        raise RuntimeError("a message was prepared for a channel that nobody carries")
    body = render.text(message.kind, "email", language, variables)
    subject = render.text(message.kind, "email_subject", language, variables)
    return lambda: email.send(to, subject, body, reference=reference), body


def _variables(tx: Tx, facts: Facts, *, now: datetime) -> dict[str, str]:
    """What the words of a message may name."""
    message, language = facts.message, facts.language
    variables = {
        "clinic": facts.site.sms_name,
        "emergency": facts.site.emergency_number,
        "phone": phones.national(facts.site.phone),
    }
    if message.kind is Kind.CALLED:
        # When it was queued, which is when we called, whatever has held it up since.
        called_at = message.give_up_at - facts.terms.lasts
        variables["time"] = wordings.wall_time(called_at, facts.tz, language)
    if facts.terms.carries_link and message.invitation_id is not None and facts.expires_at is not None:
        token = links.make(tx, message.invitation_id, message.id, now, facts.expires_at)
        variables["link"] = f"{registry.public_url()}/s/{token}"
    if facts.survey_due_at is not None:
        variables["day"] = wordings.weekday(facts.survey_due_at.astimezone(facts.tz).date(), language)
    return variables


def _finish(tx: Tx, done: _Done, *, now: datetime) -> _Next | None:
    """Record one attempt; the message again when another provider may take it at once."""
    begun, attempt = done.begun, done.attempt
    ending = Ending(attempt.outcome.value)
    said = store.finish_attempt(
        tx, begun.reference, outcome=ending, provider_ref=attempt.provider_ref, detail=attempt.detail, now=now
    )
    current = store.get_for_update(tx, begun.message.id)
    # A sender that slept through its lease finds `unknown`, and knows better.
    ours = current.lease_token == begun.message.lease_token or current.state is MessageState.UNKNOWN
    if not ours or current.attempts != begun.message.attempts:
        return None
    unsent = attempt.outcome is Outcome.TRY_LATER and current.state is MessageState.LEASED
    if unsent and begun.by_text and carriers.another(tx, but_not=begun.tried, now=now):
        return _Next(message_id=current.id, tried=begun.tried)
    new = rules.after(current, ending, detail=attempt.detail, now=now, wait_s=attempt.retry_after_s)
    new = rules.told(new, said) if said else new
    if attempt.fault is not None:
        carriers.heed(tx, current.id, attempt.fault, now=now)
    if ending in (Ending.REFUSED, Ending.TRY_LATER):
        messages.release(tx, current.id)
    store.swap(tx, current, new)
    receipts.follow(tx, new, fault=attempt.fault, now=now)
    log.info("message.attempted", message=str(new.id), outcome=ending, detail=attempt.detail, state=new.state)
    return None
