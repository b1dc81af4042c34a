"""Escalates alerts and hands over their pages."""

from survey.domain.queues import Queue
from survey.services import contact_proofs, escalation, owner_mails, pages
from workers.celery_app import task
from workers.drain import drain

PROOFS_S = 5.0
"""After that the pages that have come meanwhile go first again."""


@task(Queue.PAGING)
def page() -> None:
    """Send every page that is due, and fire every step whose time has come. Phones are tested after that."""
    drain(Queue.PAGING, pages.send_due, escalation.advance_due, owner_mails.send_due)
    drain(Queue.PAGING, *contact_proofs.WORK, seconds=PROOFS_S)
