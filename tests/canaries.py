"""A canary and its way: a sink whose receipts come back, and workers that do what is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain.messages import Delivery
from survey.messaging import registry
from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome
from survey.services import canary, escalation, pages, receipts, responses
from tests import desk
from tests.fakes import FakeSms

PUBLIC_URL = "http://localhost"


@dataclass
class Mirror(FakeSms):
    """A sink without the web between: what it accepts is delivered."""

    name: str = "canary"

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Journal the text, and write its receipt."""
        attempt = super().send(to, body, reference=reference, valid_for=valid_for)
        if attempt.outcome is Outcome.ACCEPTED:
            receipts.record(reference, Delivery.DELIVERED, now=self.now)
        return attempt


def wire(*, has_canary: bool = True) -> tuple[Mirror, FakeSms]:
    """Make a sink and a carrier the providers of this process."""
    sink, carrier = Mirror(), FakeSms()
    registry.wire(registry.Wiring(public_url=PUBLIC_URL, sms=carrier, email=None, sink=sink, has_canary=has_canary))
    return sink, carrier


def work(sink: Mirror, now: datetime, *, begins: bool = True) -> None:
    """Let every worker do what is due, and the sentinel look after the canary, until nothing is left."""
    sink.now = now
    while (
        canary.walk(begins=begins, now=now)
        + responses.score_due(now=now)
        + escalation.advance_due(now=now)
        + pages.send_due(now=now)
    ):
        pass


def stuck(sink: Mirror, now: datetime) -> None:
    """The same, while nothing gets through to the sink."""
    sink.always = Outcome.TRY_LATER
    work(sink, now)


def counted() -> tuple[int, int]:
    """How many walks began, and how many came through."""
    (row,) = desk.rows("SELECT count(*) AS began, count(ended_at) AS ended FROM canary_walk")
    return row["began"], row["ended"]
