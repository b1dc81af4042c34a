"""Wiring: the right provider for each channel, none where none is set up, and no demo that texts the world."""

from collections.abc import Iterator

import pytest

from survey.messaging import registry
from survey.messaging.sinch_sms import SinchSms
from survey.messaging.smtp import SmtpEmail
from survey.messaging.twilio_sms import TwilioSms
from survey.settings import Settings

TWILIO = {"twilio_account_sid": "AC0", "twilio_auth_token": "secret", "twilio_from": "+12025550100"}
SINCH = {
    "sinch_service_plan_id": "plan",
    "sinch_api_token": "token",
    "sinch_from": "+12025550101",
    "sinch_webhook_secret": "signs",
}


def settings(**given: object) -> Settings:
    must = {"database_url": "postgresql://x", "redis_url": "redis://x", "secret_key": "k" * 32}
    return Settings(**must | {"public_url": "https://chk.northgate.example"} | given)


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    registry.wire(registry.Wiring(public_url="", sms=None, email=None))
    yield
    for carrier in registry.carriers():
        if isinstance(carrier, TwilioSms | SinchSms):
            carrier.close()
    registry.wire(registry.Wiring(public_url="", sms=None, email=None))


def test_what_is_set_up_is_wired() -> None:
    registry.configure(settings(**TWILIO, smtp_host="mail.example.org", smtp_from="clinic@example.org"))

    assert isinstance(registry.sms(), TwilioSms)
    assert isinstance(registry.email(), SmtpEmail)
    assert registry.public_url() == "https://chk.northgate.example"


def test_what_is_not_set_up_is_none() -> None:
    registry.configure(settings())

    assert registry.sms() is registry.email() is None


def test_a_demo_texts_its_own_phones() -> None:
    registry.configure(settings(demo=True, twilio_base_url="http://127.0.0.1:9000"))

    assert registry.sms()


@pytest.mark.parametrize("elsewhere", ["https://api.twilio.com", "http://carrier.example.org"])
def test_a_demo_texts_nobody_else(elsewhere: str) -> None:
    with pytest.raises(ValueError, match="the demo's own phones"):
        settings(demo=True, twilio_base_url=elsewhere)


def test_an_address_that_would_cost_a_second_segment_is_refused_at_the_start() -> None:
    longest = "https://" + "w" * (registry.LONGEST_PUBLIC_URL - 8)

    registry.configure(settings(**TWILIO, public_url=longest))

    with pytest.raises(ValueError, match="at most 31 characters"):
        registry.configure(settings(**TWILIO, public_url=longest + "w"))


def names() -> list[str]:
    return [carrier.name for carrier in registry.carriers()]


def test_both_providers_are_asked_twilio_first_or_as_the_clinic_wants_it() -> None:
    registry.configure(settings(**TWILIO, **SINCH))
    usual = names()

    registry.configure(settings(**TWILIO, **SINCH, sms_first="sinch"))

    assert (usual, names()) == (["twilio", "sinch"], ["sinch", "twilio"])


def test_sinch_may_carry_alone() -> None:
    registry.configure(settings(**SINCH))

    assert names() == ["sinch"]


@pytest.mark.parametrize("missing", ["sinch_api_token", "sinch_from", "sinch_webhook_secret"])
def test_half_a_provider_is_refused_with_what_is_needed(missing: str) -> None:
    given = {name: value for name, value in SINCH.items() if name != missing}

    with pytest.raises(ValueError, match="SINCH_API_TOKEN, SINCH_FROM and SINCH_WEBHOOK_SECRET are needed"):
        settings(**given)


def test_a_demo_has_both_of_its_own() -> None:
    registry.configure(settings(demo=True, twilio_base_url="http://127.0.0.1:9000"))

    assert names() == ["twilio", "sinch"]


def test_a_demo_does_not_start_beside_the_second_provider() -> None:
    with pytest.raises(ValueError, match="SINCH_SERVICE_PLAN_ID"):
        settings(demo=True, twilio_base_url="http://127.0.0.1:9000", **SINCH)


@pytest.mark.parametrize("host", ["bit.ly", "www.tinyurl.com"])
def test_links_never_go_through_a_shortener(host: str) -> None:
    with pytest.raises(ValueError, match="use the clinic's own domain"):
        settings(public_url=f"https://{host}")
