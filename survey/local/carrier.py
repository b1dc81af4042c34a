"""The demo's and the tests' own carrier: speaks as much as we use of Twilio's and Sinch's REST, and journals it all."""

import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from uuid import uuid4

from survey import clock
from survey.local import carrier_calls, carrier_pages, carrier_receipts, carrier_speech
from survey.local.carrier_journal import QUESTION, UNANSWERED, Entry, Journal, Script, Typed
from survey.messaging.registry import DEMO_TOKEN

MOST_BODY = 64 * 1024
HANG_S = 60.0
_PHONE = re.compile(r"^/phones/(\+[0-9]{6,16})(/reply)?$")
_SIDS = {"twilio": "SM", "twilio_voice": "CA", "sinch": "01"}
_TYPES = {"json": "application/json", "html": "text/html; charset=utf-8"}


class Carrier(ThreadingHTTPServer):
    """One carrier on a port of this machine (0 takes a free one). `url` is what TWILIO_BASE_URL is set to.

    With `receipts`, it tells the sender of each delivery, signed as the real ones sign. `secret` is what it signs
    with: the one that the latest request to send was made with.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int = 0, folder: Path | None = None, *, host: str = "127.0.0.1", receipts: bool = False
    ) -> None:
        self.folder = folder
        self.journal = Journal(folder / "carrier.jsonl" if folder else None)
        self.script = Script()
        self.typed: list[Typed] = []
        self.now = clock.now  # a test's carrier lives at the test's time
        self.secret = DEMO_TOKEN
        self.stopping = threading.Event()
        self.postman = carrier_receipts.Postman() if receipts else None
        self.operator = carrier_calls.Operator() if receipts else None
        super().__init__((host, port), _Handler)
        self.url = f"http://{host}:{self.server_address[1]}"

    def close(self) -> None:
        """Stop answering; a hanging request is let go."""
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hung up is part of the game."""


@contextlib.contextmanager
def running(folder: Path | None = None, *, receipts: bool = False) -> Iterator[Carrier]:
    """A carrier in a thread of this process while the block lasts."""
    carrier = Carrier(0, folder, receipts=receipts)
    thread = threading.Thread(target=carrier.serve_forever, kwargs={"poll_interval": 0.05}, name="carrier", daemon=True)
    thread.start()
    try:
        yield carrier
    finally:
        carrier.close()
        thread.join(5)


def serve(port: int, folder: Path, *, host: str = "127.0.0.1") -> None:
    """Be the carrier until the process is ended. What phones received stands in `folder` and outlives a restart."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt), Carrier(port, folder, host=host, receipts=True) as carrier:
        carrier.serve_forever(poll_interval=0.2)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 75
    server: Carrier

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        """Numbers and links have no business in a log, not even invented ones."""

    def parse_request(self) -> bool:
        """Note when the request came: reading it is the carrier's own time, not the sender's."""
        self.came_at = self.server.now()
        return super().parse_request()

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        phone = _PHONE.match(unquote(address.path))
        if address.path == "/":
            self._page(carrier_pages.phones(self.server.journal.entries(), self._labels()))
        elif phone:
            self._page(self._phone(phone[1], replying=bool(phone[2])))
        elif address.path == "/journal.json":
            since = parse_qs(address.query).get("since", ["0"])[0]
            entries = self.server.journal.entries()[int(since) if since.isdigit() else 0 :]
            self._json(200, {"entries": [entry.plain() for entry in entries]})
        else:
            self._tell(address.path, dict(parse_qsl(address.query)))

    def _phone(self, number: str, *, replying: bool) -> str:
        if replying:
            return carrier_pages.reply(number, self._labels())
        entries, typed = self.server.journal.entries(), self.server.typed
        return carrier_pages.thread(number, entries, self._labels(), typed=typed, now=clock.now())

    def _tell(self, path: str, query: dict[str, str]) -> None:
        """Answer a question about texts that were taken."""
        answer = carrier_speech.found(path, query, self.server.journal.entries())
        if answer is None:
            self._json(404, {"code": 20404, "message": "Nothing here."})
            return
        mode = self.server.script.next(QUESTION)
        if mode in ("hang", "reset_after_body", "reset_unsent"):
            self._break_off(mode)
        elif mode.isdigit() and mode != "200":
            self._json(int(mode), {"code": int(mode)})
        else:
            self._json(*answer)

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST_BODY))
        spoken = carrier_speech.speaks(self.path)
        phone = _PHONE.match(unquote(self.path))
        if self.path == "/script":
            self._learn(body)
        elif spoken:
            self._take(spoken, body)
        elif phone and phone[2]:
            self._reply(phone[1], dict(parse_qsl(body.decode("utf-8", "replace"))).get("body", "").strip())
        else:
            self._json(404, {"code": 20404, "message": "Nothing here."})

    def _reply(self, number: str, body: str) -> None:
        """Pass on what was typed on a phone, to whoever texted it last."""
        latest = next((one for one in reversed(self.server.journal.entries()) if one.to == number), None)
        if body and latest is not None:
            told = carrier_receipts.pass_on(latest, body, secret=self.server.secret)
            at = clock.now().isoformat()
            self.server.typed.append(Typed(at=at, phone=number, body=body, told=told))
        self._send(303, b"", "html", {"Location": f"/phones/{number}"})

    def _learn(self, body: bytes) -> None:
        try:
            wanted = json.loads(body)
            self.server.script.add(str(wanted["to"]), str(wanted["mode"]), times=wanted.get("times", 1))
        except (ValueError, KeyError, TypeError):
            self._json(400, {"message": 'Send {"to": "+1…" or "*", "mode": "…", "times": 1}.'})
            return
        self._json(200, {"ok": True})

    def _take(self, carrier: str, body: bytes) -> None:
        """Journal the request first, then answer as the script wants it."""
        wanted = carrier_speech.wanted(carrier, body)
        authorization = self.headers.get("Authorization") or ""
        mode = self.server.script.next(wanted["to"]) if authorization else "401"
        sid = f"{_SIDS[carrier]}{uuid4().hex}"
        entry = Entry(at=self.came_at.isoformat(), mode=mode, sid=sid, carrier=carrier, **wanted)
        self.server.journal.add(entry)
        self.server.secret = carrier_receipts.secret_of(authorization) or self.server.secret
        if entry.arrived or entry.fails_later:
            self._tell_of(entry)
        self._answer(entry)

    def _tell_of(self, entry: Entry) -> None:
        """A text's receipts, or the call itself."""
        if entry.carrier == "twilio_voice" and self.server.operator:
            self.server.operator.ring(entry, secret=self.server.secret)
        elif self.server.postman:
            self.server.postman.deliver(entry, secret=self.server.secret)

    def _answer(self, entry: Entry) -> None:
        mode, _, number = entry.mode.partition(":")
        if mode in ("hang", "reset_after_body", "reset_unsent"):
            self._break_off(mode)
        elif mode in {"200", "slow", "failed", "undelivered", "press"} | UNANSWERED:
            self.server.stopping.wait(int(number or 0) / 1000 if mode == "slow" else 0)
            self._json(*carrier_speech.taken(entry))
        else:
            self._refuse(entry.carrier, int(mode), number)

    def _refuse(self, carrier: str, status: int, code: str) -> None:
        headers = {"Retry-After": code or "120"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        code = "" if status == HTTPStatus.TOO_MANY_REQUESTS else code
        status, told = carrier_speech.refused(carrier, status, code)
        self._json(status, told, headers=headers)

    def _break_off(self, mode: str) -> None:
        if mode == "hang":
            self.server.stopping.wait(HANG_S)
        self._hang_up()

    def _hang_up(self) -> None:
        """End the connection with a reset: the sender cannot know whether the text went out."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _labels(self) -> dict[str, str]:
        """Whose phone is whose, from `phones.json` in the folder, if the demo has written one."""
        path = self.server.folder / "phones.json" if self.server.folder else None
        if path is None or not path.is_file():
            return {}
        return {str(number): str(name) for number, name in json.loads(path.read_text(encoding="utf-8")).items()}

    def _page(self, page: str) -> None:
        self._send(200, page.encode(), "html", {"Content-Security-Policy": carrier_pages.POLICY})

    def _json(self, status: int, content: dict[str, Any], *, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(content).encode(), "json", headers or {})

    def _send(self, status: int, content: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": _TYPES[kind], "Cache-Control": "no-store", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
