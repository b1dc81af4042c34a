"""Which schema the code needs, and whether the database stands there; asked at every start, so without Alembic."""

from pathlib import Path

import sqlalchemy as sa
import structlog

VERSIONS = Path(__file__).parent / "migrations/versions"

log = structlog.get_logger()
_told: set[str | None] = set()


def newest() -> str:
    """The revision that this code needs: its migrations are numbered, and the last number is the newest."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


def is_current(connection: sa.Connection) -> bool:
    """Whether the database stands at the revision that this code needs. Raises while it was never migrated.

    Another one is told in the log, once, since whoever starts waits for its own without an end.
    """
    found = _found(connection)
    if found != (needed := newest()) and found not in _told:
        _told.add(found)
        log.warning("schema.is_another", found=found, needed=needed)
    return found == needed


def is_known(connection: sa.Connection) -> bool:
    """Whether this code can go on there: at its own revision, or at a later one, which has only added to it."""
    return (_found(connection) or "") >= newest()


def _found(connection: sa.Connection) -> str | None:
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
