"""Stops at every page and every state of a page that staff, clinicians and administrators can see."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg

from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.calls import Result
from survey.local.clinic import ADMIN, ANA, BEN, LENA, STAFF, Riverside
from survey.services import alerts, calls, versions
from survey.services.imports import SMALL
from survey.store import session
from tests import second_version
from tests.browser import world
from tests.browser.walk import Phone, sign_in
from tests.browser.world import Alarm
from tests.conftest import Database

Stops = Iterator[str]

FILE = """Given name,Family name,Date of birth,Procedure date,Mobile,Consent
Ada,Nilsson,1979-04-02,{day},(202) 555-0141,yes
Rosa,Ibarra,1990-12-24,{day},,yes
Otto,,1966-06-06,{day},(202) 555-0142,yes
"""
DISAGREE = """UPDATE contact SET consented_at = NULL, consent_how = NULL
WHERE patient_id = (SELECT patient_id FROM procedure WHERE id = %(id)s)"""
SAVE = "main form.card button, main form button:not([name])"
APPEND_ONLY = ("alert_event", "answer", "call_attempt", "downgrade_signature", "score")


def desk_stops(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    """What staff see from sign-in to the end of a day."""
    phone.open("/sign-in")
    yield "sign-in"
    phone.tap("main button")
    yield "sign-in refused"
    sign_in(phone.page, STAFF)
    world.alarm(riverside, now)
    phone.open("/worklist")
    yield "worklist"
    phone.open("/worklist?q=Nobody+of+that+name")
    yield "worklist, nothing matches"
    yield from _sends(phone, riverside, now)
    phone.open("/enrol")
    yield "enrol"
    phone.page.fill("input[name=mobile]", "12")
    phone.tap(SAVE)
    yield "enrol refused"
    yield from _imports(phone, riverside, now)
    yield from _stories(phone, riverside, now)
    yield from _calls(phone, riverside, now)
    yield from _protocols(phone, riverside, now)


def _sends(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    case = world.enrol(riverside, now, given_name="Nora", family_name="Keller")
    with session.transaction() as tx:
        tx.change(DISAGREE, {"id": case.procedure_id})
    phone.open("/sends")
    yield "texts of the day"
    phone.open("/sends?stand=blocked")
    yield "texts of the day, blocked"
    phone.open(f"/procedures/{case.procedure_id}/contact")
    yield "number and consent"
    phone.page.fill("input[name=mobile]", "12")
    phone.tap("main form button")
    yield "number and consent refused"
    with session.transaction() as tx:
        tx.change("DELETE FROM invitation_link WHERE invitation_id = %(id)s", {"id": case.invitation_id})
        tx.change("DELETE FROM message WHERE invitation_id = %(id)s", {"id": case.invitation_id})
    phone.open("/worklist?kind=lost")
    yield "worklist, counted nowhere"


def _imports(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    phone.open("/imports/new")
    yield "import"
    phone.tap(SAVE)
    yield "import refused"
    day = riverside.site.local(now).date() - timedelta(days=1)
    file = {"name": "day.csv", "mimeType": "text/csv", "buffer": FILE.format(day=day).encode()}
    phone.page.set_input_files("input[type=file]", file)
    phone.tap(SAVE)
    yield "import preview"
    phone.tap("form[action$='/confirm'] button")
    yield "imported"
    phone.open("/imports/new")
    many = "".join(f"Given{number},Family,1980-01-01,{day},,yes\n" for number in range(SMALL + 1))
    phone.page.set_input_files("input[type=file]", {**file, "buffer": (FILE.splitlines()[0] + "\n" + many).encode()})
    phone.tap(SAVE)
    phone.tap("form[action$='/confirm'] button")
    phone.open(f"{phone.path}?still=1")  # as for somebody who asked it to be still, or it loads anew under our eyes
    yield "import running"


def _stories(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    case = world.enrol(riverside, now, given_name="Juan", family_name="Morales", language="es")
    phone.open(f"/procedures/{case.procedure_id}")
    yield "story, not answered"
    phone.mark("main details.add summary")
    phone.tap("form[action*='/stop'] button")
    yield "story, closing refused"
    phone.open(f"/procedures/{case.procedure_id}/cancel")
    yield "cancel"
    phone.open(f"/check-ins/{case.invitation_id}/phone")
    yield "survey by phone"
    phone.tap("main form button:not([name])")
    yield "survey by phone refused"
    phone.page.check("input[name=weak][value=worse]")
    phone.tap("button[name=leave_open]")
    yield "what to tell the patient"
    phone.open(f"/procedures/{case.procedure_id}")
    yield "story, urgent"


def _calls(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    case = world.silent(riverside, now, given_name="Cara", language="es", context=world.RISKY)
    phone.open("/calls")
    yield "calls"
    phone.open("/calls?kind=asked")
    yield "calls, nothing matches"
    new = f"/check-ins/{case.invitation_id}/calls/new"
    phone.open(f"{new}?result=reached")
    yield "note a call"
    phone.open(new)
    phone.tap("main form button")
    yield "note a call refused"
    for hours in (30, 5):
        by = riverside.actor(STAFF)
        calls.note(case.invitation_id, result=Result.NO_ANSWER, by=by, now=now - timedelta(hours=hours))
    phone.open("/calls?kind=lead")
    yield "calls, the lead decides"
    phone.open(f"/procedures/{case.procedure_id}/stop-all")
    yield "stop all contact"
    phone.tap("main form button.danger")
    yield "stop all contact refused"
    phone.page.check("input[name=reason][value=admitted]")
    phone.tap("main form button.danger")
    yield "story, all contact stopped"


def _protocols(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    versions.draft(second_version.source(), name="v2.yaml", by=riverside.actor(ANA), now=now)
    phone.open("/protocols")
    yield "protocols"
    phone.open("/protocols/trigger-point-injection/1")
    for summary in phone.page.locator(".promises summary").all()[:3]:
        summary.click()
    yield "protocol in words"
    phone.open("/protocols/trigger-point-injection/2/diff/1")
    yield "protocol, what changed"
    phone.open("/protocols/trigger-point-injection/1/diff/1")
    yield "protocol, nothing changed"


def office_stops(phone: Phone, database: Database) -> Stops:
    """What managers and administrators see, and what everybody sees when something is wrong."""
    sign_in(phone.page, LENA)
    phone.open("/on-call")
    yield "on call"
    phone.tap("form[action$='/shifts#error-summary'] button")
    yield "on call refused"
    yield from _rotas(phone)
    phone.open("/trends")
    for heading in phone.page.locator("main details summary").all():
        heading.click()
    yield "trends"
    phone.open("/no-such-page")
    yield "404"
    phone.page.context.clear_cookies()
    sign_in(phone.page, ADMIN)
    phone.open("/users")
    yield "accounts"
    phone.tap("form:has(input[name=pager]) button")
    yield "accounts refused"
    phone.open("/worklist")
    yield "403"
    yield from _faults(phone, database)


def _rotas(phone: Phone) -> Stops:
    phone.open("/on-call/schedules/new")
    yield "new roster"
    phone.page.fill("input[name=name]", "nights")
    phone.tap("main form.card button")
    yield "new rotation"
    phone.tap("main form.card button")
    yield "new rotation refused"
    phone.open("/on-call")
    phone.tap("a:has-text('Fill this gap')")
    yield "put somebody on call"
    phone.page.select_option("[name=user_id]", label=BEN.name)
    phone.tap("main form.card button")
    yield "on call, by name"
    phone.tap("a:has-text('Take off')")
    yield "take somebody off"
    phone.open("/on-call")
    phone.tap("a[href*='/rotations/'][href$='/end'] >> nth=0")
    yield "end a rotation"


def _faults(phone: Phone, database: Database) -> Stops:
    phone.page.context.clear_cookies()
    sign_in(phone.page, STAFF)
    for table in APPEND_ONLY:
        _as_owner(database, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    _as_owner(database, "TRUNCATE patient CASCADE")
    phone.open("/worklist")
    yield "worklist, all clear"
    phone.open("/trends")
    yield "trends, nothing yet"
    _as_owner(database, "ALTER TABLE procedure RENAME TO lost")
    phone.open("/worklist")
    yield "500"
    session.configure(world.NOWHERE)
    phone.open("/worklist")
    yield "503"


def _as_owner(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as connection:
        connection.execute(statement)


def alert_stops(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    """An alert in each of its states, and the door that the page's link opens."""
    yield from _doors(phone, riverside, now)
    alert = world.alarm(riverside, now, given_name="Walter", family_name="Haas")
    address = f"/alerts/{alert.alert_id}"
    sign_in(phone.page, ANA)
    phone.open(address)
    yield "alert, nobody has it"
    phone.tap("form[action$='/take'] button")
    yield "alert, taken"
    phone.tap("form:has(input[value=voicemail]) button")
    yield "alert, voicemail"
    for _ in range(2):
        phone.tap("form:has(input[value=no_answer]) button")
    phone.page.click("details:has(#helper) summary")
    yield "alert, three tries in vain"
    phone.tap("form:has(input[value=reached]) button")
    yield "alert, reached"
    phone.tap(".steps a[href*='outcome']")
    yield "alert, outcome chosen"
    phone.page.context.clear_cookies()
    sign_in(phone.page, BEN)
    phone.open(address)
    yield "alert, somebody else has it"
    _close(riverside, alert, now)
    phone.open(address)
    yield "alert, closed"
    soon = world.alarm(riverside, now, given_name="Ada", family_name="Nilsson", answers=world.GROWING)
    phone.open(f"/alerts/{soon.alert_id}")
    yield "alert, soon"


def _doors(phone: Phone, riverside: Riverside, now: datetime) -> Stops:
    alert = world.alarm(riverside, now)
    phone.open(f"/a/{alert.page_token}")
    yield "door, open"
    phone.tap("main button")
    yield "door, yours"
    alerts.take_over(alert.alert_id, by=riverside.actor(BEN), epoch=1, now=now)
    phone.open(f"/a/{alert.page_token}")
    yield "door, somebody else has it"
    _close(riverside, alert, now)
    phone.open(f"/a/{alert.page_token}")
    yield "door, closed"
    old = world.alarm(riverside, now - timedelta(hours=25), given_name="Old")
    phone.open(f"/a/{old.page_token}")
    yield "door, a day old"
    phone.open(f"/a/{'z' * 22}")
    yield "door, unknown"


def _close(riverside: Riverside, alert: Alarm, now: datetime) -> None:
    by = riverside.actor(ANA)
    epoch = alerts.get(alert.alert_id).alert.epoch
    alerts.record_contact(alert.alert_id, result=ContactResult.REACHED, by=by, epoch=epoch, now=now)
    alerts.close(
        alert.alert_id, outcome=next(iter(Outcome)), usefulness=next(iter(Usefulness)), by=by, epoch=epoch, now=now
    )
