"""Two addresses for whatever watches the process: is it alive, and can it work."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from survey.services import health
from survey.web import guard

blueprint = Blueprint("health", __name__)


@blueprint.get("/live")
@guard.public("A process that answers is alive; this says nothing else.")
def live() -> ResponseReturnValue:
    """The process answers."""
    return "ok\n", {"Content-Type": "text/plain; charset=utf-8"}


@blueprint.get("/ready")
@guard.public("Whether there is a database says nothing about anybody.")
def ready() -> ResponseReturnValue:
    """The database is there and migrated, so pages work."""
    status = 200 if health.ready() else 503
    return "ready\n" if status == 200 else "not ready\n", status, {"Content-Type": "text/plain; charset=utf-8"}
