"""What follows when a page is lost: its alert's story tells it, and its alert does not wait for an answer to it."""

from datetime import datetime

from survey.domain import pages as rules
from survey.domain.accounts import SYSTEM
from survey.domain.alerts import Alert, Event, EventKind
from survey.domain.messages import Delivery
from survey.domain.pages import Page, PageKind, PageState
from survey.domain.queues import Queue
from survey.store import alerts as alert_store
from survey.store import pages as store
from survey.store.session import Tx


def lost(tx: Tx, page: Page, alert: Alert, outcome: str, *, now: datetime) -> None:
    """Tell the story, and do not wait for an answer to a step of which nothing is known to have arrived.

    The last step is followed by itself: pulled forward as well, it would run in a circle without a pause.
    """
    data: dict[str, str | int] = {"page": str(page.id), "outcome": outcome}
    event = Event(
        kind=EventKind.PAGE_FAILED,
        epoch=alert.epoch,
        from_state=alert.state,
        to_state=alert.state,
        data=data,
        idem_key=f"page_failed:{page.id}",
    )
    alert_store.tell(tx, page.alert_id, event, actor=SYSTEM, at=now)
    went_on = (alert.epoch, alert.cycle) == (page.epoch, page.cycle) and alert.step_seq == page.step_seq + 1
    if page.kind is PageKind.CALL and went_on and not store.any_live(tx, page):
        alert_store.pull_forward(tx, alert.id, now=now)
        tx.ring(Queue.PAGING)


def hear(tx: Tx, old: Page, alert: Alert, delivery: Delivery, *, is_last: bool, now: datetime) -> None:
    """A receipt of a copy of `old`, which is held as its alert is; `is_last`: of the newest copy."""
    new = rules.told(old, delivery, is_last=is_last)
    if new == old:
        return
    store.swap(tx, old, new)
    if new.state is PageState.UNDELIVERED:
        lost(tx, new, alert, delivery.value, now=now)
