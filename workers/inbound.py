"""Reads the texts that patients sent."""

from survey.domain.queues import Queue
from survey.services import inbound
from workers.celery_app import task
from workers.drain import drain


@task(Queue.INBOUND)
def read() -> None:
    """Read every text that came in and was not read yet."""
    drain(Queue.INBOUND, inbound.handle_due)
