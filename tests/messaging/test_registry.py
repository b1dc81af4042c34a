"""Wiring: the right provider for each channel, none where none is set up, and no demo that texts the world."""

from collections.abc import Iterator

import pytest

from survey.messaging import registry
from survey.messaging.smtp import SmtpEmail
from survey.messaging.twilio_sms import TwilioSms
from survey.settings import Settings

TWILIO = {"twilio_account_sid": "AC0", "twilio_auth_token": "secret", "twilio_from": "+12025550100"}


def settings(**given: object) -> Settings:
    must = {"database_url": "postgresql://x", "redis_url": "redis://x", "secret_key": "k" * 32}
    return Settings(**must | {"public_url": "https://chk.northgate.example"} | given)


@pytest.fixture(autouse=True)
def hang_up() -> Iterator[None]:
    yield
    sms = registry.sms()
    if isinstance(sms, TwilioSms):
        sms.close()
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
