"""Where a command works: the database of the environment, or the Daytwo that runs from this folder."""

import os
from pathlib import Path

from survey.domain.accounts import SYSTEM
from survey.domain.errors import Refused
from survey.local import services, stack
from survey.messaging import registry
from survey.settings import ROOT, Settings, load
from survey.store import doorbell, session

HOME = ROOT / ".daytwo"
"""What embedded services keep on this machine: `up` for a clinic, `demo` for looking around."""

OPERATOR = SYSTEM
"""Who acts at the command line: whoever holds the database's address."""


def environment() -> dict[str, str]:
    """The variables that reach the running Daytwo: the environment's own, else those of the folder's instance.

    Raises Refused when nothing runs here and DATABASE_URL is not set.
    """
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return {}
    for name in ("up", "demo"):
        found = services.attach(HOME / name, environ=os.environ)
        if found is not None:
            return found | {key: value for key, value in stack.told(HOME / name).items() if key not in os.environ}
    raise Refused("DATABASE_URL is not set, and no Daytwo runs from this folder. Set it, or start `daytwo up` first.")


def settings() -> Settings:
    """The settings of this command."""
    os.environ.update(environment())
    os.environ.setdefault("PUBLIC_URL", "http://127.0.0.1:8000")
    return load()


def connect(*, pool_size: int = 2, patience_s: float = 60.0) -> Settings:
    """Point this process at its database, doorbells and providers, waiting for a database that is still starting."""
    found = settings()
    session.configure(found.database_url.get_secret_value(), pool_size=pool_size)
    doorbell.configure(found.redis_url.get_secret_value())
    registry.configure(found)
    session.wait_until_ready(patience_s=patience_s)
    return found


def read(path: Path) -> str:
    """The text of a file, which must be UTF-8. Raises Refused."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is not UTF-8 text. Save it as UTF-8 and try again.") from None
