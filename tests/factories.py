"""Small makers of rows: each function adds what its name says and answers it; every part adds its own below."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from survey.domain.accounts import SYSTEM
from survey.domain.escalation import Policy
from survey.domain.oncall import Method, MethodKind, Schedule, Shift
from survey.domain.patients import Patient
from survey.services import oncall as oncall_service
from survey.settings import ROOT
from survey.store import oncall, sites
from survey.store.session import Tx, transaction
from tests.cast import ANA, BEN, MARIA, NIGHT, PEOPLE, RIVERSIDE, Person

POLICY_FILE = ROOT / "config/escalation/default.yaml"


def insert(tx: Tx, table: str, **values: object) -> None:
    """One row, in plain SQL: a factory must not depend on what it helps to test."""
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    tx.run(sa.text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


# ---- the clinic and who is on call


def clinic(*, now: datetime = NIGHT, on_call_for: timedelta = timedelta(days=30)) -> Policy:
    """Riverside and its people, Ana on the primary schedule, Ben on the backup, the policy published."""
    site()
    people(PEOPLE)
    for name, who in (("primary", ANA), ("backup", BEN)):
        on_call(schedule(name), who, starts_at=now - timedelta(days=1), ends_at=now + on_call_for)
    return publish_policy(now=now)


def site() -> None:
    """Riverside."""
    with transaction() as tx:
        sites.insert(tx, RIVERSIDE)


def people(persons: Iterable[Person]) -> None:
    """Accounts that cannot be signed in to, each with its verified mobile."""
    with transaction() as tx:
        for person in persons:
            values = {"id": person.id, "email": person.email, "name": person.name, "role": person.role.value}
            insert(tx, "app_user", **values, password_hash="-", active=True, created_at=NIGHT)
            if person.mobile:
                method(tx, person, MethodKind.SMS, person.mobile)


def method(tx: Tx, person: Person, kind: MethodKind, address: str) -> Method:
    """A verified way to reach somebody."""
    new = Method(id=uuid4(), user_id=person.id, kind=kind, address=address, verified_at=NIGHT)
    oncall.insert_method(tx, new)
    return new


def schedule(name: str) -> Schedule:
    """An empty schedule in Riverside's zone."""
    new = Schedule(id=uuid4(), name=name, zone=RIVERSIDE.zone)
    with transaction() as tx:
        oncall.insert_schedule(tx, new)
    return new


def on_call(on: Schedule, person: Person, *, starts_at: datetime, ends_at: datetime) -> Shift:
    """Somebody's shift."""
    new = Shift(id=uuid4(), schedule_id=on.id, user_id=person.id, starts_at=starts_at, ends_at=ends_at)
    with transaction() as tx:
        oncall.insert_shift(tx, new)
    return new


def publish_policy(*, now: datetime = NIGHT) -> Policy:
    """The policy that ships."""
    text = POLICY_FILE.read_text(encoding="utf-8")
    return oncall_service.publish_policy(text, name=POLICY_FILE.name, by=SYSTEM, now=now)


# ---- a response, with what has to stand before it


def response(*, of: Patient = MARIA, now: datetime = NIGHT) -> UUID:
    """A response that was begun two days after the patient's procedure; its id. The patient is made at need."""
    with transaction() as tx:
        version_id = protocol_version(tx)
        procedure_id, invitation_id, response_id = uuid4(), uuid4(), uuid4()
        tx.run(
            sa.text("""INSERT INTO patient (id, given_name, family_name, born_on, language, zone, mrn, created_at)
            VALUES (:id, :given_name, :family_name, :born_on, :language, :zone, :mrn, :now) ON CONFLICT DO NOTHING"""),
            asdict(of) | {"now": now},
        )
        day = RIVERSIDE.local(now).date() - timedelta(days=2)
        procedure = {"patient_id": of.id, "site_id": RIVERSIDE.id, "protocol": "test", "performed_on": day}
        insert(tx, "procedure", id=procedure_id, **procedure, source_key=str(procedure_id), created_at=now)
        window = {"due_at": now - timedelta(hours=1), "call_at": now, "expires_at": now + timedelta(days=28)}
        belongs = {"procedure_id": procedure_id, "site_id": RIVERSIDE.id, "protocol_version_id": version_id}
        insert(tx, "invitation", id=invitation_id, **belongs, touch="day2", state="opened", **window)
        begun = {"language": of.language, "mode": "web", "answered_by": "self", "started_at": now, "answered_at": now}
        belongs = {"invitation_id": invitation_id, "protocol_version_id": version_id}
        insert(tx, "response", id=response_id, **belongs, **begun)
    return response_id


def protocol_version(tx: Tx) -> UUID:
    """A version that nothing is read from: a draft, since what is published is proved."""
    found = tx.run(sa.text("SELECT id FROM protocol_version WHERE slug = 'test'")).scalar_one_or_none()
    if found is not None:
        return UUID(str(found))
    version_id = uuid4()
    pack = {"slug": "test", "version": 1, "title": "Test", "sha256": "0" * 64, "source": "{}", "state": "draft"}
    insert(tx, "protocol_version", id=version_id, **pack, made_at=NIGHT, changed_at=NIGHT)
    return version_id
