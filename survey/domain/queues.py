"""The queues that a doorbell can ring. Their rows stand in PostgreSQL; a ring only says that some are due."""

from enum import StrEnum


class Queue(StrEnum):
    """Each is drained by workers of its own, so that a bulk of sends never delays a page."""

    SCORING = "scoring"
    """Responses whose revision is above their scored revision."""
    PAGING = "paging"
    """Alerts whose next action has come, and pages to hand over."""
    SENDING = "sending"
    """Messages to patients."""
    INBOUND = "inbound"
    """Texts that patients sent, to be read."""
    MAINTENANCE = "maintenance"
    """Slow housekeeping: expiry, clean-up."""


TASKS = {
    Queue.SCORING: "responses.score",
    Queue.PAGING: "alerts.page",
    Queue.SENDING: "messages.send",
    Queue.INBOUND: "inbound.read",
    Queue.MAINTENANCE: "maintenance.sweep",
}
"""The Celery task that drains each queue; it takes no arguments."""
