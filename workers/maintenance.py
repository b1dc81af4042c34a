"""Slow housekeeping; whatever it puts off to the next hour harms nobody."""

from survey.domain.queues import Queue
from survey.services import imports, invitations
from workers.celery_app import task
from workers.drain import drain


@task(Queue.MAINTENANCE)
def sweep() -> None:
    """Expire invitations whose time is over, and forget files that were looked at and never imported."""
    drain(Queue.MAINTENANCE, invitations.expire_due, imports.forget_old)
