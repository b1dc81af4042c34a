"""The canary: a patient whom Daytwo makes up, and whose worrying answer has to page somebody every few minutes.

Everything about it stands at a site of its own. Ids are fixed, so that lists and figures can leave it out by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from survey.domain.accounts import Actor, ActorKind
from survey.domain.escalation import Policy, Step, Target
from survey.domain.patients import Patient
from survey.domain.protocol import Item, Protocol
from survey.domain.questionnaire import visible_items
from survey.domain.responses import asked
from survey.domain.sites import Site

EVERY = timedelta(minutes=5)
LATE = timedelta(minutes=15)
"""A canary that has not come through for so long means that a patient might not either."""

SITE_ID = UUID("ca9a2100-0000-4000-8000-000000000001")
CLINICIAN_ID = UUID("ca9a2100-0000-4000-8000-000000000002")
PATIENT_ID = UUID("ca9a2100-0000-4000-8000-000000000003")
METHOD_ID = UUID("ca9a2100-0000-4000-8000-000000000004")
POLICY_ID = UUID("ca9a2100-0000-4000-8000-000000000005")

NAME = "canary"
"""Of its policy, and of the provider that carries its pages."""
MAILBOX = "canary@daytwo.invalid"
NUMBER = "+12025550187"
"""Nobody's; nothing is ever handed over to a real provider for it."""
CLINICIAN = Actor(kind=ActorKind.USER, id=CLINICIAN_ID)

PATIENT = Patient(
    id=PATIENT_ID,
    given_name="Canary",
    family_name="Daytwo",
    born_on=date(2000, 1, 1),
    language="en",
    zone=None,
    mrn=None,
)
SITE = Site(
    id=SITE_ID,
    slug="daytwo-canary",
    name="Daytwo's canary",
    sms_name="Canary",
    zone="UTC",
    phone=NUMBER,
    emergency_number="911",
    opens=time(0),
    closes=time(23, 59),
    workdays=(1, 2, 3, 4, 5, 6, 7),
)


def policy(*, now: datetime) -> Policy:
    """The canary's own: its one clinician, again and again."""
    only = Step(seq=0, wait=timedelta(minutes=1), targets=(Target(user_id=CLINICIAN_ID),), is_last_resort=True)
    return Policy(
        id=POLICY_ID,
        policy=NAME,
        version=1,
        published_at=now,
        ack_ttl=timedelta(minutes=15),
        loop_every=timedelta(minutes=5),
        steps=(only,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """How the walks stand: the first and the last that began, the last that came through, whether an alert is open."""

    first_at: datetime | None
    began_at: datetime | None
    ended_at: datetime | None
    is_open: bool

    def wants_another(self, now: datetime) -> bool:
        """Whether a walk is due. One that is stuck is waited for, however long: its alert pages on."""
        return not self.is_open and (self.began_at is None or now - self.began_at >= EVERY)

    @property
    def came_through(self) -> bool:
        """Whether one ever did."""
        return self.ended_at is not None

    def is_late(self, now: datetime) -> bool:
        """Whether none has come through lately. The first has as long as every other, and has to begin at once."""
        since = self.ended_at or self.first_at
        return since is None or now - since > LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Worry:
    """A question of a published protocol on which any Yes is an emergency, and the survey that asks it."""

    version_id: UUID
    protocol: str
    touch: str
    language: str
    item: Item


def worries(version_id: UUID, pack: Protocol) -> Iterator[Worry]:
    """Every such question that is asked whatever else was answered."""
    context = pack.context_for(body_sites=(), agents=(), given={})
    for touch in pack.touches:
        for item in visible_items(asked(pack, touch.key), {}, context):
            if item.red_flag and item.plain_lines:
                yield Worry(
                    version_id=version_id,
                    protocol=pack.slug,
                    touch=touch.key,
                    language=pack.languages[0],
                    item=item,
                )


def number(now: datetime) -> int:
    """What the canary's alert is called: below zero, so that the clinic's own are counted without gaps."""
    return -int(now.timestamp() * 1000)
