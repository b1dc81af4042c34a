"""What providers tell by themselves about texts that they took."""

from datetime import datetime
from uuid import UUID

from survey.domain import messages as rules
from survey.domain.invitations import Trouble
from survey.domain.messages import TERMS, Delivery, Message
from survey.messaging import registry
from survey.messaging.outcomes import Fault
from survey.messaging.webhooks import Headers
from survey.services import carriers, messages, page_receipts
from survey.store import messages as store
from survey.store.session import Tx, transaction


def is_genuine(provider: str, path: str, headers: Headers, body: bytes) -> bool:
    """Whether that provider signed the request to `path` (with its query, as it came) on the public address."""
    return registry.is_genuine(provider, path, headers, body)


def take(provider: str, body: bytes, *, now: datetime, attempt_id: UUID | None = None) -> None:
    """Note what a genuine receipt says; `attempt_id` is what its address names, else it names our reference itself.

    Receipts may come twice, early, late and in any order: a message only ever moves forward. One that is about nothing
    of ours, or says nothing that we know, changes nothing.
    """
    said = registry.receipt(provider, body)
    about = attempt_id or said.reference
    if about is not None and said.delivery is not None:
        record(about, said.delivery, fault=said.fault, now=now)


def record(attempt_id: UUID, delivery: Delivery, *, now: datetime, fault: Fault | None = None) -> None:
    """Note what became of an attempt to hand over a message or a page, forward only."""
    with transaction() as tx:
        known = note(tx, attempt_id, delivery, fault=fault, now=now)
    if not known:
        page_receipts.note(attempt_id, delivery, now=now)


def note(tx: Tx, attempt_id: UUID, delivery: Delivery, *, now: datetime, fault: Fault | None = None) -> bool:
    """`record` of an attempt to send a message, in the caller's transaction; whether that was news about one."""
    noted = store.note_delivery(tx, attempt_id, delivery, now=now)
    if noted is None:
        return False
    if fault is not None:
        carriers.heed(tx, noted.message_id, fault, now=now)
    if not noted.of_the_last and delivery is not Delivery.DELIVERED:
        return True  # what did not arrive was handed over once more, and that one's fate decides
    old = store.get_for_update(tx, noted.message_id)
    new = rules.told(old, delivery)
    if new != old:
        store.swap(tx, old, new)
        follow(tx, new, fault=fault, now=now)
    return True


def follow(tx: Tx, message: Message, *, now: datetime, fault: Fault | None = None) -> None:
    """What the message's new state means for its survey; whoever stopped texts is not followed into the mailbox."""
    if fault is Fault.STOPPED and message.invitation_id is not None and TERMS[message.kind].automatic:
        messages.turn(tx, message.invitation_id, Trouble.STOPPED, now=now)
        return
    messages.follow(tx, message, now=now)
