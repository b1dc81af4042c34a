"""A private PostgreSQL: made once, reached by a Unix socket only, started again after any kind of death."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from survey.local import accounts, pids, programs
from survey.local.accounts import Place
from survey.local.errors import LocalError
from survey.local.pids import Server

SUPERUSER, OWNER, APPLICATION, DATABASE = "postgres", "daytwo_owner", "daytwo_app", "daytwo"

START_PATIENCE_S = 60.0
ORPHAN_PATIENCE_S = 15.0
ORPHANS_LEFT = "pre-existing shared memory block"
LOG_LIMIT = 1_000_000

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # A small footprint: one clinic on one machine.
    "shared_buffers": "48MB",
    "max_connections": "60",
    "io_method": "sync",
    "jit": "off",
    "max_wal_size": "256MB",
    # No replica will ever follow.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    # Above ERROR: statements that fail quote what patients wrote. The application reports its own errors, without.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

# Every connection is trusted, for only who may enter the socket's private folder can make one.
INITDB = (
    f"--username={SUPERUSER} --auth-local=trust --auth-host=reject --data-checksums --encoding=UTF8 "
    "--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions"
).split()

FIRST_STATEMENTS = (
    f"CREATE ROLE {OWNER} LOGIN",
    f"CREATE ROLE {APPLICATION} LOGIN",
    f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
    f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO {APPLICATION}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A server that accepts connections at the socket in `sockets`."""

    server: Server
    sockets: Path

    def url(self, role: str, database: str = DATABASE) -> str:
        """SQLAlchemy's address of a database here, as `role`."""
        return url(self.sockets, role, database)

    def stop(self) -> None:
        """Roll back what is open, write everything down, end; harder when that takes too long."""
        self.server.end((signal.SIGINT, 8.0), (signal.SIGQUIT, 3.0))


def url(sockets: Path, role: str, database: str = DATABASE) -> str:
    """SQLAlchemy's address of `database` behind the socket in `sockets`, as `role`."""
    return f"postgresql+psycopg://{role}@/{database}?host={sockets}"


def start(folder: Path) -> Postgres:
    """Bring up the server of the `.daytwo` folder, or take over the one that still runs there.

    Raises LocalError with the end of the server's log when it does not start.
    """
    place, log = accounts.place(folder), folder / "postgres.log"
    _shorten(log)
    server = running(place)
    if server is None:
        _clear_up(place)
        _create(place, log)
        server = _launch_patiently(place, log)
    return Postgres(server=server, sockets=place.sockets)


def running(place: Place) -> Server | None:
    """The server that works on this data and answers, if there is one."""
    pid = _recorded_pid(place)
    if pid is None or not pids.alive(pid):
        return None
    try:
        address = f"host={place.sockets} user={SUPERUSER} dbname=postgres connect_timeout=3"
        with psycopg.connect(address, autocommit=True) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return None
    same = row is not None and os.path.realpath(row[0]) == os.path.realpath(_data(place))
    return Server(pid=pid) if same else None


def _data(place: Place) -> Path:
    return place.home / "data"


def _status(place: Place) -> list[str]:
    """The lines of postmaster.pid: 1 is the process, 8 its state."""
    try:
        return (_data(place) / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _recorded_pid(place: Place) -> int | None:
    lines = _status(place)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _clear_up(place: Place) -> None:
    """End what a killed server left behind, and forget a number that now belongs to another process.

    Back ends that outlived their postmaster must be gone before a new one starts: they still write to the data.
    """
    pids.end_all(pids.working_on(_data(place), as_user=place.as_user), signal.SIGQUIT, patience_s=3)
    pid = _recorded_pid(place)
    # PostgreSQL takes any process of that number for a server, even a corpse, and refuses.
    # Only where the search above sees everything; elsewhere its own, more careful, check decides.
    if pid is not None and pids.exists(pid) and pids.PROC.is_dir():
        (_data(place) / "postmaster.pid").unlink()
    for stale in place.sockets.glob(".s.PGSQL.*"):
        stale.unlink(missing_ok=True)


def _create(place: Place, log: Path) -> None:
    """Make the data, aside first: a death half-way leaves no half of a database where the whole is looked for."""
    data, new = _data(place), place.home / "data.new"
    if data.is_dir():
        _check_version(data)
        return
    shutil.rmtree(new, ignore_errors=True)
    _run(place, log, ["initdb", *INITDB, f"--pgdata={new}"], sentence="PostgreSQL could not make its data folder.")
    single = ["postgres", "--single", "-D", str(new), "-c", "exit_on_error=on", SUPERUSER]
    _run(place, log, single, sentence="PostgreSQL could not make the database.", text="\n".join(FIRST_STATEMENTS))
    new.rename(data)


def _check_version(data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
    ours = programs.postgres_version().partition(".")[0]
    if made_by != ours:
        raise LocalError(
            f"The database in {data} was made by PostgreSQL {made_by}, and this one is {ours}. "
            "Move the folder away to begin afresh, or set DATABASE_URL to a server of that version."
        )


def _launch_patiently(place: Place, log: Path) -> Server:
    """Back ends that we could not see may still be ending; PostgreSQL waits for them by refusing to start."""
    deadline = time.monotonic() + ORPHAN_PATIENCE_S
    while True:
        try:
            return _launch(place, log)
        except LocalError:
            if ORPHANS_LEFT not in tail(log) or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _launch(place: Place, log: Path) -> Server:
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    options.append(f"--unix_socket_directories={place.sockets}")
    with log.open("ab") as output:
        child = subprocess.Popen(
            [_program(place, "postgres"), "-D", str(_data(place)), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place.home,
            env=_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for the runner, which ends the database last
            preexec_fn=pids.tether(signal.SIGINT),
            **place.as_user,
        )
    return _once_ready(Server(pid=child.pid, child=child), place, log)


def _once_ready(server: Server, place: Place, log: Path) -> Server:
    pids.wait_until(lambda: _is_ready(place, server.pid) or not server.running(), patience_s=START_PATIENCE_S)
    if not (server.running() and _is_ready(place, server.pid)):
        server.end()
        raise LocalError(f"PostgreSQL did not start. The end of its log, {log}:\n{tail(log)}")
    return server


def _is_ready(place: Place, pid: int) -> bool:
    """Whether that process says so; the file of a server that was killed still says so of the dead one."""
    lines = _status(place)
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _run(place: Place, log: Path, command: list[str], *, sentence: str, text: str = "") -> None:
    with log.open("ab") as output:
        done = subprocess.run(
            [_program(place, command[0]), *command[1:]],
            input=text.encode(),
            stdout=output,
            stderr=output,
            cwd=place.home,
            env=_environment(),
            check=False,
            start_new_session=True,
            **place.as_user,
        )
    if done.returncode:
        raise LocalError(f"{sentence} The end of its log, {log}:\n{tail(log)}")


def _program(place: Place, name: str) -> str:
    return str(place.programs / "bin" / name)


def _environment() -> dict[str, str]:
    """Nothing of ours: the server needs no secret. With TZ set initdb need not search all zones for this machine's."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {"PATH": os.defpath, "TZ": "UTC", "LC_ALL": "C", **kept}


def _shorten(log: Path) -> None:
    if log.is_file() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(log.name + ".old"))


def tail(log: Path, *, lines: int = 12) -> str:
    """The last lines of a log, indented to stand under a sentence."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in text[-lines:])
