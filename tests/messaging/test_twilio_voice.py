"""Calls over real sockets: placed with one request, led by our own words, and never answered by a machine."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest

from survey.domain.messages import Delivery
from survey.local import carrier as carriers
from survey.local.carrier import Carrier
from survey.local.carrier_speech import action, said
from survey.messaging import twilio_voice
from survey.messaging.outcomes import Attempt, Outcome
from survey.messaging.twilio_voice import TwilioVoice

REFERENCE = UUID("11111111-2222-4333-8444-555555555555")
ANAS_PHONE = "+12025550111"
WEBHOOK = "https://chk.example.org/voice/twilio"


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with carriers.running() as carrier:
        yield carrier


def voice(carrier: Carrier) -> TwilioVoice:
    return TwilioVoice(
        base_url=carrier.url,
        account_sid="AC0",
        auth_token="secret",
        sender="+12025550100",
        webhook_url=WEBHOOK,
        timeout_s=0.4,
    )


def call(carrier: Carrier) -> Attempt:
    with closing(voice(carrier)) as provider:
        return provider.call(ANAS_PHONE, reference=REFERENCE)


def test_a_call_names_the_address_that_leads_it_and_the_one_that_hears_of_its_end(carrier: Carrier) -> None:
    attempt = call(carrier)

    (entry,) = carrier.journal.entries()
    assert (attempt.outcome, attempt.provider, attempt.provider_ref) == (Outcome.ACCEPTED, "twilio_voice", entry.sid)
    assert (entry.to, entry.sender, entry.validity) == (ANAS_PHONE, "+12025550100", "25")
    assert entry.url == f"{WEBHOOK}/{REFERENCE}"
    assert entry.callback == f"{WEBHOOK}/{REFERENCE}/status"


@pytest.mark.parametrize(
    ("mode", "outcome", "detail"),
    [
        ("400", Outcome.REFUSED, "21211"),
        ("401", Outcome.TRY_LATER, "20003"),
        ("429", Outcome.TRY_LATER, "20429"),
        ("503", Outcome.TRY_LATER, "503"),
        ("500", Outcome.UNKNOWN, "500"),
        ("hang", Outcome.UNKNOWN, "ReadTimeoutError"),
        ("reset_after_body", Outcome.UNKNOWN, "ProtocolError"),
    ],
)
def test_each_answer_has_its_outcome(carrier: Carrier, mode: str, outcome: Outcome, detail: str) -> None:
    carrier.script.add("*", mode)

    attempt = call(carrier)

    assert (attempt.outcome, attempt.detail) == (outcome, detail)
    assert len(carrier.journal.entries()) == 1


def test_words_of_its_own_are_read_out_and_nothing_is_asked(carrier: Carrier) -> None:
    with closing(voice(carrier)) as provider:
        provider.read_out(ANAS_PHONE, "Your code is 1 2 3 & 4.", reference=REFERENCE)

    (entry,) = carrier.journal.entries()
    assert entry.body.count("Your code is 1 2 3 & 4.") == 3
    assert entry.url == ""


def test_a_question_is_said_three_times_and_any_key_is_heard_the_star_as_well() -> None:
    twiml = twilio_voice.ask("Press 4 to take it.", action="/voice/twilio/1?epoch=2&x=3")

    assert said(twiml) == ["Press 4 to take it."] * 3 + ["No key was pressed. Goodbye."]
    assert action(twiml) == "/voice/twilio/1?epoch=2&x=3"
    assert 'finishOnKey=""' in twiml
    assert 'numDigits="1"' in twiml


@pytest.mark.parametrize(("body", "key"), [(b"Digits=4&CallSid=CA0", "4"), (b"Digits=%2A", "*"), (b"CallSid=CA0", "")])
def test_the_key_is_read_from_the_form(body: bytes, key: str) -> None:
    assert twilio_voice.key(body) == key


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("completed", Delivery.DELIVERED),
        ("busy", Delivery.UNDELIVERED),
        ("no-answer", Delivery.UNDELIVERED),
        ("failed", Delivery.UNDELIVERED),
        ("ringing", Delivery.SENT),
        ("exploded", None),
    ],
)
def test_every_end_of_a_call_has_our_word(status: str, delivery: Delivery | None) -> None:
    assert twilio_voice.delivery(f"CallStatus={status}".encode()) is delivery
