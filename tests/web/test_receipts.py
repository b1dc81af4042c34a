"""The provider's receipts: the signature is checked before anything is read, and a message only moves forward."""

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import permutations
from threading import Thread
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.serving import make_server

from survey.local import carrier as carriers
from survey.messaging import registry, sinch_sms, twilio_sms
from survey.messaging.webhooks import Webhook
from survey.web import receipts
from tests import desk
from tests.conftest import Database
from tests.desk import AT_THE_DESK, SECRET, SECRETS, WEDNESDAY_TEN, enrol, invitation_state, maria, send

FORM = {"MessageSid": "SM0", "MessageStatus": "delivered", "To": "+12025550121"}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    app.register_blueprint(receipts.blueprint)
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None, secrets=SECRETS))
    return app.test_client()


@pytest.fixture
def reference(database: Database) -> str:
    """The reference of a text that Maria was sent."""
    assert database
    desk.open_clinic()
    enrol(maria())
    with desk.texting() as carrier:
        send(WEDNESDAY_TEN)
        return carrier.journal.entries()[0].reference


def post(
    client: FlaskClient, reference: str, form: dict[str, str], *, signed: str | None = None, query: str = ""
) -> int:
    path = f"/receipts/sms/{reference}{query}"
    signature = twilio_sms.signature(SECRET, desk.PUBLIC_URL + path, form.items()) if signed is None else signed
    return client.post(path, data=form, headers={"X-Twilio-Signature": signature}).status_code


def deliver(client: FlaskClient, reference: str, *statuses: str) -> str:
    """The invitation's state after these receipts."""
    for status in statuses:
        assert post(client, reference, FORM | {"MessageStatus": status}) == 204
    (row,) = desk.rows("SELECT id AS invitation_id FROM invitation WHERE touch = 'day2'")
    return invitation_state(row["invitation_id"])[0]


def test_a_signed_receipt_is_taken(client: FlaskClient, reference: str) -> None:
    assert deliver(client, reference, "delivered") == "delivered"


@pytest.mark.parametrize("order", list(permutations(["queued", "sent", "delivered"])))
def test_receipts_in_any_order_end_the_same(client: FlaskClient, reference: str, order: tuple[str, ...]) -> None:
    assert deliver(client, reference, *order, *order) == "delivered"
    (attempt,) = desk.rows("SELECT delivery FROM message_attempt")
    assert attempt["delivery"] == "delivered"


def test_the_first_ending_stands(client: FlaskClient, reference: str) -> None:
    assert deliver(client, reference, "delivered", "failed") == "delivered"


def test_an_undelivered_text_leaves_the_patient_to_a_call(client: FlaskClient, reference: str) -> None:
    assert deliver(client, reference, "sent", "undelivered") == "undeliverable"


def test_an_unheard_of_status_changes_nothing(client: FlaskClient, reference: str) -> None:
    assert deliver(client, reference, "exploded", "") == "sent"


def test_a_receipt_that_overtakes_the_answer_is_not_lost(client: FlaskClient, database: Database) -> None:
    assert database
    desk.open_clinic()
    enrolled = enrol(maria())
    with desk.texting() as carrier:
        carrier.script.add("*", "slow:1500")
        sender = Thread(target=send, args=(WEDNESDAY_TEN,))
        sender.start()
        while not carrier.journal.entries():
            sender.join(0.02)
        early = post(client, carrier.journal.entries()[0].reference, FORM)
        sender.join()

    assert early == 204
    assert invitation_state(enrolled.invitation_id)[0] == "delivered"


@pytest.mark.usefixtures("database")
def test_a_reference_that_is_not_ours_is_answered_alike(client: FlaskClient) -> None:
    assert post(client, str(uuid4()), FORM) == 204


def test_the_query_is_part_of_what_was_signed(client: FlaskClient, reference: str) -> None:
    assert post(client, reference, FORM, query="?retry=1") == 204
    bare = twilio_sms.signature(SECRET, f"{desk.PUBLIC_URL}/receipts/sms/{reference}", FORM.items())
    assert post(client, reference, FORM, query="?retry=1", signed=bare) == 403


REFERENCE = "11111111-2222-4333-8444-555555555555"
ADDRESS = f"{desk.PUBLIC_URL}/receipts/sms/{REFERENCE}"


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "nonsense",
        twilio_sms.signature("another secret", ADDRESS, FORM.items()),
        twilio_sms.signature(SECRET, ADDRESS.replace("https", "http"), FORM.items()),
        twilio_sms.signature(SECRET, ADDRESS.replace(".example", ".example:443"), FORM.items()),
        twilio_sms.signature(SECRET, ADDRESS + "/", FORM.items()),
        twilio_sms.signature(SECRET, ADDRESS, (FORM | {"MessageStatus": "failed"}).items()),
        twilio_sms.signature(SECRET, ADDRESS, list(FORM.items())[1:]),
        twilio_sms.signature(SECRET, ADDRESS, [*FORM.items(), ("extra", "")]),
    ],
    ids=["none", "nonsense", "secret", "scheme", "port", "slash", "changed", "dropped", "added"],
)
def test_a_forged_receipt_is_refused(client: FlaskClient, signed: str) -> None:
    assert post(client, REFERENCE, FORM, signed=signed) == 403


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=0, max_value=28 * 8 - 1))
def test_one_wrong_bit_in_the_signature_is_refused(client: FlaskClient, bit: int) -> None:
    right = bytearray(twilio_sms.signature(SECRET, ADDRESS, FORM.items()).encode())

    right[bit // 8] ^= 1 << bit % 8

    headers = {"X-Twilio-Signature": right.decode("latin-1")}
    assert not twilio_sms.is_signed(SECRET, Webhook(url=ADDRESS, headers=headers, body=urlencode(FORM).encode()))
    assert client


def test_without_a_provider_no_receipt_is_genuine(client: FlaskClient) -> None:
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))

    assert post(client, REFERENCE, FORM) == 403


def test_receipts_are_posted(client: FlaskClient) -> None:
    assert client.get(f"/receipts/sms/{REFERENCE}").status_code == 405
    assert client.post("/receipts/sms/not-a-reference").status_code == 404


@pytest.fixture
def clinic_address(client: FlaskClient) -> Iterator[str]:
    """The same application on a real port."""
    server = make_server("127.0.0.1", 0, client.application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_demos_carrier_tells_of_deliveries_as_the_real_one_does(clinic_address: str, reference: str) -> None:
    registry.wire(registry.Wiring(public_url=clinic_address, sms=None, email=None, secrets=SECRETS))

    with carriers.running(receipts=True) as carrier, closing(desk.twilio(carrier, clinic=clinic_address)) as sms:
        sms.send("+12025550121", "x", reference=UUID(reference))
        assert carrier.postman
        carrier.postman.finish()

    (attempt,) = desk.rows("SELECT delivery, delivery_at FROM message_attempt")
    assert attempt["delivery"] == "delivered"
    assert attempt["delivery_at"] > AT_THE_DESK


SINCH_PATH = "/receipts/sinch"
BODY = {"type": "recipient_delivery_report_sms", "batch_id": "01", "recipient": "12025550121", "code": 0}


def post_sinch(client: FlaskClient, body: bytes, *, secret: str = SECRET, signed: str | None = None) -> int:
    mark = "x-sinch-webhook-signature"
    right = sinch_sms.signature(secret, body, nonce="n", timestamp="1")
    headers = {mark: right if signed is None else signed, f"{mark}-nonce": "n", f"{mark}-timestamp": "1"}
    return client.post(SINCH_PATH, data=body, headers=headers, content_type="application/json").status_code


def sinch_says(client: FlaskClient, reference: str, *statuses: str, secret: str = SECRET) -> str:
    """The invitation's state after these receipts of the second provider."""
    for status in statuses:
        body = json.dumps(BODY | {"client_reference": reference, "status": status}).encode()
        assert post_sinch(client, body, secret=secret) == 204
    (row,) = desk.rows("SELECT invitation_id FROM message WHERE attempts > 0")
    return invitation_state(row["invitation_id"])[0]


@pytest.mark.parametrize("order", list(permutations(["Queued", "Dispatched", "Delivered"])))
def test_receipts_of_the_second_provider_in_any_order_end_the_same(
    client: FlaskClient, reference: str, order: tuple[str, ...]
) -> None:
    assert sinch_says(client, reference, *order, *order) == "delivered"


def test_a_failure_of_the_second_provider_leaves_the_patient_to_a_call(client: FlaskClient, reference: str) -> None:
    assert sinch_says(client, reference, "Failed", "Delivered") == "undeliverable"


@pytest.mark.parametrize("signed", ["", "nonsense", sinch_sms.signature("x", b"{}", nonce="n", timestamp="1")])
def test_a_forged_receipt_of_the_second_provider_is_refused(client: FlaskClient, signed: str) -> None:
    assert post_sinch(client, b"{}", signed=signed) == 403


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"x", b'{"status": "Delivered"}', b'{"status": "Delivered", "client_reference": "x"}']
)
def test_a_signed_request_that_says_nothing_of_ours_is_answered_alike(client: FlaskClient, body: bytes) -> None:
    assert post_sinch(client, body) == 204


def test_receipts_of_the_second_provider_are_posted(client: FlaskClient) -> None:
    assert client.get(SINCH_PATH).status_code == 405


def test_both_secrets_are_taken_while_one_is_replaced(client: FlaskClient, reference: str) -> None:
    both = {"twilio": ("new", SECRET), "sinch": ("new", SECRET)}
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None, secrets=both))

    old = sinch_says(client, reference, "Dispatched")
    new = sinch_says(client, reference, "Delivered", secret="new")

    assert (old, new) == ("sent", "delivered")
    assert post(client, reference, FORM) == 204
    assert post_sinch(client, b"{}", secret="older") == 403


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(["queued", "sent", "delivered", "undelivered", "failed", "sent", "delivered"]))
def test_a_delivery_only_ever_moves_forward(client: FlaskClient, reference: str, order: list[str]) -> None:
    desk.change("UPDATE message_attempt SET delivery = NULL, delivery_rank = 0, delivery_at = NULL")
    ranks = []
    for status in order:
        assert post(client, reference, FORM | {"MessageStatus": status}) == 204
        (row,) = desk.rows("SELECT delivery, delivery_rank FROM message_attempt WHERE provider = 'twilio'")
        ranks.append(row["delivery_rank"])

    assert ranks == sorted(ranks)
    assert row["delivery"] == next(one for one in order if one in ("delivered", "undelivered", "failed"))
