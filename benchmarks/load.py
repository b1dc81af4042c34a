"""A load generator in a process of its own: sends prepared requests over kept connections, and times each answer.

Reads a plan as JSON on standard input, and writes the times as JSON on standard output.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, islice


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came back: seconds for each request, over `seconds` of wall time."""

    times: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds


def run(port: int, requests: Sequence[str], *, clients: int, seconds: float, expect: int) -> Answers:
    """Send the requests over and over, from so many clients at once. Raises RuntimeError for another status."""
    plan = {"port": port, "requests": list(requests), "clients": clients, "seconds": seconds, "expect": expect}
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=json.dumps(plan), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    told = json.loads(done.stdout)
    return Answers(times=told["times"], seconds=told["seconds"])


class Client(threading.Thread):
    """One browser: sends every `step`-th request, waits for the answer, sends the next."""

    def __init__(self, plan: dict[str, object], *, first: int, end: float) -> None:
        super().__init__()
        self.port, self.expect = int(str(plan["port"])), str(plan["expect"]).encode()
        requests = plan["requests"]
        assert isinstance(requests, list)
        step = int(str(plan["clients"]))
        self.requests = [text.encode() for text in islice(requests, first, None, step)]
        self.end = end
        self.times: list[float] = []
        self.problem = ""
        self.connection: socket.socket | None = None

    def run(self) -> None:
        for number in count():
            if time.perf_counter() >= self.end or self.problem:
                break
            request = self.requests[number % len(self.requests)]
            began = time.perf_counter()
            self.send(request)
            self.times.append(time.perf_counter() - began)

    def send(self, request: bytes) -> None:
        """A connection that the server has closed meanwhile is opened anew, as a browser does."""
        for _ in range(2):
            try:
                status = self.exchange(request)
            except ConnectionError:
                self.connection = None
                continue
            if status != self.expect:
                self.problem = f"answered {status.decode()}"
            return
        self.problem = "no answer"

    def exchange(self, request: bytes) -> bytes:
        if self.connection is None:
            self.connection = socket.create_connection(("127.0.0.1", self.port))
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
        got = len(body)
        while got < wanted:
            got += len(self.receive())
        if b"connection: close" in head.lower():
            self.connection = None
        return head[9:12]

    def receive(self) -> bytes:
        assert self.connection is not None
        part = self.connection.recv(65536)
        if not part:
            raise ConnectionResetError
        return part


def main() -> None:
    """Carry the plan out."""
    plan = json.load(sys.stdin)
    began = time.perf_counter()
    clients = [Client(plan, first=number, end=began + plan["seconds"]) for number in range(plan["clients"])]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    problems = {client.problem for client in clients if client.problem}
    if problems:
        sys.exit(f"the server {', '.join(sorted(problems))}")
    seconds = time.perf_counter() - began
    json.dump({"times": [each for client in clients for each in client.times], "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
