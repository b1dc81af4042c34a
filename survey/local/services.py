"""The database and the broker for everything on this machine: embedded, or the ones that the environment names."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from survey.local import accounts, postgres, redis
from survey.local import folder as folders
from survey.local.postgres import APPLICATION, OWNER

DATABASE_NAMES = ("DATABASE_URL", "OWNER_DATABASE_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """`environ` is what children need beside their own environment; `stop` ends what was started here."""

    environ: dict[str, str]
    stop: Callable[[], None]


def start(folder: Path, *, environ: Mapping[str, str]) -> Services:
    """Bring up what `environ` does not name already, in the `.daytwo` folder, which is made where it is missing.

    Whoever calls holds `folder.claim`, from a thread that lives as long as the services: they end with it.
    Raises LocalError with a sentence, with nothing left running.
    """
    folder = folders.create(folder)
    found = {name: environ[name] for name in (*DATABASE_NAMES, "REDIS_URL", "SECRET_KEY") if environ.get(name)}
    with ExitStack() as started:
        if not _given(environ, "REDIS_URL"):
            broker = redis.start(folder)
            started.callback(broker.stop)
            found["REDIS_URL"] = broker.url
        if not _given(environ, "DATABASE_URL"):
            database = postgres.start(folder)
            started.callback(database.stop)
            found |= _addresses(database.sockets)
        if not _given(environ, "SECRET_KEY"):
            found["SECRET_KEY"] = folders.secret(folder, "secret_key")
        return Services(environ=found, stop=started.pop_all().close)


def attach(folder: Path, *, environ: Mapping[str, str]) -> dict[str, str] | None:
    """What `start` gave the Daytwo that runs from this folder now, for a second terminal; None without one.

    Changes nothing.
    """
    if not _given(environ, "DATABASE_URL") and not (folder / "postgres").exists():
        return None
    folder = folders.create(folder)
    found = {name: environ[name] for name in (*DATABASE_NAMES, "REDIS_URL", "SECRET_KEY") if environ.get(name)}
    if not _given(environ, "REDIS_URL"):
        found["REDIS_URL"] = redis.url(redis.socket_path(folder))
    if not _given(environ, "DATABASE_URL"):
        place = accounts.place(folder)
        if postgres.running(place) is None:
            return None
        found |= _addresses(place.sockets)
    if not _given(environ, "SECRET_KEY"):
        found["SECRET_KEY"] = folders.secret(folder, "secret_key")
    return found


def _given(environ: Mapping[str, str], name: str) -> bool:
    """Itself, or in a file: settings take both."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _addresses(sockets: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres.url(sockets, APPLICATION),
        "OWNER_DATABASE_URL": postgres.url(sockets, OWNER),
    }


def erase(folder: Path) -> None:
    """Remove the folder and all that stands elsewhere on its behalf. Nothing may run from it."""
    accounts.erase(folder)
    folders.erase(folder)
