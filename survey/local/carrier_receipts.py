"""Tells the clinic what became of each text on the demo's phones, and what is typed there, signed as it really is."""

import base64
import json
import threading
from collections.abc import Mapping
from queue import Empty, Queue
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import httpx

from survey import clock
from survey.local.carrier_journal import Entry
from survey.local.carrier_speech import sinch_status
from survey.messaging import sinch_sms, twilio_sms
from survey.settings import LOOPBACK

IDLE_S = 5.0


class Postman:
    """Carries receipts one after the other, in a thread that ends when there is nothing to carry."""

    def __init__(self) -> None:
        self._waiting: Queue[tuple[Entry, str]] = Queue(maxsize=10_000)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def deliver(self, entry: Entry, *, secret: str) -> None:
        """Tell of one text, soon. Receipts go to this machine only; a sender elsewhere is not a demo."""
        if urlsplit(entry.callback).hostname not in LOOPBACK:
            return
        self._waiting.put((entry, secret))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._carry, name="receipts", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait until everything taken so far is told."""
        self._waiting.join()

    def _carry(self) -> None:
        with httpx.Client(timeout=2.0, trust_env=False) as client:
            while True:
                try:
                    entry, secret = self._waiting.get(timeout=IDLE_S)
                except Empty:
                    with self._lock:
                        if self._waiting.empty():
                            self._thread = None
                            return
                    continue
                status, code = entry.ending
                for one in ("sent", status):
                    _tell(client, entry, one, code if one == status else "", secret=secret)
                self._waiting.task_done()


def _tell(client: httpx.Client, entry: Entry, status: str, code: str, *, secret: str) -> None:
    if entry.carrier == "sinch":
        told = {
            "type": "recipient_delivery_report_sms",
            "batch_id": entry.sid,
            "recipient": entry.to,
            "status": sinch_status(status),
            "code": int(code or 0),
            "client_reference": entry.own,
            "at": clock.now().isoformat(),
        }
        _post_json(client, entry.callback, told, secret=secret)
        return
    error = {"ErrorCode": code} if code else {}
    form = {"MessageSid": entry.sid, "MessageStatus": status, "To": entry.to, "From": entry.sender, **error}
    _post_form(client, entry.callback, form, secret=secret)


def pass_on(latest: Entry, body: str, *, secret: str) -> bool:
    """Tell whoever sent `latest` what its receiver typed; whether that was taken. This machine only, as receipts."""
    clinic = urlsplit(latest.callback)
    if clinic.hostname not in LOOPBACK:
        return False
    address = f"{clinic.scheme}://{clinic.netloc}/inbound/{'sinch' if latest.carrier == 'sinch' else 'sms'}"
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        if latest.carrier == "sinch":
            told = {"type": "mo_text", "id": uuid4().hex, "from": latest.to.lstrip("+"), "to": latest.sender}
            return _post_json(
                client, address, {**told, "body": body, "received_at": clock.now().isoformat()}, secret=secret
            )
        form = {"MessageSid": f"SM{uuid4().hex}", "From": latest.to, "To": latest.sender, "Body": body}
        return _post_form(client, address, form, secret=secret)


def _post_form(client: httpx.Client, address: str, form: Mapping[str, str], *, secret: str) -> bool:
    signed = twilio_sms.signature(secret, address, form.items())
    headers = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded"}
    return _post(client, address, urlencode(form).encode(), headers)


def _post_json(client: httpx.Client, address: str, told: Mapping[str, object], *, secret: str) -> bool:
    body, nonce, at = json.dumps(told).encode(), uuid4().hex, str(int(clock.now().timestamp()))
    mark = "x-sinch-webhook-signature"
    headers = {
        mark: sinch_sms.signature(secret, body, nonce=nonce, timestamp=at),
        f"{mark}-nonce": nonce,
        f"{mark}-timestamp": at,
        f"{mark}-algorithm": "HmacSHA256",
        "Content-Type": "application/json",
    }
    return _post(client, address, body, headers)


def _post(client: httpx.Client, address: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether it was taken. A receipt that is lost is part of life; the clinic must stand it."""
    try:
        return client.post(address, content=body, headers=dict(headers)).is_success
    except httpx.HTTPError:
        return False


def secret_of(authorization: str) -> str:
    """The secret in an Authorization header, Basic or Bearer, which is also what this carrier signs with."""
    kind, _, given = authorization.partition(" ")
    if kind == "Bearer":
        return given
    try:
        return base64.b64decode(given).decode().partition(":")[2]
    except ValueError:
        return ""
