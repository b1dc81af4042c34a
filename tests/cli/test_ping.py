"""The question that a container's health check asks."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from survey import clock
from survey.domain.queues import Queue
from survey.services import engine, health
from tests.conftest import Database


def ping(database: Database, redis_url: str, role: str, *, port: int = 1) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "x" * 32,
        "PUBLIC_URL": "https://checkin.example.org",
        "WEB_BIND": f"127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "survey.cli", "ping", role]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


class Web(BaseHTTPRequestHandler):
    """Says whether it is ready, to whoever names the right host."""

    status = 200

    def do_GET(self) -> None:
        ours = self.headers["Host"] == "checkin.example.org" and self.path == "/ready"
        self.send_response(self.status if ours else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        pass


@pytest.fixture
def web() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), type("OneWeb", (Web,), {})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_web_process_that_is_ready_is_well(database: Database, redis_url: str, web: HTTPServer):
    done = ping(database, redis_url, "web", port=web.server_port)

    assert (done.returncode, done.stdout) == (0, "web: well.\n")


def test_a_web_process_without_its_database_is_not_well(database: Database, redis_url: str, web: HTTPServer):
    web.RequestHandlerClass.status = 503  # type: ignore[attr-defined]

    done = ping(database, redis_url, "web", port=web.server_port)

    assert done.returncode == 1
    assert "cannot reach a migrated database" in done.stderr


def test_no_web_process_is_not_well(database: Database, redis_url: str):
    done = ping(database, redis_url, "web")

    assert done.returncode == 1
    assert "No web process answers on port 1" in done.stderr


def test_a_queue_that_was_never_served_is_not_well(database: Database, redis_url: str):
    done = ping(database, redis_url, Queue.PAGING)

    assert done.returncode == 1
    assert "Not heard of lately: paging" in done.stderr


def test_a_queue_that_is_served_is_well_and_one_left_for_too_long_is_not(database: Database, redis_url: str):
    now = clock.now()
    engine.beat("worker:paging", now=now)
    engine.beat("worker:scoring", now=now - health.WORKER_SILENT)

    assert ping(database, redis_url, Queue.PAGING).returncode == 0
    assert ping(database, redis_url, Queue.SCORING).returncode == 1


def test_a_sentinel_that_was_heard_of_is_well(database: Database, redis_url: str):
    engine.beat(engine.SENTINEL, now=clock.now())

    assert ping(database, redis_url, "sentinel").returncode == 0
