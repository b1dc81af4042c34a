"""Running PostgreSQL, which refuses root: as which user, and in a folder that this user may enter.

Started by root, the server runs as `nobody`. Its data stands outside private homes, so that no folder above the
checkout has to be opened to anybody; `.daytwo/postgres` is a link there.
"""

import contextlib
import errno
import os
import pwd
import shutil
import signal
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey.local import folder as folders
from survey.local import pids, programs
from survey.local.errors import LocalError

WAYS_OUT = "Start Daytwo as an ordinary user, or set DATABASE_URL to a server of your own."
SYSTEM_FOLDER = Path("/var/lib/daytwo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where PostgreSQL lives: `home` holds the data, `sockets` its socket, `programs` is a `pginstall` folder.

    `as_user` goes to subprocess.Popen: empty, or the user to become.
    """

    home: Path
    sockets: Path
    programs: Path
    as_user: dict[str, Any] = field(default_factory=dict)


def place(folder: Path) -> Place:
    """PostgreSQL's place for the `.daytwo` folder `folder`, made where it was missing."""
    if os.geteuid() == 0:
        return _place_for_root_or_refusal(folder)
    home = folder / "postgres"
    if home.is_symlink():
        raise LocalError(
            f"The data of {folder} belongs to root, who started Daytwo here before. Start it as root again."
        )
    home.mkdir(mode=0o700, exist_ok=True)
    return Place(home=home, sockets=folders.sockets(folder), programs=programs.postgres())


def _place_for_root_or_refusal(folder: Path) -> Place:
    try:
        return _place_for_root(folder)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        # A container in which root is the only user there is.
        raise LocalError(
            f"PostgreSQL refuses to run as root, and this container lets it become nobody else. {WAYS_OUT}"
        ) from None


def _place_for_root(folder: Path) -> Place:
    as_user = _nobody()
    system = system_folder(folder)
    copy = programs.copy_postgres(system / f"postgresql-{programs.postgres_version()}")
    home = _home(folder, system)
    if system != SYSTEM_FOLDER:
        _sweep(system)
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, as_user["user"], as_user["group"], follow_symlinks=False)
    return Place(home=home, sockets=home, programs=copy, as_user=as_user)


def _nobody() -> dict[str, Any]:
    try:
        found = pwd.getpwnam("nobody")
    except KeyError:
        raise LocalError(
            f"PostgreSQL refuses to run as root, and there is no user called nobody to run it as. {WAYS_OUT}"
        ) from None
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def system_folder(folder: Path) -> Path:
    """Root's folder for what `nobody` must reach. What lives in the temporary directory leaves nothing outside it.

    Raises LocalError when somebody else could change what is in it.
    """
    temporary = Path(os.path.realpath(tempfile.gettempdir()))
    candidates = [temporary / "daytwo-system"]
    if not folder.is_relative_to(temporary):
        candidates.insert(0, SYSTEM_FOLDER)
    for candidate in candidates:
        with contextlib.suppress(OSError):
            candidate.mkdir(mode=0o755, exist_ok=True)
            if _is_safe(candidate):
                return candidate
    raise LocalError(
        f"Neither {' nor '.join(map(str, candidates))} can be used: root must own it and nobody else may write in it. "
        f"{WAYS_OUT}"
    )


def _is_safe(candidate: Path) -> bool:
    found = candidate.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
    if ours and found.st_mode & 0o005 != 0o005:  # made under a narrow umask
        candidate.chmod(0o755)
    return ours and os.access(candidate, os.W_OK)


def _home(folder: Path, system: Path) -> Path:
    """The home that the link names, if it is ours, else a fresh one: without the link the data was thrown away."""
    pointer, expected = folder / "postgres", system / folders.digest(folder)
    if pointer.is_dir() and not pointer.is_symlink():
        raise LocalError(f"The data in {pointer} belongs to an ordinary user. Start Daytwo as that user, or remove it.")
    linked = pointer.readlink() if pointer.is_symlink() else None
    if linked == expected and expected.is_dir():
        return expected
    _remove_home(expected)
    if linked is not None and _was_moved(linked, system):
        _end_servers(linked)
        linked.rename(expected)
        _owner_note(linked).unlink(missing_ok=True)
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(expected)
    folders.write_for_good(_owner_note(expected), str(folder))  # after the link: see _sweep
    return expected


def _owner_note(home: Path) -> Path:
    """Says which `.daytwo` folder a home belongs to: its name is only a digest."""
    return home.with_name(home.name + ".folder")


def _was_moved(linked: Path, system: Path) -> bool:
    """Whether the checkout came here with its data; a copy of a checkout must not share the original's."""
    note = _owner_note(linked)
    if linked.parent != system or not linked.is_dir() or not note.is_file():
        return False
    return not _is_linked_from(linked, note)


def _is_linked_from(home: Path, note: Path) -> bool:
    """Whether the `.daytwo` folder in the note still leads to that home."""
    pointer = Path(note.read_text(encoding="utf-8")) / "postgres"
    return pointer.is_symlink() and pointer.readlink() == home


def _sweep(system: Path) -> None:
    """In the temporary directory only: remove what folders left that were thrown away while we could not see it."""
    for note in system.glob("*.folder"):
        home = note.with_suffix("")
        with contextlib.suppress(FileNotFoundError):  # whoever starts at the same moment has removed it
            if not _is_linked_from(home, note):
                _remove_home(home)


def erase(folder: Path) -> None:
    """Remove the data of `folder`, when nothing runs on it."""
    if (folder / "postgres").is_symlink():
        _remove_home(system_folder(folder) / folders.digest(folder))


def _end_servers(home: Path) -> None:
    pids.end_all(pids.working_on(home / "data", as_user=_nobody()), signal.SIGQUIT, patience_s=3)


def _remove_home(home: Path) -> None:
    _end_servers(home)
    shutil.rmtree(home, ignore_errors=True)
    _owner_note(home).unlink(missing_ok=True)
