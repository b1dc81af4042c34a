"""The long-running processes: web, worker, beat, sentinel, and `up`, which runs all of them."""

import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from threading import Event
from types import FrameType

import click

from survey.cli import place
from survey.domain.queues import Queue
from survey.settings import ROOT, Settings

QUEUES = click.Choice([queue.value for queue in Queue])
BULK = frozenset({Queue.SENDING, Queue.MAINTENANCE})
"""Whoever drains these alone stands back where processor time is short."""
STANDS_BACK = 10
"""By so much its niceness is raised: a tenth of the time of a page's sender, and all of it when that one rests."""
THREADS = {Queue.SCORING: 1, Queue.PAGING: 4, Queue.SENDING: 1, Queue.INBOUND: 1, Queue.MAINTENANCE: 1}
"""One drain of `sending` has sixteen senders of its own; more of them side by side would only slow a page."""


@click.command()
def web() -> None:
    """Serve the pages: patients, clinicians, staff. Address and size: WEB_BIND, WEB_WORKERS."""
    place.settings()
    program = ["gunicorn", "--config", str(ROOT / "config/gunicorn.conf.py"), "survey.wsgi:app"]
    os.execv(sys.executable, [sys.executable, "-m", *program])


@click.command()
@click.argument("queues", nargs=-1, required=True, type=QUEUES, metavar="QUEUE...")
@click.option("--threads", type=click.IntRange(1, 64), help="Threads. Default: what suits the queue (paging 4).")
def worker(queues: tuple[str, ...], threads: int | None) -> None:
    """Drain one or more queues: scoring, paging, sending, inbound, maintenance.

    Give paging and scoring workers of their own: a bulk of sends must not stand before a page. A worker that is started
    before its database or Redis waits for them.
    """
    _quiet(place.settings())
    from workers.celery_app import app

    if BULK.issuperset(map(Queue, queues)):
        os.nice(STANDS_BACK)
    count = threads or max(THREADS[Queue(queue)] for queue in queues)
    # Not by Celery's own command line, whose shell and prompts would cost each process another 8 MB.
    listener = app.Worker(
        queues=list(queues),
        pool_cls="threads",
        concurrency=count,
        hostname=f"{'-'.join(queues)}-{os.getpid()}@{socket.gethostname()}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel=logging.WARNING,
        quiet=True,
    )
    listener.start()
    sys.exit(listener.exitcode)


@click.command()
def beat() -> None:
    """Ring for slow housekeeping. Nothing that must not be lost hangs on it: the sentinel does that."""
    _quiet(place.settings())
    from workers.celery_app import app

    app.conf.include = ()  # it rings and does no task: their code need not be here
    timetable = Path(tempfile.gettempdir()) / f"daytwo-beat-{os.getpid()}"
    app.Beat(schedule=str(timetable), loglevel=logging.WARNING, pidfile=None, quiet=True).run()


@click.command()
def sentinel() -> None:
    """Watch, with PostgreSQL alone: ring for what is due, do what is overdue. Run two; one works, one stands by."""
    _quiet(place.settings())
    settings = place.connect(pool_size=6, patience_s=3600)
    from survey.services import health
    from workers import sentinel as watch

    stop = Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    watch.run(settings, stop, healthy=health.holds)


def _quiet(settings: Settings) -> None:
    """Log as the web process does: one JSON object a line, from LOG_LEVEL on."""
    from survey.web import logs

    logs.configure(settings.log_level)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="First port to try.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=place.HOME / "up", help="Where embedded services live."
)
def up(port: int, folder: Path) -> None:
    """Run everything on this machine; Ctrl-C ends all.

    PostgreSQL and Redis are embedded in FOLDER unless DATABASE_URL and REDIS_URL name others.
    """
    from survey.local import stack

    sys.exit(stack.run(folder, port=port))


COMMANDS = (web, worker, beat, sentinel, up)
