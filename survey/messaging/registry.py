"""Which provider carries which channel: set once by the entry point, asked by the services."""

from dataclasses import dataclass

from survey.messaging.outcomes import Email, Sms
from survey.messaging.smtp import SmtpEmail
from survey.messaging.twilio_sms import TwilioSms
from survey.settings import Settings

LONGEST_PUBLIC_URL = 31
"""With a longer one, the longest text would need two segments."""
# These open the demo's own phones only.
DEMO_ACCOUNT, DEMO_TOKEN, DEMO_SENDER = "ACdemo", "demo", "+12025550100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that sending needs; the answers of the functions below."""

    public_url: str
    sms: Sms | None
    email: Email | None
    receipt_secret: str | None = None
    page_lease_s: float = 30.0


_wiring: Wiring | None = None


def wire(wiring: Wiring) -> None:
    """Wire this process with providers of the caller's choice, as a test does with its own."""
    global _wiring
    _wiring = wiring


def configure(settings: Settings) -> None:
    """Wire this process. Raises ValueError when texts would not fit one segment."""
    twilio = _twilio(settings)
    if twilio is not None and len(settings.public_url) > LONGEST_PUBLIC_URL:
        raise ValueError(f"PUBLIC_URL: at most {LONGEST_PUBLIC_URL} characters, or a text needs two segments")
    wire(
        Wiring(
            public_url=settings.public_url,
            sms=twilio,
            email=SmtpEmail.of(settings) if settings.smtp_host else None,
            receipt_secret=twilio.auth_token if twilio else None,
            page_lease_s=settings.page_lease_s,
        )
    )


def sms() -> Sms | None:
    """Who carries texts; None when no provider is set up."""
    return _wired().sms


def email() -> Email | None:
    """Who carries mail; None when no provider is set up."""
    return _wired().email


def public_url() -> str:
    """Where patients and staff reach the web pages, without a closing slash."""
    return _wired().public_url


def receipt_secret() -> str | None:
    """What the SMS provider signs its receipts with; None when there is no provider."""
    return _wired().receipt_secret


def page_lease_s() -> float:
    """After so many seconds the sender of a page counts as dead."""
    return _wired().page_lease_s


def _wired() -> Wiring:
    if _wiring is None:
        raise RuntimeError("messaging is not configured: call survey.messaging.registry.configure(settings) first")
    return _wiring


def _twilio(settings: Settings) -> TwilioSms | None:
    callback = f"{settings.public_url}/receipts/sms"
    if settings.demo:
        return TwilioSms(
            base_url=settings.twilio_base_url,
            # These open the demo's own phones only.
            account_sid=DEMO_ACCOUNT,
            auth_token=DEMO_TOKEN,
            sender=DEMO_SENDER,
            receipts_url=callback,
            timeout_s=settings.provider_timeout_s,
        )
    if not (settings.twilio_account_sid and settings.twilio_auth_token and settings.twilio_from):
        return None
    return TwilioSms(
        base_url=settings.twilio_base_url,
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        sender=settings.twilio_from,
        receipts_url=callback,
        timeout_s=settings.provider_timeout_s,
    )
