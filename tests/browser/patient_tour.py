"""Stops at every page and every state of a page that a patient can see."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from survey import clock
from survey.domain.protocol import Flag
from survey.local.clinic import Riverside
from survey.services import responses
from survey.store import session
from tests.browser import world
from tests.browser.walk import BREATHLESS, CALL_ME, FINE, FRESH, HELP, NONE_OF_THESE, SKIP, WORSE, Phone
from tests.browser.world import CALM, NOWHERE, RISKY, Case

Stops = Iterator[str]

TIERS = (
    ("routine", FINE, "note"),
    ("soon", CALL_ME, "help"),
    ("urgent", WORSE, "weak"),
    ("emergency", BREATHLESS, "red"),
)
"""Tier, the answers that lead there, and the one that tells."""


def patient_stops(phone: Phone, riverside: Riverside, now: datetime, language: str) -> Stops:
    """Every page and state that a patient can see. Yields the name of each while it stands on the screen."""
    yield from _questions(phone, riverside, now, language)
    yield from _endings(phone, riverside, now, language)
    yield from _results(phone, riverside, now, language)


def _case(riverside: Riverside, now: datetime, language: str, name: str, context: Mapping[str, Flag] = CALM) -> Case:
    return world.enrol(riverside, now, given_name=name, language=language, context=context)


def _questions(phone: Phone, riverside: Riverside, now: datetime, language: str) -> Stops:
    """One survey that opens every question, its refusals among them, and a way back."""
    phone.open(_case(riverside, now, language, "Asked", RISKY).path)
    yield "start"
    phone.tap("form[action$='/start'] button")
    yield "who"
    phone.tap("button[name=who][value=helper]")
    answers = {**FINE, "sore": "3", "weak": "better"}
    while phone.asked:
        key = phone.asked
        yield f"question {key}"
        yield from _refusals(phone, key)
        phone.answer(answers[key])
    yield "birth"
    phone.page.fill("input[name=day]", "84")
    phone.tap("form.sheet button:not([name])")
    yield "birth refused"
    phone.tap("button[name=skip]")
    yield "review"
    phone.tap(".rows a")
    yield "question answered before"
    phone.page.go_back()
    phone.open("/check-in/questions/sore")
    yield "scale answered before"


def _refusals(phone: Phone, key: str) -> Stops:
    """What is said of an answer that is not whole."""
    if key in ("red", "skin"):
        phone.go_on()
        yield f"question {key} refused"
    elif key == "note":
        phone.page.fill("textarea", "x" * 600)
        phone.go_on()
        yield f"question {key} refused"
        phone.open(phone.path)


def _endings(phone: Phone, riverside: Riverside, now: datetime, language: str) -> Stops:
    """Links that open nothing, the ways on from there, and pages that are not there."""
    phone.page.context.clear_cookies()
    case = _case(riverside, now, language, "Ended")
    ended = now - timedelta(minutes=1)
    phone.open(f"/s/{world.link(case.invitation_id, now - timedelta(days=30), expires_at=ended)}")
    yield "link has ended"
    phone.tap(FRESH)
    yield "fresh link on its way"
    phone.open(f"/s/{'z' * 22}?language={language}")
    yield "unknown link"
    phone.tap(FRESH)
    yield "fresh link for an unknown one"
    phone.open(f"/s/not-a-link!?language={language}")
    yield "malformed link"
    phone.open("/check-in/review")
    yield "open your link again"
    phone.open(f"{case.path}/not-me")
    yield "not for me?"
    phone.open(case.path)
    phone.tap("form[action$='/start'] button")
    phone.tap("button[name=who][value=not_me]")
    yield "wrong person"
    phone.open(case.path)
    yield "link is closed"
    world.stop_writing(case)
    phone.tap(FRESH)
    yield "the clinic will call"


def _results(phone: Phone, riverside: Riverside, now: datetime, language: str) -> Stops:
    """What the patient is told at each tier, at once and at the end."""
    for name, answers, telling in TIERS:
        phone.page.context.clear_cookies()
        case = _case(riverside, now, language, name)
        phone.start(case)
        _catch_up(phone, answers, until=telling)
        phone.answer(answers[telling])
        if phone.path == HELP:
            yield f"help at once, {name}"
            phone.tap(".onwards a")
            yield f"question after help, {name}"
        _catch_up(phone, answers)
        phone.send()
        yield f"result {name}"
    phone.page.context.clear_cookies()
    phone.open(case.path)
    yield "sent before"
    phone.tap("form[action$='/start'] button")
    yield "who, again"
    session.configure(NOWHERE)
    phone.open("/check-in/who")
    yield "the database is away"


def _catch_up(phone: Phone, answers: Mapping[str, str], *, until: str | None = None) -> None:
    """Give the next answers past the screen, up to that question: the screens have been looked at before."""
    token = next(one["value"] for one in phone.page.context.cookies() if one["name"] == "daytwo-patient")
    while (item := responses.visit(token, now=clock.now()).first_open()) and item.key != until:
        value = answers[item.key]
        form = {NONE_OF_THESE: ["1"]} if value == NONE_OF_THESE else {"answer": ["" if value == SKIP else value]}
        responses.answer(token, item.key, form, now=clock.now())
    phone.open("/check-in")
