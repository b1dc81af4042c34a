"""The providers' requests about texts that came in: a signature first, one row, one answer for all."""

import json
from collections.abc import Mapping

import pytest
from flask.testing import FlaskClient

from survey.messaging import registry, sinch_sms, twilio_sms
from tests import desk, staff, texting
from tests.conftest import Database
from tests.desk import AT_THE_DESK, SECRET, SECRETS, enrol, maria

ORIGIN = "http://localhost"


@pytest.fixture
def client(database: Database) -> FlaskClient:
    """The whole application, so that its own checks of forms and origins stand in the way."""
    desk.open_clinic()
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None, secrets=SECRETS))
    return staff.application(database).test_client()


def post(client: FlaskClient, form: Mapping[str, str], *, signed: str | None = None, path: str = "/inbound/sms") -> int:
    signature = twilio_sms.signature(SECRET, desk.PUBLIC_URL + path, form.items()) if signed is None else signed
    response = client.post(path, data=form, headers={"X-Twilio-Signature": signature})
    if response.status_code == 200:
        assert (response.mimetype, response.text[-11:]) == ("text/xml", "<Response/>")
    return response.status_code


def bodies() -> list[str]:
    return [row["body"] for row in desk.rows("SELECT body FROM inbound ORDER BY received_at")]


def test_a_signed_text_is_one_row_and_nothing_else_is_done_in_the_request(client: FlaskClient) -> None:
    enrol(maria())

    assert post(client, texting.form("STOP")) == 200

    (row,) = desk.rows("SELECT * FROM inbound")
    assert (row["provider"], row["sender"], row["body"]) == ("twilio", desk.MARIAS_PHONE, "STOP")
    assert row["handled_at"] is None
    assert desk.rows("SELECT 1 FROM suppression") == []


def test_a_replay_changes_nothing_and_is_answered_alike(client: FlaskClient) -> None:
    told = texting.form("Hello")

    assert [post(client, told), post(client, told)] == [200, 200]

    assert bodies() == ["Hello"]


def test_a_known_and_an_unknown_number_are_answered_alike(client: FlaskClient) -> None:
    enrol(maria())

    assert post(client, texting.form("Hi")) == post(client, texting.form("Hi", sender=texting.STRANGER)) == 200


def test_blank_fields_and_emoji_are_part_of_what_was_signed(client: FlaskClient) -> None:
    assert post(client, texting.form("😀 ¿Sí?", FromCity="", NumMedia="0")) == 200

    assert bodies() == ["😀 ¿Sí?"]


FORM = dict(texting.form("STOP", ref="SM1"))


@pytest.mark.parametrize(
    "signed",
    [
        "",
        "nonsense",
        twilio_sms.signature("another secret", f"{desk.PUBLIC_URL}/inbound/sms", FORM.items()),
        twilio_sms.signature(SECRET, f"{ORIGIN}/inbound/sms", FORM.items()),
        twilio_sms.signature(SECRET, f"{desk.PUBLIC_URL}/inbound/sms/", FORM.items()),
        twilio_sms.signature(SECRET, f"{desk.PUBLIC_URL}/inbound/sms", (FORM | {"Body": "START"}).items()),
        twilio_sms.signature(SECRET, f"{desk.PUBLIC_URL}/inbound/sms", list(FORM.items())[1:]),
    ],
    ids=["none", "nonsense", "secret", "host", "slash", "changed", "dropped"],
)
def test_a_forged_text_is_refused_and_not_kept(client: FlaskClient, signed: str) -> None:
    assert post(client, FORM, signed=signed) == 403
    assert bodies() == []


def test_a_text_is_posted_and_looking_does_nothing(client: FlaskClient) -> None:
    assert client.get("/inbound/sms").status_code == 405
    assert client.head("/inbound/sms").status_code == 405
    assert bodies() == []


def test_a_request_that_is_no_text_is_taken_and_not_kept(client: FlaskClient) -> None:
    assert post(client, {"SmsSid": "x"}) == 200
    assert bodies() == []


def test_ten_thousand_signs_fit_and_the_rest_is_cut(client: FlaskClient) -> None:
    assert post(client, texting.form("x" * 20_000)) == 200

    assert bodies() == ["x" * 10_000]


def test_what_the_provider_took_it_for_is_kept(client: FlaskClient) -> None:
    post(client, texting.form("STOP", OptOutType="STOP"))
    post(client, texting.form("hm", OptOutType="NONSENSE"))

    assert [row["opt_out_type"] for row in desk.rows("SELECT opt_out_type FROM inbound ORDER BY received_at")] == [
        "stop",
        None,
    ]


def test_the_log_holds_no_word_and_no_number(client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    post(client, texting.form("Canary"))

    told = "".join(capfd.readouterr())
    assert "Canary" not in told
    assert desk.MARIAS_PHONE not in told


def test_a_text_by_the_second_provider_is_kept_too(client: FlaskClient) -> None:
    told = {"type": "mo_text", "id": "01FC", "from": "12025550121", "to": "12025550100", "body": "STOP"}
    body = json.dumps(told).encode()

    mark = "x-sinch-webhook-signature"
    right = sinch_sms.signature(SECRET, body, nonce="n1", timestamp="1772720000")
    headers = {mark: right, f"{mark}-nonce": "n1", f"{mark}-timestamp": "1772720000"}

    assert client.post("/inbound/sinch", data=body, headers=headers).status_code == 200
    assert client.post("/inbound/sinch", data=body + b" ", headers=headers).status_code == 403

    (row,) = desk.rows("SELECT provider, sender FROM inbound")
    assert (row["provider"], row["sender"]) == ("sinch", desk.MARIAS_PHONE)
    assert texting.read(AT_THE_DESK) == 1
    assert len(desk.rows("SELECT 1 FROM suppression")) == 1
