"""All of Daytwo on this machine: the services, the schema, and every process, until somebody ends it."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from survey.local import folder as folders
from survey.local import ports, runner, services
from survey.local.runner import Process
from survey.settings import Settings, load

SETTINGS = "settings.json"
"""Where a running Daytwo writes what a second terminal needs to know beside the services: nothing secret."""
TOLD = ("PUBLIC_URL", "DEMO", "TWILIO_BASE_URL")

WORKERS = {"scoring": ("scoring", "inbound"), "paging": ("paging",), "sending": ("sending", "maintenance")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Services that answer and a schema that is current; `environ` is what every process gets."""

    environ: dict[str, str]
    settings: Settings


def daytwo(*arguments: str) -> list[str]:
    """The command line of a process of ours."""
    return [sys.executable, "-m", "survey.cli", *arguments]


def processes() -> list[Process]:
    """Everything that a clinic runs. The first ends last."""
    return [
        Process(name="web", command=daytwo("web")),
        *(Process(name=name, command=daytwo("worker", *queues)) for name, queues in WORKERS.items()),
        Process(name="beat", command=daytwo("beat")),
        Process(name="sentinel", command=daytwo("sentinel")),
    ]


def run(folder: Path, *, port: int) -> int:
    """Run everything from `folder` until Ctrl-C; the exit code. Raises AlreadyRunning, LocalError."""
    with ready(folder, port=port, extra={}) as now:
        print(f"Daytwo answers at {now.settings.public_url} as soon as the lines below have come to rest.")
        return runner.run(processes(), environ=now.environ, out=sys.stderr)


@contextmanager
def ready(folder: Path, *, port: int, extra: Mapping[str, str]) -> Iterator[Ready]:
    """Claim the folder, bring the services up and the schema to date; all of it ends with the block.

    `port` is the first one tried for the web pages. `extra` is added to the environment, of this process too.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folders.claim(folder) as claim:
        started = services.start(folder, environ=os.environ)
        try:
            # Only now: a port that is looked up early may be taken by the time it is used.
            os.environ.update({**started.environ, **_web(port), **extra})
            settings = load()
            _migrate(settings)
            claim.announce(settings.public_url)
            with _told(folder):
                yield Ready(environ=dict(os.environ), settings=settings)
        finally:
            started.stop()


def told(folder: Path) -> dict[str, str]:
    """What the Daytwo that runs from `folder` was told beside its services; empty when none runs."""
    try:
        found = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: found[name] for name in TOLD if name in found}


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    path = folder / SETTINGS
    path.write_text(json.dumps({name: os.environ[name] for name in TOLD if name in os.environ}), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _web(port: int) -> dict[str, str]:
    """Where the pages are: as the environment says, else at the first free port."""
    bind = os.environ.get("WEB_BIND") or f"127.0.0.1:{ports.next_free(port)}"
    if not os.environ.get("WEB_BIND") and not bind.endswith(f":{port}"):
        print(f"Port {port} is taken; the pages are at {bind}.")
    return {"WEB_BIND": bind, "PUBLIC_URL": os.environ.get("PUBLIC_URL") or f"http://{bind}"}


def _migrate(settings: Settings) -> None:
    """Bring the schema to date as its owner, and grant to the application's role where that is another one."""
    from survey.store import migrate  # no process but this one needs it, and `told` is asked by all

    application, owner = settings.database_url.get_secret_value(), settings.migration_url
    role, owning_role = urlsplit(application).username, urlsplit(owner).username
    migrate.upgrade(owner, app_role=role if role != owning_role else None)
