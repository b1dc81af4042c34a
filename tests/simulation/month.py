"""A clinic whose clock is turned: phones, a desk, workers that wake when something is due, and the judge."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Flask

from survey.domain.messages import Delivery
from survey.domain.patients import Enrolment
from survey.messaging import registry, twilio_sms
from survey.services import (
    conservation,
    escalation,
    inbound,
    invitations,
    pages,
    receipts,
    reconciling,
    scores,
    sending,
    sheets,
)
from survey.store.session import transaction
from tests import desk
from tests.cast import RIVERSIDE, SAM, Person
from tests.desk import AT_THE_DESK, PUBLIC_URL, SECRET, SECRETS
from tests.fakes import LINK
from tests.phone import Phone
from tests.simulation import bulk
from tests.simulation.carriers import TAKEN, Journal, Killed, Mailer, Mast, Request
from tests.simulation.judge import Judge, Known, Letter
from tests.staff import Desk

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LOOK = timedelta(hours=6)
"""At the latest after so long workers look, as beat would have them."""
_NEXT = """
SELECT least(
  (SELECT min(due_at) FROM message WHERE state = 'pending' AND due_at > %(now)s),
  (SELECT min(lease_until) + interval '1 second' FROM message WHERE state = 'leased'),
  (SELECT min(answered_at) + interval '61 minutes' FROM response WHERE submitted_at IS NULL
    AND answered_at > %(now)s - interval '61 minutes')) AS at,
  EXISTS (SELECT FROM message WHERE state = 'unknown' AND sent_at > %(now)s - interval '1 day') AS asking,
  EXISTS (SELECT FROM message WHERE state = 'pending' AND due_at <= %(now)s) AS waiting
"""


@dataclass
class Month:
    """`now` is what every clock shows. `turn` moves the clock of the web pages along."""

    app: Flask
    turn: Callable[[datetime], None]
    now: datetime = AT_THE_DESK
    receipts: bool = True
    judge: Judge = field(default_factory=Judge)
    journal: Journal = field(default_factory=Journal)
    letters: list[tuple[Request, Letter]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.carrier, self.spare = Mast("twilio", self.journal), Mast("sinch", self.journal)
        self.mailer = Mailer("smtp", self.journal)
        self._read = 0
        self.turn(self.now)
        wiring = registry.Wiring(
            public_url=PUBLIC_URL, sms=self.carrier, others=(self.spare,), email=self.mailer, secrets=SECRETS
        )
        registry.wire(wiring)

    # ---- time

    def forward(self, until: datetime) -> None:
        """Let time pass; whatever becomes due meanwhile is done when it is due."""
        self.work()
        while self.now < until:
            self._set(min(until, self._next()))
            self.work()

    def wait(self, *, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        """Let so much time pass."""
        self.forward(self.now + timedelta(minutes=minutes, hours=hours, days=days))

    def _set(self, now: datetime) -> None:
        self.now = now
        self.turn(now)

    def _next(self) -> datetime:
        with transaction() as tx:
            row = tx.fetch(_NEXT, {"now": self.now})
        assert row
        steps = [self.now + LOOK, *([row["at"]] if row["at"] else [])]
        if row["asking"] or row["waiting"]:
            steps.append(self.now + 5 * MINUTE)
        soonest: datetime = min(steps)
        return max(soonest, self.now + timedelta(seconds=1))

    def work(self) -> None:
        """Every worker does what is due."""
        for carrier in (self.carrier, self.spare, self.mailer):
            carrier.now = self.now
        _drain(inbound.handle_due, self.now)
        with suppress(Killed):
            _drain(sending.send_due, self.now)
        self._hear()
        _drain(reconciling.ask_due, self.now)
        for look in (sheets.settle_left, invitations.expire_due, scores.score_due):
            _drain(look, self.now)
        _drain(escalation.advance_due, self.now)
        _drain(pages.send_due, self.now)
        with transaction() as tx:
            assert conservation.astray(tx, now=self.now) == 0

    def _hear(self) -> None:
        new, self._read = self.journal.requests[self._read :], len(self.journal.requests)
        for request, letter, _ in bulk.letters(new):
            self.letters.append((request, letter))
            assert self.judge.hear(letter) == []
            if self.receipts and letter.by_text and request.mode in TAKEN:
                said = Delivery.DELIVERED if request.arrived else Delivery.UNDELIVERED
                receipts.record(request.reference, said, now=self.now)

    # ---- people

    def enrol(self, enrolment: Enrolment) -> UUID:
        """The desk enrols somebody; the first survey."""
        made = desk.enrol(enrolment, now=self.now)
        for row in desk.rows("SELECT id FROM invitation WHERE procedure_id = :id", id=made.procedure_id):
            number = "".join(sign for sign in enrolment.mobile or "" if sign.isdigit())
            number = number if number.startswith("1") else f"1{number}"
            zone = enrolment.zone or RIVERSIDE.zone
            self.judge.surveys[row["id"]] = Known(zone=zone, agreed=enrolment.consent, number=f"+{number}")
        return made.invitation_id

    def text(self, number: str, body: str, *, reference: str | None = None) -> None:
        """Somebody texts the clinic: the provider posts it, signed, and the workers look."""
        reference = reference or f"SM{len(self.letters)}{self.now.timestamp()}"
        form = {"MessageSid": reference, "From": number, "To": RIVERSIDE.phone, "Body": body}
        signature = twilio_sms.signature(SECRET, f"{PUBLIC_URL}/inbound/sms", form.items())
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        answer = self.app.test_client().post("/inbound/sms", data=urlencode(form), headers=headers)
        assert answer.status_code == 200
        self.work()

    def opts_out(self, number: str, body: str, *, everything: bool = False) -> None:
        """Somebody asks for no more texts, and the judge knows."""
        self.judge.opted_out(number, self.now, everything=everything)
        self.text(number, body)

    def received(self, address: str) -> list[str]:
        """What a phone or a mailbox got: weekday, time on Riverside's wall, and kind."""
        wall = ZoneInfo(RIVERSIDE.zone)
        return [
            f"{letter.at.astimezone(wall):%a %H:%M} {letter.kind}"
            for _, letter in self.letters
            if letter.to == address and letter.arrived
        ]

    def words(self, address: str) -> list[str]:
        """The same in full."""
        return [request.body for request, letter in self.letters if letter.to == address and letter.arrived]

    def token(self, address: str, which: int = -1) -> str:
        """The link in what that phone or mailbox got."""
        found = [match[1] for body in self.words(address) if (match := LINK.search(body.replace("/s/", "/a/")))]
        return found[which]

    def phone(self) -> Phone:
        """A phone without cookies."""
        return Phone(self.app)

    def desk(self, person: Person = SAM) -> Desk:
        """Somebody signed in at the desk."""
        return Desk(self.app.test_client()).signed_in(person, now=self.now)

    def calls(self) -> str:
        """The words of the call list, as Sam sees it."""
        return self.desk().get("/calls").text

    def state(self, survey: UUID) -> str:
        """How far a survey has come."""
        return desk.invitation_state(survey)[0]


def _drain(look: Callable[..., int], now: datetime) -> None:
    while look(now=now):
        pass
