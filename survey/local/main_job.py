"""The main job, done over HTTP alone: import, text, answers, score, page, take, contact, close, and the counts."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from survey import clock
from survey.domain.protocol import Protocol
from survey.interop import pack_files, protocol_yaml
from survey.local import check_answers, check_file, clinic
from survey.local.browser import Browser, BrowserError, Form, Page

POLL_S = 0.02
MOST_PAGES = 40
COUNTS = re.compile(
    r"Enrolled.*?(?P<enrolled>\d+) is = Answered (?P<answered>\d+) Reached by phone (?P<phoned>\d+)"
    r" Closed with a reason (?P<closed>\d+) Open (?P<open>\d+)"
)

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A running Daytwo and the ways into it. `phones`: where the demo's phones answer."""

    url: str
    phones: str
    staff: str = clinic.STAFF.email
    password: str = clinic.PASSWORD
    clinicians: Mapping[str, str] = field(
        default_factory=lambda: {str(one.pager): one.email for one in clinic.TEAM if one.pager}
    )
    """Pager number → mailbox."""
    patience_s: float = 30.0
    """How long any one thing may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One thing that was done, in words, and the milliseconds that it took."""

    words: str
    took_ms: float


class MainJob:
    """One run. `stages` yields each as it is done; afterwards `submit_to_page_ms` is known."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.submit_to_page_ms = 0.0
        self._desk, self._phone = Browser(access.url), Browser(access.url)
        self._clinician, self._carrier = Browser(access.url), Browser(access.phones)
        self._file = check_file.File(clock.now())
        self._wanted = check_answers.wanted(_pack())
        self._alarmed_at: datetime | None = None
        self._page_text: Mapping[str, str] = {}
        self._seen = 0

    def close(self) -> None:
        """Close the browsers."""
        for browser in (self._desk, self._phone, self._clinician, self._carrier):
            browser.close()

    def stages(self) -> Iterator[Stage]:
        """Do it, stage by stage. Raises BrowserError, in words, at the first that fails."""
        for words, act in (
            ("staff import a CSV of yesterday and the day before", self._import),
            ("the day-2 text reaches the patient's phone", self._await_text),
            ("the patient opens the link and answers to the end", self._answer),
            ("the page reaches the on-call clinician's phone", self._await_page),
            ("staff see the scored alert on the worklist", self._await_score),
            ("the clinician takes it from the page's own link", self._take),
            ("the clinician has reached the patient", self._contact),
            ("closed with outcome and usefulness", self._close_alert),
            ("the worklist's counts add up", self._count),
        ):
            began = time.perf_counter()
            try:
                act()
            except BrowserError as fault:
                raise BrowserError(f"Failed where {words}. {fault.message}") from fault
            yield Stage(words=words, took_ms=(time.perf_counter() - began) * 1000)

    def _import(self) -> None:
        self._seen = len(self._journal(0))
        _sign_in(self._desk, self.access.staff, self.access.password)
        page = self._desk.open("/imports/new")
        form = next((one for one in page.forms if one.files), None)
        if form is None:
            raise BrowserError("The import page has no form for a file.")
        upload = {form.files[0]: ("procedures.csv", self._file.content)}
        chosen = _first_choices(form) | {"protocol": clinic.PROTOCOL}
        preview = self._desk.send(page, form, chosen, files=upload)
        self._expect(preview, self._file.bad_reason)
        result = self._desk.send(preview, preview.form(posts_to="/confirm"), {})
        self._expect(result, "3 enrolled")

    def _expect(self, page: Page, words: str) -> None:
        if words not in page.text:
            raise BrowserError(f"The page does not say “{words}”. It says: {page.text[:300]}")

    def _await_text(self) -> None:
        number = self._file.asked_now.mobile
        entry = self._until(lambda: self._text_to(number), f"no text to {number[:5]}… came")
        self._link = _link(entry["body"])

    def _answer(self) -> None:
        landing = self._phone.open(self._link)
        page = self._phone.send(landing, landing.form(posts_to="/start"), {})
        for _ in range(MOST_PAGES):
            step = urlsplit(page.url).path.removeprefix("/check-in").strip("/").split("/")
            if step == ["done"]:
                return
            page = self._next(page, step)
        raise BrowserError(f"After {MOST_PAGES} pages the check-in was not at its end.")

    def _next(self, page: Page, step: list[str]) -> Page:
        if step[0] == "questions":
            return self._answer_question(page, step[1])
        if step == ["who"]:
            return self._phone.send(page, page.form(posts_to="/who"), {"who": "self"})
        if step == ["birth"]:
            return self._phone.send(page, page.form(posts_to="/birth"), {"skip": "1"})
        if step == ["review"]:
            return self._phone.send(page, page.form(posts_to="/send"), {})
        if step == ["help"]:
            return self._phone.open("/check-in")
        raise BrowserError(f"A page that nobody expected: {'/'.join(step)}. It says: {page.text[:200]}")

    def _answer_question(self, page: Page, key: str) -> Page:
        form = page.form(posts_to=f"/questions/{key}")
        sent_at = clock.now()
        following = self._phone.send(page, form, values(form, self._wanted.get(key)))
        if self._alarmed_at is None and following.url.endswith("/help"):
            self._alarmed_at = sent_at
        return following

    def _await_page(self) -> None:
        self._page_text = self._until(self._text_to_clinician, "no page came")
        if self._alarmed_at is None:
            raise BrowserError("No answer led to the page that tells the patient what to do at once.")
        arrived_at = datetime.fromisoformat(self._page_text["at"])
        self.submit_to_page_ms = (arrived_at - self._alarmed_at) / timedelta(milliseconds=1)

    def _await_score(self) -> None:
        name = f"{self._file.asked_now.given_name} {self._file.asked_now.family_name}"
        row = self._until(lambda: self._row(name), "the worklist does not show the alert")
        self._alert_path = row

    def _row(self, name: str) -> str | None:
        page = self._desk.open("/worklist?kind=urgent")
        return next((one.href for one in page.links if "/alerts/" in one.href and name in one.words), None)

    def _take(self) -> None:
        door = self._clinician.open(_link(self._page_text["body"]))
        taken = self._clinician.send(door, door.form(having="epoch"), {})
        self._expect(taken, "You have it")

    def _contact(self) -> None:
        _sign_in(self._clinician, self.access.clinicians[self._page_text["to"]], self.access.password)
        page = self._clinician.open(self._alert_path)
        reached = next(
            (one for one in page.forms if one.path.endswith("/contact") and one.fields.get("result") == "reached"),
            None,
        )
        if reached is None:
            raise BrowserError(f"The alert has no button for a patient who was reached. It says: {page.text[:300]}")
        self._expect(self._clinician.send(page, reached, {}), "patient reached")

    def _close_alert(self) -> None:
        page = self._clinician.open(self._alert_path)
        chosen = self._clinician.open(page.link("outcome=seen_in_clinic").href)
        useful = next((one for one in chosen.forms if one.fields.get("usefulness") == "worth_it"), None)
        if useful is None:
            raise BrowserError("The alert has no button for its usefulness.")
        self._expect(self._clinician.send(chosen, useful, {}), "Closed")

    def _count(self) -> None:
        found = COUNTS.search(self._desk.open("/worklist").text)
        if found is None:
            raise BrowserError("The worklist does not show its four counts.")
        counts = {name: int(number) for name, number in found.groupdict().items()}
        if counts["enrolled"] != sum(counts.values()) - counts["enrolled"] or not counts["answered"]:
            raise BrowserError(f"The counts do not add up: {counts}.")

    def _journal(self, since: int) -> list[dict[str, str]]:
        told = self._carrier.json(f"/journal.json?since={since}")
        entries: list[dict[str, str]] = told["entries"] if isinstance(told, dict) else []
        return entries

    def _text_to(self, number: str) -> dict[str, str] | None:
        return next((one for one in self._journal(self._seen) if one["to"] == number), None)

    def _text_to_clinician(self) -> dict[str, str] | None:
        mine = (one for one in self._journal(self._seen) if one["to"] in self.access.clinicians)
        return next((one for one in mine if "/a/" in one["body"]), None)

    def _until(self, look: Callable[[], Found | None], trouble: str) -> Found:
        """What `look` finds, asked over and over for as long as patience lasts."""
        deadline = time.monotonic() + self.access.patience_s
        while True:
            found = look()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise BrowserError(f"Within {self.access.patience_s:.0f} s {trouble}.")
            time.sleep(POLL_S)


def _pack() -> Protocol:
    """The newest text of the protocol that the check asks with."""
    found = [one for one in pack_files.every(pack_files.FOLDER) if one.parent.name == clinic.PROTOCOL]
    return protocol_yaml.load(found[-1])


def _sign_in(browser: Browser, email: str, password: str) -> None:
    page = browser.open("/sign-in")
    inside = browser.send(page, page.form(having="password"), {"email": email, "password": password})
    if inside.has_form(having="password"):
        raise BrowserError("The sign-in was refused.")


def _link(text: str) -> str:
    found = re.search(r"https?://\S+", text)
    if found is None:
        raise BrowserError("The text holds no link.")
    return found[0]


def _first_choices(form: Form) -> dict[str, str]:
    """The first real choice of each field that would be sent empty."""
    empty = [name for name, value in form.fields.items() if not value and form.values(name)]
    return {name: next((value for value in form.values(name) if value), "") for name in empty}


def values(form: Form, wanted: check_answers.Wanted | None) -> dict[str, str]:
    """What to send for one question."""
    lines = [name for name in form.names if {"yes", "no"} <= set(form.values(name))]
    if lines and "answer" not in form.names:
        marked = wanted if isinstance(wanted, frozenset) else frozenset()
        return {name: "yes" if name in marked else "no" for name in lines}
    first = next(iter(form.values("answer")), "")
    return {"answer": wanted if isinstance(wanted, str) else first}
