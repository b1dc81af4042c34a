"""Texts that come in: kept at once, read by a worker, answered, and left to a person where one is wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

import structlog

from survey.domain import inbound as rules
from survey.domain import invitations as invitation_rules
from survey.domain.accounts import PATIENT, Actor
from survey.domain.errors import DomainError, Unavailable
from survey.domain.evaluator import evaluator
from survey.domain.inbound import Inbound, Owner
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.items import ItemKind
from survey.domain.keywords import Meaning
from survey.domain.patients import Block, ContactKind
from survey.domain.protocol import Item, Protocol
from survey.domain.queues import Queue
from survey.domain.responses import AnsweredBy, Mode, asked
from survey.domain.sites import Site
from survey.domain.suppressions import Scope, Source
from survey.domain.versions import VersionState
from survey.messaging import registry
from survey.services import audit, messages, nudges, protocols, suppressions, surveys, taking
from survey.store import contacts as contact_store
from survey.store import inbound as store
from survey.store import invitations as invitation_store
from survey.store import links as link_store
from survey.store import protocols as protocol_store
from survey.store import responses as response_store
from survey.store import sites as site_store
from survey.store.session import DatabaseError, Tx, transaction

log = structlog.get_logger()

FALLBACK = "en"
"""The language in which a stranger is answered."""
_WORDS_TO_A_PERSON = frozenset({Meaning.TEXT, Meaning.CALL, Meaning.HELP})
_SCOPES: Mapping[Meaning, tuple[Scope, Source]] = {
    Meaning.STOP: (Scope.PROGRAM, Source.REPLY),
    Meaning.STOP_ALL: (Scope.ALL, Source.REPLY),
    Meaning.WRONG_NUMBER: (Scope.ALL, Source.WRONG_NUMBER),
}


def take(provider: str, body: bytes, *, now: datetime) -> None:
    """Keep the text that a genuine request of that provider tells of. Told again, it changes nothing."""
    said = registry.reply(provider, body)
    if said is None:
        return
    new = Inbound(
        id=uuid4(),
        provider=provider,
        provider_ref=said.provider_ref,
        received_at=now,
        sender=said.sender[: rules.LONGEST_SENDER],
        body=rules.tidied(said.body),
        opt_out_type=said.opt_out_type,
    )
    with transaction() as tx:
        if store.insert(tx, new):
            tx.ring(Queue.INBOUND)


def handle_due(*, now: datetime, limit: int = 100) -> int:
    """Read what came in, the first that came first; how many were read.

    Safe to call from many processes at once. One that cannot be read stays open for staff and never holds up others.
    """
    with transaction() as tx:
        waiting = store.waiting(tx, limit=limit)
    return sum(_handle_alone(inbound_id, now=now) for inbound_id in waiting)


def stop_texts(inbound_id: UUID, *, by: Actor, now: datetime) -> None:
    """A member of staff reads in a text that its number wants no more of ours. Raises NotFound."""
    with transaction() as tx:
        sender = store.get(tx, inbound_id).sender
        suppressions.suppress(tx, ContactKind.SMS, sender, scope=Scope.PROGRAM, source=Source.STAFF, now=now, by=by)
        _turn(tx, store.owners(tx, sender, now=now), Trouble.STOPPED, now=now)


def _handle_alone(inbound_id: UUID, *, now: datetime) -> int:
    try:
        with transaction() as tx:
            return _handle(tx, inbound_id, now=now)
    except Unavailable:
        raise
    except (DomainError, DatabaseError) as fault:
        log.error("inbound.failed", inbound=str(inbound_id), error=type(fault).__name__)
        return 0


def _handle(tx: Tx, inbound_id: UUID, *, now: datetime) -> int:
    one = store.claim(tx, inbound_id)
    sites = site_store.every(tx)
    if one is None or not sites:
        return 0
    owners = store.owners(tx, one.sender, now=now)
    if taking.hear(tx, one, is_patients=bool(owners), now=now):
        store.handled(tx, _clinicians(one, sites[0], now=now))
        return 1
    read = _read(tx, one, owners, sites, now=now)
    store.handled(tx, read)
    store.belongs(tx, read.id, owners)
    _answer(tx, read, owners, now=now)
    if read.is_red:
        _raise(tx, read, owners, now=now)
    if read.is_red or read.meaning in _WORDS_TO_A_PERSON:
        patients = [owner.patient_id for owner in owners]
        nudges.hear(tx, patients, inbound_id=read.id, is_red=read.is_red, now=now)
    log.info("inbound.read", inbound=str(read.id), meaning=read.meaning, red=read.is_red, patients=len(owners))
    return 1


def _clinicians(one: Inbound, site: Site, *, now: datetime) -> Inbound:
    """A text of the clinic's own people: no patient's, and no words of danger are looked for in it."""
    return replace(
        one,
        handled_at=now,
        meaning=rules.understood(one).meaning,
        site_id=site.id,
        language=FALLBACK,
        wants_person=not taking.understood(one),
    )


def _read(tx: Tx, one: Inbound, owners: tuple[Owner, ...], sites: tuple[Site, ...], *, now: datetime) -> Inbound:
    """The text with all that is understood of it."""
    keyword = rules.understood(one)
    is_red = any(evaluator(pack).find_red_words(one.body) for pack in _packs(tx, owners))
    site_id = next((survey.site_id for owner in owners for survey in owner.surveys), sites[0].id)
    return replace(
        one,
        handled_at=now,
        meaning=keyword.meaning,
        is_red=is_red,
        site_id=site_id,
        language=rules.reply_language(keyword, owners, FALLBACK),
        wants_person=rules.wants_person(keyword.meaning, owners, is_red=is_red),
    )


def _packs(tx: Tx, owners: tuple[Owner, ...]) -> Iterable[Protocol]:
    """The packs whose red words count: those of the patients' surveys; for a stranger, every one in force."""
    versions = {survey.protocol_version_id for owner in owners for survey in owner.surveys}
    if not versions:
        versions = {version.id for version in protocol_store.in_state(tx, VersionState.PUBLISHED)}
    return [protocols.get(tx, version_id) for version_id in versions]


def _answer(tx: Tx, one: Inbound, owners: tuple[Owner, ...], *, now: datetime) -> None:
    """Do what the text asks for, and answer it."""
    meaning = one.meaning or Meaning.TEXT
    before = suppressions.find(tx, ContactKind.SMS, one.sender)
    told = store.answered(tx, one.sender, now=now)
    is_news = _obey(tx, one, meaning, owners, now=now)
    scope = before.scope if before else None
    kind = rules.answer(one, meaning, is_news=is_news, scope=scope, answered=told, now=now)
    if kind is not None:
        messages.queue_reply(tx, kind, inbound_id=one.id, now=now)


def _obey(tx: Tx, one: Inbound, meaning: Meaning, owners: tuple[Owner, ...], *, now: datetime) -> bool:
    """Do it; whether an opt-out began or ended by it."""
    if meaning is Meaning.START:
        return suppressions.lift(tx, ContactKind.SMS, one.sender, now)
    if meaning is Meaning.CALL:
        _ask_for_calls(tx, owners, now=now)
    if meaning not in _SCOPES:
        return False
    if meaning is Meaning.WRONG_NUMBER:
        _disown(tx, owners, now=now)
    scope, source = _SCOPES[meaning]
    is_news = suppressions.suppress(tx, ContactKind.SMS, one.sender, scope=scope, source=source, now=now)
    _turn(tx, owners, Trouble.NOT_ME if meaning is Meaning.WRONG_NUMBER else Trouble.STOPPED, now=now)
    return is_news


def _ask_for_calls(tx: Tx, owners: tuple[Owner, ...], *, now: datetime) -> None:
    for owner in owners:
        if owner.to_call is not None:
            old = invitation_store.get_for_update(tx, owner.to_call.invitation_id)
            invitation_store.swap(tx, old, invitation_rules.ask_for_call(old, now=now))


def _disown(tx: Tx, owners: tuple[Owner, ...], *, now: datetime) -> None:
    """The number is nobody's of ours: not used for any of them again, and what was sent there opens nothing more."""
    for owner in owners:
        contact_store.block(tx, owner.contact_id, reason=Block.NOT_ME, now=now)
        audit.record(tx, "contact.not_me", actor=PATIENT, object_id=owner.contact_id, now=now)
    link_store.revoke_sent_to(tx, [owner.contact_id for owner in owners], now=now)


def _turn(tx: Tx, owners: tuple[Owner, ...], trouble: Trouble, *, now: datetime) -> None:
    """Surveys that were asked and not answered go elsewhere, or to a person. One to come turns when its time comes."""
    for survey in (survey for owner in owners for survey in owner.surveys if survey.is_awaited(now)):
        messages.turn(tx, survey.invitation_id, trouble, now=now)
        if trouble is Trouble.NOT_ME:
            surveys.doubt(tx, survey.invitation_id, now=now)
        elif survey.state is InvitationState.OPENED:
            old = invitation_store.get_for_update(tx, survey.invitation_id)
            invitation_store.swap(tx, old, invitation_rules.call_at_once(old, now=now))


def _raise(tx: Tx, one: Inbound, owners: tuple[Owner, ...], *, now: datetime) -> None:
    """Words of danger become an answer of each patient's newest survey that has room for words, and are scored."""
    for owner in owners:
        room = _room(tx, owner)
        if room is not None:
            _write(tx, one, owner, *room, now=now)


def _room(tx: Tx, owner: Owner) -> tuple[UUID, Item] | None:
    for survey in owner.surveys:
        protocol = asked(protocols.get(tx, survey.protocol_version_id), survey.touch)
        found = next((item for item in protocol.items if item.kind is ItemKind.TEXT), None)
        if found is not None and not survey.is_cancelled:
            return survey.invitation_id, found
    return None


def _write(tx: Tx, one: Inbound, owner: Owner, invitation_id: UUID, item: Item, *, now: datetime) -> None:
    """Nothing is submitted by it, and what was written before is kept."""
    response = response_store.find_of(tx, invitation_id)
    if response is None:
        surveys.open_response(
            tx,
            invitation_id,
            mode=Mode.TEXT,
            answered_by=AnsweredBy.SELF,
            language=owner.language,
            entered_by=None,
            now=now,
        )
        response = response_store.find_of(tx, invitation_id)
    if response is None:
        raise RuntimeError("a response that was just opened is not there")
    before = response_store.answers_of(tx, response.id).get(item.key)
    words = rules.appended(before, one.body)
    response_store.save(tx, response.id, [(item.key, words)], seen=response.revision, now=now)
    tx.ring(Queue.SCORING)
