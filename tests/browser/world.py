"""What the browser finds: a clinic with ninety days behind it, a patient with a link, an alert with its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from survey import clock
from survey.domain.answers import Answers
from survey.domain.patients import Block, ConsentHow, Enrolment
from survey.domain.protocol import Flag
from survey.local import clinic, seed
from survey.local.clinic import ANA, STAFF, Riverside
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import alerts, escalation, links, pages, patients, responses
from survey.store import contacts, procedures
from survey.store.session import transaction
from tests.fakes import FakeSms

NOWHERE = "postgresql+psycopg://nobody@/nothing?host=/nowhere"
"""A database that is not there."""

FLAGS = ("site_chest", "site_spine", "anticoag", "diabetes", "steroid", "immuno", "lung")
CALM: Mapping[str, Flag] = dict.fromkeys(FLAGS, Flag.NO)
RISKY: Mapping[str, Flag] = {**CALM, "diabetes": Flag.YES, "steroid": Flag.YES, "site_spine": Flag.YES}
"""Opens the questions that only some patients are asked."""

BREATHLESS: Answers = {
    "red": dict.fromkeys(("breath", "chest", "swell", "passout", "mind", "bleedstop", "cord"), "no"),
    "breath": "exert",
    "weak": "worse",
}
"""Urgent by two rules, and left unfinished."""
GROWING: Answers = {"bleed": "grow", "help": "next"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A patient two days after a procedure, with the token of the link that was sent."""

    procedure_id: UUID
    invitation_id: UUID
    token: str

    @property
    def path(self) -> str:
        """The link."""
        return f"/s/{self.token}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An open alert, and the token in the text that went to whoever is on call."""

    alert_id: UUID
    case: Case
    page_token: str


def settle(now: datetime) -> Riverside:
    """The clinic with its past; its accounts have the demo's password."""
    riverside = clinic.settle(now)
    seed.past(riverside, now, progress=lambda *_: None)
    seed.today(riverside, now)
    return riverside


def enrol(
    riverside: Riverside,
    now: datetime,
    *,
    given_name: str = "Maria",
    family_name: str = "Lindqvist",
    language: str = "en",
    context: Mapping[str, Flag] = CALM,
    days_ago: int = 2,
) -> Case:
    """Somebody whose procedure was two days ago, and whose text has just gone out."""
    enrolment = Enrolment(
        given_name=given_name,
        family_name=family_name,
        born_on=date(1984, 5, 17),
        performed_on=riverside.site.local(now).date() - timedelta(days=days_ago),
        language=language,
        mobile="+12025550123",
        consent=True,
        consent_how=ConsentHow.SPOKEN,
        body_sites=("leg",),
        agents=("lidocaine",),
        lot="LX-2291",
        injector="Dr. Ito",
        context=context,
    )
    by = riverside.actor(STAFF)
    made = patients.enrol(enrolment, site_id=riverside.site.id, protocol=riverside.protocol, by=by, now=now)
    return Case(procedure_id=made.procedure_id, invitation_id=made.invitation_id, token=link(made.invitation_id, now))


def silent(riverside: Riverside, now: datetime, **who: object) -> Case:
    """Somebody who was texted more than a day ago, and has not answered."""
    case = enrol(riverside, now, **who)
    late = """UPDATE invitation SET state = 'delivered', sent_at = %(sent)s, call_at = %(due)s WHERE id = %(id)s"""
    with transaction() as tx:
        tx.change(late, {"sent": now - timedelta(hours=25), "due": now - timedelta(hours=1), "id": case.invitation_id})
    return case


def link(invitation_id: UUID, now: datetime, *, expires_at: datetime | None = None) -> str:
    """One more link to that survey."""
    with transaction() as tx:
        return links.make(tx, invitation_id, None, now, expires_at or now + timedelta(days=28))


def stop_writing(case: Case) -> None:
    """Nothing on file may be written to any more."""
    with transaction() as tx:
        for one in contacts.of_patient(tx, procedures.get(tx, case.procedure_id).patient_id):
            contacts.block(tx, one.id, reason=Block.REFUSED, now=clock.now())


def alarm(riverside: Riverside, now: datetime, *, answers: Answers = BREATHLESS, **who: object) -> Alarm:
    """Somebody has given worrying answers; they are scored, and the page has left."""
    case = enrol(riverside, now, **who)
    known = {one.id for one in alerts.open_alerts()}
    responses.enter_by_phone(case.invitation_id, answers, by=riverside.actor(STAFF), now=now)
    while responses.score_due(now=now):
        pass
    alert_id = next(one.id for one in alerts.open_alerts() if one.id not in known)
    return Alarm(alert_id=alert_id, case=case, page_token=_paged(now))


def storm(riverside: Riverside, now: datetime, names: Sequence[str]) -> str:
    """So many worrying responses at once, one patient each; the token in the one text about all of them."""
    for name in names:
        case = enrol(riverside, now, given_name=name, family_name="Storm")
        responses.enter_by_phone(case.invitation_id, BREATHLESS, by=riverside.actor(STAFF), now=now)
    while responses.score_due(now=now):
        pass
    return _paged(now)


def take(riverside: Riverside, alert: Alarm, now: datetime) -> None:
    """Ana has it."""
    epoch = alerts.get(alert.alert_id).alert.epoch
    alerts.take(alert.alert_id, by=riverside.actor(ANA), epoch=epoch, now=now)


def _paged(now: datetime) -> str:
    """The token in the newest page's text; empty when nobody had to be paged."""
    carrier, wired = FakeSms(), registry._wiring
    assert wired is not None
    registry.wire(Wiring(public_url=wired.public_url, sms=carrier, email=None))
    while escalation.advance_due(now=now) or pages.send_due(now=now):
        pass
    registry.wire(wired)
    return carrier.wire[-1].token if carrier.wire else ""
