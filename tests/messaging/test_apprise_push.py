"""Pages through Apprise: one request to one target, sorted into our outcomes, and never to a machine beside us."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest

from survey.messaging import apprise_push
from survey.messaging.apprise_push import NOT_ALLOWED, NOT_PUBLIC, NOT_READ, ONE_TARGET, ApprisePush
from survey.messaging.outcomes import Attempt, Outcome


class Service(HTTPServer):
    """A push service of the clinic's own: journals each request, and answers with `status`."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.journal: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        """Any request at all, also one that a redirect would lead to."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.journal.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        """Silence."""


@contextmanager
def service(status: int = 200) -> Iterator[Service]:
    with Service(status) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(to: str, *, timeout_s: float = 0.4) -> Attempt:
    push = ApprisePush(timeout_s=timeout_s, local=True)
    return push.send(to, "Riverside: urgent alert 7", "Open https://x.example/a/1", reference=uuid4())


def address(server: Service) -> str:
    return f"json://127.0.0.1:{server.server_address[1]}/hook"


def test_a_page_arrives_with_its_title_its_text_and_its_link() -> None:
    with service() as server:
        attempt = send(address(server))

    (request,) = server.journal
    assert (attempt.outcome, attempt.provider) == (Outcome.ACCEPTED, "apprise")
    assert (request["title"], request["message"]) == ("Riverside: urgent alert 7", "Open https://x.example/a/1")
    assert request["type"] == "failure"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.REFUSED),
        (401, Outcome.TRY_LATER),
        (404, Outcome.TRY_LATER),
        (429, Outcome.TRY_LATER),
        (503, Outcome.TRY_LATER),
        (500, Outcome.UNKNOWN),
    ],
)
def test_each_answer_has_its_outcome(status: int, outcome: Outcome) -> None:
    with service(status) as server:
        attempt = send(address(server))

    assert (attempt.outcome, attempt.detail) == (outcome, str(status))
    assert len(server.journal) == 1


@pytest.mark.parametrize("status", [302, 307])
def test_no_redirect_is_followed(status: int) -> None:
    with service(status) as server:
        attempt = send(address(server))

    assert attempt.outcome is not Outcome.ACCEPTED
    assert len(server.journal) == 1


def test_what_an_address_asks_of_us_beside_its_target_is_not_done() -> None:
    """It may not have us ask again, wait for minutes, or look away from a certificate."""
    with service(500) as server:
        send(f"{address(server)}?retry=3&wait=0&redirect=yes&rto=600&overflow=split&verify=no")

    assert len(server.journal) == 1


def test_a_service_that_takes_the_connection_and_says_nothing_is_unknown() -> None:
    """Sent again and again it might page a hundred times: three are the most."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        attempt = send(f"json://127.0.0.1:{silent.getsockname()[1]}/x")

    assert (attempt.outcome, attempt.detail) == (Outcome.UNKNOWN, "no_answer")


def test_nothing_that_apprise_says_gets_into_our_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with service(500) as server:
        attempt = send(f"{address(server)}/topsecret")

    # pytest listens at the library's own logger as well; what counts is that nothing is passed on to ours.
    assert not logging.getLogger("apprise").propagate
    assert "topsecret" not in caplog.text
    assert "topsecret" not in repr(attempt)


@pytest.mark.parametrize(
    "to",
    [
        "pagerduty://integration@key",
        "opsgenie://0123456789abcdef-0123",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        "pover://uuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "ntfys://daytwo-ana",
        "workflows://1.1.1.1/workflow/signature",
        "jsons://1.1.1.1/hook",
    ],
)
def test_services_of_the_internet_are_taken(to: str) -> None:
    assert ApprisePush(timeout_s=1).fault(to) is None


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        ("file:///etc/passwd", NOT_ALLOWED),
        ("syslog://", NOT_ALLOWED),
        ("mailto://user:pass@example.org", NOT_ALLOWED),
        ("json://1.1.1.1/hook", NOT_ALLOWED),
        ("ntfy://1.1.1.1/topic", NOT_ALLOWED),
        ("https://example.org/hook", NOT_ALLOWED),
        ("call me", NOT_ALLOWED),
        ("pagerduty://", NOT_READ),
        ("slack://nonsense", NOT_READ),
        ("ntfys://one/two/three", ONE_TARGET),
        ("jsons://127.0.0.1/hook", NOT_PUBLIC),
        ("jsons://localhost/hook", NOT_PUBLIC),
        ("jsons://10.0.0.7/hook", NOT_PUBLIC),
        ("jsons://192.168.1.1/hook", NOT_PUBLIC),
        ("jsons://169.254.169.254/latest", NOT_PUBLIC),
        ("jsons://[::1]/hook", NOT_PUBLIC),
        ("gotifys://127.0.0.1/token", NOT_PUBLIC),
        ("jsons://service.invalid/hook", NOT_PUBLIC),
    ],
)
def test_what_is_no_push_service_outside_is_refused_in_words(to: str, complaint: str) -> None:
    assert ApprisePush(timeout_s=1).fault(to) == complaint


def test_a_host_that_has_moved_into_the_private_network_since_is_not_called() -> None:
    with service() as server:
        push = ApprisePush(timeout_s=0.4)
        attempt = push.send(f"jsons://127.0.0.1:{server.server_address[1]}/x", "t", "b", reference=uuid4())

    assert (attempt.outcome, attempt.detail) == (Outcome.TRY_LATER, "host")
    assert server.journal == []


@pytest.mark.parametrize("scheme", sorted(apprise_push.SERVICES))
def test_every_service_that_is_allowed_exists_and_speaks_https_only_by_that_name(scheme: str) -> None:
    kind = apprise_push._load(*apprise_push.SERVICES[scheme])

    secure = (kind.secure_protocol,) if isinstance(kind.secure_protocol, str) else kind.secure_protocol
    assert scheme in secure
    named = any("{host}" in template for template in kind.templates)
    assert named == (scheme in apprise_push._OWN_HOST)


def test_a_refused_connection_counts_as_unknown() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as closed:
        port = closed.getsockname()[1]

    assert send(f"json://127.0.0.1:{port}/x").outcome is Outcome.UNKNOWN
