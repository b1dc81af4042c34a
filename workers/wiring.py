"""Connects this process to its database, doorbells and providers; the workers' one door to the adapters."""

import sys
from collections.abc import Collection
from datetime import datetime

import structlog

from survey import clock
from survey.domain.errors import DomainError, Unavailable
from survey.domain.queues import Queue
from survey.messaging import registry
from survey.services import engine, protocols, versions
from survey.settings import Settings
from survey.store import doorbell, session

PREFIX = doorbell.PREFIX
"""What every key of ours in Redis begins with."""

log = structlog.get_logger()


def connect(settings: Settings, *, pool_size: int) -> None:
    """Wire everything and wait, for as long as it takes, for a database that answers and is migrated."""
    session.configure(settings.database_url.get_secret_value(), pool_size=pool_size)
    doorbell.configure(settings.redis_url.get_secret_value())
    registry.configure(settings)
    wait()
    _agree()


def wait() -> None:
    """Until the database answers and is migrated."""
    while True:
        try:
            return session.wait_until_ready()
        except Unavailable:
            continue


def _agree() -> None:
    """Go by the database's clock from the first task on, and say so when this machine's is wrong."""
    try:
        off = clock.agree(engine.time())
    except Unavailable:
        return
    if off:
        log.warning("clock.corrected", seconds=round(off.total_seconds()))


def check_protocols(queues: Collection[str], *, now: datetime) -> None:
    """End this process, with the reason, when a published protocol is not the one that was proved.

    A worker that pages goes on: what it sends was decided already, and nothing may stop it.
    """
    try:
        versions.prove_old(now=now)
        protocols.check_all()
    except Unavailable:
        log.error("protocols.not_checked")
    except DomainError as fault:
        log.error("protocols.unproved", reason=fault.message)
        if Queue.PAGING not in queues:
            sys.exit(f"daytwo: this worker does not start.\n{fault.message}")
