"""Calendars as the tools of clinics write them, and a web server that hands one out and journals who asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OUTLOOK = """BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-WR-CALNAME:Pain clinic nights
BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
CLASS:PUBLIC
UID:040000008200E00074C5B7101A82E008
SUMMARY;LANGUAGE=en-us:Ana Reyes
DTSTART;TZID="Eastern Standard Time":20260302T190000
DTEND;TZID="Eastern Standard Time":20260303T070000
RRULE:FREQ=DAILY
EXDATE;TZID="Eastern Standard Time":20260305T190000
X-MICROSOFT-CDO-BUSYSTATUS:FREE
END:VEVENT
BEGIN:VEVENT
UID:040000008200E00074C5B7101A82E008
RECURRENCE-ID;TZID="Eastern Standard Time":20260306T190000
SUMMARY;LANGUAGE=en-us:Ben Okafor
DTSTART;TZID="Eastern Standard Time":20260306T200000
DTEND;TZID="Eastern Standard Time":20260307T070000
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")

GOOGLE = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:On call
X-WR-TIMEZONE:America/New_York
BEGIN:VEVENT
DTSTART:20260307T000000Z
DTEND:20260307T120000Z
DTSTAMP:20260301T101500Z
UID:4c0k6d1i@google.com
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=ana@ex
 ample.org;X-NUM-GUESTS=0:mailto:ana@example.org
SUMMARY:On call: Ana Reyes
STATUS:CONFIRMED
TRANSP:OPAQUE
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260307
DTEND;VALUE=DATE:20260309
DTSTAMP:20260301T101500Z
UID:7q2l0e9r@google.com
SUMMARY:Ben Okafor
STATUS:CONFIRMED
TRANSP:TRANSPARENT
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def event(*lines: str, uid: str = "a") -> str:
    """One event of these lines."""
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"))


def calendar(*events: str) -> str:
    """A calendar of these events."""
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Rota//EN", *events, "END:VCALENDAR", ""))


@dataclass
class Server:
    """Hands out `body`; `paths` are what was asked for, in order."""

    url: str = ""
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)

    def says(self, *events: str) -> None:
        """From now on the calendar has these events."""
        self.status, self.body = 200, calendar(*events).encode()


@contextmanager
def serving() -> Iterator[Server]:
    """A calendar's server on this machine."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.paths.append(self.path)
            state.told.append(dict(self.headers))
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/rota.ics?key=s3cret"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
