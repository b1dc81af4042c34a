"""The canary's walk: an answer that worries, its page to a sink, the page's receipt, a talk, and the end.

It goes by the ways that every patient's answer and every clinician's page go by. What it shows is that they are open.
"""

import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import canary as rules
from survey.domain.alerts import AlertState, ContactResult, Outcome, Usefulness
from survey.domain.answers import YES
from survey.domain.canary import CLINICIAN, PATIENT_ID, SITE_ID, Worry
from survey.domain.errors import NotFound
from survey.domain.invitations import Invitation, InvitationState
from survey.domain.patients import Procedure
from survey.domain.responses import AnsweredBy
from survey.domain.versions import VersionState
from survey.services import access, alerts, links, protocols, responses
from survey.store import canary as store
from survey.store import invitations as invitation_store
from survey.store import policies
from survey.store import procedures as procedure_store
from survey.store import protocols as protocol_store
from survey.store.session import Tx, transaction

LIVES = timedelta(days=1)
"""As long as its link does."""


def walk(*, now: datetime, begins: bool) -> int:
    """End the walks whose page has arrived. Begin one when it is time, if `begins`. How many these were.

    A clinic without a protocol is being set up, and has nothing to show yet. Raises NotFound when no published
    protocol has a question on which any Yes is an emergency.
    """
    with transaction() as tx:
        arrived = store.came_back(tx)
    for alert_id in arrived:
        _see_to(alert_id, now=now)
    with transaction() as tx:
        store.end(tx, now=now)
        is_due = begins and store.walks(tx).wants_another(now) and _is_set_up(tx)
    if is_due:
        _begin(now=now)
    return len(arrived) + is_due


def _is_set_up(tx: Tx) -> bool:
    return bool(protocol_store.in_state(tx, VersionState.PUBLISHED))


def _begin(*, now: datetime) -> None:
    """Enrol, open the link, say the worst, and send it: each as the web does it."""
    with transaction() as tx:
        if not store.is_settled(tx):
            _settle(tx, now=now)
        worry = _worry(tx)
        invitation_id = _invite(tx, worry, now=now)
        store.begin(tx, invitation_id, now=now)
        token = links.make(tx, invitation_id, None, now, now + LIVES)
    session = responses.start(token, language=worry.language, now=now)
    responses.begin(session, answered_by=AnsweredBy.SELF, now=now)
    (first, *_) = worry.item.plain_lines
    responses.answer(session, worry.item.key, {first.key: [YES]}, now=now)
    responses.submit(session, now=now)


def _settle(tx: Tx, *, now: datetime) -> None:
    store.settle(tx, password_hash=access.hash_password(secrets.token_urlsafe()), now=now)
    policies.insert(tx, rules.policy(now=now))


def _worry(tx: Tx) -> Worry:
    for version in protocol_store.in_state(tx, VersionState.PUBLISHED):
        for worry in rules.worries(version.id, protocols.get(tx, version.id)):
            return worry
    raise NotFound("No published protocol asks something on which any Yes is an emergency; the canary needs one.")


def _invite(tx: Tx, worry: Worry, *, now: datetime) -> UUID:
    done = _procedure(worry, now=now)
    asked = Invitation(
        id=uuid4(),
        procedure_id=done.id,
        site_id=SITE_ID,
        touch=worry.touch,
        protocol_version_id=worry.version_id,
        state=InvitationState.SENT,
        due_at=now,
        expires_at=now + LIVES,
        sent_at=now,
        call_at=now + LIVES,
    )
    procedure_store.insert(tx, done, import_id=None, by=None, now=now)
    invitation_store.insert(tx, asked)
    return asked.id


def _procedure(worry: Worry, *, now: datetime) -> Procedure:
    return Procedure(
        id=uuid4(),
        patient_id=PATIENT_ID,
        site_id=SITE_ID,
        protocol=worry.protocol,
        performed_on=now.date() - timedelta(days=2),
        body_sites=(),
        agents=(),
        lot=None,
        injector=None,
        context={},
        source_key=f"{rules.NAME}:{now.isoformat()}",
        cancelled_at=None,
    )


def _see_to(alert_id: UUID, *, now: datetime) -> None:
    """Take it, reach the patient, close it."""
    alert = alerts.get(alert_id).alert
    if alert.state is AlertState.TRIGGERED:
        alert = alerts.take(alert_id, by=CLINICIAN, epoch=alert.epoch, now=now)
    alert = alerts.record_contact(alert_id, result=ContactResult.REACHED, by=CLINICIAN, epoch=alert.epoch, now=now)
    alerts.close(
        alert_id,
        outcome=Outcome.REASSURED,
        usefulness=Usefulness.NOT_NEEDED,
        by=CLINICIAN,
        epoch=alert.epoch,
        now=now,
    )
