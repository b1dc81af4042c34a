"""The second provider: the same four outcomes over real sockets, found again by our reference, receipts signed."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from survey import clock
from survey.domain.messages import Delivery
from survey.local import carrier as carriers
from survey.local.carrier import Carrier
from survey.messaging import sinch_sms
from survey.messaging.outcomes import Attempt, Fault, Finding, Lost, Outcome, Trace
from survey.messaging.sinch_sms import SinchSms
from survey.messaging.webhooks import Webhook
from tests import books
from tests.desk import MARIAS_PHONE

REFERENCE = UUID("11111111-2222-4333-8444-555555555555")


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with carriers.running() as carrier:
        yield carrier


def adapter(base_url: str, *, timeout_s: float = 0.4) -> SinchSms:
    return SinchSms(
        base_url=base_url,
        plan_id="plan",
        api_token="secret",
        sender="+12025550101",
        receipts_url="https://chk.example.org/receipts/sinch",
        timeout_s=timeout_s,
    )


def send(base_url: str, *, reference: UUID = REFERENCE) -> Attempt:
    with closing(adapter(base_url)) as sms:
        return sms.send(MARIAS_PHONE, "Hello", reference=reference, valid_for=timedelta(minutes=5))


def find(base_url: str, reference: UUID = REFERENCE) -> Finding:
    now = clock.now()
    lost = Lost(reference=reference, to=MARIAS_PHONE, body_sha256=b"", since=now, until=now)
    with closing(adapter(base_url)) as sms:
        return sms.find(lost)


def test_an_accepted_text_carries_both_references(carrier: Carrier) -> None:
    attempt = send(carrier.url)

    (entry,) = carrier.journal.entries()
    assert (attempt.outcome, attempt.provider, attempt.provider_ref) == (Outcome.ACCEPTED, "sinch", entry.sid)
    assert (entry.to, entry.sender, entry.body) == (MARIAS_PHONE, "+12025550101", "Hello")
    assert (entry.reference, entry.callback) == (str(REFERENCE), "https://chk.example.org/receipts/sinch")
    left = datetime.fromisoformat(entry.validity) - clock.now()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


@pytest.mark.parametrize(
    ("mode", "outcome", "detail"),
    [
        ("200", Outcome.ACCEPTED, "201"),
        ("400", Outcome.REFUSED, "syntax_invalid_parameter_format"),
        ("401", Outcome.TRY_LATER, "unauthorized"),
        ("402", Outcome.TRY_LATER, "402"),
        ("403", Outcome.TRY_LATER, "unknown_campaign"),
        ("429", Outcome.TRY_LATER, "429"),
        ("503", Outcome.TRY_LATER, "503"),
        ("500", Outcome.UNKNOWN, "500"),
        ("502", Outcome.UNKNOWN, "502"),
        ("hang", Outcome.UNKNOWN, "ReadTimeoutError"),
    ],
)
def test_each_answer_has_its_outcome(carrier: Carrier, mode: str, outcome: Outcome, detail: str) -> None:
    carrier.script.add("*", mode)

    attempt = send(carrier.url)

    assert (attempt.outcome, attempt.detail) == (outcome, detail)
    assert len(carrier.journal.entries()) == 1


def test_the_wait_that_the_provider_asks_for_is_kept(carrier: Carrier) -> None:
    carrier.script.add("*", "429:7")

    assert send(carrier.url).retry_after_s == 7


def test_a_name_that_does_not_resolve_is_tried_later() -> None:
    assert send("http://carrier.invalid").outcome is Outcome.TRY_LATER


@pytest.mark.parametrize("mode", ["hang", "reset_after_body", "slow:900"])
def test_a_text_whose_answer_was_lost_is_found_by_our_reference(carrier: Carrier, mode: str) -> None:
    carrier.script.add("*", mode)
    lost = send(carrier.url)

    found = find(carrier.url)

    (entry,) = carrier.journal.entries()
    assert lost.outcome is Outcome.UNKNOWN
    assert (found.trace, found.provider_ref, found.delivery) == (Trace.FOUND, entry.sid, Delivery.DELIVERED)


@pytest.mark.parametrize("mode", ["500", "reset_unsent"])
def test_a_text_that_never_came_into_the_books_is_absent(carrier: Carrier, mode: str) -> None:
    carrier.script.add("*", mode)
    send(carrier.url)
    send(carrier.url, reference=uuid4())

    assert find(carrier.url).trace is Trace.ABSENT


@pytest.mark.parametrize("mode", ["500", "401", "429", "reset_after_body"])
def test_a_provider_that_does_not_answer_leaves_it_open(carrier: Carrier, mode: str) -> None:
    carrier.script.add("find", mode)

    assert find(carrier.url).trace is Trace.UNSURE


def test_a_text_that_the_network_gave_back_says_why(carrier: Carrier) -> None:
    carrier.script.add("*", "undelivered:257")
    send(carrier.url)

    found = find(carrier.url)

    assert (found.delivery, found.fault) == (Delivery.UNDELIVERED, Fault.STOPPED)


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ({"count": 1, "batches": [{"id": "01B", "client_reference": str(uuid4())}]}, 200),
        ({"count": 0, "batches": "none"}, 200),
        ({"batches": []}, 200),
        ({"count": 0, "batches": []}, 500),
        ({"count": 0, "batches": []}, 401),
    ],
    ids=["texts of other references", "no list", "no count", "a fault of its own", "not signed in"],
)
def test_only_a_list_that_surely_has_no_such_text_says_that_it_never_left(page: object, status: int) -> None:
    with books.opened(json.dumps(page).encode(), status) as sinch:
        assert find(sinch.url).trace is Trace.UNSURE


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, Outcome.REFUSED), (503, Outcome.TRY_LATER), (500, Outcome.UNKNOWN)]
)
def test_what_was_not_taken_has_no_name_at_the_provider(status: int, outcome: Outcome) -> None:
    with books.opened(json.dumps({"id": "01B"}).encode(), status) as sinch:
        attempt = send(sinch.url)

    assert (attempt.outcome, attempt.provider_ref) == (outcome, None)


def test_a_text_whose_time_is_over_is_tried_for_a_second_and_not_for_ever(carrier: Carrier) -> None:
    before = clock.now()
    with closing(adapter(carrier.url)) as sms:
        sms.send(MARIAS_PHONE, "Hello", reference=REFERENCE, valid_for=-timedelta(minutes=5))

    (entry,) = carrier.journal.entries()
    assert datetime.fromisoformat(entry.validity) > before


# The values of the example in Sinch's own test of its signatures.
SECRET, NONCE, AT = "foo_secret1234", "01FJA8B4A7BM43YGWSG9GBV067", "1634579353"
BODY = (
    b'{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4",'
    b'"contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":'
    b'"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"new.contact@email.com",'
    b'"external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}'
)
SIGNATURE = "6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE="


def signed(*, body: bytes = BODY, signature: str = SIGNATURE, nonce: str = NONCE, at: str = AT) -> bool:
    mark = "x-sinch-webhook-signature"
    headers = {mark: signature, f"{mark}-nonce": nonce, f"{mark}-timestamp": at}
    return sinch_sms.is_signed(SECRET, Webhook(url="", headers=headers, body=body))


def test_a_signature_is_made_as_the_provider_documents_it() -> None:
    assert signed()


def test_a_forged_request_is_not_signed() -> None:
    assert not signed(body=BODY + b" ")
    assert not signed(signature="")
    assert not signed(signature=SIGNATURE.lower())
    assert not signed(nonce="")
    assert not signed(at="1634579354")


def told(**given: object) -> bytes:
    return json.dumps({"type": "recipient_delivery_report_sms", "client_reference": str(REFERENCE), **given}).encode()


@pytest.mark.parametrize(
    ("status", "delivery"),
    [
        ("Queued", Delivery.QUEUED),
        ("Dispatched", Delivery.SENT),
        ("Delivered", Delivery.DELIVERED),
        ("DELIVERED", Delivery.DELIVERED),
        ("Rejected", Delivery.FAILED),
        ("Aborted", Delivery.FAILED),
        ("Expired", Delivery.UNDELIVERED),
        ("Failed", Delivery.UNDELIVERED),
        ("Unknown", Delivery.SENT),
        ("Exploded", None),
    ],
)
def test_every_status_of_a_receipt_has_our_word(status: str, delivery: Delivery | None) -> None:
    receipt = sinch_sms.receipt(told(status=status, code=0))

    assert (receipt.delivery, receipt.reference, receipt.fault) == (delivery, REFERENCE, None)


def test_a_receipt_for_the_whole_batch_is_read_alike() -> None:
    receipt = sinch_sms.receipt(told(type="delivery_report_sms", statuses=[{"status": "Failed", "code": 1}]))

    assert (receipt.delivery, receipt.fault) == (Delivery.UNDELIVERED, Fault.DEAD)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"null", b'{"statuses": []}', b'{"statuses": [7]}', b"\xff"])
def test_what_is_no_receipt_says_nothing(body: bytes) -> None:
    assert sinch_sms.receipt(body).delivery is None
    assert sinch_sms.reply(body) is None


@pytest.mark.parametrize(
    "changed",
    [{"type": "mo_binary"}, {"type": None}, {"from": 12025550121}, {"from": None}, {"id": 7}, {"id": None}],
)
def test_what_is_no_text_of_somebodys_is_not_read_as_one(changed: dict[str, object]) -> None:
    text = {"type": "mo_text", "id": "01X", "from": "12025550121", "to": "1", "body": "STOP"}

    assert sinch_sms.reply(json.dumps(text).encode())
    assert sinch_sms.reply(json.dumps(text | changed).encode()) is None


def test_a_text_that_came_in_is_read() -> None:
    body = json.dumps({"type": "mo_text", "id": "01X", "from": "12025550121", "to": "1", "body": "STOP 🛑"}).encode()

    reply = sinch_sms.reply(body)

    assert reply
    assert (reply.provider_ref, reply.sender, reply.body) == ("01X", MARIAS_PHONE, "STOP 🛑")
