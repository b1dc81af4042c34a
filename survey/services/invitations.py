"""Invitations: schedule those of a procedure, close them, and let them end."""

from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import calls
from survey.domain import invitations as rules
from survey.domain.accounts import SYSTEM, Actor
from survey.domain.invitations import Invitation, InvitationState, Planned
from survey.domain.patients import Procedure
from survey.services import audit, messages, protocols
from survey.store import invitations as store
from survey.store import messages as message_store
from survey.store.session import Tx, transaction


def schedule(
    tx: Tx, procedure: Procedure, planned: tuple[Planned, ...], *, version_id: UUID, tz: ZoneInfo, now: datetime
) -> tuple[Invitation, ...]:
    """Add an invitation for each planned survey, and queue its message where there is a way."""
    risk = _risk(tx, procedure, version_id)
    made = tuple(_new(procedure, one, version_id=version_id, tz=tz, risk=risk, now=now) for one in planned)
    store.insert(tx, made)
    for invitation, one in zip(made, planned, strict=True):
        if one.contact is not None:
            messages.queue(tx, invitation, one.contact, due_at=one.due_at, tz=tz, late=one.late)
    return made


def _risk(tx: Tx, procedure: Procedure, version_id: UUID) -> int:
    """What the patient's flags weigh on the call list."""
    pack = protocols.get(tx, version_id)
    return calls.risk(
        pack.context_for(body_sites=procedure.body_sites, agents=procedure.agents, given=procedure.context)
    )


def _new(
    procedure: Procedure, planned: Planned, *, version_id: UUID, tz: ZoneInfo, risk: int, now: datetime
) -> Invitation:
    return Invitation(
        id=uuid4(),
        procedure_id=procedure.id,
        site_id=procedure.site_id,
        touch=planned.touch.key,
        protocol_version_id=version_id,
        state=InvitationState.UNDELIVERABLE if planned.trouble else InvitationState.SCHEDULED,
        due_at=planned.due_at,
        expires_at=rules.expires_at(procedure.performed_on, tz),
        trouble=planned.trouble,
        # Whom nothing can be sent to is called at the time of the survey, and not five days ahead of the second one.
        call_at=max(now, planned.due_at) if planned.trouble else planned.due_at + rules.CALL_AFTER,
        risk=risk,
    )


def close(tx: Tx, invitation_id: UUID, *, reason: str, by: Actor, now: datetime) -> Invitation:
    """Close one invitation with a reason and take back what has not left. Raises Refused when it has ended."""
    old = store.get_for_update(tx, invitation_id)
    new = rules.stop(old, reason=reason, now=now)
    store.swap(tx, old, new, by=by.id)
    message_store.cancel_pending(tx, invitation_id, reason="closed")
    audit.record(tx, "invitation.stopped", actor=by, object_id=invitation_id, now=now)
    return new


def reach(tx: Tx, procedure_id: UUID, *, now: datetime) -> None:
    """A person spoke to the patient: every survey of the procedure that was due by now needs no answer any more."""
    for one in store.of_procedure(tx, procedure_id):
        if one.due_at <= now and InvitationState.REACHED in rules.MOVES[one.state]:
            old = store.get_for_update(tx, one.id)
            store.swap(tx, old, rules.advance(old, InvitationState.REACHED, now=now))
            message_store.cancel_pending(tx, old.id, reason="reached")


def expire_due(*, now: datetime, limit: int = 500) -> int:
    """Mark invitations past day 30, at most `limit`; how many, 0 when nothing is left."""
    with transaction() as tx:
        ended = store.expired(tx, now=now, limit=limit)
        for old in ended:
            store.swap(tx, old, rules.advance(old, InvitationState.EXPIRED, now=now))
            message_store.cancel_pending(tx, old.id, reason="expired")
            audit.record(tx, "invitation.expired", actor=SYSTEM, object_id=old.id, now=now)
    return len(ended)
