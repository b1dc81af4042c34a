"""Connects this process to its database, doorbells and providers; the workers' one door to the adapters."""

from survey.domain.errors import Unavailable
from survey.messaging import registry
from survey.settings import Settings
from survey.store import doorbell, session

PREFIX = doorbell.PREFIX
"""What every key of ours in Redis begins with."""


def connect(settings: Settings, *, pool_size: int) -> None:
    """Wire everything and wait, for as long as it takes, for a database that answers and is migrated."""
    session.configure(settings.database_url.get_secret_value(), pool_size=pool_size)
    doorbell.configure(settings.redis_url.get_secret_value())
    registry.configure(settings)
    wait()


def wait() -> None:
    """Until the database answers and is migrated."""
    while True:
        try:
            return session.wait_until_ready()
        except Unavailable:
            continue
