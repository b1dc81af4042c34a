"""Attempts to hand messages over, many at once: what is decided before the call, and what follows from its end."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

import structlog

from survey.domain import messages as rules
from survey.domain import sending_hours
from survey.domain.messages import Delivery, Ending, Facts, Kind, Message, MessageState
from survey.domain.patients import ContactKind
from survey.interop import phones
from survey.messaging import registry, render, wordings
from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome, Sms
from survey.services import carriers, links, messages, receipts
from survey.store import attempts as store
from survey.store import messages as message_store
from survey.store.attempts import End, NewLink, Start
from survey.store.session import Tx

log = structlog.get_logger()

CARRIERS_REST = "carriers_rest"
"""Why a message waits while each provider has failed too often to be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A message to decide about, and the providers that surely did not take it."""

    message_id: UUID
    tried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt whose row is committed: all that is left to do is `call`. `tried` are the providers asked so far."""

    message: Message
    reference: UUID
    call: Callable[[], Attempt]
    tried: frozenset[str]
    by_text: bool
    probes: bool
    """Nobody else asks this provider until it is noted what came of it."""


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt and how it ended."""

    begun: Begun
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    start: Start
    call: Callable[[], Attempt]
    tried: frozenset[str]
    by_text: bool
    probes: bool


def begin(tx: Tx, wanted: Sequence[Wanted], *, token: UUID, now: datetime) -> list[Begun]:
    """Decide once more about leased messages, from current facts, and note the attempts of those that leave now.

    Raises Stale or Conflict when one of them changed in the same moment.
    """
    tried = {one.message_id: one.tried for one in wanted}
    known = carriers.known(tx)
    ready: list[tuple[Facts, _Prepared]] = []
    for facts in messages.decide(tx, list(tried), token=token, now=now):
        prepared = _prepare(tx, facts, known, tried=tried[facts.message.id], now=now)
        if prepared is not None:
            ready.append((facts, prepared))
    leaving = messages.reserve(tx, [facts for facts, _ in ready], now=now)
    going = [prepared for facts, prepared in ready if facts.message.id in leaving]
    store.start(tx, [one.start for one in going], token=token, now=now)
    return [_begun(one) for one in going]


def _begun(one: _Prepared) -> Begun:
    return Begun(
        message=one.start.message,
        reference=one.start.reference,
        call=one.call,
        tried=one.tried,
        by_text=one.by_text,
        probes=one.probes,
    )


def _prepare(tx: Tx, facts: Facts, known: carriers.Known, *, tried: frozenset[str], now: datetime) -> _Prepared | None:
    """Choose the provider, make the link and the words; None when nobody takes it now."""
    message = facts.message
    by_text = facts.channel is ContactKind.SMS
    picked = carriers.pick(tx, known, but_not=tried, now=now) if by_text else None
    carrier = picked.carrier if picked else None
    provider = carrier or (None if by_text else registry.email())
    if provider is None:
        _hold(tx, message, by_text=by_text, now=now)
        return None
    reference, token = uuid4(), links.new_token() if facts.terms.carries_link else None
    try:
        call, words = _call(facts, carrier, token=token, reference=reference, now=now)
    except render.NoWords as missing:
        log.error("message.no_words", message=str(message.id), missing=str(missing))
        messages.fail(tx, message, reason="no_words", now=now)
        return None
    start = _start(facts, provider.name, words, token=token, reference=reference)
    probes = picked is not None and picked.probes
    return _Prepared(start=start, call=call, tried=tried | {provider.name}, by_text=by_text, probes=probes)


def _start(facts: Facts, provider: str, words: str, *, token: str | None, reference: UUID) -> Start:
    number = facts.contact_no if facts.terms.automatic else facts.message.contact_no
    return Start(
        message=replace(rules.started(facts.message), contact_no=number),
        reference=reference,
        provider=provider,
        body_sha256=hashlib.sha256(words.encode()).digest(),
        link=_link(facts, token),
    )


def _link(facts: Facts, token: str | None) -> NewLink | None:
    invitation_id, expires_at = facts.message.invitation_id, facts.expires_at
    if token is None or invitation_id is None or expires_at is None:
        return None
    return NewLink(token_sha256=links.sha256(token), invitation_id=invitation_id, expires_at=expires_at)


def _hold(tx: Tx, message: Message, *, by_text: bool, now: datetime) -> None:
    """No provider takes it now: it waits, for as long as the first of them rests or until somebody sets one up."""
    if by_text and registry.carriers():
        until, reason = carriers.next_chance(tx, now), CARRIERS_REST
    else:
        until, reason = now + rules.NO_PROVIDER_PAUSE, messages.NO_PROVIDER
    message_store.swap(tx, message, rules.held(message, until=until, reason=reason))


def _call(
    facts: Facts, carrier: Sms | None, *, token: str | None, reference: UUID, now: datetime
) -> tuple[Callable[[], Attempt], str]:
    """The provider's call with everything it needs, and the words, so that nothing is left to look up."""
    message, to, language = facts.message, facts.address, facts.language
    variables = _variables(facts, token)
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


def _variables(facts: Facts, token: str | None) -> dict[str, str]:
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
    if token is not None:
        variables["link"] = f"{registry.public_url()}/s/{token}"
    if facts.survey_due_at is not None:
        variables["day"] = wordings.weekday(facts.survey_due_at.astimezone(facts.tz).date(), language)
    return variables


def finish(tx: Tx, done: Sequence[Done], *, now: datetime) -> list[Wanted]:
    """Record how attempts ended; the messages that another provider may take at once."""
    said = store.end(tx, [_end(one) for one in done], now=now)
    current = store.lock(tx, [one.begun.message.id for one in done])
    again: list[Wanted] = []
    left: list[Message] = []
    for one in done:
        message = current[one.begun.message.id]
        if not _is_ours(message, one.begun):
            continue
        if _may_fail_over(tx, message, one, now=now):
            again.append(Wanted(message_id=message.id, tried=one.begun.tried))
        elif _has_left(message, one) and said[one.begun.reference] is None:
            left.append(_after(message, one, None, now=now))
        else:
            _settle(tx, message, _after(message, one, said[one.begun.reference], now=now), one, now=now)
    store.leave(tx, left)
    messages.follow_left(tx, left, now=now)
    return again


def _end(done: Done) -> End:
    attempt = done.attempt
    outcome = Ending(attempt.outcome.value)
    return End(
        reference=done.begun.reference, outcome=outcome, provider_ref=attempt.provider_ref, detail=attempt.detail
    )


def _is_ours(current: Message, begun: Begun) -> bool:
    """A sender that slept through its lease finds `unknown`, and knows better."""
    held = current.lease_token == begun.message.lease_token or current.state is MessageState.UNKNOWN
    return held and current.attempts == begun.message.attempts


def _has_left(current: Message, done: Done) -> bool:
    taken = done.attempt.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)
    return taken and current.state is MessageState.LEASED and done.attempt.fault is None


def _may_fail_over(tx: Tx, current: Message, done: Done, *, now: datetime) -> bool:
    unsent = done.attempt.outcome is Outcome.TRY_LATER and current.state is MessageState.LEASED
    return unsent and done.begun.by_text and carriers.another(tx, but_not=done.begun.tried, now=now)


def _after(current: Message, done: Done, said: Delivery | None, *, now: datetime) -> Message:
    attempt = done.attempt
    ending = Ending(attempt.outcome.value)
    new = rules.after(current, ending, detail=attempt.detail, now=now, wait_s=attempt.retry_after_s)
    log.info("message.attempted", message=str(new.id), outcome=ending, detail=attempt.detail, state=new.state)
    return rules.told(new, said) if said else new


def _settle(tx: Tx, current: Message, new: Message, done: Done, *, now: datetime) -> None:
    """What is not as usual: it was not taken, or a receipt was faster than the answer."""
    attempt = done.attempt
    if attempt.fault is not None:
        carriers.heed(tx, current.id, attempt.fault, now=now)
    if attempt.outcome in (Outcome.REFUSED, Outcome.TRY_LATER):
        messages.release(tx, current.id)
    message_store.swap(tx, current, new)
    receipts.follow(tx, new, fault=attempt.fault, now=now)
