"""One patient's follow-up as staff see it: who it is, what was answered and why it worries, and what was done."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from survey.domain import responses as response_rules
from survey.domain import stories as words
from survey.domain import triage
from survey.domain.alerts import Alert
from survey.domain.answers import answer_in_words
from survey.domain.invitations import SENTENCES, Invitation
from survey.domain.patients import Contact, Patient, Procedure
from survey.domain.protocol import Flag, Protocol, Tier, in_language
from survey.domain.questionnaire import visible_items
from survey.domain.responses import Mode
from survey.domain.sites import Site
from survey.domain.stories import Moment, Mood, age
from survey.domain.suppressions import Suppression
from survey.services import alert_stories, protocols, replies
from survey.store import alerts as alert_store
from survey.store import calls as call_store
from survey.store import contacts as contact_store
from survey.store import invitations as invitation_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store import sites as site_store
from survey.store import stories as store
from survey.store import suppressions as suppression_store
from survey.store.session import Tx, transaction
from survey.store.stories import Told

LANGUAGE = "en"
"""What staff read; patients have their own."""

CANNOT_SCORE = "The answers could not be scored by the protocol. Read them below and decide."


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagLine:
    """One context flag in words; `value` is yes, no or unknown."""

    label: str
    value: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who it is about and what was done, the protocol's keys put into words."""

    patient: Patient
    procedure: Procedure
    site: Site
    contacts: tuple[Contact, ...]
    suppressions: Mapping[str, Suppression]
    """Address → the opt-out in force."""
    title: str
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    flags: tuple[FlagLine, ...]
    age: int
    day: int
    """Days since the procedure, on the site's calendar."""

    @property
    def name(self) -> str:
        """As staff say it."""
        return f"{self.patient.given_name} {self.patient.family_name}"

    @property
    def phone(self) -> str | None:
        """The number to call: any that the patient gave, unless somebody else answers on it."""
        return next(iter(self._phones), None)

    @property
    def other_phones(self) -> tuple[str, ...]:
        """The numbers to call when nobody answers on the first."""
        return self._phones[1:]

    @property
    def _phones(self) -> tuple[str, ...]:
        return tuple(one.address for one in self.contacts if one.kind == "sms" and one.blocked_reason != "not_me")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """One survey: what was answered, in words, and what of it worries, most serious first."""

    invitation: Invitation
    told: Told | None = None
    answers: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    closed_by: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why no message gets through, if none does."""
        return SENTENCES[self.invitation.trouble] if self.invitation.trouble else None

    @property
    def tier(self) -> Tier | None:
        """As the clinic acts on it."""
        return self.told.tier if self.told else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole page of a procedure."""

    subject: Subject
    check_ins: tuple[CheckIn, ...]
    alerts: tuple[Alert, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the alert page needs of the patient: the subject and the one survey that the alert is about."""

    subject: Subject
    check_in: CheckIn


def of_procedure(procedure_id: UUID, *, now: datetime) -> Story:
    """Everything about one procedure. Raises NotFound."""
    with transaction() as tx:
        procedure = procedure_store.get(tx, procedure_id)
        told = store.told_of(tx, procedure_id)
        invitations = invitation_store.of_procedure(tx, procedure_id)
        subject = _subject(tx, procedure, invitations, now=now)
        closers = store.closers(tx, procedure_id)
        found = ((_check_in(tx, one, told.get(one.id)), closers.get(one.id)) for one in invitations)
        check_ins = tuple(replace(one, closed_by=who) for one, who in found)
        alerts = tuple(alert_store.get(tx, alert_id) for alert_id in store.alert_ids(tx, procedure_id))
        # In the order of one life: of two things in the same instant, the earlier in it stands first.
        moments = (
            *_notes(tx, (procedure_id, procedure.patient_id, *(one.id for one in invitations))),
            *_calls(tx, procedure_id),
            *_messages(tx, procedure_id),
            *replies.told(tx, procedure),
            *_surveys(check_ins),
            *(moment for one in alerts for moment in alert_stories.moments(tx, one)),
        )
    return Story(
        subject=subject, check_ins=check_ins, alerts=alerts, moments=tuple(sorted(moments, key=lambda one: one.at))
    )


def of_response(response_id: UUID, *, now: datetime) -> Case:
    """The subject and the survey of one response."""
    with transaction() as tx:
        told = store.told(tx, [response_id])[response_id]
        invitation = invitation_store.get(tx, told.invitation_id)
        procedure = procedure_store.get(tx, invitation.procedure_id)
        subject = _subject(tx, procedure, (invitation,), now=now)
        return Case(subject=subject, check_in=_check_in(tx, invitation, told))


def patient_of(procedure_id: UUID) -> UUID:
    """Whose procedure it is. Raises NotFound."""
    with transaction() as tx:
        return procedure_store.get(tx, procedure_id).patient_id


def reasons(tx: Tx, response_ids: Collection[UUID]) -> Mapping[UUID, tuple[str, ...]]:
    """For each response, what worries in it, in words, most serious first."""
    return {key: _reasons(tx, told) for key, told in store.told(tx, response_ids).items()}


def _subject(tx: Tx, procedure: Procedure, invitations: tuple[Invitation, ...], *, now: datetime) -> Subject:
    protocol = _protocol(tx, procedure, invitations)
    patient = patient_store.get(tx, procedure.patient_id)
    site = site_store.get(tx, procedure.site_id)
    today = site.local(now).date()
    contacts = contact_store.of_patient(tx, patient.id)
    return Subject(
        patient=patient,
        procedure=procedure,
        site=site,
        contacts=contacts,
        suppressions={one.address: one for one in suppression_store.of_addresses(tx, [to.address for to in contacts])},
        title=in_language(protocol.title, LANGUAGE),
        body_sites=_labels({one.key: one.label for one in protocol.body_sites}, procedure.body_sites),
        agents=_labels({one.key: one.label for one in protocol.agents}, procedure.agents),
        flags=_flags(protocol, procedure),
        age=age(patient.born_on, today),
        day=(today - procedure.performed_on).days,
    )


def _protocol(tx: Tx, procedure: Procedure, invitations: tuple[Invitation, ...]) -> Protocol:
    if invitations:
        return protocols.get(tx, invitations[0].protocol_version_id)
    return protocols.live(tx, procedure.protocol)[1]


def _labels(words: Mapping[str, Mapping[str, str]], chosen: Iterable[str]) -> tuple[str, ...]:
    return tuple(in_language(words[key], LANGUAGE) if key in words else key for key in chosen)


def _flags(protocol: Protocol, procedure: Procedure) -> tuple[FlagLine, ...]:
    values = protocol.context_for(body_sites=procedure.body_sites, agents=procedure.agents, given=procedure.context)
    return tuple(FlagLine(label=in_language(flag.label, LANGUAGE), value=values[flag.key]) for flag in protocol.flags)


def _check_in(tx: Tx, invitation: Invitation, told: Told | None) -> CheckIn:
    if told is None:
        return CheckIn(invitation=invitation)
    protocol = response_rules.asked(protocols.get(tx, told.protocol_version_id), told.touch)
    shown = visible_items(protocol, told.answers, told.context)
    answers = tuple(
        (in_language(item.label, LANGUAGE), answer_in_words(protocol, item, told.answers.get(item.key), LANGUAGE))
        for item in shown
    )
    return CheckIn(invitation=invitation, told=told, answers=answers, reasons=_reasons(tx, told))


def _reasons(tx: Tx, told: Told) -> tuple[str, ...]:
    if told.score_fault:
        return (CANNOT_SCORE,)
    protocol = protocols.get(tx, told.protocol_version_id)
    return triage.reasons_in_words(protocol, told.fired, told.answers, told.context, LANGUAGE)


def _surveys(check_ins: Iterable[CheckIn]) -> Iterable[Moment]:
    for one in check_ins:
        if one.invitation.stopped_at:
            title = f"Closed by {one.closed_by}" if one.closed_by else "Closed"
            yield Moment(at=one.invitation.stopped_at, title=title, lines=(one.invitation.stop_reason or "",))
        if one.told:
            yield from _answering(one.told, one)


def _answering(told: Told, check_in: CheckIn) -> Iterable[Moment]:
    how = {Mode.PHONE: f"by phone, typed by {told.entered_by}", Mode.TEXT: "by red-flag words in a text"}
    yield Moment(at=told.started_at, title=f"Check-in started, {how.get(told.mode, f'by {_hands(told)}')}")
    if told.submitted_at:
        yield Moment(at=told.submitted_at, title="Answers sent", mood=Mood.GOOD)
    if told.scored_at:
        worrying = told.tier is not None and told.tier.pages
        title = f"Scored {told.tier}" if told.tier else "Scored so far: nothing worrying"
        yield Moment(at=told.scored_at, title=title, lines=check_in.reasons, mood=Mood.HOT if worrying else Mood.PLAIN)


def _hands(told: Told) -> str:
    return "the patient" if told.answered_by == "self" else "somebody who helps the patient"


def _messages(tx: Tx, procedure_id: UUID) -> Iterable[Moment]:
    return [
        words.of_message(one.kind, channel=one.channel, state=one.state, at=one.at, late=one.late)
        for one in store.sent(tx, procedure_id)
    ]


def _calls(tx: Tx, procedure_id: UUID) -> Iterable[Moment]:
    return [
        words.of_call(result, who=who, at=at, note=note) for at, result, who, note in call_store.told(tx, procedure_id)
    ]


def _notes(tx: Tx, object_ids: Collection[UUID]) -> Iterable[Moment]:
    return [
        words.of_note(note.action, who=note.who, at=note.at, result=str(note.detail.get("result", "")))
        for note in store.notes(tx, object_ids, tuple(words.NOTED))
    ]
