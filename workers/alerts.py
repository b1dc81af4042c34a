"""Escalates alerts and hands over their pages."""

from survey.domain.queues import Queue
from survey.services import escalation, pages
from workers.celery_app import task
from workers.drain import drain


@task(Queue.PAGING)
def page() -> None:
    """Fire every step whose time has come, and send every page that is due."""
    drain(Queue.PAGING, escalation.advance_due, pages.send_due)
