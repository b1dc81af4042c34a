"""A private Redis for doorbells and rate limits: a Unix socket, a bounded memory, nothing kept."""

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from survey.local import folder as folders
from survey.local import pids, programs
from survey.local.errors import LocalError
from survey.local.pids import Server
from survey.local.postgres import tail

START_PATIENCE_S = 10.0

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    # Nothing here is worth keeping: the queues are rows in PostgreSQL, Redis only rings.
    "save": "",
    "appendonly": "no",
    "maxmemory": "64mb",
    "maxmemory-policy": "noeviction",
    "loglevel": "warning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRedis:
    """A server that answers at `socket`."""

    server: Server
    socket: Path

    @property
    def url(self) -> str:
        """redis-py's address of database 0."""
        return url(self.socket)

    def stop(self) -> None:
        """End it; what it held is forgotten."""
        self.server.end((signal.SIGTERM, 3.0))


def url(socket: Path) -> str:
    """redis-py's address of database 0 behind `socket`."""
    return f"unix://{socket}?db=0"


def socket_path(folder: Path) -> Path:
    """Where the server of the `.daytwo` folder listens."""
    return folders.sockets(folder) / "redis.sock"


def start(folder: Path) -> EmbeddedRedis:
    """Bring up the server of the `.daytwo` folder, in place of one that was left there.

    Raises LocalError with the end of the server's log when it does not start.
    """
    program, log, work = programs.redis(), folder / "redis.log", folder / "redis"
    work.mkdir(mode=0o700, exist_ok=True)
    socket = socket_path(folder)
    _end_leftover(work, socket)
    server = _launch(program, work=work, socket=socket, log=log)
    pids.wait_until(lambda: answers(socket) or not server.running(), patience_s=START_PATIENCE_S)
    if not server.running():
        raise LocalError(f"Redis did not start. The end of its log, {log}:\n{tail(log)}")
    return EmbeddedRedis(server=server, socket=socket)


def answers(socket: Path) -> bool:
    """Whether a server answers there."""
    try:
        with _client(socket) as client:
            return bool(client.ping())
    except RedisError:
        return False


def _client(socket: Path) -> Redis:
    """Asks once: here an answer of "nobody" is as good as any."""
    return Redis(unix_socket_path=str(socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))


def _end_leftover(work: Path, socket: Path) -> None:
    """One that a killed runner left: it holds nothing, so a fresh one takes its place."""
    try:
        with _client(socket) as client:
            client.shutdown(nosave=True)
    except RedisError:  # nobody there, or hung
        pass
    pids.end_all(pids.working_on(work), signal.SIGTERM, patience_s=1)
    socket.unlink(missing_ok=True)


def _launch(program: Path, *, work: Path, socket: Path, log: Path) -> Server:
    options = [part for name, value in SETTINGS.items() for part in (f"--{name}", value)]
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(program), *options, "--dir", str(work), "--unixsocket", str(socket)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal is for the runner
            preexec_fn=pids.tether(signal.SIGTERM),
        )
    return Server(pid=child.pid, child=child)
