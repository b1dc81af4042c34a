"""How Alembic reaches the database: bounded waits, and one migration at a time."""

import sqlalchemy as sa
from alembic import context

from survey.store.base import metadata

ONE_AT_A_TIME = 4_207_112_202


def migrate() -> None:
    """Run the migrations that are due, each in a transaction of its own."""
    engine: sa.Engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        connection.execute(sa.text("SET lock_timeout = '4s'"))
        connection.execute(sa.text("SET statement_timeout = '60s'"))
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
        connection.commit()
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": ONE_AT_A_TIME})
        connection.commit()


migrate()
