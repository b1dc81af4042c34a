"""Patients at a steady rate, each over HTTP as a phone would, who remember every answer that was taken from them."""

import itertools
import re
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from queue import Empty, Queue

import httpx

from survey import clock
from survey.domain.accounts import SYSTEM
from survey.domain.errors import DomainError
from survey.domain.patients import AlreadyEnrolled, ConsentHow, Enrolment
from survey.domain.protocol import Flag
from survey.local.clinic import Riverside
from survey.local.history import people
from survey.services import patients
from tests.faults.crowd import CROWD, Patient, Tap
from tests.faults.servers import until
from tests.faults.stack import Stack

PHONES = 6
"""People who answer at the same time."""
AGAIN_AFTER_S = 0.3
PATIENCE_S = 90.0
"""So long a patient tries to get one answer through."""
TIMEOUT_S = 10.0
KEEPALIVE_S = 2.0
"""Less than the server keeps a connection, or one that it has just closed looks like a fault."""
LINK = re.compile(r"https?://[^/\s]+(/s/\w{22})")
FORM_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(slots=True)
class Tally:
    """How the phones fared: what came instead of an answer, and how long each try took that was answered as wanted."""

    failed: Counter[str] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)


class Load:
    """Enrols patients at a steady rate, and lets each answer as soon as the text is on the phone."""

    def __init__(self, stack: Stack, riverside: Riverside, *, first: int) -> None:
        self.patients: list[Patient] = []
        self.trouble: list[str] = []
        """What no patient should ever meet."""
        self.tally = Tally()
        self._stack, self._riverside = stack, riverside
        self._numbers = itertools.islice(people.numbers(), first, None)
        self._stories = itertools.cycle(CROWD)
        # Not a SimpleQueue: on Python 3.11, with many takers, its timed get was measured to wait for ever now and then.
        self._ringing: Queue[tuple[Patient, str]] = Queue()
        self._waiting: dict[str, Patient] = {}
        self._heard = len(stack.wire())
        self._stop = threading.Event()
        self._open = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._answer_all, name=f"phone-{n}", daemon=True) for n in range(PHONES)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S + PATIENCE_S)
        frames = sys._current_frames()
        hung = [
            line for one in self._threads if one.is_alive() for line in traceback.format_stack(frames[one.ident or 0])
        ]
        assert not hung, "a phone hangs:\n" + "".join(hung)

    # ---- the desk: from the test's own thread

    def enrol(self, count: int) -> None:
        """Add that many patients. Their phones ring as soon as somebody listens."""
        for _ in range(count):
            self._enrol_one()

    def live(self, seconds: float, *, rate: float) -> None:
        """Go on enrolling for so long, and hand links to phones meanwhile."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            began = time.monotonic()
            self.enrol(1)
            self.listen()
            time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))

    def flow(self) -> None:
        """Until answers are taken again, so that the next fault does not fall on a system at rest."""
        taken = len(self.tally.took_s)

        def taken_again() -> bool:
            self.live(0.5, rate=2)
            return len(self.tally.took_s) >= taken + PHONES

        until(taken_again, what="answers are taken")

    def texted(self) -> int:
        """How many texts are on the wire that no phone has picked up yet."""
        return len(self._waiting.keys() & {entry.to for entry in self._stack.wire()[self._heard :]})

    def settle(self, *, patience_s: float) -> None:
        """Until everybody whose text arrived has answered to the end, or has given up."""
        until(self._is_quiet, what="everybody who was texted has answered", patience_s=patience_s)

    def _is_quiet(self) -> bool:
        self.listen()
        with self._lock:
            return self._open == 0

    def listen(self) -> None:
        """Hand the links that have arrived to their phones; a second copy of a text rings nobody again."""
        wire = self._stack.wire()
        for entry in wire[self._heard :]:
            link = LINK.search(entry.body)
            patient = self._waiting.pop(entry.to, None) if link and entry.arrived else None
            if link and patient:
                with self._lock:
                    self._open += 1
                self._ringing.put((patient, link[1]))
        self._heard = len(wire)

    def _enrol_one(self) -> None:
        patient = Patient(mobile=next(self._numbers), story=next(self._stories))
        now = clock.now()
        day = self._riverside.site.local(now).date() - timedelta(days=2)
        self._waiting[patient.mobile] = patient
        self.patients.append(patient)
        for _ in _tries():
            try:
                patients.enrol(
                    enrolment(patient.mobile, day),
                    site_id=self._riverside.site.id,
                    protocol=self._riverside.protocol,
                    by=SYSTEM,
                    now=now,
                )
            except AlreadyEnrolled:  # the commit was kept, its acknowledgement lost
                return
            except DomainError as error:
                self.tally.failed[f"enrol: {type(error).__name__}"] += 1
                continue
            return
        self.trouble.append("nobody could be enrolled")

    # ---- the phones: each in a thread of its own

    def _answer_all(self) -> None:
        limits = httpx.Limits(keepalive_expiry=KEEPALIVE_S)
        with httpx.Client(base_url=self._stack.url, timeout=TIMEOUT_S, limits=limits, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    patient, link = self._ringing.get(timeout=0.2)
                except Empty:
                    continue
                try:
                    self._live_through(Phone(client, self.tally), patient, link)
                except AssertionError as broken:
                    self.trouble.append(str(broken))
                finally:
                    with self._lock:
                        self._open -= 1

    def _live_through(self, phone: "Phone", patient: Patient, link: str) -> None:
        phone.start(link)
        phone.tell(patient, patient.story.taps)
        if patient.story.sends:
            phone.post("/check-in/send")
            patient.sent = True
        if patient.story.later:
            phone.start(link)
            phone.tell(patient, patient.story.later)


class Phone:
    """One browser. Whatever fails is tried again, as people do."""

    def __init__(self, client: httpx.Client, tally: Tally) -> None:
        self._client, self._tally, self._token = client, tally, ""
        self._pressed_at = clock.now()

    def start(self, link: str) -> None:
        """Open the link, press Start, say who answers."""
        self._client.cookies.clear()
        self._token = ""
        self.post(f"{link}/start")
        page = self._try("GET", "/check-in/who", {}, wanted=200)
        found = FORM_TOKEN.search(page.text)
        assert found, "the page has no form"
        self._token = found[1]
        self.post("/check-in/who", {"who": "self"})

    def tell(self, patient: Patient, taps: tuple[Tap, ...]) -> None:
        """Answer, and remember what was taken."""
        for tap in taps:
            self.post(f"/check-in/questions/{tap.item}", tap.form)
            if tap.tier is not None and tap.tier.pages and patient.alarmed_at is None:
                patient.alarmed_at = self._pressed_at
            patient.taken.append(tap)

    def post(self, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        """Until it is answered with 303."""
        return self._try("POST", path, form or {}, wanted=303)

    def request(self, method: str, path: str, form: Mapping[str, str]) -> httpx.Response:
        """Once, whatever comes of it."""
        sent = {**form, "csrf_token": self._token} if method == "POST" else None
        origin = str(self._client.base_url).rstrip("/")
        return self._client.request(method, path, data=sent, headers={"Origin": origin})

    def _try(self, method: str, path: str, form: Mapping[str, str], *, wanted: int) -> httpx.Response:
        for _ in _tries():
            self._pressed_at, began = clock.now(), time.monotonic()
            try:
                answer = self.request(method, path, form)
            except httpx.HTTPError as error:
                self._tally.failed[type(error).__name__] += 1
                continue
            if answer.status_code == wanted:
                self._tally.took_s.append(time.monotonic() - began)
                return answer
            route = "/".join(path.split("/")[:2])
            assert answer.status_code == 503, f"{method} {route}… was answered {answer.status_code}"
            self._tally.failed[str(answer.status_code)] += 1
        raise AssertionError(f"for {PATIENCE_S:.0f} s nobody took {method} /{path.split('/')[1]}…")


def _tries() -> Iterator[None]:
    """Again and again, with a pause, until patience is over."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        yield
        time.sleep(AGAIN_AFTER_S)


def enrolment(mobile: str, day: date) -> Enrolment:
    """Somebody at no particular risk, whose text is due now when `day` is the day before yesterday."""
    return Enrolment(
        given_name=f"Mock{mobile[-10:]}",
        family_name="Pretendley",
        born_on=date(1970, 1, 1),
        performed_on=day,
        mobile=mobile,
        consent=True,
        consent_how=ConsentHow.SPOKEN,
        body_sites=("arm",),
        agents=("saline",),
        context=dict.fromkeys(("anticoag", "diabetes", "immuno", "lung"), Flag.NO),
    )
