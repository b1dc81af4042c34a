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
from survey.domain.queues import Queue
from survey.domain.reminders import Asked, Next
from survey.services import protocols
from survey.store import invitations as invitation_store
from survey.store import message_facts, text_days
from survey.store import messages as store
from survey.store import reminders as reminder_store
from survey.store.reminders import Way
from survey.store.session import Tx

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


def cancel_open(tx: Tx, invitation_id: UUID, *, reason: str) -> None:
    """Take back whatever of the survey has not left; what a sender holds is decided about by itself."""
    store.cancel_pending(tx, invitation_id, reason=reason)


def decide(tx: Tx, message_id: UUID, *, token: UUID, now: datetime) -> Facts | None:
    """The facts of a leased message that may leave now, from the facts of this moment; None when it may not.

    What may not leave is held, cancelled or turned to another channel here.
    """
    facts = message_facts.read(tx, message_id, token=token)
    if facts is None:
        return None
    decision = rules.decide(facts, now=now)
    if decision.act is Act.SEND:
        return facts
    _carry_out(tx, facts.message, decision, now=now)
    return None


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


def reserve(tx: Tx, facts: Facts, *, now: datetime) -> bool:
    """Take what the message about to leave counts for: the number's day, and its place among the survey's three.

    Goes in the transaction that notes the attempt. False when another text has taken the day meanwhile: then the
    message waits a minute, and what the day allows is decided anew.
    """
    message = facts.message
    day = now.astimezone(facts.tz).date()
    is_new = facts.is_capped and facts.own_day != day
    if is_new and not text_days.take(tx, facts.address, day, message.id):
        store.swap(tx, message, rules.held(message, until=now + LOOK_AGAIN, reason="day_taken"))
        return False
    if facts.terms.automatic and message.contact_no is None and facts.contact_no is not None:
        text_days.number(tx, message.id, facts.contact_no)
    return True


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
    if TERMS[message.kind].automatic and invitation.state in _MAY_BE_REMINDED:
        _remind(tx, invitation, message.touch_no)


_MAY_BE_REMINDED = frozenset({InvitationState.SENT, InvitationState.DELIVERED, InvitationState.UNDELIVERABLE})


def _remind(tx: Tx, invitation: Invitation, sent: int) -> None:
    """Queue the reminder after the first `sent` ones, unless it is queued already."""
    reminders = protocols.get(tx, invitation.protocol_version_id).touch(invitation.touch).reminders
    if len(reminders) <= sent:
        return
    tz = ZoneInfo(store.zone(tx, invitation.id))
    contacts = reminder_store.contacts(tx, invitation.id)
    asked = _asked(reminder_store.ways(tx, invitation.id))
    coming = reminder_rules.following(reminders, sent, contacts=contacts, asked=asked, tz=tz) if asked else None
    if coming is not None and reminder_store.insert(tx, _reminder(invitation, coming, tz)):
        tx.ring(Queue.SENDING)


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
