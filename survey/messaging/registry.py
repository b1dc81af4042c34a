"""Which providers carry which channel: set once by the entry point, asked by the services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from survey.messaging import sinch_sms, twilio_sms
from survey.messaging import sink as sinks
from survey.messaging.apprise_push import ApprisePush
from survey.messaging.outcomes import Email, Push, Sms, Voice
from survey.messaging.sinch_sms import SinchSms
from survey.messaging.sink import Sink
from survey.messaging.smtp import SmtpEmail
from survey.messaging.twilio_sms import TwilioSms
from survey.messaging.twilio_voice import TwilioVoice
from survey.messaging.webhooks import Headers, Receipt, Reply, Webhook
from survey.settings import Settings

LONGEST_PUBLIC_URL = 31
"""With a longer one, the longest text would need two segments."""
# These open the demo's own phones only.
DEMO_ACCOUNT, DEMO_TOKEN, DEMO_SENDER = "ACdemo", "demo", "+12025550100"
_SIGNED: Mapping[str, Callable[[str, Webhook], bool]] = {
    "twilio": twilio_sms.is_signed,
    "sinch": sinch_sms.is_signed,
    Sink.name: sinks.is_signed,
}
_RECEIPTS: Mapping[str, Callable[[bytes], Receipt]] = {
    "twilio": twilio_sms.receipt,
    "sinch": sinch_sms.receipt,
    Sink.name: sinks.receipt,
}
_REPLIES: Mapping[str, Callable[[bytes], Reply | None]] = {"twilio": twilio_sms.reply, "sinch": sinch_sms.reply}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that sending needs; the answers of the functions below.

    `sms` is asked first, `others` in turn when it surely did not take a text. `secrets` are what each provider signs
    with, two while one is being replaced. `local` is a demo's, which may fetch calendars from its own machine.
    `sink` takes the canary's pages; `has_canary` says whether one is to be looked for.
    """

    public_url: str
    sms: Sms | None
    email: Email | None
    others: tuple[Sms, ...] = ()
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page_lease_s: float = 30.0
    senders: tuple[str, ...] = ()
    voice: Voice | None = None
    push: Push | None = None
    local: bool = False
    sink: Sms | None = None
    has_canary: bool = False


_wiring: Wiring | None = None


def wire(wiring: Wiring) -> None:
    """Wire this process with providers of the caller's choice, as a test does with its own."""
    global _wiring
    _wiring = wiring


def configure(settings: Settings) -> None:
    """Wire this process. Raises ValueError when texts would not fit one segment."""
    found = [carrier for carrier in (_twilio(settings), _sinch(settings)) if carrier is not None]
    if found and len(settings.public_url) > LONGEST_PUBLIC_URL:
        raise ValueError(f"PUBLIC_URL: at most {LONGEST_PUBLIC_URL} characters, or a text needs two segments")
    found.sort(key=lambda carrier: settings.sms_first != carrier.name)
    wire(
        Wiring(
            public_url=settings.public_url,
            sms=found[0] if found else None,
            others=tuple(found[1:]),
            email=SmtpEmail.of(settings) if settings.smtp_host else None,
            secrets=_secrets(settings),
            page_lease_s=settings.page_lease_s,
            senders=tuple(one.sender for one in found if one.sender.startswith("+")),
            voice=_voice(settings),
            push=ApprisePush(timeout_s=settings.provider_timeout_s, local=settings.demo),
            local=settings.demo,
            sink=_sink(settings),
            has_canary=settings.canary,
        )
    )


def carriers() -> tuple[Sms, ...]:
    """Who carries texts, in the order in which they are asked; empty when no provider is set up."""
    wired = _wired()
    return () if wired.sms is None else (wired.sms, *wired.others)


def sms() -> Sms | None:
    """Who is asked first to carry a text; None when no provider is set up."""
    return _wired().sms


def senders() -> tuple[str, ...]:
    """The numbers in E.164 that texts come from, the usual one first; empty where only the provider knows."""
    return _wired().senders


def email() -> Email | None:
    """Who carries mail; None when no provider is set up."""
    return _wired().email


def voice() -> Voice | None:
    """Who calls phones; None when no provider is set up."""
    return _wired().voice


def push() -> Push | None:
    """Who sends to push services; None where a test has none."""
    return _wired().push


def sink() -> Sms | None:
    """Who takes the canary's pages; None where a test has none."""
    return _wired().sink


def has_canary() -> bool:
    """Whether a canary is sent through everything every few minutes."""
    return _wired().has_canary


def public_url() -> str:
    """Where patients and staff reach the web pages, without a closing slash."""
    return _wired().public_url


def is_local() -> bool:
    """Whether calendars may be fetched from this machine, without encryption: a demo's own."""
    return _wired().local


def page_lease_s() -> float:
    """After so many seconds the sender of a page counts as dead."""
    return _wired().page_lease_s


def is_genuine(provider: str, path: str, headers: Headers, body: bytes) -> bool:
    """Whether that provider signed this request to `path` (with its query, as it came) on the public address."""
    webhook = Webhook(url=public_url() + path, headers=headers, body=body)
    signed = [_SIGNED[provider](secret, webhook) for secret in _wired().secrets.get(provider, ())]
    return any(signed)


def receipt(provider: str, body: bytes) -> Receipt:
    """What a genuine receipt of that provider says."""
    return _RECEIPTS[provider](body)


def reply(provider: str, body: bytes) -> Reply | None:
    """The text that came in by a genuine request of that provider; None when it is something else."""
    return _REPLIES[provider](body)


def _wired() -> Wiring:
    if _wiring is None:
        raise RuntimeError("messaging is not configured: call survey.messaging.registry.configure(settings) first")
    return _wiring


def _account(settings: Settings) -> tuple[str | None, str | None, str | None]:
    """Twilio's account, its secret and the sender."""
    token = settings.twilio_auth_token
    named = (settings.twilio_account_sid, token.get_secret_value() if token else None, settings.twilio_from)
    return (DEMO_ACCOUNT, DEMO_TOKEN, DEMO_SENDER) if settings.demo else named


def _voice(settings: Settings) -> TwilioVoice | None:
    """A messaging service cannot call: where it sends the texts, TWILIO_VOICE_FROM has to be set."""
    account, secret, sender = _account(settings)
    number = settings.twilio_voice_from or sender
    if not (account and secret and number and number.startswith("+")):
        return None
    return TwilioVoice(
        base_url=settings.twilio_base_url,
        account_sid=account,
        auth_token=secret,
        sender=number,
        webhook_url=f"{settings.public_url}/voice/twilio",
        timeout_s=settings.provider_timeout_s,
    )


def _twilio(settings: Settings) -> TwilioSms | None:
    account, secret, sender = _account(settings)
    if not (account and secret and sender):
        return None
    return TwilioSms(
        base_url=settings.twilio_base_url,
        account_sid=account,
        auth_token=secret,
        sender=sender,
        receipts_url=f"{settings.public_url}/receipts/sms",
        timeout_s=settings.provider_timeout_s,
    )


def _sinch(settings: Settings) -> SinchSms | None:
    given = settings.sinch_api_token
    named = (settings.sinch_service_plan_id, given.get_secret_value() if given else None, settings.sinch_from)
    plan, token, sender = (DEMO_ACCOUNT, DEMO_TOKEN, DEMO_SENDER) if settings.demo else named
    if not (plan and token and sender):
        return None
    return SinchSms(
        base_url=settings.twilio_base_url if settings.demo else settings.sinch_base_url,
        plan_id=plan,
        api_token=token,
        sender=sender,
        receipts_url=f"{settings.public_url}/receipts/sinch",
        timeout_s=settings.provider_timeout_s,
    )


def _sink(settings: Settings) -> Sink:
    return Sink(
        web_url=settings.web_url or settings.public_url,
        public_url=settings.public_url,
        secret=sinks.secret_of(settings.secret_key.get_secret_value()),
        timeout_s=settings.provider_timeout_s,
    )


def _secrets(settings: Settings) -> dict[str, tuple[str, ...]]:
    held = {
        "twilio": (settings.twilio_auth_token, settings.twilio_auth_token_before),
        "sinch": (settings.sinch_webhook_secret, settings.sinch_webhook_secret_before),
    }
    given = {name: tuple(one.get_secret_value() for one in both if one) for name, both in held.items()}
    theirs = dict.fromkeys(held, (DEMO_TOKEN,)) if settings.demo else given
    return {**theirs, Sink.name: (sinks.secret_of(settings.secret_key.get_secret_value()),)}
