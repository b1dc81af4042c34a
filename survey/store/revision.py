"""Which schema the code needs, and whether the database stands there; asked at every start, so without Alembic."""

from pathlib import Path

import sqlalchemy as sa

VERSIONS = Path(__file__).parent / "migrations/versions"


def newest() -> str:
    """The revision that this code needs: its migrations are numbered, and the last number is the newest."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


def is_current(connection: sa.Connection) -> bool:
    """Whether the database stands at the revision that this code needs. Raises while it was never migrated."""
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none() == newest()
