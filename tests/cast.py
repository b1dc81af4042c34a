"""The standing cast: one site, its people with the ways to reach them, three patients, and an outsider."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from survey.domain.accounts import Actor, ActorKind, Role
from survey.domain.patients import Patient
from survey.domain.sites import Site

NIGHT = datetime(2026, 3, 11, 4, 31, tzinfo=UTC)
"""A Wednesday, 00:31 on Riverside's wall."""

RIVERSIDE = Site(
    id=UUID("00000000-0000-4000-8000-000000000001"),
    slug="riverside",
    name="Riverside Pain Clinic",
    sms_name="Riverside Clinic",
    zone="America/New_York",
    phone="+12025550100",
    emergency_number="911",
    opens=time(8),
    closes=time(18),
    workdays=(1, 2, 3, 4, 5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who signs in. `mobile` is where pages go; whoever has none is paged by mail, if at all."""

    id: UUID
    name: str
    email: str
    role: Role
    mobile: str | None = None

    @property
    def actor(self) -> Actor:
        """The person as whoever makes a change."""
        return Actor(kind=ActorKind.USER, id=self.id, role=self.role)


def _person(number: int, name: str, role: Role, mobile: str | None = None) -> Person:
    user_id = UUID(f"00000000-0000-4000-8000-0000000001{number:02d}")
    return Person(id=user_id, name=name, email=f"{name.split()[0].lower()}@example.org", role=role, mobile=mobile)


ANA = _person(1, "Ana Reyes", Role.CLINICIAN, "+12025550111")
"""Has the primary schedule."""
BEN = _person(2, "Ben Okafor", Role.CLINICIAN, "+12025550112")
"""Has the backup schedule."""
LENA = _person(3, "Lena Fischer", Role.MANAGER, "+12025550113")
"""Clinical lead, named in the last resort."""
SAM = _person(4, "Sam Carter", Role.STAFF)
ROOT = _person(5, "Root Adams", Role.ADMIN)
OLGA = _person(6, "Olga Petrova", Role.AUDITOR)
"""The outsider: reads the trail, and no patient."""
PEOPLE = (ANA, BEN, LENA, SAM, ROOT, OLGA)


def _patient(number: int, given: str, family: str, born_on: date, language: str) -> Patient:
    patient_id = UUID(f"00000000-0000-4000-8000-0000000002{number:02d}")
    names = {"given_name": given, "family_name": family}
    return Patient(id=patient_id, **names, born_on=born_on, language=language, zone=None, mrn=f"R-{number:04d}")


MARIA = _patient(1, "Maria", "Lindqvist", date(1984, 5, 17), "en")
JUAN = _patient(2, "Juan", "Morales", date(1971, 11, 2), "es")
WALTER = _patient(3, "Walter", "Haas", date(1951, 1, 30), "en")
"""75, and reached on a landline only."""
