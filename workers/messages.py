"""Sends patients their links."""

from survey.domain.queues import Queue
from survey.services import messages
from workers.celery_app import task
from workers.drain import drain


@task(Queue.SENDING)
def send() -> None:
    """Send every message that is due."""
    drain(Queue.SENDING, messages.send_due)
