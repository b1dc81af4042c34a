"""What the REST adapters share: a client that trusts no proxy, and reading answers without believing them."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from survey.messaging.outcomes import Outcome

CONNECT_S = 2.0
KEPT = 32
"""Connections that stay open for the next text: one for each thread that sends, and some for pages."""
MOST_BYTES = 1024 * 1024
# Ours to mend, not the message's fault: credentials, the account's path, or a server that did not read the request.
OUR_FAULT = frozenset({401, 402, 403, 404, 405, 407, 408, 425})
BUSY = frozenset({429, 503})
UNREACHED = (NewConnectionError, ConnectTimeoutError)
"""Raised before a byte of the request has left."""


class Unanswered(Exception):
    """A request got no answer. `detail` is a code."""

    def __init__(self, error: HTTPError) -> None:
        self.outcome = Outcome.TRY_LATER if isinstance(error, UNREACHED) else Outcome.UNKNOWN
        self.detail = type(error).__name__
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class _Encrypted(HTTPSConnection):
    """Says of a handshake that fails, for whatever reason, that the provider was not reached."""

    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NewConnectionError(self, type(error).__name__) from None


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class Client:
    """Connections to one provider, which threads share. It follows no redirect and asks nothing twice."""

    def __init__(
        self,
        *,
        timeout_s: float,
        auth: tuple[str, str] | None = None,
        bearer: str | None = None,
        host: str | None = None,
    ) -> None:
        basic = urllib3.make_headers(basic_auth=":".join(auth)) if auth else {}
        # No ProxyManager: a proxy in the environment must not read what patients are sent.
        self._pools = urllib3.PoolManager(
            maxsize=KEPT,
            retries=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_S, timeout_s), read=timeout_s),
            headers={
                **basic,
                **({"Authorization": f"Bearer {bearer}"} if bearer else {}),
                **({"Host": host} if host else {}),
            },
            ssl_context=tls(),
        )
        self._pools.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _EncryptedPool}

    def post_form(self, url: str, form: Mapping[str, str]) -> Answer:
        """Send a form. Raises Unanswered."""
        return self._ask("POST", url, urlencode(form).encode(), "application/x-www-form-urlencoded")

    def post_json(self, url: str, told: Mapping[str, object]) -> Answer:
        """Send a JSON object. Raises Unanswered."""
        return self._ask("POST", url, json.dumps(told).encode(), "application/json")

    def get(self, url: str, wanted: Mapping[str, str]) -> Answer:
        """Ask with a query. Raises Unanswered."""
        return self._ask("GET", f"{url}?{urlencode(wanted)}")

    def close(self) -> None:
        """Hang up the connections that are kept open."""
        self._pools.clear()

    def _ask(self, method: str, url: str, body: bytes | None = None, kind: str | None = None) -> Answer:
        headers = {**self._pools.headers, **({"Content-Type": kind} if kind else {})}
        try:
            response = self._pools.request(method, url, body=body, headers=headers, redirect=False)
        except HTTPError as error:
            raise Unanswered(error) from None
        return Answer(response.status, response.headers, response.data)


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """The usual certificate checks; reading the authorities takes a tenth of a second, so it is done once."""
    return ssl.create_default_context()


def outcome(answer: Answer) -> Outcome:
    """What an answer means, by its status alone."""
    status = answer.status
    if status in BUSY or status in OUR_FAULT or 300 <= status < 400:
        return Outcome.TRY_LATER
    if 400 <= status < 500:
        return Outcome.REFUSED
    return Outcome.ACCEPTED if answer.is_success else Outcome.UNKNOWN


def told(answer: Answer) -> dict[str, Any]:
    """The JSON object in the answer; empty when there is none."""
    if len(answer.body) > MOST_BYTES:
        return {}
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def retry_after_s(answer: Answer) -> int | None:
    """How long a busy provider asks us to wait, whether it says so in seconds or as a date."""
    asked = answer.headers.get("Retry-After", "")
    if answer.status not in BUSY or not asked:
        return None
    if asked.isascii() and asked.isdigit():
        return int(asked) if len(asked) < 7 else None
    try:
        left = parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0, int(left.total_seconds()))
