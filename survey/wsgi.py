"""Where the web process begins: settings, database, doorbell, providers, pages. It serves even without its database."""

import sys

import structlog

from survey.domain.errors import DomainError, Unavailable
from survey.messaging import registry
from survey.services import protocols
from survey.settings import load
from survey.store import doorbell, session
from survey.web import logs
from survey.web.app import create_app

THREADS = 4
"""Of each worker process; each holds at most one connection."""


def check_protocols() -> None:
    """End this process, with the reason, when a published protocol is not the one that was proved.

    Without its database the process starts all the same: scoring looks again before each run, and so does the banner.
    """
    try:
        session.wait_until_ready(patience_s=0)
        protocols.check_all()
    except Unavailable:
        structlog.get_logger().warning("protocols.not_checked")
    except DomainError as fault:
        sys.exit(f"daytwo: the web process does not start.\n{fault.message}")
    finally:
        session.dispose()  # a connection must not be shared by the processes that are forked


settings = load()
logs.configure(settings.log_level)
session.configure(settings.database_url.get_secret_value(), pool_size=THREADS)
check_protocols()
doorbell.configure(settings.redis_url.get_secret_value())
registry.configure(settings)
app = create_app(settings)
