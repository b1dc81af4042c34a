"""The folder `.daytwo`: one instance at a time, secrets that stay, and a place for sockets."""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from survey.local.errors import AlreadyRunning, LocalError

SOCKET_PATH_LIMIT = 103
"""Bytes that a Unix socket's path may have, on Linux (107) and macOS (103) alike."""
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
"""Paths that mean themselves in an address: libpq takes a comma for a list of hosts, a URL takes % and + for others."""


def create(folder: Path) -> Path:
    """Make `folder`, open to its owner alone; returns its absolute path.

    Raises LocalError when it is somebody else's.
    """
    folder = Path(os.path.realpath(folder))
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise PermissionError
        folder.chmod(0o700)
    except PermissionError:
        raise LocalError(
            f"The folder {folder} cannot be made, or belongs to another user. Start Daytwo as that user, or remove it."
        ) from None
    except (FileExistsError, FileNotFoundError):
        raise LocalError(f"{folder} cannot be made: its parent is missing, or a file has its name.") from None
    return folder


def digest(path: Path) -> str:
    """A short name for a path: the same for the same path, safe as a file name."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Held while this process runs Daytwo from the folder."""

    lock: IO[str]

    def announce(self, url: str) -> None:
        """Write down where the pages are, for whoever tries to start a second one."""
        self._write({"pid": os.getpid(), "url": url})

    def _write(self, holder: dict[str, object]) -> None:
        self.lock.seek(0)
        self.lock.truncate()
        self.lock.write(json.dumps(holder))
        self.lock.flush()


@contextmanager
def claim(folder: Path) -> Iterator[Claim]:
    """Be the only Daytwo in `folder` until the block ends, or this process does, in whatever way.

    Raises AlreadyRunning.
    """
    path = create(folder) / "lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already_running(lock.read()) from None
        held = Claim(lock=lock)
        held._write({"pid": os.getpid(), "url": None})
        yield held
        held._write({})


def _already_running(text: str) -> AlreadyRunning:
    try:
        holder = json.loads(text)
    except ValueError:  # it has the lock and has not written yet
        holder = {}
    return AlreadyRunning(pid=holder.get("pid"), url=holder.get("url"))


def secret(folder: Path, name: str) -> str:
    """A random secret of 64 characters, made at the first call and the same ever after."""
    path = create(folder) / name
    if not path.exists():
        write_for_good(path, secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8").strip()


def write_for_good(path: Path, text: str) -> None:
    """Write a file whole or not at all, also when the machine loses power: data under a lost secret is lost too."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def sockets(folder: Path) -> Path:
    """Where sockets go: `run` in the folder; where its path is too long or too odd for that, a link named `run`.

    The link leads to a private folder in the temporary directory, so that the same one is found again.
    """
    run = create(folder) / "run"
    if len(os.fsencode(run / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT and PLAIN.fullmatch(str(run)):
        run.mkdir(mode=0o700, exist_ok=True)
        return run
    if not (run.is_symlink() and is_private(run.readlink())):
        if run.is_dir() and not run.is_symlink():
            shutil.rmtree(run)  # from when the folder stood at a shorter path: nothing listens there any more
        run.unlink(missing_ok=True)
        run.symlink_to(_short_folder(folder))
    return run.readlink()


def _short_folder(folder: Path) -> Path:
    short = Path(tempfile.gettempdir()) / f"daytwo-{digest(folder)}"
    try:
        short.mkdir(mode=0o700)
    except FileExistsError:
        # Anybody may make a folder of that name in the temporary directory: use it only if it is ours.
        return short if is_private(short) else Path(tempfile.mkdtemp(prefix="daytwo-"))
    return short


def is_private(path: Path) -> bool:
    """Whether `path` is a real folder that is ours and closed to everybody else."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def erase(folder: Path) -> None:
    """Remove the folder and its socket folder, when nothing runs from it. PostgreSQL's own erase comes first."""
    run = folder / "run"
    if run.is_symlink() and is_private(run.readlink()):
        shutil.rmtree(run.readlink())
    shutil.rmtree(folder, ignore_errors=True)
