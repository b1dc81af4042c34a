"""Each answer of the provider, and each silence, is sorted into one of four outcomes; over real sockets."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from survey.local import carrier as carriers
from survey.local.carrier import Carrier
from survey.messaging import twilio_sms
from survey.messaging.outcomes import Attempt, Fault, Outcome
from survey.messaging.twilio_sms import TwilioSms
from tests import books, desk
from tests.desk import MARIAS_PHONE

REFERENCE = UUID("11111111-2222-4333-8444-555555555555")


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with carriers.running() as carrier:
        yield carrier


def adapter(base_url: str, *, timeout_s: float = 0.4) -> TwilioSms:
    return TwilioSms(
        base_url=base_url,
        account_sid="AC0",
        auth_token="secret",
        sender="+12025550100",
        receipts_url="https://chk.example.org/receipts/sms",
        timeout_s=timeout_s,
    )


def send(base_url: str, *, timeout_s: float = 0.4) -> Attempt:
    with closing(adapter(base_url, timeout_s=timeout_s)) as sms:
        return sms.send(MARIAS_PHONE, "Hello", reference=REFERENCE)


def test_an_accepted_text_carries_the_providers_reference(carrier: Carrier) -> None:
    attempt = send(carrier.url)

    (entry,) = carrier.journal.entries()
    assert (attempt.outcome, attempt.provider, attempt.provider_ref) == (Outcome.ACCEPTED, "twilio", entry.sid)
    assert (entry.to, entry.sender, entry.body) == (MARIAS_PHONE, "+12025550100", "Hello")
    assert entry.callback == f"https://chk.example.org/receipts/sms/{REFERENCE}"


@pytest.mark.parametrize(
    ("mode", "outcome", "detail"),
    [
        ("200", Outcome.ACCEPTED, "201"),
        ("failed", Outcome.REFUSED, "201"),
        ("400", Outcome.REFUSED, "21211"),
        ("410", Outcome.REFUSED, "410"),
        ("422", Outcome.REFUSED, "422"),
        ("401", Outcome.TRY_LATER, "20003"),
        ("403", Outcome.TRY_LATER, "20003"),
        ("404", Outcome.TRY_LATER, "20404"),
        ("408", Outcome.TRY_LATER, "408"),
        ("429", Outcome.TRY_LATER, "20429"),
        ("503", Outcome.TRY_LATER, "503"),
        ("500", Outcome.UNKNOWN, "500"),
        ("502", Outcome.UNKNOWN, "502"),
        ("504", Outcome.UNKNOWN, "504"),
        ("slow:100", Outcome.ACCEPTED, "201"),
        ("slow:900", Outcome.UNKNOWN, "ReadTimeoutError"),
        ("hang", Outcome.UNKNOWN, "ReadTimeoutError"),
    ],
)
def test_each_answer_has_its_outcome(carrier: Carrier, mode: str, outcome: Outcome, detail: str) -> None:
    carrier.script.add("*", mode)

    attempt = send(carrier.url)

    assert (attempt.outcome, attempt.detail) == (outcome, detail)
    assert len(carrier.journal.entries()) == 1


@pytest.mark.parametrize("mode", ["failed", "400", "429", "500"])
def test_what_was_not_taken_has_no_name_at_the_provider(carrier: Carrier, mode: str) -> None:
    carrier.script.add("*", mode)

    assert send(carrier.url).provider_ref is None


def test_only_a_refusal_says_that_a_number_is_dead() -> None:
    taken = {"sid": "SM1", "status": "queued", "error_code": 21211}
    with books.opened(json.dumps(taken).encode(), status=201) as accepting:
        accepted = send(accepting.url)
    with books.opened(json.dumps(taken | {"status": "failed"}).encode(), status=201) as failing:
        failed = send(failing.url)
    with books.opened(json.dumps({"code": 21211, "sid": "SM1"}).encode(), status=503) as busy:
        later = send(busy.url)

    assert [(one.outcome, one.fault, one.provider_ref) for one in (accepted, failed, later)] == [
        (Outcome.ACCEPTED, None, "SM1"),
        (Outcome.REFUSED, Fault.DEAD, None),
        (Outcome.TRY_LATER, None, None),
    ]


@pytest.mark.parametrize(("left", "told"), [(-60, "1"), (0, "1"), (90, "90"), (99 * 3600, "14400")])
def test_a_carrier_tries_for_as_long_as_is_left_but_a_second_at_least_and_four_hours_at_most(
    carrier: Carrier, left: int, told: str
) -> None:
    with closing(adapter(carrier.url)) as sms:
        sms.send(MARIAS_PHONE, "Hello", reference=REFERENCE, valid_for=timedelta(seconds=left))

    (entry,) = carrier.journal.entries()
    assert entry.validity == told


def test_a_connection_reset_after_the_request_is_unknown(carrier: Carrier) -> None:
    carrier.script.add("*", "reset_after_body")

    assert send(carrier.url).outcome is Outcome.UNKNOWN


def test_the_wait_that_the_provider_asks_for_is_kept(carrier: Carrier) -> None:
    carrier.script.add("*", "429")

    assert send(carrier.url).retry_after_s == 120


def test_a_refused_connection_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert send(f"http://127.0.0.1:{port}").outcome is Outcome.TRY_LATER


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_handshake_that_fails_is_tried_later(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, args=(server, said), daemon=True).start()
        attempt = send(f"https://127.0.0.1:{server.getsockname()[1]}")

    assert attempt.outcome is Outcome.TRY_LATER


def hang_up(server: socket.socket, said: bytes) -> None:
    """Answer the first caller without TLS and close."""
    with server.accept()[0] as caller:
        caller.recv(1024)
        caller.sendall(said)


def test_a_handshake_that_never_ends_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        attempt = send(f"https://127.0.0.1:{silent.getsockname()[1]}")

    assert attempt.outcome is Outcome.TRY_LATER


def test_a_name_that_does_not_resolve_is_tried_later() -> None:
    assert send("http://carrier.invalid").outcome is Outcome.TRY_LATER


def test_a_server_that_takes_the_connection_and_says_nothing_is_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        attempt = send(f"http://127.0.0.1:{silent.getsockname()[1]}")

    assert attempt.outcome is Outcome.UNKNOWN


def test_a_messaging_service_stands_in_the_place_of_a_number(carrier: Carrier) -> None:
    sms = TwilioSms(
        base_url=carrier.url,
        account_sid="AC0",
        auth_token="secret",
        sender="MG0123",
        receipts_url="https://chk.example.org/receipts/sms",
        timeout_s=1,
    )
    with closing(sms):
        sms.send(MARIAS_PHONE, "Hello", reference=uuid4(), valid_for=timedelta(days=3))

    (entry,) = carrier.journal.entries()
    assert (entry.sender, entry.validity) == ("MG0123", "14400")


def test_no_detail_repeats_the_number(carrier: Carrier) -> None:
    carrier.script.add("*", "400")

    assert MARIAS_PHONE not in repr(send(carrier.url))


# The values of the example in Twilio's own "Validating requests", computed independently with openssl.
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675310"),
    ("Digits", "1234"),
    ("From", "+14158675310"),
    ("To", "+18005551212"),
]


def test_a_signature_is_made_as_the_provider_documents_it() -> None:
    assert twilio_sms.signature("12345", URL, FORM) == "GvWf1cFY/Q7PnoempGyD5oXAezc="
    assert twilio_sms.signature("12345", URL, reversed(FORM)) == "GvWf1cFY/Q7PnoempGyD5oXAezc="


@pytest.mark.parametrize("status", ["queued", "sent", "delivered", "undelivered", "failed", "sending", "canceled"])
def test_every_status_of_a_receipt_has_our_word(status: str) -> None:
    assert twilio_sms.receipt(f"MessageStatus={status}".encode()).delivery


def test_an_unheard_of_status_has_none() -> None:
    assert twilio_sms.receipt(b"MessageStatus=exploded").delivery is None


def test_the_clinics_wiring_reaches_the_carrier(carrier: Carrier) -> None:
    with closing(desk.twilio(carrier)) as sms:
        assert sms.send(MARIAS_PHONE, "Hello", reference=uuid4()).outcome is Outcome.ACCEPTED
