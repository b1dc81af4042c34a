"""The patient's way through a survey: start, say who is answering, answer, send, read what to do."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain import alerts as alert_rules
from survey.domain import responses as rules
from survey.domain.accounts import PATIENT
from survey.domain.errors import NotFound, Stale
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.links import Link, LinkState
from survey.domain.patients import Block
from survey.domain.protocol import Context, Protocol, Tier
from survey.domain.questionnaire import check_answer
from survey.domain.queues import Queue
from survey.domain.responses import AnsweredBy, Identity, Mode
from survey.domain.sites import Site
from survey.domain.triage import Score
from survey.domain.visits import Phase, Visit
from survey.services import audit, links, messages, protocols, surveys
from survey.services.scores import score_due
from survey.services.sheets import PhoneSheet, enter_by_phone, settle_left, sheet
from survey.store import contacts as contact_store
from survey.store import links as link_store
from survey.store import messages as message_store
from survey.store import patients as patient_store
from survey.store import responses as store
from survey.store import sites as site_store
from survey.store.responses import Visited
from survey.store.session import Statements, Tx, single_statements, transaction

__all__ = [
    "Answered",
    "PhoneSheet",
    "Result",
    "SessionOver",
    "answer",
    "begin",
    "confirm_birth",
    "enter_by_phone",
    "not_for_me",
    "not_me",
    "result",
    "score_due",
    "set_language",
    "settle_left",
    "sheet",
    "start",
    "submit",
    "visit",
]

TRIES = 3
"""Two taps at once: the second sees that the first came before it, and looks again."""


class SessionOver(NotFound):
    """The phone's session has ended or never was; the link opens a new one."""

    def __init__(self) -> None:
        super().__init__("This check-in is not open on this phone. Open the link in your message again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The visit after an answer, and whether help has to be shown before anything else."""

    visit: Visit
    is_alarming: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the patient is told: the tier to act on, the rules that carry advice, and when to expect our call."""

    visit: Visit
    site: Site
    tier: Tier
    score: Score
    promised_at: datetime | None


def start(token: str, *, language: str, now: datetime) -> str:
    """Swap a live link for a session of an hour; answers its token. Starting again is harmless: the survey goes on.

    Raises NotFound when the link is not live.
    """
    session_token = secrets.token_urlsafe(16)
    with transaction() as tx:
        link = _live(tx, token, now=now)
        link_store.insert_session(
            tx,
            token_sha256=links.sha256(session_token),
            link_sha256=link.token_sha256,
            invitation_id=link.invitation_id,
            language=language,
            now=now,
            ends_at=now + rules.SESSION_LASTS,
        )
    return session_token


def visit(session_token: str, *, now: datetime) -> Visit:
    """Where the phone stands. Raises SessionOver."""
    with single_statements() as tx:
        return _visit(tx, session_token, now=now)


def begin(session_token: str, *, answered_by: AnsweredBy, now: datetime) -> None:
    """Say who is answering, which opens the questions."""
    with transaction() as tx:
        at = _visit(tx, session_token, now=now)
        link_store.set_session(tx, links.sha256(session_token), answered_by=answered_by)
        surveys.open_response(
            tx, at.invitation_id, mode=Mode.WEB, answered_by=answered_by, language=at.language, entered_by=None, now=now
        )
        surveys.advance(tx, at.invitation_id, InvitationState.OPENED, now=now)


def not_me(session_token: str, *, now: datetime) -> None:
    """The wrong person has the link: it ends, and what it was sent to is not used for this patient again.

    The survey goes out by another channel, or a person calls.
    """
    with transaction() as tx:
        at = _visit(tx, session_token, now=now)
        _let_go(tx, at.link_sha256, at.invitation_id, now=now)


def not_for_me(token: str, *, now: datetime) -> None:
    """`not_me`, said before Start. Raises NotFound when the link is not live."""
    with transaction() as tx:
        link = _live(tx, token, now=now)
        _let_go(tx, link.token_sha256, link.invitation_id, now=now)


def answer(session_token: str, item_key: str, form: Mapping[str, list[str]], *, now: datetime) -> Answered:
    """Save the answer that a form holds; the same answer again changes nothing.

    Raises SessionOver, InvalidInput, and NotFound for an item that is not asked here.
    """
    for _ in range(TRIES):
        try:
            return _answer(session_token, item_key, form, now=now)
        except Stale:
            continue
    raise Stale("Two phones answer at once. Look at your answers again.")


def set_language(session_token: str, language: str, *, now: datetime) -> None:
    """Go on in another language."""
    with transaction() as tx:
        _visit(tx, session_token, now=now)
        link_store.set_session(tx, links.sha256(session_token), language=language)


def confirm_birth(session_token: str, *, month: int | None, day: int | None, now: datetime) -> None:
    """Note whether month and day of birth are the patient's; a mismatch is noted and keeps nobody out."""
    with transaction() as tx:
        at = _visit(tx, session_token, now=now)
        born_on = patient_store.get(tx, at.patient_id).born_on
        identity = rules.identity(born_on, month=month, day=day)
        if identity is not Identity.NOT_ASKED and at.response_id:
            store.set_identity(tx, at.response_id, identity)


def submit(session_token: str, *, now: datetime) -> None:
    """Send the answers; what comes later is an amendment. Sending again changes nothing."""
    with transaction() as tx:
        at = _visit(tx, session_token, now=now)
        if at.phase is Phase.SENT or at.response_id is None:
            return
        link_store.set_session(tx, links.sha256(session_token), sent_at=now)
        store.submit(tx, at.response_id, now=now)
        surveys.advance(tx, at.invitation_id, InvitationState.COMPLETED, now=now)
        tx.ring(Queue.SCORING)


def result(session_token: str, *, now: datetime) -> Result:
    """What to tell the patient now, by the worker's own rules; the promise is the alert's, where there is one."""
    with transaction() as tx:
        at = _visit(tx, session_token, now=now)
        if at.response_id is None:
            raise SessionOver
        site = site_store.get(tx, at.site_id)
        told = store.told(tx, at.response_id)
        since_closed = store.answers_of(tx, at.response_id, after=told.closed_at) if told.closed_at else None
    judgement = rules.judge(at.protocol, at.everything, at.context, finished=at.submitted_at is not None)
    alarm = rules.alarm(at.protocol, judgement, at.context, since_closed=since_closed)
    tier = rules.worst(alarm.tier, told.tier) or alarm.tier
    promised_at = told.promised_at
    if tier is not Tier.ROUTINE and (promised_at is None or told.tier is not tier):
        promised_at = alert_rules.promised_at(tier, at.answered_at or now, site)
    return Result(visit=at, site=site, tier=tier, score=alarm, promised_at=promised_at)


def _live(tx: Tx, token: str, *, now: datetime) -> Link:
    link = links.find(tx, token)
    if link is None or link.state(now) is not LinkState.LIVE:
        raise NotFound("This link does not open a check-in any more.")
    return link


def _let_go(tx: Tx, link_sha256: bytes, invitation_id: UUID, *, now: datetime) -> None:
    contact_id = link_store.contact_of(tx, link_sha256)
    link_store.revoke_with_contact(tx, link_sha256, now=now)
    if contact_id is not None:
        contact_store.block(tx, contact_id, reason=Block.NOT_ME, now=now)
        message_store.cancel_pending_to(tx, contact_id, invitation_id, reason="not_me")
    surveys.doubt(tx, invitation_id, now=now)
    messages.turn(tx, invitation_id, Trouble.NOT_ME, now=now)
    audit.record(tx, "contact.not_me", actor=PATIENT, object_id=invitation_id, now=now)


def _answer(session_token: str, item_key: str, form: Mapping[str, list[str]], *, now: datetime) -> Answered:
    """One try: one read, and one write that holds only while nobody else wrote. Raises Stale when somebody did."""
    with single_statements() as tx:
        before = _visit(tx, session_token, now=now)
        item = before.item(item_key) if before.phase is Phase.ASKING else None
        if item is None or before.response_id is None:
            raise NotFound("This question is not asked here.")
        roomy = rules.with_room(item, before.answers.get(item_key))
        new = check_answer(roomy, rules.with_none_of_these(item, form))
        if before.holds(item_key, new):
            return Answered(visit=before, is_alarming=False)
        if not store.save(tx, before.response_id, [(item_key, new)], seen=before.revision, now=now):
            raise Stale("Another answer came in first.")
        tx.ring(Queue.SCORING)
    after = before.with_answer(item_key, new)
    return Answered(visit=after, is_alarming=before.is_alarmed_by(after))


def _visit(tx: Statements, session_token: str, *, now: datetime) -> Visit:
    found = store.visit(tx, links.sha256(session_token), now=now)
    if found is None:
        raise SessionOver
    protocol = rules.asked(protocols.pack(found.protocol_version_id), found.touch)
    own = found.answers if found.submitted_at is None else found.unsent
    return Visit(
        invitation_id=found.invitation_id,
        patient_id=found.patient_id,
        site_id=found.site_id,
        link_sha256=found.link_sha256,
        language=found.language,
        answered_by=found.answered_by,
        performed_on=found.performed_on,
        expires_at=found.expires_at,
        sent_at=found.sent_at,
        protocol=protocol,
        context=_context(protocol, found),
        response_id=found.response_id,
        revision=found.revision,
        answered_at=found.answered_at,
        submitted_at=found.submitted_at,
        identity=found.identity,
        answers=own,
        everything=found.answers,
    )


def _context(protocol: Protocol, found: Visited) -> Context:
    return protocol.context_for(body_sites=found.body_sites, agents=found.agents, given=found.context)
