"""Whom a request of a provider is believed: whoever knows the secret that the settings name, and nobody else."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest

from survey.messaging import registry, sinch_sms, twilio_sms
from survey.messaging.sinch_sms import SinchSms
from survey.messaging.twilio_sms import TwilioSms
from survey.settings import Settings
from tests.desk import PUBLIC_URL

PATH = "/inbound/sms"
FORM = {"From": "+12025550121", "Body": "STOP", "MessageSid": "SM1"}
BODY = urlencode(FORM).encode()
MARK = "x-sinch-webhook-signature"
GIVEN = {
    "twilio_account_sid": "AC0",
    "twilio_auth_token": "present",
    "twilio_from": "+12025550100",
    "sinch_service_plan_id": "plan",
    "sinch_api_token": "token",
    "sinch_from": "+12025550101",
    "sinch_webhook_secret": "signs",
}


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    yield
    for carrier in registry.carriers():
        if isinstance(carrier, TwilioSms | SinchSms):
            carrier.close()
    registry.wire(registry.Wiring(public_url="", sms=None, email=None))


def configure(**changes: object) -> None:
    must = {"database_url": "postgresql://x", "redis_url": "redis://x", "secret_key": "k" * 32}
    registry.configure(Settings(**must | GIVEN | {"public_url": PUBLIC_URL} | changes))  # type: ignore[arg-type]


def by_twilio(secret: str) -> bool:
    headers = {"X-Twilio-Signature": twilio_sms.signature(secret, PUBLIC_URL + PATH, FORM.items())}
    return registry.is_genuine("twilio", PATH, headers, BODY)


def by_sinch(secret: str, *, signed: bytes = b"{}", told: Mapping[str, str] | None = None) -> bool:
    signature = sinch_sms.signature(secret, signed, nonce="n1", timestamp="1772720000")
    headers = {MARK: signature, f"{MARK}-nonce": "n1", f"{MARK}-timestamp": "1772720000"}
    return registry.is_genuine("sinch", "/inbound/sinch", headers | dict(told or {}), b"{}")


def test_each_provider_is_believed_by_its_own_secret() -> None:
    configure()

    assert [by_twilio(secret) for secret in ("present", "signs", "token", "AC0", "")] == [True] + [False] * 4
    assert [by_sinch(secret) for secret in ("signs", "present", "token", "plan", "")] == [True] + [False] * 4


def test_the_secret_before_counts_while_it_is_replaced() -> None:
    configure(twilio_auth_token_before="past", sinch_webhook_secret_before="gone")

    assert by_twilio("present")
    assert by_twilio("past")
    assert by_sinch("signs")
    assert by_sinch("gone")


def test_an_empty_secret_opens_nothing() -> None:
    configure(twilio_auth_token_before="", sinch_webhook_secret_before="")

    assert not by_twilio("")
    assert not by_sinch("")


def test_where_no_secret_is_known_nothing_is_believed_not_even_an_empty_one() -> None:
    registry.wire(registry.Wiring(public_url=PUBLIC_URL, sms=None, email=None))

    assert not by_twilio("")
    assert not by_sinch("")


def test_a_provider_that_is_not_set_up_is_not_believed_whatever_it_signs_with() -> None:
    configure(**dict.fromkeys(GIVEN))

    assert not any(by_twilio(secret) or by_sinch(secret) for secret in ("", "None", "present", registry.DEMO_TOKEN))


@pytest.mark.parametrize("changed", [f"{MARK}-nonce", f"{MARK}-timestamp"])
def test_the_second_providers_nonce_and_time_are_part_of_what_it_signed(changed: str) -> None:
    configure()

    assert by_sinch("signs")
    assert not by_sinch("signs", told={changed: "2"})


def test_the_second_providers_signature_is_over_the_body() -> None:
    configure()

    assert not by_sinch("signs", signed=b'{"body": "STOP"}')
