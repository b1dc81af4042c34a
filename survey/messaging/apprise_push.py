"""Pages to services that a clinic is paged by already, through Apprise; its answers sorted into our four outcomes."""

import importlib
import ipaddress
import logging
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from survey.messaging import rest
from survey.messaging.outcomes import Attempt, Outcome

SERVICES: Mapping[str, tuple[str, str]] = {
    "betterstack": ("betterstack", "NotifyBetterStack"),
    "discord": ("discord", "NotifyDiscord"),
    "firehydrant": ("firehydrant", "NotifyFireHydrant"),
    "gchat": ("google_chat", "NotifyGoogleChat"),
    "goalerts": ("goalert", "NotifyGoAlert"),
    "gotifys": ("gotify", "NotifyGotify"),
    "ilert": ("ilert", "NotifyILert"),
    "incidentio": ("incidentio", "NotifyIncidentIO"),
    "jsons": ("custom_json", "NotifyJSON"),
    "mmosts": ("mattermost", "NotifyMattermost"),
    "ntfys": ("ntfy", "NotifyNtfy"),
    "opsgenie": ("opsgenie", "NotifyOpsgenie"),
    "pagerduty": ("pagerduty", "NotifyPagerDuty"),
    "pagertree": ("pagertree", "NotifyPagerTree"),
    "pover": ("pushover", "NotifyPushover"),
    "rockets": ("rocketchat", "NotifyRocketChat"),
    "signl4": ("signl4", "NotifySIGNL4"),
    "slack": ("slack", "NotifySlack"),
    "splunk": ("splunk", "NotifySplunk"),
    "squadcast": ("squadcast", "NotifySquadcast"),
    "tgram": ("telegram", "NotifyTelegram"),
    "webex": ("webexteams", "NotifyWebexTeams"),
    "workflows": ("workflows", "NotifyWorkflows"),
    "zulip": ("zulip", "NotifyZulip"),
}
"""Scheme → module and class in `apprise.plugins`. Each speaks HTTPS only; what is not here is not loaded at all."""
_LOCAL: Mapping[str, tuple[str, str]] = {"json": SERVICES["jsons"], "ntfy": SERVICES["ntfys"]}
"""Plain HTTP, for a demo's own machine."""
_OWN_HOST = frozenset(
    {"betterstack", "goalerts", "gotifys", "json", "jsons", "mmosts", "ntfy", "ntfys", "rockets", "workflows"}
)
"""The address names the host that is called; for the others the service's own is fixed."""
_STATUS = re.compile(r"error=(\d{3})\b")
"""How every plugin names the HTTP status of a refusal in its warning."""

NOT_ALLOWED = (
    "This is not a push service that Daytwo can page through. "
    "Copy the address as Apprise writes it, such as pagerduty://… or ntfys://…."
)
NOT_READ = "This address is not complete. Copy it whole, as Apprise writes it for this service."
ONE_TARGET = "This address names several targets. Give one, so that a page is sent once."
NOT_PUBLIC = "This address leads into a private network. Use a service that is reached over the internet."


class ApprisePush:
    """Sends by whatever service an Apprise address names. `local` allows this machine and plain HTTP, for a demo."""

    name = "apprise"

    def __init__(self, *, timeout_s: float, local: bool = False) -> None:
        self._timeout_s, self._local = timeout_s, local
        # Says whole addresses at its lowest level, and the path of one is often the secret.
        logging.getLogger("urllib3").setLevel(logging.WARNING)

    def send(self, to: str, title: str, body: str, *, reference: UUID) -> Attempt:
        """Hand over one message. Never raises for trouble at the service."""
        plugin, complaint = self._plugin(to)
        if plugin is None or complaint:
            return self._attempt(Outcome.REFUSED, "address")
        if not self._is_public(to, plugin):
            return self._attempt(Outcome.TRY_LATER, "host")  # it may be the resolver that is away
        with _warnings() as said:
            try:
                sent = plugin.notify(body=body, title=title, notify_type=_kind())
            except (OSError, TypeError, ValueError, LookupError) as error:
                return self._attempt(Outcome.UNKNOWN, type(error).__name__)
        return self._attempt(Outcome.ACCEPTED, "sent") if sent else self._sort(said)

    def fault(self, to: str) -> str | None:
        """Why that address cannot be used; None when it can."""
        plugin, complaint = self._plugin(to)
        if plugin is None or complaint:
            return complaint
        return None if self._is_public(to, plugin) else NOT_PUBLIC

    def _plugin(self, to: str) -> tuple[Any, str | None]:
        """What speaks to that service, held to one request to one target, certificates checked, no redirect."""
        service = {**SERVICES, **(_LOCAL if self._local else {})}.get(scheme(to))
        if service is None:
            return None, NOT_ALLOWED
        kind = _load(*service)
        read = kind.parse_url(to)
        if not read:
            return None, NOT_READ
        try:
            plugin = kind(**{**read, **self._limits(), "asset": _asset()})
        except (TypeError, ValueError):
            return None, NOT_READ
        return plugin, ONE_TARGET if len(plugin) > 1 else None

    def _limits(self) -> dict[str, Any]:
        seconds = {"cto": min(rest.CONNECT_S, self._timeout_s), "rto": self._timeout_s}
        return {"verify": True, "redirect": False, "retry": 0, "overflow": "truncate", **seconds}

    def _is_public(self, to: str, plugin: Any) -> bool:
        """Whether what is called stands outside: nobody may make Daytwo talk to the machines beside it."""
        host = getattr(plugin, "host", None)
        if self._local or scheme(to) not in _OWN_HOST or not host:
            return True
        try:
            found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            return False
        return all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_global for one in found)

    def _sort(self, said: list[str]) -> Attempt:
        """A failure without a status may have arrived: a service that hangs must not be sent to for ever."""
        statuses = [found[1] for found in map(_STATUS.search, said) if found]
        if not statuses:
            return self._attempt(Outcome.UNKNOWN, "no_answer")
        outcome = rest.outcome(rest.Answer(int(statuses[-1]), {}, b""))
        return self._attempt(Outcome.UNKNOWN if outcome is Outcome.ACCEPTED else outcome, statuses[-1])

    def _attempt(self, outcome: Outcome, detail: str) -> Attempt:
        return Attempt(outcome=outcome, provider=self.name, detail=detail[:40])


def scheme(to: str) -> str:
    """The service that an address names, as `pagerduty`."""
    return to.partition("://")[0].strip().lower()


def _load(module: str, name: str) -> Any:
    """The plugin's class. Loaded when somebody uses it: Apprise costs 0.2 s and knows 190 services, most unfit here."""
    return getattr(importlib.import_module(f"apprise.plugins.{module}"), name)


def _asset() -> Any:
    import apprise

    return apprise.AppriseAsset(
        app_id="Daytwo",
        app_desc="Daytwo",
        app_url="",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )


def _kind() -> Any:
    import apprise

    return apprise.NotifyType.FAILURE


class _Ear(logging.Handler):
    """Hears what Apprise warns of in this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What Apprise warns of in the block. It reaches no log of ours: an address is a secret."""
    logger, ear = logging.getLogger("apprise"), _Ear()
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logger.addHandler(ear)
    try:
        yield ear.said
    finally:
        logger.removeHandler(ear)
