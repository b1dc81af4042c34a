"""What answers do to the survey that asked for them: open its response, move its invitation on, lose a contact."""

from datetime import datetime
from uuid import UUID, uuid4

from survey.domain import invitations as rules
from survey.domain.invitations import MOVES, InvitationState, Trouble
from survey.domain.responses import AnsweredBy, Identity, Mode, Response
from survey.store import contacts as contact_store
from survey.store import invitations as store
from survey.store import responses as response_store
from survey.store.session import Tx


def open_response(
    tx: Tx,
    invitation_id: UUID,
    *,
    mode: Mode,
    answered_by: AnsweredBy,
    language: str,
    entered_by: UUID | None,
    now: datetime,
) -> None:
    """Open the invitation's response, on the protocol version that the invitation was made for; once."""
    new = Response(
        id=uuid4(),
        invitation_id=invitation_id,
        protocol_version_id=store.get(tx, invitation_id).protocol_version_id,
        language=language,
        mode=mode,
        answered_by=answered_by,
        entered_by=entered_by,
        revision=0,
        scored_revision=0,
        tier=None,
        started_at=now,
        answered_at=now,
        submitted_at=None,
        scored_at=None,
        identity=Identity.NOT_ASKED,
        score_fault=None,
    )
    response_store.begin(tx, new)


def advance(tx: Tx, invitation_id: UUID, to: InvitationState, *, now: datetime) -> None:
    """Move the invitation on, where its table allows it: an answer is taken from a survey that was closed, too."""
    old = store.get_for_update(tx, invitation_id)
    if to in MOVES[old.state]:
        store.swap(tx, old, rules.advance(old, to, now=now))


def fail_unless_reachable(tx: Tx, invitation_id: UUID, patient_id: UUID, *, now: datetime) -> None:
    """When the wrong person had the link and no other contact is left, a person has to call."""
    contacts = contact_store.of_patient(tx, patient_id)
    if any(one.consented_at is not None and one.blocked_at is None for one in contacts):
        return
    old = store.get_for_update(tx, invitation_id)
    if InvitationState.UNDELIVERABLE in MOVES[old.state]:
        store.swap(tx, old, rules.fail(old, Trouble.NOT_ME, now=now))
