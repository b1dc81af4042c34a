"""What keeps the engine going: who was heard of, what is due, and which doorbell to ring."""

from collections.abc import Mapping
from datetime import datetime

from survey.domain.queues import Queue
from survey.store import doorbell, heartbeats, queues
from survey.store.election import Election
from survey.store.queues import Backlog as Backlog
from survey.store.session import transaction

SENTINEL = "sentinel"
Backlogs = Mapping[Queue, Backlog]
"""What waits on each queue on which anything is due."""


def beat(component: str, *, now: datetime, detail: str = "") -> datetime:
    """`component` is well: `sentinel`, or `worker:paging`. What the database's clock shows, by which all timers go."""
    with transaction() as tx:
        return heartbeats.beat(tx, component, now=now, detail=detail)


def time() -> datetime:
    """What the database's clock shows."""
    with transaction() as tx:
        return heartbeats.time(tx)


def last_beat(component: str) -> datetime | None:
    """When it was last heard of, if ever."""
    with transaction() as tx:
        return heartbeats.last(tx, component)


def backlogs(*, now: datetime) -> Backlogs:
    """Every queue on which anything is due."""
    with transaction() as tx:
        return queues.backlogs(tx, now=now)


def ring(queue: Queue) -> bool:
    """Wake that queue's worker; whether the doorbell was heard."""
    return doorbell.ring(queue)


def candidate(database_url: str) -> Election:
    """A seat in the election of the sentinel that leads."""
    return Election(database_url)
