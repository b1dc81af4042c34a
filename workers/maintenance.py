"""Work that takes its time: files to import, and housekeeping whose delay by an hour harms nobody."""

from survey.domain.queues import Queue
from survey.services import imports, invitations
from workers.celery_app import task
from workers.drain import drain

BUDGET_S = 60.0
"""A worker that is told to end waits for its task. The sentinel rings again while a file waits."""


@task(Queue.MAINTENANCE)
def sweep() -> None:
    """Expire invitations, forget files that nobody confirmed, and enrol the rows of those that somebody did."""
    drain(Queue.MAINTENANCE, invitations.expire_due, imports.forget_old, imports.import_due, seconds=BUDGET_S)
