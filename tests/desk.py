"""The enrolment desk on a Monday, and the days after it: a clinic that texts through a carrier whose journal judges."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import sqlalchemy as sa

from survey.domain.messages import MessageState
from survey.domain.patients import ConsentHow, Enrolment
from survey.domain.sites import Site
from survey.domain.versions import Version
from survey.local import carrier as carriers
from survey.local.carrier import Carrier
from survey.messaging import registry
from survey.messaging.outcomes import Email
from survey.messaging.twilio_sms import TwilioSms
from survey.services import patients, sending, versions
from survey.services.patients import Enrolled
from survey.settings import ROOT
from survey.store import sites
from survey.store.session import transaction
from tests import factories, kept_rows
from tests.cast import ANA, JUAN, LENA, MARIA, PEOPLE, RIVERSIDE, SAM, Person
from tests.conftest import Database
from tests.kept_rows import Kept

PACK = ROOT / "config/protocols/trigger-point-injection/v1.yaml"
SLUG = "trigger-point-injection"
LUMBAR = "lumbar-epidural-steroid-injection"
LUMBAR_PACK = ROOT / f"config/protocols/{LUMBAR}/v1.yaml"
PUBLIC_URL = "https://chk.northgate.example"
SECRET = "carrier-secret"
SECRETS = {"twilio": (SECRET,), "sinch": (SECRET,)}

MONDAY = date(2026, 3, 9)
AT_THE_DESK = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
"""Monday noon on Riverside's wall."""
WEDNESDAY_TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
"""Day 2, ten o'clock on Riverside's wall."""
MARIAS_PHONE = "+12025550121"
JUANS_PHONE = "+12025550122"


_CLINICS: dict[Site, Kept] = {}


def maria(**changes: object) -> Enrolment:
    """Maria, who agreed to be texted."""
    enrolment = Enrolment(
        given_name=MARIA.given_name,
        family_name=MARIA.family_name,
        born_on=MARIA.born_on,
        performed_on=MONDAY,
        language="en",
        mobile="(202) 555-0121",
        consent=True,
        consent_how=ConsentHow.SPOKEN,
        mrn=MARIA.mrn,
        body_sites=("trapezius_upper",),
        agents=("lidocaine",),
    )
    return replace(enrolment, **changes)


def juan(**changes: object) -> Enrolment:
    """Juan, who reads Spanish and has a phone and a mailbox."""
    names = {"given_name": JUAN.given_name, "family_name": JUAN.family_name, "born_on": JUAN.born_on}
    return maria(**names, language="es", mobile=JUANS_PHONE, email="juan@example.org", mrn=JUAN.mrn, **changes)


def open_clinic(site: Site = RIVERSIDE) -> None:
    """The site, its people, and the protocol that ships, as a version of an id of its own."""
    if site in _CLINICS:
        _CLINICS[site].put()
        return
    is_first = kept_rows.is_empty()
    with transaction() as tx:
        sites.insert(tx, site)
    factories.people(PEOPLE)
    version = publish()
    if is_first:
        _CLINICS[site] = kept_rows.taken(fresh=version.id)


def publish(pack: Path = PACK, *, now: datetime = AT_THE_DESK) -> Version:
    """Ana wrote it, Lena approves it."""
    text = pack.read_text(encoding="utf-8")
    return versions.publish_file(text, name=pack.name, author=ANA.actor, approver=LENA.actor, now=now)


@contextmanager
def texting(email: Email | None = None, *, timeout_s: float = 5.0) -> Iterator[Carrier]:
    """A carrier that this process sends through."""
    with carriers.running() as carrier, closing(twilio(carrier, timeout_s)) as sms:
        registry.wire(registry.Wiring(public_url=PUBLIC_URL, sms=sms, email=email, secrets=SECRETS))
        yield carrier


def twilio(carrier: Carrier, timeout_s: float = 5.0, *, clinic: str = PUBLIC_URL) -> TwilioSms:
    """Our adapter, pointed at the carrier; receipts come back to `clinic`."""
    return TwilioSms(
        base_url=carrier.url,
        account_sid="AC0",
        auth_token=SECRET,
        sender="+12025550100",
        receipts_url=f"{clinic}/receipts/sms",
        timeout_s=timeout_s,
    )


def enrol(enrolment: Enrolment, *, now: datetime = AT_THE_DESK, site: Site = RIVERSIDE) -> Enrolled:
    """Sam enrols somebody."""
    return patients.enrol(enrolment, site_id=site.id, protocol=SLUG, by=SAM.actor, now=now)


def enrol_lumbar(enrolment: Enrolment, *, by: Person = SAM, now: datetime = AT_THE_DESK) -> Enrolled:
    """Somebody enrols a patient with the second protocol, whose body sites and drugs are others."""
    plain = replace(enrolment, body_sites=(), agents=(), context={})
    return patients.enrol(plain, site_id=RIVERSIDE.id, protocol=LUMBAR, by=by.actor, now=now)


def send(now: datetime) -> int:
    """A worker drains the outbox at that moment; how many messages it looked at."""
    looked = 0
    while handled := sending.send_due(now=now):
        looked += handled
    return looked


def send_until(end: datetime, *, start: datetime, every: timedelta = timedelta(minutes=5)) -> None:
    """A worker that looks again and again, from start to end."""
    now = start
    while now <= end:
        send(now)
        now += every


def rows(query: str, **values: object) -> list[sa.RowMapping]:
    """What stands in the database."""
    with transaction() as tx:
        return list(tx.run(sa.text(query), values).mappings())


def change(query: str, **values: object) -> None:
    """Change something behind the product's back."""
    with transaction() as tx:
        tx.run(sa.text(query), values)


def as_owner(database: Database, change: str, **values: object) -> None:
    """Change protocol versions as somebody can who may do anything in the database."""
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("ALTER TABLE protocol_version DISABLE TRIGGER protocol_version_guard")
        owner.execute(change, values)
        owner.execute("ALTER TABLE protocol_version ENABLE TRIGGER protocol_version_guard")


def message_states(invitation_id: UUID) -> list[tuple[str, MessageState, str | None]]:
    """Each message of an invitation but for reminders: its channel, its state and the reason, texts first."""
    found = rows(
        """SELECT c.kind, m.state, m.reason FROM message m JOIN contact c ON c.id = m.contact_id
        WHERE m.invitation_id = :invitation_id AND m.kind <> 'reminder' ORDER BY c.kind DESC, m.due_at""",
        invitation_id=invitation_id,
    )
    return [(row["kind"], MessageState(row["state"]), row["reason"]) for row in found]


def invitation_state(invitation_id: UUID) -> tuple[str, str | None]:
    """The invitation's state, and its trouble."""
    (row,) = rows("SELECT state, trouble FROM invitation WHERE id = :id", id=invitation_id)
    return row["state"], row["trouble"]
