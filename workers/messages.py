"""Sends patients their links."""

from survey.domain.queues import Queue
from survey.services import reconciling, sending
from workers.celery_app import task
from workers.drain import drain


@task(Queue.SENDING)
def send() -> None:
    """Send every message that is due, and ask providers about those that may have left."""
    drain(Queue.SENDING, sending.send_due, reconciling.ask_due)
