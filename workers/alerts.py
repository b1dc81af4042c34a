"""Escalates alerts and hands over their pages."""

from survey.domain.queues import Queue
from survey.services import escalation, pages
from workers.celery_app import task
from workers.drain import drain


@task(Queue.PAGING)
def page() -> None:
    """Send every page that is due, and fire every step whose time has come."""
    drain(Queue.PAGING, pages.send_due, escalation.advance_due)
