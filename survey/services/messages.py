"""Messages to patients: queue them, decide about each when its time comes, and learn what became of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import structlog

from survey.domain import invitations as invitation_rules
from survey.domain import messages as rules
from survey.domain import reminders as reminder_rules
from survey.domain.invitations import WANTED, Invitation, InvitationState, Trouble
from survey.domain.messages import TERMS, Act, Decision, Facts, Kind, Message, MessageState
from survey.domain.patients import Contact, ContactKind, choose
from survey.domain.protocol import Reminder
from survey.domain.queues import Queue
from survey.domain.reminders import Asked, Next
from survey.services import protocols
from survey.store import invitations as invitation_store
from survey.store import message_facts, text_days
from survey.store import messages as store
from survey.store import reminders as reminder_store
from survey.store.reminders import Ground, Way
from survey.store.session import Tx
from survey.store.text_days import TextDay

log = structlog.get_logger()

NO_PROVIDER = "no_provider"
LOOK_AGAIN = timedelta(minutes=1)
"""So long after another text took the number's day it is looked at what the day allows."""
_LEFT = frozenset({MessageState.ACCEPTED, MessageState.UNKNOWN, MessageState.DELIVERED})
_FAILED = frozenset({MessageState.REFUSED, MessageState.UNDELIVERED})


def queue(
    tx: Tx,
    invitation: Invitation,
    contact: Contact,
    *,
    due_at: datetime,
    tz: ZoneInfo,
    late: bool = False,
    kind: Kind = Kind.INVITATION,
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
        give_up_at=rules.give_up_at(kind, due_at, tz),
        late=late,
    )
    store.insert(tx, new)
    tx.ring(Queue.SENDING)
    return new


def queue_reply(tx: Tx, kind: Kind, *, inbound_id: UUID, now: datetime) -> Message:
    """Answer a text that came in. Raises Conflict (`message_answers_once`) when it was answered so before."""
    new = Message(
        id=uuid4(),
        inbound_id=inbound_id,
        kind=kind,
        touch_no=0,
        state=MessageState.PENDING,
        due_at=now,
        give_up_at=now + TERMS[kind].lasts,
    )
    store.insert(tx, new)
    tx.ring(Queue.SENDING)
    return new


def decide(tx: Tx, message_ids: Sequence[UUID], *, token: UUID, now: datetime) -> list[Facts]:
    """The facts of those leased messages that may leave now, from the facts of this moment, in the order given.

    What may not leave is held, cancelled or turned to another channel here.
    """
    return [one for one in message_facts.read(tx, message_ids, token=token) if _leaves(tx, one, now=now)]


def _leaves(tx: Tx, facts: Facts, *, now: datetime) -> bool:
    decision = rules.decide(facts, now=now)
    if decision.act is not Act.SEND:
        _carry_out(tx, facts.message, decision, now=now)
    return decision.act is Act.SEND


def _carry_out(tx: Tx, message: Message, decision: Decision, *, now: datetime) -> None:
    if decision.act is Act.HOLD and decision.due_at is not None:
        waits = rules.held(message, until=decision.due_at, reason=decision.reason)
        is_capped_reminder = decision.reason == rules.CAP and message.kind is Kind.REMINDER
        store.swap(tx, message, (_diverted(tx, message, now=now) if is_capped_reminder else None) or waits)
        return
    gave_up = decision.act is Act.GIVE_UP
    state = MessageState.UNDELIVERED if gave_up else MessageState.CANCELLED
    store.swap(tx, message, rules.ended(message, state, reason=decision.reason))
    if decision.act in (Act.TURN, Act.GIVE_UP) and decision.trouble is not None and message.invitation_id is not None:
        turn(tx, message.invitation_id, decision.trouble, now=now, failed=message)
    elif decision.trouble is not None:
        _call_instead(tx, message, now=now)


def _diverted(tx: Tx, message: Message, *, now: datetime) -> Message | None:
    """The reminder on another channel, which has no cap; None where the patient has no other."""
    if message.invitation_id is None:
        return None
    ways = reminder_store.ways(tx, message.invitation_id)
    tried = {way.channel for way in ways if (way.kind, way.touch_no) == (message.kind, message.touch_no)}
    other = choose(one for one in reminder_store.contacts(tx, message.invitation_id) if one.kind not in tried)
    return rules.diverted(message, other.id, now=now) if other else None


def reserve(tx: Tx, leaving: Sequence[Facts], *, now: datetime) -> frozenset[UUID]:
    """Take the numbers' days for messages about to leave; which of them may.

    Goes in the transaction that notes the attempts. Where another text has taken the day meanwhile, the message waits
    a minute, and what the day allows is decided anew.
    """
    wanted = [
        TextDay(address=one.address, day=day, message_id=one.message.id)
        for one in leaving
        if one.is_capped and one.own_day != (day := now.astimezone(one.tz).date())
    ]
    late = {one.message_id for one in wanted} - text_days.take(tx, wanted)
    for one in leaving:
        if one.message.id in late:
            store.swap(tx, one.message, rules.held(one.message, until=now + LOOK_AGAIN, reason="day_taken"))
    return frozenset(one.message.id for one in leaving) - late


def release(tx: Tx, message_id: UUID) -> None:
    """Give back what `reserve` took: the message surely did not leave."""
    text_days.release(tx, message_id)


def fail(tx: Tx, message: Message, *, reason: str, now: datetime) -> None:
    """Nobody can send this message: it ends here, and another channel or a person takes over."""
    ended = rules.ended(message, MessageState.REFUSED, reason=reason)
    store.swap(tx, message, ended)
    follow(tx, ended, now=now)


def follow(tx: Tx, message: Message, *, now: datetime) -> None:
    """What the message's new state means for its survey. A reply and a word at the desk mean nothing for any."""
    if message.invitation_id is None:
        return
    if message.state in _LEFT and TERMS[message.kind].carries_link:
        _has_left(tx, message, message.invitation_id, now=now)
    elif message.state in _FAILED:
        trouble = Trouble.REFUSED if message.state is MessageState.REFUSED else Trouble.UNDELIVERED
        if TERMS[message.kind].automatic:
            turn(tx, message.invitation_id, trouble, now=now, failed=message)
        else:
            _call_instead(tx, message, now=now)


def _has_left(tx: Tx, message: Message, invitation_id: UUID, *, now: datetime) -> None:
    invitation = _advance(tx, invitation_id, InvitationState.SENT, now=now)
    if message.state is MessageState.DELIVERED:
        invitation = _advance(tx, invitation_id, InvitationState.DELIVERED, now=now)
    _remind(tx, [(message, invitation)])


def follow_left(tx: Tx, left: Sequence[Message], *, now: datetime) -> None:
    """`follow` for many messages that have just left, each of another survey."""
    linked = {one.invitation_id: one for one in left if one.invitation_id and TERMS[one.kind].carries_link}
    asked = invitation_store.lock(tx, [one for one in linked if one])
    news = {one.id: _sent(one, now=now) for one in asked.values()}
    invitation_store.put_sent(tx, [new for new in news.values() if new is not asked[new.id]])
    _remind(tx, [(linked[one], new) for one, new in news.items()])


def _sent(invitation: Invitation, *, now: datetime) -> Invitation:
    """The invitation moved on, unless the patient was faster."""
    if InvitationState.SENT not in invitation_rules.MOVES[invitation.state]:
        return invitation
    return invitation_rules.advance(invitation, InvitationState.SENT, now=now)


_MAY_BE_REMINDED = frozenset({InvitationState.SENT, InvitationState.DELIVERED, InvitationState.UNDELIVERABLE})


def _remind(tx: Tx, left: Sequence[tuple[Message, Invitation]]) -> None:
    """Queue the reminders that follow these messages, without those that are queued already."""
    open_ones = [
        (message, invitation, reminders)
        for message, invitation in left
        if TERMS[message.kind].automatic and invitation.state in _MAY_BE_REMINDED
        if len(reminders := _reminders(tx, invitation)) > message.touch_no
    ]
    grounds = reminder_store.grounds(tx, [one.id for _, one, _ in open_ones]) if open_ones else {}
    coming = [_next(one, reminders, message.touch_no, grounds[one.id]) for message, one, reminders in open_ones]
    if reminder_store.insert(tx, [one for one in coming if one is not None]):
        tx.ring(Queue.SENDING)


def _reminders(tx: Tx, invitation: Invitation) -> Sequence[Reminder]:
    return protocols.get(tx, invitation.protocol_version_id).touch(invitation.touch).reminders


def _next(invitation: Invitation, reminders: Sequence[Reminder], sent: int, ground: Ground) -> Message | None:
    tz, asked = ZoneInfo(ground.zone), _asked(ground.ways)
    if asked is None:
        return None
    coming = reminder_rules.following(reminders, sent, contacts=ground.contacts, asked=asked, tz=tz)
    return _reminder(invitation, coming, tz) if coming else None


def _asked(ways: Sequence[Way]) -> Asked | None:
    left = [(way.channel, way.sent_at) for way in ways if way.sent_at is not None]
    if not left:
        return None
    (first, first_at), (last, last_at) = left[0], left[-1]
    return Asked(first=first, first_at=first_at, last=last, last_at=last_at)


def _reminder(invitation: Invitation, coming: Next, tz: ZoneInfo) -> Message:
    return Message(
        id=uuid4(),
        invitation_id=invitation.id,
        contact_id=coming.contact.id,
        kind=Kind.REMINDER,
        touch_no=coming.number,
        state=MessageState.PENDING,
        due_at=coming.due_at,
        give_up_at=rules.give_up_at(Kind.REMINDER, coming.due_at, tz),
    )


def _advance(tx: Tx, invitation_id: UUID, to: InvitationState, *, now: datetime) -> Invitation:
    """The invitation moved on, unless the patient was faster."""
    old = invitation_store.get_for_update(tx, invitation_id)
    if to not in invitation_rules.MOVES[old.state]:
        return old
    new = invitation_rules.advance(old, to, now=now)
    invitation_store.swap(tx, old, new)
    return new


def turn(tx: Tx, invitation_id: UUID, trouble: Trouble, *, now: datetime, failed: Message | None = None) -> None:
    """A channel failed, by `failed` if that was a message: queue another one, or leave the patient to a person's call.

    Nothing is to be done while a message that left on another channel stands.
    """
    old = invitation_store.get_for_update(tx, invitation_id)
    if InvitationState.UNDELIVERABLE not in invitation_rules.MOVES[old.state]:
        return
    ways = reminder_store.ways(tx, invitation_id)
    broken = _channel(tx, old, failed)
    # Whoever asked for no more texts is not followed into the mailbox.
    if trouble is not Trouble.STOPPED:
        if any(way.state in _LEFT and not way.is_blocked and way.channel is not broken for way in ways):
            return
        kind, touch_no = (failed.kind, failed.touch_no) if failed else (Kind.INVITATION, 0)
        tried = {w.channel for w in ways if (w.kind, w.touch_no) == (kind, touch_no) or w.state in _FAILED}
        other = choose(one for one in reminder_store.contacts(tx, invitation_id) if one.kind not in tried)
        if other is not None:
            tz = ZoneInfo(store.zone(tx, invitation_id))
            queue(tx, old, other, due_at=now, tz=tz, late=True, kind=kind, touch_no=touch_no)
            return
    invitation_store.swap(tx, old, invitation_rules.fail(old, trouble, now=now))


def _channel(tx: Tx, invitation: Invitation, failed: Message | None) -> ContactKind | None:
    contacts = reminder_store.contacts(tx, invitation.id) if failed else ()
    return next((one.kind for one in contacts if failed and one.id == failed.contact_id), None)


def _call_instead(tx: Tx, message: Message, *, now: datetime) -> None:
    """A link that the patient asked for cannot be sent: a person calls."""
    if message.kind is not Kind.FRESH_LINK or message.invitation_id is None:
        return
    old = invitation_store.get_for_update(tx, message.invitation_id)
    if old.state in WANTED:
        invitation_store.swap(tx, old, invitation_rules.ask_for_call(old, now=now))


def held_up(tx: Tx) -> tuple[str, ...]:
    """What keeps messages from leaving that an operator can mend, as sentences; empty when all is well."""
    waiting = store.held_up(tx, reason=NO_PROVIDER)
    if not waiting:
        return ()
    return (
        f"{waiting} messages wait because no provider is set up. Set TWILIO_ACCOUNT_SID for texts, SMTP_HOST for mail.",
    )
