"""One patient's day 2, whole: a text arrives, a phone answers, a worker scores, somebody is paged and closes it."""

from datetime import time, timedelta

import pytest
from flask import Flask

from survey import clock
from survey.domain import links, sending_hours
from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.messaging import registry
from survey.services import alerts, escalation, pages, responses, sending
from tests.cast import ANA, RIVERSIDE
from tests.conftest import Database
from tests.fakes import FakeSms
from tests.phone import ORIGIN, Phone, application
from tests.surveys import GOOD_DAY, NOTHING_SPECIAL, alerts_of, invited, open_clinic, response_of, score

NOW = clock.now()


@pytest.fixture
def app(database: Database) -> Flask:
    assert database
    open_clinic(NOW)
    return application()


@pytest.fixture
def carrier() -> FakeSms:
    carrier = FakeSms()
    registry.wire(registry.Wiring(public_url=ORIGIN, sms=carrier, email=None))
    return carrier


def link_in_the_text(carrier: FakeSms) -> str:
    """The token in the text that Maria is sent at her next three in the afternoon."""
    three = sending_hours.at_local(RIVERSIDE.local(NOW).date() + timedelta(days=1), time(15), RIVERSIDE.tz)
    while sending.send_due(now=three):
        pass
    (text,) = [sent for sent in carrier.wire if "/s/" in sent.body]
    return text.body.split("/s/")[1][: links.LENGTH]


def test_a_worry_goes_from_a_text_to_a_closed_case(app: Flask, carrier: FakeSms):
    case = invited(NOW)
    token = link_in_the_text(carrier)
    assert links.is_well_formed(token)

    phone = Phone(app).begin(token).answer("red", none_of_these="1").answer("breath", answer="exert")
    score(NOW)
    while escalation.advance_due(now=NOW) or pages.send_due(now=NOW):
        pass

    assert phone.path == "/check-in/help"
    (paged,) = carrier.to(ANA)
    assert not any(word in paged.body.lower() for word in ("breath", "maria", "lindqvist"))

    (alert,) = alerts_of(case)
    close = {"by": ANA.actor, "epoch": alert["epoch"], "now": clock.now()}
    alerts.take(alert["id"], **close)
    alerts.record_contact(alert["id"], result=ContactResult.REACHED, **close)
    useful = Usefulness.EVENT_CONFIRMED
    alerts.close(alert["id"], outcome=Outcome.SENT_TO_EMERGENCY, usefulness=useful, **close)
    assert alerts_of(case)[0]["state"] == "resolved"

    phone.open("/check-in").answer("sore", answer="2")
    score(clock.now())
    assert len(alerts_of(case)) == 1
    assert response_of(case)["tier"] == "urgent"


def test_leaving_half_way_loses_nothing_and_is_called_by_the_next_workday(app: Flask):
    case = invited(NOW)
    Phone(app).begin(case.token).answer("red", none_of_these="1").answer("breath", answer="no")
    score(NOW)

    later = clock.now() + timedelta(minutes=61)
    responses.settle_left(now=later)
    score(later)

    assert [alert["tier"] for alert in alerts_of(case)] == ["soon"]
    assert responses.sheet(case.invitation_id).answers["breath"] == "no"


def test_soon_says_truthfully_by_when_we_call_and_pages_nobody(app: Flask, carrier: FakeSms):
    case = invited(NOW)
    phone = Phone(app).begin(case.token)
    given = GOOD_DAY | {"help": {"answer": ["next"]}}
    for item in given:
        if phone.path.endswith(f"/questions/{item}"):
            phone.answer(item, **{name: values[0] for name, values in given[item].items()})
    page = phone.finish()
    score(NOW)

    while escalation.advance_due(now=NOW) or pages.send_due(now=NOW):
        pass

    (alert,) = alerts_of(case)
    assert alert["tier"] == "soon"
    promised = RIVERSIDE.local(alert["promised_at"])
    assert promised.hour == RIVERSIDE.closes.hour
    assert promised.isoweekday() in RIVERSIDE.workdays
    assert f"A nurse will call you by {promised:%A}, {promised:%B} {promised.day}" in page.text
    assert carrier.wire == []


def test_unknown_facts_ask_the_questions_that_hang_on_them(app: Flask):
    known, unknown = invited(NOW), invited(NOW, given_name="Walter", mobile="(202) 555-0131", context={}, body_sites=())

    few, many = (responses.sheet(case.invitation_id) for case in (known, unknown))

    assert set(few.context) == set(many.context) == set(NOTHING_SPECIAL)
    assert Phone(app).begin(unknown.token).text.count("Question 1 of 12") == 1
    assert Phone(app).begin(known.token).text.count("Question 1 of 11") == 1
