"""What answers do to the survey that asked for them: open its response, move its invitation on, be doubted."""

from datetime import datetime
from uuid import UUID, uuid4

from survey.domain import invitations as rules
from survey.domain.invitations import MOVES, InvitationState
from survey.domain.responses import AnsweredBy, Identity, Mode, Response
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


def doubt(tx: Tx, invitation_id: UUID, *, now: datetime) -> None:
    """The wrong person had the link: what was answered may not be the patient's, and whoever began is called now."""
    response = response_store.find_of(tx, invitation_id)
    if response is not None:
        response_store.set_identity(tx, response.id, Identity.UNCONFIRMED)
    old = store.get_for_update(tx, invitation_id)
    if old.state is InvitationState.OPENED:
        store.swap(tx, old, rules.call_at_once(old, now=now))
