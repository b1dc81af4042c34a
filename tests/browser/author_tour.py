"""Stops at every page on which a protocol is written, tried and published, in every state that a story comes by."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from survey import clock
from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.answers import Answers
from survey.local.clinic import ANA, LENA, STAFF, Riverside
from survey.services import alerts, replays, responses, shadows
from tests.browser import world
from tests.browser.walk import Phone, sign_in
from tests.browser.world import RISKY
from tests.staff import CALM

Stops = Iterator[str]

RULE = """  U13:
    tier: urgent
    when: { item: sugar, in: [vhigh] }
    why: Very high blood sugar from the steroid; the clinic settles the threshold
    source: Sugar; judgement
"""
PROMISE = "{ says: Very high blood sugar pages, when: { item: sugar, in: [vhigh] }, at_least: urgent }"
SMALLER_PROMISE = "{ says: Very high blood sugar gets a call, when: { item: sugar, in: [vhigh] }, at_least: soon }"
SWEET: Answers = {**CALM, "headneck": "no", "sugar": "vhigh"}
"""Well, but for blood sugar: urgent under the first version, a call under the second."""
TEXT = "textarea[name=text]"
PASTE = "text => { document.querySelector('textarea[name=text]').value = text; }"
SIGN = "article form[action*='/sign']"


def confirmed_event(riverside: Riverside, now: datetime) -> None:
    """Maria's blood sugar was very high, Ana was paged, and it was a complication."""
    alarm = world.alarm(riverside, now - timedelta(hours=2), answers=SWEET, context=RISKY)
    by, epoch = riverside.actor(ANA), alerts.get(alarm.alert_id).alert.epoch
    alerts.record_contact(alarm.alert_id, result=ContactResult.REACHED, by=by, epoch=epoch, now=now)
    ended = {"outcome": Outcome.SEEN_IN_CLINIC, "usefulness": Usefulness.EVENT_CONFIRMED}
    alerts.close(alarm.alert_id, **ended, by=by, epoch=epoch, now=now)


def rosa_answers(riverside: Riverside, now: datetime) -> None:
    """Rosa's is very high as well, while the candidate is in shadow."""
    case = world.enrol(riverside, now, given_name="Rosa", family_name="Ibarra", context=RISKY)
    responses.enter_by_phone(case.invitation_id, SWEET, by=riverside.actor(STAFF), now=now)
    while responses.score_due(now=now):
        pass


def replay() -> None:
    """A worker holds whatever waits against every response."""
    while replays.replay_due(now=clock.now()):
        pass


def shadow() -> None:
    """A worker lets candidates in shadow judge what is new."""
    while shadows.score_due(now=clock.now()):
        pass


def edit(phone: Phone, before: str, after: str, *, press: str = "button[name=prove]") -> None:
    """Put `after` where `before` stood in the text on the screen, once, and save it."""
    text = phone.page.input_value(TEXT)
    assert text.count(before) == 1
    # As one paste: a thousand lines typed into a page that axe has just walked take many seconds.
    phone.page.evaluate(PASTE, text.replace(before, after))
    phone.tap(press)


def sign_all(phone: Phone) -> None:
    """Sign whatever is left to sign."""
    while phone.page.locator(SIGN).count():
        phone.page.fill(f"{SIGN} >> nth=0 >> textarea", "Seen the same day; a call is enough.")
        phone.tap(f"{SIGN} >> nth=0 >> button")


def author_stops(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    """From the copy of a version to the day when its successor is in force."""
    confirmed_event(riverside, now)
    first, second = (f"/protocols/{riverside.protocol}/{number}" for number in (1, 2))
    sign_in(phone.page, ANA)
    yield from _writing(phone, first)
    yield from _trying(phone, riverside, second)
    phone.open(f"{second}/publish")
    yield "publish, by its author"
    phone.page.context.clear_cookies()
    sign_in(phone.page, LENA)
    yield from _publishing(phone, second)


def _writing(phone: Phone, first: str) -> Stops:
    phone.open(first)
    yield "a version in force"
    phone.tap("a[href$='/copy']")
    yield "copy"
    edit(phone, RULE, RULE.replace("urgent", "dreadful").replace("sugar", "shugar"))
    yield "copy refused"
    edit(phone, RULE.replace("urgent", "dreadful").replace("sugar", "shugar"), "")
    yield "proof fails"
    phone.tap("main a[href$='/edit']")
    yield "edit"
    edit(phone, PROMISE, SMALLER_PROMISE)
    yield "proved"


def _trying(phone: Phone, riverside: Riverside, second: str) -> Stops:
    phone.open(f"{second}/burden")
    yield "burden, no what-if"
    phone.open(f"{second}/what-if")
    yield "what-if, none yet"
    phone.tap("main form button")
    phone.open(f"{phone.path}?still=1")
    yield "what-if, running"
    replay()
    phone.open(phone.path)
    yield "what-if"
    phone.open(f"{second}/what-if")
    yield "what-if, newest"
    phone.open(f"{second}/burden")
    yield "burden"
    phone.open(f"{second}/shadow")
    phone.page.fill("input[name=days]", "0")
    phone.tap("main form button")
    yield "shadow refused"
    phone.page.fill("input[name=days]", "14")
    phone.tap("main form button")
    yield "shadow, begun"
    rosa_answers(riverside, clock.now())
    shadow()
    phone.open(f"{second}/shadow")
    yield "shadow"


def _publishing(phone: Phone, second: str) -> Stops:
    phone.open(f"{second}/publish")
    yield "publish"
    phone.tap(f"{SIGN} >> nth=0 >> button")
    yield "signing refused"
    sign_all(phone)
    yield "publish, signed"
    phone.page.check("form[action*='/publish'] input[name=agreed]")
    phone.tap("form[action*='/publish'] button")
    yield "published"
    phone.open(f"{second}/what-if")
    phone.tap("main form button")
    replay()
    phone.open(phone.path)
    yield "replay of itself"
