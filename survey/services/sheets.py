"""The same survey without the patient's hands: typed by staff on the phone, or left lying and settled."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from survey.domain import alerts as alert_rules
from survey.domain import responses as rules
from survey.domain.accounts import SYSTEM, Actor
from survey.domain.answers import Answers
from survey.domain.errors import NotFound, Refused
from survey.domain.invitations import InvitationState
from survey.domain.patients import Contact, Patient, Procedure
from survey.domain.protocol import Context, Protocol, Tier
from survey.domain.questionnaire import is_complete
from survey.domain.queues import Queue
from survey.domain.responses import AnsweredBy, Mode, Response
from survey.domain.sites import Site
from survey.domain.triage import Score
from survey.services import audit, invitations, protocols, surveys
from survey.store import calls as call_store
from survey.store import invitations as invitation_store
from survey.store import links as link_store
from survey.store import messages as message_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store import responses as store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to tell the patient at the end of a call: `score` carries the advice, `promised_at` is the next call."""

    sheet: "PhoneSheet"
    tier: Tier
    score: Score
    promised_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSheet:
    """All that staff need to ask a patient's questions on the phone; `answers` are those given so far.

    `answered_at` is when the last of them was given, None without any. `zone` is the patient's clock.
    """

    invitation_id: UUID
    procedure_id: UUID
    patient: Patient
    performed_on: date
    site: Site
    zone: str
    contact: Contact | None
    answered_at: datetime | None
    is_finished: bool
    language: str
    protocol: Protocol
    context: Context
    answers: Answers


def sheet(invitation_id: UUID) -> PhoneSheet:
    """The form of a survey. Raises NotFound."""
    with transaction() as tx:
        return _sheet(tx, invitation_id)


def enter_by_phone(
    invitation_id: UUID,
    answers: Answers,
    *,
    by: Actor,
    now: datetime,
    answered_by: AnsweredBy = AnsweredBy.SELF,
    language: str | None = None,
) -> Tier:
    """Save what a member of staff asked and typed, as a finished survey; the tier of all that is answered then.

    Read `answers` with `survey.domain.responses.read_sheet`. `language` is the one that was spoken, the patient's own
    unless given. The worker's score is the record. Raises Refused without any answer.
    """
    if by.id is None:
        raise ValueError("a survey is entered by a person")
    if not answers:
        raise Refused("Enter at least one answer, or record that nobody answered the phone.")
    with transaction() as tx:
        form = _sheet(tx, invitation_id)
        form = replace(form, language=language or form.language)
        response = _opened(tx, form, answered_by=answered_by, entered_by=by.id, now=now)
        new = [(key, value) for key, value in answers.items() if form.answers.get(key) != value]
        if new:
            store.save(tx, response.id, new, seen=response.revision, now=now)
        _finish(tx, response, by=by, now=now)
        invitations.reach(tx, form.procedure_id, now=now)
        merged = {**form.answers, **answers}
    return rules.judge(form.protocol, merged, form.context, finished=True).score.tier


def outcome(invitation_id: UUID, *, now: datetime) -> Outcome:
    """What the answers come to now, by the worker's own rules. Raises NotFound where nothing was answered."""
    with transaction() as tx:
        form = _sheet(tx, invitation_id)
        response = store.find_of(tx, invitation_id)
        if response is None:
            raise NotFound("Nobody has answered this check-in yet.")
        told = store.told(tx, response.id)
    judged = rules.judge(form.protocol, form.answers, form.context, finished=form.is_finished)
    tier = rules.worst(judged.tier, told.tier) or Tier.ROUTINE
    promised_at = told.promised_at
    if tier is not Tier.ROUTINE and (promised_at is None or told.tier is not tier):
        promised_at = alert_rules.promised_at(tier, now, form.site)
    return Outcome(sheet=form, tier=tier, score=judged.score, promised_at=promised_at)


def settle_left(*, now: datetime, limit: int = 100) -> int:
    """Surveys that were begun and left lying for an hour; how many were settled.

    A complete one counts as sent. An open one is scored as it lies, and an open item is never routine.
    """
    with transaction() as tx:
        left = store.unfinished(tx, before=now - rules.SESSION_LASTS, limit=limit)
        for response in left:
            _settle(tx, response, now=now)
        link_store.drop_old_sessions(tx, before=now - 24 * rules.SESSION_LASTS)
        if left:
            tx.ring(Queue.SCORING)
    return len(left)


def _settle(tx: Tx, response: Response, *, now: datetime) -> None:
    form = _sheet(tx, response.invitation_id)
    if is_complete(form.protocol, form.answers, form.context):
        _finish(tx, response, by=SYSTEM, now=now)
    else:
        store.score_again(tx, response.id)


def _finish(tx: Tx, response: Response, *, by: Actor, now: datetime) -> None:
    store.submit(tx, response.id, now=now)
    surveys.advance(tx, response.invitation_id, InvitationState.COMPLETED, now=now)
    audit.record(tx, "response.entered" if by.id else "response.settled", actor=by, object_id=response.id, now=now)
    tx.ring(Queue.SCORING)


def _opened(tx: Tx, form: PhoneSheet, *, answered_by: AnsweredBy, entered_by: UUID, now: datetime) -> Response:
    """The response, locked, marked as typed by that person."""
    response = store.find_of(tx, form.invitation_id)
    if response is None:
        surveys.open_response(
            tx,
            form.invitation_id,
            mode=Mode.PHONE,
            answered_by=answered_by,
            language=form.language,
            entered_by=entered_by,
            now=now,
        )
        response = store.find_of(tx, form.invitation_id)
    else:
        store.mark_as_phoned(tx, response.id, entered_by=entered_by, answered_by=answered_by)
    if response is None:
        raise RuntimeError("a response that was just opened is not there")
    return response


def _sheet(tx: Tx, invitation_id: UUID) -> PhoneSheet:
    invitation = invitation_store.get(tx, invitation_id)
    procedure = procedure_store.get(tx, invitation.procedure_id)
    response = store.find_of(tx, invitation_id)
    protocol = rules.asked(protocols.get(tx, invitation.protocol_version_id), invitation.touch)
    patient = patient_store.get(tx, procedure.patient_id)
    return PhoneSheet(
        invitation_id=invitation_id,
        procedure_id=procedure.id,
        patient=patient,
        performed_on=procedure.performed_on,
        site=site_store.get(tx, invitation.site_id),
        zone=message_store.zone(tx, invitation_id),
        contact=call_store.phone(tx, patient.id),
        answered_at=response.answered_at if response else None,
        is_finished=response is not None and response.submitted_at is not None,
        language=patient.language,
        protocol=protocol,
        context=_context(protocol, procedure),
        answers=store.answers_of(tx, response.id) if response else {},
    )


def _context(protocol: Protocol, procedure: Procedure) -> Context:
    return protocol.context_for(body_sites=procedure.body_sites, agents=procedure.agents, given=procedure.context)
