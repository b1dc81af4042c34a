"""Sends patients their links."""

from survey.domain.queues import Queue
from survey.services import sending
from workers.celery_app import task
from workers.drain import drain


@task(Queue.SENDING)
def send() -> None:
    """Send every message that is due."""
    drain(Queue.SENDING, sending.send_due)
