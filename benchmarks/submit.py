"""One answer by POST: our handler and a bare one, under the same gunicorn settings, in turn."""

import io
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import httpx

from benchmarks import load
from benchmarks.figures import Figure, percentile
from benchmarks.world import FIRST_ANSWERS, World, people, plain, settle
from survey.local import ports, runner
from survey.local.runner import Process
from survey.settings import ROOT

PATIENTS, CLIENTS = 250, 8
"""So many that each taps about as often as in one survey: a form's cookie is new once, and then comes back."""
PATIENCE_S = 30.0
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

Requests = Callable[[int], list[str]]
"""Round → the requests of that round, each of which changes its patient's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it answers, and how to ask it."""

    port: int
    requests: Requests


def measure(world: World, *, seconds: float) -> list[Figure]:
    """Alone and with eight clients, ours and bare in turn; half the time for each."""
    tokens, bare_tokens = (people(world, PATIENTS, answers=FIRST_ANSWERS) for _ in range(2))
    with _running(world) as (our_port, bare_port):
        ours = Server(port=our_port, requests=_ours(our_port, tokens))
        bare = Server(port=bare_port, requests=_bare(bare_port, bare_tokens))
        alone = _in_turn(world, ours, bare, clients=1, seconds=seconds / 2)
        crowd = _in_turn(world, ours, bare, clients=CLIENTS, seconds=seconds / 2)
    return [*_alone(*alone), *_crowd(*crowd)]


def _alone(ours: Sequence[load.Answers], bare: Sequence[load.Answers]) -> list[Figure]:
    our, their = ([1000 * each for answers in some for each in answers.times] for some in (ours, bare))
    return [
        Figure(name="answer POST, one client, p50", value=percentile(our, 0.5), unit="ms", budget=6),
        Figure(name="answer POST, one client, p99", value=percentile(our, 0.99), unit="ms", budget=15),
        Figure(name="  bare handler, one client, p50", value=percentile(their, 0.5), unit="ms"),
        Figure(name="  bare handler, one client, p99", value=percentile(their, 0.99), unit="ms"),
    ]


def _crowd(ours: Sequence[load.Answers], bare: Sequence[load.Answers]) -> list[Figure]:
    share = median(100 * our.rate / their.rate for our, their in zip(ours, bare, strict=True))
    rate = median(one.rate for one in ours)
    bare_rate = median(one.rate for one in bare)
    return [
        Figure(name=f"answer POST, {CLIENTS} clients", value=rate, unit="/s", budget=250, at_least=True),
        Figure(name=f"  bare handler, {CLIENTS} clients", value=bare_rate, unit="/s"),
        Figure(name="  ours of bare", value=share, unit="%", budget=70, at_least=True),
    ]


def _in_turn(
    world: World, ours: Server, bare: Server, *, clients: int, seconds: float
) -> tuple[list[load.Answers], list[load.Answers]]:
    rounds = 4
    found: tuple[list[load.Answers], list[load.Answers]] = ([], [])
    for number in range(2 * rounds):
        server = (ours, bare)[number % 2]
        settle(world)
        requests = server.requests(number // 2)
        share = seconds / (2 * rounds)
        found[number % 2].append(load.run(server.port, requests, clients=clients, seconds=share, expect=303))
    return found


@contextmanager
def _running(world: World) -> Iterator[tuple[int, int]]:
    """Both servers, warm; their ports."""
    our_port = ports.next_free(8100)
    bare_port = ports.next_free(our_port + 1)
    with _serving(world, our_port, [sys.executable, "-m", "survey.cli", "web"], path="/ready"):
        gunicorn = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "config/gunicorn.conf.py")]
        with _serving(world, bare_port, [*gunicorn, "benchmarks.bare:app"], path="/nowhere"):
            yield our_port, bare_port


@contextmanager
def _serving(world: World, port: int, command: list[str], *, path: str) -> Iterator[None]:
    environ = {
        **world.environ,
        "BENCH_DATABASE_URL": plain(world.environ["DATABASE_URL"]),
        "WEB_BIND": f"127.0.0.1:{port}",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "WARNING",
    }
    output = io.StringIO()
    with runner.background([Process(name="web", command=command)], environ=environ, out=output):
        _wait(f"http://127.0.0.1:{port}{path}", output)
        yield


def _wait(url: str, output: io.StringIO) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).status_code < 500:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{output.getvalue()}")


def _value(round_number: int, patient: int) -> int:
    """Another one in each round, and in each turn within it."""
    return 1 + (2 * round_number + patient) % 6


def _ours(port: int, tokens: Sequence[str]) -> Requests:
    forms = {session: _form(port, session) for session in tokens}

    def requests(number: int) -> list[str]:
        return [
            _post(
                port,
                "/check-in/questions/sore",
                cookies=f"daytwo-patient={session}; {forms[session][0]}",
                body=f"csrf_token={forms[session][1]}&answer={_value(number, turn)}",
            )
            for turn in range(2)
            for session in tokens
        ]

    return requests


def _form(port: int, session: str) -> tuple[str, str]:
    """The form's cookie and token, as a browser gets them with the page."""
    page = httpx.get(
        f"http://127.0.0.1:{port}/check-in/questions/sore", cookies={"daytwo-patient": session}, trust_env=False
    )
    found = TOKEN.search(page.text)
    if found is None:
        raise RuntimeError(f"no form on the question's page (status {page.status_code})")
    return "; ".join(f"{name}={value}" for name, value in page.cookies.items()), found[1]


def _bare(port: int, tokens: Sequence[str]) -> Requests:
    def requests(number: int) -> list[str]:
        return [
            _post(port, "/answer/sore", cookies=f"token={session}", body=f"answer={_value(number, turn)}")
            for turn in range(2)
            for session in tokens
        ]

    return requests


def _post(port: int, path: str, *, cookies: str, body: str) -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
        f"Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nUser-Agent: bench\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n{body}"
    )
