"""Every setting of Daytwo, read once from the environment; a half-configured system refuses to start."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[1]
"""The checkout (or the image's /app): where templates/ and config/ stand."""

SHORTENERS = frozenset({"bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "rb.gy", "cutt.ly"})
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Settings(BaseSettings):
    """One value per environment variable of the same name in capitals.

    Any of them may come from a file instead: `SECRET_KEY_FILE=/run/secrets/secret_key`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: SecretStr = Field(description="PostgreSQL, as the application's role.")
    owner_database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL, as the role that owns the tables (migrations). Default: DATABASE_URL."
    )
    redis_url: SecretStr = Field(description="Redis, for doorbells and rate limits only: redis://… or unix:///….")
    secret_key: SecretStr = Field(min_length=32, description="Signs form tokens. At least 32 characters.")
    public_url: str = Field(description="Where patients and staff reach the web pages, without a closing slash.")
    demo: bool = Field(default=False, description="Sends to the demo's own phones. Refused beside a real provider.")

    twilio_account_sid: str | None = Field(default=None, description="Twilio account; with it, texts leave by Twilio.")
    twilio_auth_token: SecretStr | None = Field(default=None, description="Twilio's secret for that account.")
    twilio_auth_token_before: SecretStr | None = Field(
        default=None, description="The secret it had before, also taken on what comes in while it is being replaced."
    )
    twilio_from: str | None = Field(default=None, description="The sending number in E.164 form, or MG… service id.")
    twilio_voice_from: str | None = Field(
        default=None, description="The number that calls clinicians, in E.164 form. Default: TWILIO_FROM, if a number."
    )
    twilio_base_url: str = Field(default="https://api.twilio.com", description="Where Twilio's REST API answers.")

    sinch_service_plan_id: str | None = Field(
        default=None, description="Sinch service plan; with it, texts leave by Sinch too."
    )
    sinch_api_token: SecretStr | None = Field(default=None, description="Sinch's secret for that plan.")
    sinch_from: str | None = Field(default=None, description="The sending number at Sinch in E.164 form.")
    sinch_webhook_secret: SecretStr | None = Field(
        default=None, description="What Sinch signs receipts and replies with; ask Sinch to turn signing on."
    )
    sinch_webhook_secret_before: SecretStr | None = Field(
        default=None, description="The webhook secret before that one, also taken while it is being replaced."
    )
    sinch_base_url: str = Field(
        default="https://us.sms.api.sinch.com", description="Where Sinch's REST API answers; its region is in it."
    )
    sms_first: Literal["twilio", "sinch"] = Field(
        default="twilio", description="Who is asked first to carry a text when both are set: twilio or sinch."
    )

    smtp_host: str | None = Field(default=None, description="Mail server; with it, email leaves by SMTP.")
    smtp_port: int = Field(default=587, description="Its port.")
    smtp_username: str | None = Field(default=None, description="Its user, if it asks for one.")
    smtp_password: SecretStr | None = Field(default=None, description="That user's password.")
    smtp_from: str | None = Field(default=None, description="The sender's address.")
    smtp_ca_file: str | None = Field(default=None, description="CA bundle that signed the mail server, if private.")

    provider_timeout_s: float = Field(default=8.0, gt=0, le=10, description="How long one provider call may take.")
    page_lease_s: float = Field(default=30.0, ge=2, description="After this long a page's sender counts as dead.")
    heartbeat_url: str | None = Field(
        default=None, description="Outside monitor: fetched each minute while every invariant holds."
    )
    canary: bool = Field(
        default=True,
        description="Lets a made-up patient page a made-up clinician each five minutes, and tells if not.",
    )
    web_url: str | None = Field(
        default=None, description="Where our own processes reach the web, for the canary. Default: PUBLIC_URL."
    )
    unreached_rule: str = Field(
        default="Decide with whoever helps: another number, next of kin, or a welfare check.",
        max_length=300,
        description="The clinic's own rule, shown after three calls in vain to a patient with an alert.",
    )
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Host names the web answers to, comma separated. Default: the host of PUBLIC_URL."
    )
    trusted_proxies: int = Field(default=0, ge=0, le=3, description="Reverse proxies in front of the web process.")
    web_bind: str = Field(default="127.0.0.1:8000", description="Address and port of the web process.")
    web_workers: int = Field(default=2, ge=1, le=64, description="Web worker processes, four threads each.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level logged.")

    @model_validator(mode="before")
    @classmethod
    def _split_hosts(cls, values: dict[str, object]) -> dict[str, object]:
        hosts = values.get("trusted_hosts")
        if isinstance(hosts, str):
            values["trusted_hosts"] = tuple(host.strip() for host in hosts.split(",") if host.strip())
        return values

    @model_validator(mode="after")
    def _refuse_what_cannot_work(self) -> Self:
        if self.public_url.endswith("/"):
            raise ValueError("PUBLIC_URL: leave out the closing slash")
        if (urlsplit(self.public_url).hostname or "").removeprefix("www.") in SHORTENERS:
            raise ValueError("PUBLIC_URL: use the clinic's own domain; nobody trusts a link through a shortener")
        if not self.secure and urlsplit(self.public_url).hostname not in LOOPBACK:
            raise ValueError("PUBLIC_URL: use https://; plain http is for this machine alone")
        if self.demo and (self.twilio_account_sid or self.sinch_service_plan_id or self.smtp_host):
            raise ValueError(
                "DEMO: a real provider is configured; "
                "unset TWILIO_ACCOUNT_SID, SINCH_SERVICE_PLAN_ID and SMTP_HOST first"
            )
        if self.demo and not self.texts_stay_here:
            raise ValueError("DEMO: TWILIO_BASE_URL has to point to the demo's own phones, on this machine")
        if self.page_lease_s < 2.5 * self.provider_timeout_s:
            raise ValueError("PAGE_LEASE_S: at least 2.5 times PROVIDER_TIMEOUT_S, or a slow send is sent twice")
        return self

    @model_validator(mode="after")
    def _refuse_half_a_provider(self) -> Self:
        if self.twilio_account_sid and not (self.twilio_auth_token and self.twilio_from):
            raise ValueError("TWILIO_ACCOUNT_SID: TWILIO_AUTH_TOKEN and TWILIO_FROM are needed as well")
        if self.sinch_service_plan_id and not (self.sinch_api_token and self.sinch_from and self.sinch_webhook_secret):
            raise ValueError(
                "SINCH_SERVICE_PLAN_ID: SINCH_API_TOKEN, SINCH_FROM and SINCH_WEBHOOK_SECRET are needed as well"
            )
        if self.smtp_host and not self.smtp_from:
            raise ValueError("SMTP_HOST: SMTP_FROM is needed as well")
        return self

    @property
    def secure(self) -> bool:
        """Whether the outside sees https, which decides the cookies' names and flags."""
        return self.public_url.startswith("https://")

    @property
    def texts_stay_here(self) -> bool:
        """Whether TWILIO_BASE_URL cannot be a real provider: this machine, or a container's name, which has no dot."""
        host = urlsplit(self.twilio_base_url).hostname or ""
        return host in LOOPBACK or (host.replace("-", "").replace("_", "").isalnum() and not host.isdigit())

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that requests may carry."""
        return self.trusted_hosts or (urlsplit(self.public_url).hostname or "", *(() if self.secure else LOOPBACK))

    @property
    def migration_url(self) -> str:
        """Where migrations connect."""
        return (self.owner_database_url or self.database_url).get_secret_value()


def _from_files(environ: dict[str, str]) -> dict[str, str]:
    """What `NAME_FILE` variables point to, for each setting called NAME."""
    named = {name: environ.get(f"{name.upper()}_FILE") for name in Settings.model_fields}
    return {name: Path(path).read_text(encoding="utf-8").strip() for name, path in named.items() if path}


@lru_cache(maxsize=1)
def load() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError, naming each variable that is wrong."""
    import os

    return Settings(**_from_files(dict(os.environ)))  # type: ignore[arg-type]
