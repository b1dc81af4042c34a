"""Work that takes its time: files to import, and housekeeping whose delay by an hour harms nobody."""

from survey.domain.queues import Queue
from survey.services import accounts, imports, invitations, responses
from workers.celery_app import task
from workers.drain import drain

BUDGET_S = 60.0
"""A worker that is told to end waits for its task. The sentinel rings again while a file waits."""

HANDLERS = (invitations.expire_due, responses.settle_left, imports.forget_old, accounts.forget_old, imports.import_due)


@task(Queue.MAINTENANCE)
def sweep() -> None:
    """Expire invitations, settle surveys left half-way, forget files that nobody confirmed, enrol from the others."""
    drain(Queue.MAINTENANCE, *HANDLERS, seconds=BUDGET_S)
