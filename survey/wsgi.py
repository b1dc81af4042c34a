"""Where the web process begins: settings, database, doorbell, providers, pages. It serves even without its database."""

from survey.messaging import registry
from survey.settings import load
from survey.store import doorbell, session
from survey.web import logs
from survey.web.app import create_app

THREADS = 4
"""Of each worker process; each holds at most one connection."""

settings = load()
logs.configure(settings.log_level)
session.configure(settings.database_url.get_secret_value(), pool_size=THREADS)
doorbell.configure(settings.redis_url.get_secret_value())
registry.configure(settings)
app = create_app(settings)
