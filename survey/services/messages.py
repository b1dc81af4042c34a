"""Messages to patients: queue them, send what is due, and learn from receipts what became of them."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import structlog

from survey.domain import invitations as invitation_rules
from survey.domain import messages as rules
from survey.domain import sending_hours
from survey.domain.invitations import Invitation, InvitationState, Trouble
from survey.domain.messages import Act, Decision, Delivery, Ending, Facts, Message, MessageState
from survey.domain.patients import Contact, ContactKind, choose
from survey.domain.queues import Queue
from survey.interop import phones
from survey.messaging import registry, render, twilio_sms
from survey.messaging.outcomes import Attempt
from survey.services import links
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store import messages as store
from survey.store import procedures as procedure_store
from survey.store.session import Tx, transaction

log = structlog.get_logger()

THREADS = 8
"""Provider calls at once; a slow provider holds a thread, never a database connection."""
NO_PROVIDER = "no_provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An attempt whose row is committed: all that is left to do is `call`."""

    message: Message
    reference: UUID
    call: Callable[[], Attempt]


def queue(
    tx: Tx,
    invitation: Invitation,
    contact: Contact,
    *,
    due_at: datetime,
    tz: ZoneInfo,
    late: bool = False,
    kind: str = rules.INVITATION,
    touch_no: int = 0,
) -> Message:
    """Put a message in the outbox; `tz` is the patient's zone. Raises Conflict when the same one was queued before."""
    new = Message(
        id=uuid4(),
        invitation_id=invitation.id,
        contact_id=contact.id,
        kind=kind,
        touch_no=touch_no,
        state=MessageState.PENDING,
        due_at=due_at,
        give_up_at=rules.give_up_at(due_at, tz),
        late=late,
    )
    store.insert(tx, new)
    tx.ring(Queue.SENDING)
    return new


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
            _follow(tx, unknown, now=now)
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
    facts = store.facts(tx, message_id, token=token)
    if facts is None:
        return None
    decision = rules.decide(facts, now=now)
    if decision.act is Act.SEND:
        return _prepare(tx, facts, now=now)
    _carry_out(tx, facts.message, decision, now=now)
    return None


def _carry_out(tx: Tx, message: Message, decision: Decision, *, now: datetime) -> None:
    if decision.act is Act.HOLD and decision.due_at is not None:
        store.swap(tx, message, rules.held(message, until=decision.due_at, reason=decision.reason))
        return
    gave_up = decision.act is Act.GIVE_UP
    state = MessageState.UNDELIVERED if gave_up else MessageState.CANCELLED
    store.swap(tx, message, rules.ended(message, state, reason=decision.reason))
    if decision.trouble is not None:
        _turn(tx, message.invitation_id, decision.trouble, now=now)


def _prepare(tx: Tx, facts: Facts, *, now: datetime) -> _Begun | None:
    """Make the link and the words, and note the attempt before the provider is called."""
    message = facts.message
    provider = registry.sms() if facts.contact.kind is ContactKind.SMS else registry.email()
    if provider is None:
        store.swap(tx, message, rules.held(message, until=now + rules.NO_PROVIDER_PAUSE, reason=NO_PROVIDER))
        return None
    reference, begun = uuid4(), rules.started(message)
    try:
        call = _call(tx, facts, reference=reference, now=now)
    except render.NoWords as missing:
        log.error("message.no_words", message=str(message.id), missing=str(missing))
        store.swap(tx, message, rules.ended(message, MessageState.REFUSED, reason="no_words"))
        _turn(tx, message.invitation_id, Trouble.REFUSED, now=now)
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
    _follow(tx, new, now=now)
    return new.state


def _follow(tx: Tx, message: Message, *, now: datetime) -> None:
    """What the message's new state means for its invitation."""
    if message.state in (MessageState.ACCEPTED, MessageState.UNKNOWN):
        _advance(tx, message.invitation_id, InvitationState.SENT, now=now)
    elif message.state is MessageState.DELIVERED:
        _advance(tx, message.invitation_id, InvitationState.SENT, now=now)
        _advance(tx, message.invitation_id, InvitationState.DELIVERED, now=now)
    elif message.state is MessageState.REFUSED:
        _turn(tx, message.invitation_id, Trouble.REFUSED, now=now)
    elif message.state is MessageState.UNDELIVERED:
        _turn(tx, message.invitation_id, Trouble.UNDELIVERED, now=now)


def _advance(tx: Tx, invitation_id: UUID, to: InvitationState, *, now: datetime) -> None:
    """Move the invitation on, unless the patient was faster."""
    old = invitation_store.get_for_update(tx, invitation_id)
    if to in invitation_rules.MOVES[old.state]:
        invitation_store.swap(tx, old, invitation_rules.advance(old, to, now=now))


def _turn(tx: Tx, invitation_id: UUID, trouble: Trouble, *, now: datetime) -> None:
    """This channel failed: queue the other one, or leave the patient to a person's call."""
    old = invitation_store.get_for_update(tx, invitation_id)
    if InvitationState.UNDELIVERABLE not in invitation_rules.MOVES[old.state]:
        return
    # Whoever asked for no more texts is not followed into the mailbox.
    other = None if trouble is Trouble.STOPPED else _untried(tx, old)
    if other is None:
        invitation_store.swap(tx, old, invitation_rules.fail(old, trouble))
        return
    queue(tx, old, other, due_at=now, tz=ZoneInfo(store.zone(tx, invitation_id)), late=True)


def _untried(tx: Tx, invitation: Invitation) -> Contact | None:
    """A usable contact of a kind that this invitation has not been sent by."""
    tried = store.tried(tx, invitation.id)
    patient_id = procedure_store.get(tx, invitation.procedure_id).patient_id
    return choose(one for one in contact_store.of_patient(tx, patient_id) if one.kind not in tried)


def record_receipt(attempt_id: UUID, status: str, *, now: datetime) -> bool:
    """Note what the provider says became of an attempt (`status` is its word); whether the reference is ours.

    Receipts may come twice, early, late and in any order: a message only ever moves forward.
    """
    word = twilio_sms.delivery(status)
    with transaction() as tx:
        if word is None:
            return store.is_attempt(tx, attempt_id)
        message_id = store.note_delivery(tx, attempt_id, Delivery(word), now=now)
        if message_id is None:
            return store.is_attempt(tx, attempt_id)
        old = store.get_for_update(tx, message_id)
        new = rules.told(old, Delivery(word))
        if new != old:
            store.swap(tx, old, new)
            _follow(tx, new, now=now)
    return True


def receipt_is_genuine(path: str, form: Iterable[tuple[str, str]], *, signature: str) -> bool:
    """Whether our SMS provider signed that request to `path` (with its query, as it came) on the public address."""
    secret = registry.receipt_secret()
    return secret is not None and twilio_sms.is_signed(secret, registry.public_url() + path, form, signature)


def held_up(tx: Tx) -> tuple[str, ...]:
    """What keeps messages from leaving that an operator can mend, as sentences; empty when all is well."""
    waiting = store.held_up(tx, reason=NO_PROVIDER)
    if not waiting:
        return ()
    return (
        f"{waiting} messages wait because no provider is set up. Set TWILIO_ACCOUNT_SID for texts, SMTP_HOST for mail.",
    )
