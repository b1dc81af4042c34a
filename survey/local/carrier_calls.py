"""The calls of the demo's carrier: asks the clinic what to say, presses the keys it was told to, and tells the end."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import httpx

from survey.local.carrier_journal import UNANSWERED, Entry
from survey.local.carrier_speech import action, said
from survey.messaging import twilio_sms
from survey.settings import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody heard on one call, in order."""

    phone: str
    sentences: tuple[str, ...]


class Operator:
    """Leads every call in a thread of its own. Calls go to this machine only; a sender elsewhere is not a demo."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._calls: list[threading.Thread] = []

    def ring(self, entry: Entry, *, secret: str) -> None:
        """Ring one phone, soon. A call with words of its own asks nobody, and tells nobody."""
        if urlsplit(entry.url).hostname in LOOPBACK:
            call = threading.Thread(target=self._lead, args=(entry, secret), name="call", daemon=True)
            self._calls.append(call)
            call.start()

    def finish(self) -> None:
        """Wait until every call is over."""
        for call in self._calls:
            call.join(10)

    def _lead(self, entry: Entry, secret: str) -> None:
        name, _, keys = entry.mode.partition(":")
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            if name not in UNANSWERED:
                self.heard.append(Heard(phone=entry.to, sentences=tuple(_converse(client, entry, keys, secret=secret))))
            ended = name if name in UNANSWERED else "completed"
            _post(client, entry.callback, _form(entry, CallStatus=ended), secret=secret)


def _converse(client: httpx.Client, entry: Entry, keys: str, *, secret: str) -> list[str]:
    """What is heard while one key after another is pressed, as long as somebody asks for one."""
    twiml = _post(client, entry.url, _form(entry, CallStatus="in-progress"), secret=secret)
    heard = said(twiml)
    for key in keys if entry.mode.startswith("press") else "":
        address = action(twiml)
        if address is None:
            break
        twiml = _post(client, address, _form(entry, CallStatus="in-progress", Digits=key), secret=secret)
        heard += said(twiml)
    return heard


def _form(entry: Entry, **more: str) -> dict[str, str]:
    return {"CallSid": entry.sid, "To": entry.to, "From": entry.sender, **more}


def _post(client: httpx.Client, address: str, form: Mapping[str, str], *, secret: str) -> str:
    """The TwiML that came back; empty when nobody answered."""
    signed = twilio_sms.signature(secret, address, form.items())
    headers = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        answer = client.post(address, content=urlencode(form).encode(), headers=headers)
    except httpx.HTTPError:
        return ""
    return answer.text if answer.is_success else ""
