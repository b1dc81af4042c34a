"""Brings a database to the newest schema, and gives the application's role exactly the rights it needs."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from survey.store.engine import connect

APPEND_ONLY = ("alert_event", "answer", "audit_event", "call_attempt", "score")
"""Tables in which the application's role may only add and read: what happened is not edited."""


def config(url: str) -> Config:
    """Alembic's settings for our migrations against `url`."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.attributes["engine"] = connect(url)
    return settings


def upgrade(url: str, *, app_role: str | None = None, revision: str = "head") -> None:
    """Migrate as the owner behind `url`, then grant to `app_role`; None where owner and application are one role."""
    settings = config(url)
    command.upgrade(settings, revision)
    if app_role:
        grant(settings.attributes["engine"], app_role)
    settings.attributes["engine"].dispose()


def grant(engine: sa.Engine, app_role: str) -> None:
    """Rights of the application's role: everything on rows, save changing what is append-only."""
    role = engine.dialect.identifier_preparer.quote(app_role)
    with engine.begin() as connection:
        connection.execute(sa.text(f"GRANT USAGE ON SCHEMA public TO {role}"))
        connection.execute(sa.text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"))
        connection.execute(sa.text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"))
        connection.execute(sa.text(f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(APPEND_ONLY)} FROM {role}"))
        connection.execute(sa.text(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}"))
