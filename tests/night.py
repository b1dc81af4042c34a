"""A night at Riverside that is played forward: time jumps from one due row to the next, and nobody sleeps."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from survey.domain.alerts import Alert
from survey.domain.protocol import Tier
from survey.messaging import registry
from survey.messaging.outcomes import Outcome
from survey.messaging.registry import Wiring
from survey.services import alerts, escalation, pages
from survey.store.session import transaction
from tests import factories
from tests.cast import MARIA, NIGHT, RIVERSIDE, Person
from tests.fakes import FakeEmail, FakeSms

PUBLIC_URL = "https://daytwo.example.org"
LEASE_S = 30.0

# What a worker would wait for next: an alert's time, a promise's, a page's, a dead sender's lease.
NEXT_DUE = """
SELECT least(
  (SELECT min(next_action_at) FROM alert WHERE state <> 'resolved'),
  (SELECT min(due_at) FROM promise WHERE kept_at IS NULL AND broken_at IS NULL AND cancelled_at IS NULL),
  (SELECT min(p.not_before) FROM page p WHERE p.state = 'pending'),
  (SELECT min(lease_until) FROM page WHERE state = 'leased'))"""


@dataclass(repr=False)
class Night:
    """Moves the clock and does what is due, as a worker would."""

    now: datetime = NIGHT
    sms: FakeSms = field(default_factory=FakeSms)
    email: FakeEmail = field(default_factory=FakeEmail)

    def wire(self) -> None:
        """Make these the providers of this process."""
        registry.wire(Wiring(public_url=PUBLIC_URL, sms=self.sms, email=self.email, page_lease_s=LEASE_S))

    def worry(self, tier: Tier = Tier.URGENT, *, of: UUID | None = None, fired: tuple[str, ...] | None = None) -> Alert:
        """A response has scored `tier`, and whatever is due at once is done."""
        alert = self.raised(tier, of=of, fired=fired)
        self.settle()
        return alert

    def raised(
        self, tier: Tier = Tier.URGENT, *, of: UUID | None = None, fired: tuple[str, ...] | None = None
    ) -> Alert:
        """A response has scored `tier`, and nothing was done about it yet."""
        response_id = of or factories.response(of=MARIA, now=self.now)
        with transaction() as tx:
            score = {"tier": tier, "fired": fired, "answered_at": self.now, "now": self.now}
            alert = alerts.raise_for(tx, response_id=response_id, site=RIVERSIDE, **score)
        assert alert is not None
        return alert

    def settle(self) -> None:
        """Do everything that is due now."""
        self.sms.now = self.email.now = self.now
        while escalation.advance_due(now=self.now) + pages.send_due(now=self.now):
            pass

    def forward(self, span: timedelta) -> None:
        """Live through `span`, stopping wherever something falls due."""
        until = self.now + span
        while (due := self.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.settle()
        self.now = until
        self.settle()

    def next_due(self) -> datetime | None:
        """When the next thing has to happen."""
        with transaction() as tx:
            return tx.run(sa.text(NEXT_DUE)).scalar_one()

    def alert(self, alert: Alert) -> Alert:
        """The alert as it stands now."""
        return alerts.get(alert.id).alert

    def story(self, alert: Alert) -> list[str]:
        """Its story, as words."""
        return [line.kind.value for line in alerts.get(alert.id).story]

    def take(self, alert: Alert, person: Person) -> Alert:
        """That person takes it as it stands."""
        return alerts.take(alert.id, by=person.actor, epoch=self.alert(alert).epoch, now=self.now)

    def minutes(self, person: Person) -> list[float]:
        """When that person's phone buzzed, in minutes since the night began, to a tenth."""
        sent = (*self.sms.to(person), *self.email.to(person))
        return [round((one.at - NIGHT).total_seconds() / 60, 1) for one in sent]

    def copies(self) -> Counter[UUID]:
        """How often each page may have arrived, by the journal of the provider."""
        with transaction() as tx:
            page_of = {row.id: row.page_id for row in tx.run(sa.text("SELECT id, page_id FROM page_attempt"))}
        arrived = (Outcome.ACCEPTED, Outcome.UNKNOWN)
        return Counter(page_of[sent.reference] for sent in self.sms.wire if sent.outcome in arrived)
