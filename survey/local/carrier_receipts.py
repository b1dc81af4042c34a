"""Tells the sender what became of each text on the demo's phones, signed as Twilio signs."""

import base64
import threading
from queue import Empty, Queue
from urllib.parse import urlsplit

import httpx

from survey.local.carrier_journal import Entry
from survey.messaging.twilio_sms import signature
from survey.settings import LOOPBACK

IDLE_S = 5.0
_STATUSES = ("sent", "delivered")


class Postman:
    """Carries receipts one after the other, in a thread that ends when there is nothing to carry."""

    def __init__(self) -> None:
        self._waiting: Queue[tuple[Entry, str]] = Queue(maxsize=10_000)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def deliver(self, entry: Entry, *, authorization: str) -> None:
        """Tell of one text, soon. Receipts go to this machine only; a sender elsewhere is not a demo."""
        if urlsplit(entry.callback).hostname not in LOOPBACK:
            return
        self._waiting.put((entry, _password(authorization)))
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
                for status in _STATUSES:
                    _tell(client, entry, status, secret=secret)
                self._waiting.task_done()


def _tell(client: httpx.Client, entry: Entry, status: str, *, secret: str) -> None:
    form = {"MessageSid": entry.sid, "MessageStatus": status, "To": entry.to, "From": entry.sender}
    signed = signature(secret, entry.callback, form.items())
    try:
        client.post(entry.callback, data=form, headers={"X-Twilio-Signature": signed})
    except httpx.HTTPError:
        return  # a lost receipt is part of life; the sender must stand it


def _password(authorization: str) -> str:
    """The secret in a Basic Authorization header, which is also what receipts are signed with."""
    try:
        return base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")[2]
    except ValueError:
        return ""
