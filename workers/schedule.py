"""When beat rings. Nothing that must not be lost stands here: what is due is a row, and the sentinel rings for it."""

from survey.domain.queues import TASKS, Queue

HOUR_S = 3600.0

TABLE = {
    "housekeeping": {
        "task": TASKS[Queue.MAINTENANCE],
        "schedule": HOUR_S,
        "options": {"queue": Queue.MAINTENANCE.value, "expires": HOUR_S},
    },
}
