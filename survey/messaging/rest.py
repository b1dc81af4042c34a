"""What the REST adapters share: a client that trusts no proxy, and reading answers without believing them."""

import ssl
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx

from survey.messaging.outcomes import Outcome

CONNECT_S = 2.0
MOST_BYTES = 1024 * 1024
# Ours to mend, not the message's fault: credentials, the account's path, or a server that did not read the request.
OUR_FAULT = frozenset({401, 402, 403, 404, 405, 407, 408, 425})
BUSY = frozenset({429, 503})
UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Raised before a byte of the request has left."""


def client(*, timeout_s: float, auth: tuple[str, str] | None = None, bearer: str | None = None) -> httpx.Client:
    """Connections to one provider, which threads share."""
    return httpx.Client(
        auth=auth,
        headers={"Authorization": f"Bearer {bearer}"} if bearer else None,
        timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=20),
        follow_redirects=False,
        verify=_tls(),
        # A proxy in the environment must not read what patients are sent.
        trust_env=False,
    )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The usual certificate checks; reading the authorities takes a tenth of a second, so it is done once."""
    return httpx.create_ssl_context(trust_env=False)


def outcome_of(error: httpx.HTTPError) -> Outcome:
    """What a request that got no answer came to."""
    return Outcome.TRY_LATER if isinstance(error, UNREACHED) else Outcome.UNKNOWN


def outcome(response: httpx.Response) -> Outcome:
    """What an answer means, by its status alone."""
    status = response.status_code
    if status in BUSY or status in OUR_FAULT or 300 <= status < 400:
        return Outcome.TRY_LATER
    if 400 <= status < 500:
        return Outcome.REFUSED
    return Outcome.ACCEPTED if response.is_success else Outcome.UNKNOWN


def told(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in the answer; empty when there is none."""
    if len(response.content) > MOST_BYTES:
        return {}
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def retry_after_s(response: httpx.Response) -> int | None:
    """How long a busy provider asks us to wait, whether it says so in seconds or as a date."""
    asked = response.headers.get("Retry-After", "")
    if response.status_code not in BUSY or not asked:
        return None
    if asked.isascii() and asked.isdigit():
        return int(asked) if len(asked) < 7 else None
    try:
        left = parsedate_to_datetime(asked) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0, int(left.total_seconds()))
