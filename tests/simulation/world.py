"""The clinic's forty days: time moves in steps, people act in between, workers drain, and the judge looks each time."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from urllib.parse import urlencode
from uuid import UUID

from survey.domain.messages import Delivery
from survey.messaging import registry
from survey.services import conservation, inbound, invitations, receipts, reconciling, scores, sending, sheets
from survey.store.session import transaction
from tests.fakes import LINK
from tests.simulation import bulk, habits, staff
from tests.simulation.carriers import TAKEN, Journal, Killed, Mailer, Mast, Mode, Request
from tests.simulation.judge import Finding, Judge, Known, Letter
from tests.simulation.people import Habit, Person, crowd

PUBLIC_URL = "https://chk.northgate.example"
SECRET = "simulated"
START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
"""A Thursday; clocks go forward that Sunday."""
QUARTER, HOUR, DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
CHANCES = {
    Mode.UNDELIVERED: 0.02,
    Mode.BUSY: 0.02,
    Mode.HANGS: 0.01,
    Mode.HANGS_AND_SENDS: 0.01,
    Mode.KILLS: 0.0015,
    Mode.KILLS_BEFORE: 0.0015,
}
FAULTS = (
    "receipts early",
    "receipts late",
    "receipts lost",
    "receipts turned",
    "receipts twice",
    "receipts forged",
    "workers killed",
    "clock jumps",
)
LOOKS = (2, 14, 20)
"""Hours at which the law is read of everybody."""
ENDED = ("completed", "reached", "stopped")
TOGETHER = (("twilio",), ("sinch",), ("twilio", "sinch"), ("smtp",), ("twilio", "sinch", "smtp"))
"""Who is down at the same time."""
MAIL_CHANCES = {Mode.BUSY: 0.02, Mode.HANGS: 0.005, Mode.HANGS_AND_SENDS: 0.005, Mode.DEAD: 0.01}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How large and how long. Steps are a quarter of an hour for `busy_days`, an hour after that."""

    seed: str
    size: int
    days: int = 40
    enrol_days: int = 8
    busy_days: int = 20


@dataclass
class World:
    """Everything that is true, whatever the product believes."""

    plan: Plan
    judge: Judge = field(default_factory=Judge)
    journal: Journal = field(default_factory=Journal)
    seen: Counter[str] = field(default_factory=Counter)
    people: list[Person] = field(default_factory=list)
    of_survey: dict[UUID, Person] = field(default_factory=dict)
    by_number: dict[str, Person] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """What the judge cannot see in a letter: lost patients, texts that were misread, forged receipts believed."""
    steps: int = 0
    law_checks: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        seed = self.plan.seed
        self.random = Random(seed)
        self.now = START
        self._heap: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()
        self._read = self._counted = 0
        self._texts: dict[str, tuple[Person | None, Habit | str]] = {}
        self.mast = Mast("twilio", self.journal, seed, CHANCES, self._rule("twilio"), self._early)
        self.spare = Mast("sinch", self.journal, seed, CHANCES, self._rule("sinch"))
        self.mailer = Mailer("smtp", self.journal, seed, MAIL_CHANCES, self._rule("smtp"))
        self.down = tuple(self._outages())
        self.asleep = tuple(self._pauses())

    def wire(self) -> None:
        """Let this process send through the simulated carriers."""
        carriers = {"sms": self.mast, "others": (self.spare,), "email": self.mailer}
        registry.wire(registry.Wiring(public_url=PUBLIC_URL, secrets={"twilio": (SECRET,)}, **carriers))  # type: ignore[arg-type]

    # ---- time

    def later(self, at: datetime, do: Callable[[datetime], None]) -> None:
        """Let something happen then."""
        heapq.heappush(self._heap, (at, next(self._order), do))

    def run(self) -> None:
        """All forty days."""
        self.wire()
        first = START.date()
        self.people = list(crowd(self.plan.size, seed=self.plan.seed, first_day=first, days=self.plan.enrol_days))
        for number in range(self.plan.enrol_days):
            day = first + number * DAY
            cohort = [one for one in self.people if one.enrolled_on == day]
            self.later(START + number * DAY + 4 * HOUR, lambda now, cohort=cohort: self.enrol(cohort, now))  # type: ignore[misc]
        for number in range(self.plan.days):
            for hour, work in ((2, staff.lead), (3, staff.call), (7.5, staff.call)):
                self.later(START + number * DAY + hour * HOUR, lambda now, work=work: work(self, now))  # type: ignore[misc]
        for now in self._clock():
            self.step(now)
        self._settle()

    def _settle(self) -> None:
        """At the end nobody is silent: answered, reached, closed with a reason, or with somebody who calls."""
        listed, at_work = staff.listed(self.now), bulk.with_clinician()
        for survey, state in bulk.states().items():
            over, ended = survey in self.judge.over, state in ENDED
            if over != ended:
                self.wrong.append(f"{state}, in truth {'over' if over else 'open'}: {self.describe(survey)}")
            if not ended and survey not in at_work and self.of_survey[survey].procedure not in listed:
                self.wrong.append(f"{state}, and nobody calls: {self.describe(survey)}")
            self.seen[f"at the end: {state}"] += 1
        self.seen["at the end: on the call list"] = len(listed)
        self.wrong += [f"at the end nowhere: {self.describe(one)}" for one in self._every_stray(self.now)]
        self._judge()

    def _judge(self) -> None:
        assert not self.wrong, "\n".join([f"seed {self.plan.seed}", *self.wrong[:20]])

    def _clock(self) -> Iterator[datetime]:
        now, end = START, START + self.plan.days * DAY
        while now < end:
            yield now
            awake, busy = 5 <= (now.hour - 8) % 24 < 21, now - START < self.plan.busy_days * DAY
            now += QUARTER if awake and busy else HOUR if awake else 4 * HOUR

    def step(self, now: datetime) -> None:
        """People first, in the order of time; then workers; then the judge."""
        if now.minute and not (self._heap and self._heap[0][0] <= now) and not bulk.something_is_due(now):
            return
        while self._heap and self._heap[0][0] <= now:
            at, _, do = heapq.heappop(self._heap)
            self.now = at
            do(at)
        self.now = now
        self.steps += 1
        if not any(since <= now < until for since, until in self.asleep):
            self._work(now)
        self._look(now)

    def _work(self, now: datetime) -> None:
        while inbound.handle_due(now=now):
            pass
        self._heed(now)
        jump = Random(f"{self.plan.seed} {now}").random()
        if jump < 0.02:  # one worker's clock is wrong for a moment
            self._send(now + (2 if jump < 0.01 else -2) * HOUR)
            self.seen["clock jumps ahead" if jump < 0.01 else "clock jumps back"] += 1
        self._send(now)
        while reconciling.ask_due(now=now):
            pass
        while scores.score_due(now=now):
            pass
        if now.minute == 0:
            while sheets.settle_left(now=now) or invitations.expire_due(now=now):
                pass

    def _send(self, now: datetime) -> None:
        for carrier in (self.mast, self.spare, self.mailer):
            carrier.now = now
        try:
            while sending.send_due(now=now):
                pass
        except Killed:
            self.seen["workers killed"] += 1

    # ---- what the product is told

    def text(self, number: str, body: str, now: datetime, *, meant: Habit | str, by: Person | None = None) -> None:
        """Somebody writes to the clinic; one webhook in ten comes twice."""
        reference = f"MO{next(self._order)}"
        form = urlencode({"From": number, "MessageSid": reference, "Body": body}).encode()
        self._texts[reference] = (by, meant)
        for _ in range(2 if self.random.random() < 0.1 else 1):
            inbound.take("twilio", form, now=now)
        self.seen[f"texts in: {meant}"] += 1

    def _heed(self, now: datetime) -> None:
        """What was written is now known to the product, so the judge holds it to that."""
        if not self._texts:
            return
        for row in bulk.handled(list(self._texts)):
            person, meant = self._texts.pop(row["provider_ref"])
            habits.was_read(self, person, meant, row["sender"], row["meaning"], now)

    def receipt(self, request: Request, said: Delivery, now: datetime, *, forged: bool = False) -> None:
        """The carrier tells what became of a text."""
        if request.provider != "twilio":
            receipts.record(request.reference, said, now=now)
            return
        form = urlencode({"MessageStatus": said.value, "MessageSid": "SM1"}).encode()
        if forged:
            path = f"/receipts/sms/{request.reference}"
            if receipts.is_genuine("twilio", path, {"X-Twilio-Signature": "bm8="}, form):
                self.wrong.append("a forged receipt was believed")
            self.seen["receipts forged"] += 1
            return
        receipts.take("twilio", form, now=now, attempt_id=request.reference)

    def _early(self, request: Request) -> None:
        if Random(f"{self.plan.seed} early {request.to} {request.at}").random() < 0.02:
            self.receipt(request, Delivery.DELIVERED, request.at)
            self.seen["receipts early"] += 1

    # ---- what is true

    def enrol(self, cohort: list[Person], now: datetime) -> None:
        """A day's patients, as the desk would have typed them."""
        for person, surveys in bulk.enrol(cohort, now=now):
            person.surveys = surveys
            self.by_number.setdefault(person.number, person)
            if person.block:
                self.judge.no_texts[person.number] = now
            for survey in surveys:
                self.of_survey[survey] = person
                zone = person.zone or "America/New_York"
                self.judge.surveys[survey] = Known(zone=zone, agreed=person.agreed, number=person.number)
            self.seen[f"patients: {person.habit}"] += 1
            habits.after_enrolment(self, person, now)

    def _look(self, now: datetime) -> None:
        new, self._read = self.journal.requests[self._read :], len(self.journal.requests)
        for request, letter, is_refused in bulk.letters(new):
            found = self.judge.hear(letter)
            self.wrong += [f"{one} ({self.describe(letter.survey)})" for one in found]
            if is_refused:
                self._refused(request)
            self._arrived(request, letter)
        self._count(now)
        self._judge()

    def _count(self, now: datetime) -> None:
        """The law that nobody is lost: of whatever this step touched, and thrice a day of everybody."""
        lost, self._counted = bulk.strays(self._counted, now)
        self.law_checks["of what a step touched"] += 1
        if now.minute == 0 and now.hour in LOOKS:
            self.law_checks["of everybody, as the sentinel looks"] += 1
            with transaction() as tx:
                missed = conservation.astray(tx, now=now)
            lost += self._every_stray(now) if missed else []
        if lost:
            self.wrong.append(f"{now.isoformat()}: {len(lost)} surveys stand nowhere")
            self.wrong += [f"{survey} {self.describe(survey)}" for survey in lost[:5]]

    def _every_stray(self, now: datetime) -> list[UUID]:
        self.law_checks["of everybody, as the doctor reads"] += 1
        return [stray.invitation_id or stray.procedure_id for stray in conservation.every_stray(now=now)]

    def _refused(self, request: Request) -> None:
        """The product knows from now on; whoever was being texted in the same moment could not know."""
        after = request.at + timedelta(seconds=1)
        if request.mode is Mode.DEAD and request.provider != "smtp":
            self.judge.no_texts.setdefault(request.to, after)
        if request.mode is Mode.OPTED_OUT:
            self.judge.stopped.setdefault(request.to, (after, True))

    def _arrived(self, request: Request, letter: Letter) -> None:
        self.seen[f"{request.provider}: {request.mode}"] += 1
        if request.mode in TAKEN and letter.by_text:
            self._tell(request)
        person = self.of_survey.get(letter.survey) if letter.survey else None
        link = LINK.search(request.body.replace("/s/", "/a/"))
        if person and letter.survey and letter.arrived and link:
            habits.reads(self, person, letter, link[1], max(self.now, letter.at))

    def _tell(self, request: Request) -> None:
        """Receipts: as they should be, or lost, late, twice, the wrong way round; now and then somebody forges one."""
        random = Random(f"{self.plan.seed} receipts {request.to} {request.at}")
        said = Delivery.DELIVERED if request.arrived else Delivery.UNDELIVERED
        way = random.choices(["usual", "lost", "late", "twice", "turned"], [70, 15, 5, 5, 5])[0]
        self.seen[f"receipts {way}"] += 1
        first = max(self.now, request.at) + timedelta(seconds=random.randint(2, 4000))
        times = {
            "usual": [(first, said)],
            "lost": [],
            "late": [(first + 2 * DAY, said)],
            "twice": [(first, said), (first + HOUR, said)],
            "turned": [(first, said), (first + timedelta(seconds=9), Delivery.SENT)],
        }[way]
        for at, word in times:
            self.later(at, lambda now, word=word: self.receipt(request, word, now))  # type: ignore[misc]
        if random.random() < 0.02:
            self.later(first, lambda now: self.receipt(request, Delivery.DELIVERED, now, forged=True))

    # ---- faults

    def _rule(self, provider: str) -> Callable[[str, datetime], Mode | None]:
        def rule(to: str, at: datetime) -> Mode | None:
            if any(name == provider and since <= at < until for name, since, until in self.down):
                return Mode.DOWN
            person = self.by_number.get(to)
            if person and person.dead:
                return Mode.DEAD
            return Mode.OPTED_OUT if person and person.index % 211 == 210 else None

        return rule

    def _outages(self) -> Iterator[tuple[str, datetime, datetime]]:
        random = Random(f"{self.plan.seed} outages")
        for day in range(1, self.plan.days, 3):
            since = START + day * DAY + random.choice([2, 4, 9]) * HOUR
            for name in random.choice(TOGETHER):
                yield name, since, since + random.choice([1, 2, 5, 26]) * HOUR

    def _pauses(self) -> Iterator[tuple[datetime, datetime]]:
        """No worker runs: a release that went wrong."""
        random = Random(f"{self.plan.seed} pauses")
        for day in range(2, self.plan.days, 5):
            since = START + day * DAY + random.randint(1, 14) * HOUR
            yield since, since + random.choice([1, 3, 8]) * HOUR

    def faults(self) -> Counter[str]:
        """How many of each kind there were: of carriers, of receipts, of workers and clocks."""
        told = Counter(f"requests: {one.mode}" for one in self.journal.requests if one.mode is not Mode.FINE)
        told["outages"], told["pauses of all workers"] = len(self.down), len(self.asleep)
        told.update({name: number for name, number in self.seen.items() if name.startswith(FAULTS)})
        return told

    def describe(self, survey: UUID | None) -> str:
        """Whose survey it is, and what is in the outbox for it."""
        person = self.of_survey.get(survey) if survey else None
        whose = f"{person.habit}, block {person.block}, agreed {person.agreed}" if person else "nobody"
        return f"{whose}: {bulk.outbox(survey)}" if survey else whose

    def findings(self) -> list[Finding]:
        """Every promise that was broken by a letter."""
        return self.judge.findings
