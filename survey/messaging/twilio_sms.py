"""Texts by Twilio's REST API: one POST, its answer sorted into our four outcomes, and its receipts' signature."""

import base64
import hashlib
import hmac
import ssl
from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import httpx

from survey.messaging.outcomes import VALID_FOR, Attempt, Outcome

CONNECT_S = 2.0
MOST_BYTES = 64 * 1024
LONGEST_VALIDITY_S = 14_400
# Ours to mend, not the message's fault: credentials, the account's path, or a server that did not read the request.
_OUR_FAULT = {401, 403, 404, 405, 407, 408, 425}
_BUSY = {429, 503}
_FAILED_AT_ONCE = {"failed", "undelivered", "canceled"}


class TwilioSms:
    """One account and one sender (an E.164 number, or the MG… id of a messaging service)."""

    name = "twilio"

    def __init__(
        self, *, base_url: str, account_sid: str, auth_token: str, sender: str, receipts_url: str, timeout_s: float
    ) -> None:
        self.auth_token = auth_token
        self._path = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._sender = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self._receipts_url = receipts_url
        # trust_env off: a proxy in the environment must not read what patients are sent.
        self._client = httpx.Client(
            auth=(account_sid, auth_token),
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=20),
            follow_redirects=False,
            verify=_tls(),
            trust_env=False,
        )

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Hand over one text. Never raises for trouble at the provider."""
        form = {
            "To": to,
            "Body": body,
            "StatusCallback": f"{self._receipts_url}/{reference}",
            "ValidityPeriod": str(min(LONGEST_VALIDITY_S, max(1, int(valid_for.total_seconds())))),
            **self._sender,
        }
        try:
            response = self._client.post(self._path, data=form)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return self._attempt(Outcome.TRY_LATER, detail=type(error).__name__)
        except httpx.HTTPError as error:
            return self._attempt(Outcome.UNKNOWN, detail=type(error).__name__)
        return self._sort(response)

    def close(self) -> None:
        """Hang up the connections that are kept open for the next text."""
        self._client.close()

    def _sort(self, response: httpx.Response) -> Attempt:
        status, told = response.status_code, _told(response)
        code = str(told.get("code") or told.get("error_code") or status)
        if status in _BUSY:
            return self._attempt(Outcome.TRY_LATER, detail=code, retry_after_s=_seconds(response))
        if status in _OUR_FAULT or 300 <= status < 400:
            return self._attempt(Outcome.TRY_LATER, detail=code)
        if 400 <= status < 500 or (response.is_success and told.get("status") in _FAILED_AT_ONCE):
            return self._attempt(Outcome.REFUSED, detail=code)
        if response.is_success:
            sid = told.get("sid")
            return self._attempt(
                Outcome.ACCEPTED, detail=str(status), provider_ref=sid if isinstance(sid, str) else None
            )
        return self._attempt(Outcome.UNKNOWN, detail=code)

    def _attempt(
        self, outcome: Outcome, *, detail: str, provider_ref: str | None = None, retry_after_s: int | None = None
    ) -> Attempt:
        return Attempt(
            outcome=outcome,
            provider=self.name,
            provider_ref=provider_ref,
            detail=detail[:40],
            retry_after_s=retry_after_s,
        )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The usual certificate checks; reading the authorities takes a tenth of a second, so it is done once."""
    return httpx.create_ssl_context(trust_env=False)


def _told(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in the answer; empty when there is none."""
    if len(response.content) > MOST_BYTES:
        return {}
    try:
        told = response.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _seconds(response: httpx.Response) -> int | None:
    asked = response.headers.get("Retry-After", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else None


def signature(auth_token: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """What stands in X-Twilio-Signature: HMAC-SHA1 over the URL and the form's names and values, sorted.

    Source: Twilio's "Validating requests". SHA-1 is Twilio's choice; as a keyed hash it still holds.
    """
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def is_signed(auth_token: str, url: str, form: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether Twilio signed that request; compared in constant time."""
    return hmac.compare_digest(signature(auth_token, url, form).encode(), given.encode())


_RECEIPTS = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


def delivery(status: str) -> str | None:
    """Our word for a receipt's MessageStatus; None for one that Twilio does not have."""
    return _RECEIPTS.get(status)
