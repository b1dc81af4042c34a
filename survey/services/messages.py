"""Messages to patients: queue them, decide about each when its time comes, and learn what became of it."""

from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import structlog

from survey.domain import invitations as invitation_rules
from survey.domain import messages as rules
from survey.domain.invitations import Invitation, InvitationState, Trouble
from survey.domain.messages import Act, Decision, Facts, Kind, Message, MessageState
from survey.domain.patients import Contact, choose
from survey.domain.queues import Queue
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store import messages as store
from survey.store import procedures as procedure_store
from survey.store.session import Tx

log = structlog.get_logger()

NO_PROVIDER = "no_provider"


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
        give_up_at=rules.give_up_at(due_at, tz),
        late=late,
    )
    store.insert(tx, new)
    tx.ring(Queue.SENDING)
    return new


def decide(tx: Tx, message_id: UUID, *, token: UUID, now: datetime) -> Facts | None:
    """The facts of a leased message that may leave now, from the facts of this moment; None when it may not.

    What may not leave is held, cancelled or turned to another channel here.
    """
    facts = store.facts(tx, message_id, token=token)
    if facts is None:
        return None
    decision = rules.decide(facts, now=now)
    if decision.act is Act.SEND:
        return facts
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
        turn(tx, message.invitation_id, decision.trouble, now=now)


def fail(tx: Tx, message: Message, *, reason: str, now: datetime) -> None:
    """Nobody can send this message: it ends here, and another channel or a person takes over."""
    store.swap(tx, message, rules.ended(message, MessageState.REFUSED, reason=reason))
    turn(tx, message.invitation_id, Trouble.REFUSED, now=now)


def follow(tx: Tx, message: Message, *, now: datetime) -> None:
    """What the message's new state means for its invitation."""
    if message.state in (MessageState.ACCEPTED, MessageState.UNKNOWN):
        _advance(tx, message.invitation_id, InvitationState.SENT, now=now)
    elif message.state is MessageState.DELIVERED:
        _advance(tx, message.invitation_id, InvitationState.SENT, now=now)
        _advance(tx, message.invitation_id, InvitationState.DELIVERED, now=now)
    elif message.state is MessageState.REFUSED:
        turn(tx, message.invitation_id, Trouble.REFUSED, now=now)
    elif message.state is MessageState.UNDELIVERED:
        turn(tx, message.invitation_id, Trouble.UNDELIVERED, now=now)


def _advance(tx: Tx, invitation_id: UUID, to: InvitationState, *, now: datetime) -> None:
    """Move the invitation on, unless the patient was faster."""
    old = invitation_store.get_for_update(tx, invitation_id)
    if to in invitation_rules.MOVES[old.state]:
        invitation_store.swap(tx, old, invitation_rules.advance(old, to, now=now))


def turn(tx: Tx, invitation_id: UUID, trouble: Trouble, *, now: datetime) -> None:
    """This channel failed: queue the other one, or leave the patient to a person's call."""
    old = invitation_store.get_for_update(tx, invitation_id)
    if InvitationState.UNDELIVERABLE not in invitation_rules.MOVES[old.state]:
        return
    # Whoever asked for no more texts is not followed into the mailbox.
    other = None if trouble is Trouble.STOPPED else _untried(tx, old)
    if other is None:
        invitation_store.swap(tx, old, invitation_rules.fail(old, trouble, now=now))
        return
    queue(tx, old, other, due_at=now, tz=ZoneInfo(store.zone(tx, invitation_id)), late=True)


def _untried(tx: Tx, invitation: Invitation) -> Contact | None:
    """A usable contact of a kind that this invitation has not been sent by."""
    tried = store.tried(tx, invitation.id)
    patient_id = procedure_store.get(tx, invitation.procedure_id).patient_id
    return choose(one for one in contact_store.of_patient(tx, patient_id) if one.kind not in tried)


def held_up(tx: Tx) -> tuple[str, ...]:
    """What keeps messages from leaving that an operator can mend, as sentences; empty when all is well."""
    waiting = store.held_up(tx, reason=NO_PROVIDER)
    if not waiting:
        return ()
    return (
        f"{waiting} messages wait because no provider is set up. Set TWILIO_ACCOUNT_SID for texts, SMTP_HOST for mail.",
    )
