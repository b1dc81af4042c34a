"""The base of all tasks: each call is a heartbeat of its worker, whatever it finds to do."""

from typing import Any

import celery
import structlog

from survey import clock
from survey.domain.errors import DomainError
from survey.domain.queues import TASKS
from survey.services import engine

log = structlog.get_logger()
QUEUE_OF = {name: queue for queue, name in TASKS.items()}


class Task(celery.Task):
    """A task named in `survey.domain.queues.TASKS`."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do it, then say that this worker is alive: rung, run, and able to write to the database.

        The answer tells the database's time, so that a clock that goes wrong is put right before the next task.
        """
        done = super().__call__(*args, **kwargs)  # type: ignore[no-untyped-call]
        queue = QUEUE_OF[str(self.name)]
        try:
            clock.agree(engine.beat(f"worker:{queue}", now=clock.now()))
        except DomainError as error:
            log.error("heartbeat.failed", queue=queue.value, error=type(error).__name__)
        return done
