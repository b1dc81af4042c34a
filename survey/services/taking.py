"""What clinicians text back: a code or `ack` takes an alert, and every answer tells how it stands.

Also their STOP: the phone is paged no more, and whoever owns its schedules is mailed.
"""

from datetime import datetime
from uuid import UUID

import structlog

from survey.domain import keywords
from survey.domain import reply_codes as rules
from survey.domain.accounts import Actor, ActorKind
from survey.domain.errors import Stale
from survey.domain.inbound import Inbound
from survey.domain.keywords import STOPS, Meaning
from survey.domain.oncall import Method
from survey.domain.queues import Queue
from survey.domain.reply_codes import Ack
from survey.services import alerts, audit, pages
from survey.store import alerts as alert_store
from survey.store import inbound as inbound_store
from survey.store import oncall as oncall_store
from survey.store import owner_mails
from survey.store import reply_codes as store
from survey.store.session import Tx

log = structlog.get_logger()

STOP_REPLY = "stop_reply"
"""Why a phone is not paged any more whose owner has texted STOP."""


def hear(tx: Tx, one: Inbound, *, is_patients: bool, now: datetime) -> bool:
    """Whether the text is a clinician's; then what it asks for is done and answered.

    Of a number that is a patient's as well only a code and `ack` are the clinician's. STOP is both: it is obeyed here,
    and left to be obeyed for the patient.
    """
    method = oncall_store.texted_from(tx, one.sender)
    if method is None:
        return False
    ack = rules.read(one.body)
    if ack is not None:
        _take(tx, method, ack, now=now)
        return True
    if _is_stop(one):
        _stop(tx, method, now=now)
    elif not is_patients and one.opt_out_type is None:
        _answer(tx, method, None, now=now)
    return not is_patients


def understood(one: Inbound) -> bool:
    """Whether nothing is left in a clinician's text that somebody else has to read."""
    return rules.read(one.body) is not None or keywords.read(one.body).meaning is not Meaning.TEXT


def _is_stop(one: Inbound) -> bool:
    return one.opt_out_type == Meaning.STOP or keywords.read(one.body).meaning in STOPS


def _take(tx: Tx, method: Method, ack: Ack, *, now: datetime) -> None:
    alert_id = _meant(tx, method, ack)
    if alert_id is not None and _has_taken(tx, method, alert_id, now=now):
        _tell(tx, method, alert_id, now=now)
    else:
        _answer(tx, method, alert_id, now=now)


def _meant(tx: Tx, method: Method, ack: Ack) -> UUID | None:
    """The alert that is asked for: by its code here, by its own number, or the only one that is open."""
    live = store.live(tx, method.id)
    if ack.number is None:
        open_ = [one.alert_id for one in live if one.to_be_had]
        return open_[0] if len(open_) == 1 else None
    coded = next((one.alert_id for one in live if one.code == ack.number), None)
    if coded is None and ack.number > rules.HIGHEST:
        return store.numbered(tx, ack.number, user_id=method.user_id)
    return coded or store.last(tx, method.id, ack.number)


def _has_taken(tx: Tx, method: Method, alert_id: UUID, *, now: datetime) -> bool:
    """Whether it went from nobody to this person just now."""
    old = alert_store.get_for_update(tx, alert_id)
    try:
        new = alerts.take_as(tx, old, user_id=method.user_id, epoch=old.epoch, now=now)
    except Stale:
        return False  # the answer tells who has it
    return new != old


def _answer(tx: Tx, method: Method, alert_id: UUID | None, *, now: datetime) -> None:
    """Tell how that alert stands, or whichever wants an answer most; nothing to a phone that texts without an end."""
    about = alert_id or store.last(tx, method.id, None) or store.paged(tx, method.id)
    texts = inbound_store.count_since(tx, method.address, now - rules.PASSIVE_WITHIN)
    if about is not None and texts <= rules.PASSIVE_AT_MOST:
        _tell(tx, method, about, now=now)


def _tell(tx: Tx, method: Method, alert_id: UUID, *, now: datetime) -> None:
    pages.answer(tx, alert_store.get(tx, alert_id), [method], now=now)


def _stop(tx: Tx, method: Method, *, now: datetime) -> None:
    """Never text there again. What waits to be sent there fails at once, and so the next person is paged."""
    if not oncall_store.disable_method(tx, method.id, reason=STOP_REPLY, now=now):
        return
    owner_mails.put(tx, method.id, due_at=now)
    by = Actor(kind=ActorKind.USER, id=method.user_id)
    audit.record(tx, "contact_method.stopped", actor=by, object_id=method.id, now=now)
    log.warning("contact_method.stopped", method=str(method.id))
    tx.ring(Queue.PAGING)
