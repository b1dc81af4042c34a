"""Calls to silent patients: the list, what came of each try, and what the lead decides after two in vain."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import calls as rules
from survey.domain import sending_hours, stops
from survey.domain.accounts import Actor
from survey.domain.calls import Attempt, Line, Result, Wanted
from survey.domain.invitations import SENTENCES, Invitation, Trouble
from survey.domain.messages import Kind
from survey.domain.patients import Contact, Patient, Procedure
from survey.domain.protocol import Flag, in_language
from survey.domain.silence import Silence
from survey.domain.sites import Site, end_of_next_workday
from survey.domain.stops import Reason
from survey.domain.stories import age
from survey.services import audit, invitations, messages, protocols
from survey.store import calls as store
from survey.store import invitations as invitation_store
from survey.store import links as link_store
from survey.store import messages as message_store
from survey.store import patients as patient_store
from survey.store import procedures as procedure_store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction

PAGE_SIZE = 50
LANGUAGE = "en"
"""What staff read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line in words. `flags` are the risks that are there; so many more are `unknown`."""

    line: Line
    site: Site
    day: int
    age: int
    why: str
    flags: tuple[str, ...]
    unknown: int
    promised_at: datetime | None
    is_late: bool

    @property
    def tz(self) -> ZoneInfo:
        """The patient's clock."""
        return ZoneInfo(self.line.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallList:
    """One page of the list, and how many lines there are of each kind."""

    kinds: Mapping[str, int]
    rows: tuple[Row, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One patient to call: who, on which number, and what was tried."""

    invitation: Invitation
    procedure: Procedure
    patient: Patient
    site: Site
    zone: str
    phone: Contact | None
    attempts: tuple[Attempt, ...]

    @property
    def tz(self) -> ZoneInfo:
        """The patient's clock."""
        return ZoneInfo(self.zone)

    @property
    def may_text(self) -> bool:
        """Whether the number may be texted."""
        return self.phone is not None and self.phone.usable


def look(wanted: Wanted, *, page: int, now: datetime) -> CallList:
    """The `page`th page of whom to call now, most urgent first."""
    with transaction() as tx:
        kinds = store.kinds(tx, wanted, now=now)
        lines = store.page(tx, wanted, now=now, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        sites = {site.id: site for site in site_store.every(tx)}
        rows = tuple(_row(tx, line, sites[line.site_id], now=now) for line in lines)
    return CallList(kinds=kinds, rows=rows, total=_total(kinds, wanted.kind), page=page)


def sheet(invitation_id: UUID) -> Sheet:
    """All that a call needs. Raises NotFound."""
    with transaction() as tx:
        return _sheet(tx, invitation_store.get(tx, invitation_id))


def note(
    invitation_id: UUID, *, result: Result, by: Actor, now: datetime, note: str | None = None, text: bool = False
) -> bool:
    """Keep what came of a call, and do what follows; whether the patient is texted that we called.

    The same tap twice counts once. `text` asks for the text; it is sent once a day, within the hours, to a number that
    may be texted. Raises NotFound.
    """
    if by.id is None:
        raise ValueError("a call is made by a person")
    with transaction() as tx:
        known = _sheet(tx, invitation_store.get_for_update(tx, invitation_id))
        half_day = rules.half_day(now, known.tz)
        said = (note or "").strip() or None
        new = Attempt(
            id=uuid4(), invitation_id=invitation_id, at=now, by=by.id, result=result, half_day=half_day, note=said
        )
        if rules.is_double_tap(new, known.attempts):
            return False
        store.insert(tx, new)
        audit.record(tx, "call.noted", actor=by, object_id=invitation_id, now=now, result=result)
        _follow(tx, known, result, now=now)
        return text and result in rules.MAY_BE_TEXTED and _tell(tx, known, now=now)


def send_back(invitation_id: UUID, *, by: Actor, now: datetime) -> None:
    """The lead wants another try: it stands among those to be called again. Raises NotFound."""
    with transaction() as tx:
        old = invitation_store.get_for_update(tx, invitation_id)
        invitation_store.swap(tx, old, replace(old, sent_back_at=now))
        audit.record(tx, "call.sent_back", actor=by, object_id=invitation_id, now=now)


def close(invitation_id: UUID, *, reason: Reason, note: str | None, by: Actor, now: datetime) -> None:
    """The lead closes a survey whose patient is not called any more.

    Raises Refused when the reason says nothing, or when the survey has ended.
    """
    with transaction() as tx:
        invitations.close(tx, invitation_id, reason=stops.in_words(reason, note), by=by, now=now)


def _total(kinds: Mapping[str, int], kind: str) -> int:
    if kind:
        return kinds.get(kind, 0)
    return sum(number for name, number in kinds.items() if name not in (rules.ASKED, rules.LEAD))


def _sheet(tx: Tx, invitation: Invitation) -> Sheet:
    procedure = procedure_store.get(tx, invitation.procedure_id)
    return Sheet(
        invitation=invitation,
        procedure=procedure,
        patient=patient_store.get(tx, procedure.patient_id),
        site=site_store.get(tx, invitation.site_id),
        zone=message_store.zone(tx, invitation.id),
        phone=store.phone(tx, procedure.patient_id),
        attempts=store.attempts(tx, invitation.id),
    )


def _follow(tx: Tx, known: Sheet, result: Result, *, now: datetime) -> None:
    """What a call means for the survey."""
    invitation = known.invitation
    if result is Result.REACHED:
        invitations.reach(tx, known.procedure.id, now=max(now, invitation.due_at))
    if result is Result.WRONG_NUMBER and known.phone is not None:
        store.mark_wrong(tx, known.phone.id, now=now)
        link_store.revoke_sent_to(tx, [known.phone.id], now=now)
        messages.turn(tx, invitation.id, Trouble.NOT_ME, now=now)


def _tell(tx: Tx, known: Sheet, *, now: datetime) -> bool:
    """Queue the text that we called; whether it was."""
    contact, today = known.phone, now.astimezone(known.tz).date()
    if contact is None or not known.may_text or not sending_hours.is_open(now, known.tz):
        return False
    if store.is_told(tx, contact.address, day=today.toordinal()):
        return False
    messages.queue(tx, known.invitation, contact, due_at=now, tz=known.tz, kind=Kind.CALLED, touch_no=today.toordinal())
    return True


def _row(tx: Tx, line: Line, site: Site, *, now: datetime) -> Row:
    today = now.astimezone(ZoneInfo(line.zone)).date()
    flags, unknown = _flags(tx, line)
    promised_at = _promised_at(line, site)
    return Row(
        line=line,
        site=site,
        day=(today - line.performed_on).days,
        age=age(line.born_on, today),
        why=_why(line),
        flags=flags,
        unknown=unknown,
        promised_at=promised_at,
        is_late=promised_at is not None and promised_at < now,
    )


def _why(line: Line) -> str:
    if line.trouble is None or line.silence is not Silence.UNDELIVERABLE:
        return rules.WHY[line.silence]
    words = SENTENCES[Trouble(line.trouble)]
    return words[:1].upper() + words[1:]


def _promised_at(line: Line, site: Site) -> datetime | None:
    """When the patient may expect us, if anybody said when."""
    if line.silence is Silence.RED_UNREACHABLE:
        return line.promised_at
    return end_of_next_workday(site, line.asked_call_at) if line.asked_call_at else None


def _flags(tx: Tx, line: Line) -> tuple[tuple[str, ...], int]:
    protocol = protocols.get(tx, line.protocol_version_id)
    values = protocol.context_for(body_sites=line.body_sites, agents=line.agents, given=line.context)
    there = tuple(in_language(flag.label, LANGUAGE) for flag in protocol.flags if values[flag.key] is Flag.YES)
    return there, sum(value is Flag.UNKNOWN for value in values.values())
