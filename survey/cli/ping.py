"""One question for a container's health check: does this role do its work?"""

import http.client
from urllib.parse import urlsplit

import click

from survey import clock
from survey.cli import place
from survey.domain.errors import Refused
from survey.domain.queues import Queue
from survey.settings import Settings

ROLES = click.Choice(["web", "sentinel", *(queue.value for queue in Queue)])
TIMEOUT_S = 5.0


@click.command()
@click.argument("role", type=ROLES)
def ping(role: str) -> None:
    """Whether ROLE works: exit code 0, or a sentence and 1.

    The web process of this machine is asked whether it can serve. A queue or the sentinel counts as working while it is
    heard of in the database; every queue is rung at least each half minute.
    """
    if role == "web":
        _ask_web(place.settings())
    else:
        _look_up(role)
    click.echo(f"{role}: well.")


def _ask_web(settings: Settings) -> None:
    """Raises Refused when its pages would not work."""
    port = int(settings.web_bind.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/ready", headers={"Host": urlsplit(settings.public_url).hostname or ""})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        raise Refused(f"No web process answers on port {port}. Start one with `daytwo web`.") from None
    finally:
        connection.close()
    if status != http.client.OK:
        raise Refused("The web process answers, but cannot reach a migrated database.")


def _look_up(role: str) -> None:
    """Raises Refused when nobody of that role was heard of lately."""
    place.connect(pool_size=1, patience_s=TIMEOUT_S)
    from survey.services import engine, health

    is_sentinel = role == engine.SENTINEL
    seen = engine.last_beat(role if is_sentinel else f"worker:{role}")
    patience = health.SENTINEL_SILENT if is_sentinel else health.WORKER_SILENT
    if seen is None or clock.now() - seen > patience:
        command = "sentinel" if is_sentinel else f"worker {role}"
        raise Refused(f"Not heard of lately: {role}. Start one with `daytwo {command}`.")


COMMANDS = (ping,)
