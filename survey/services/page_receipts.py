"""What providers tell by themselves about pages: a page that did not arrive pulls its alert forward at once."""

from datetime import datetime
from uuid import UUID

from survey.domain.messages import Delivery
from survey.domain.pages import Page, PageState
from survey.services import page_outcomes
from survey.store import alerts as alert_store
from survey.store import bundles
from survey.store import page_receipts as store
from survey.store import pages as page_store
from survey.store.session import transaction


def note(attempt_id: UUID, delivery: Delivery, *, now: datetime) -> None:
    """Note a receipt of one copy of a page, forward only; a reference that is not ours changes nothing.

    It may come twice, late, in any order, and before the answer to the sending itself.
    """
    with transaction() as tx:
        found = page_store.of_attempt(tx, attempt_id)
        if found is None:
            return
        alert = alert_store.get_for_update(tx, found.page.alert_id)  # lock order: alert, page, attempt
        held = store.page_for_update(tx, found.page.id)
        copy_no = store.note(tx, attempt_id, delivery, now=now)
        if copy_no is None:
            return
        page_outcomes.hear(tx, held, alert, delivery, is_last=copy_no == held.attempts, now=now)
    spread(found.page.id, now=now)


def spread(lead_id: UUID, *, now: datetime) -> None:
    """Let the pages in that page's text end as it has ended; each is held with its own alert, one at a time."""
    with transaction() as tx:
        lead = page_store.get(tx, lead_id)
        if lead.state is PageState.DELIVERED:
            bundles.deliver(tx, lead_id)
        waiting = bundles.undelivered(tx, lead_id)
    for page in waiting:
        _did_not_arrive(page, now=now)


def _did_not_arrive(page: Page, *, now: datetime) -> None:
    with transaction() as tx:
        alert = alert_store.get_for_update(tx, page.alert_id)
        held = store.page_for_update(tx, page.id)
        if held.bundled_in == page.bundled_in:
            page_outcomes.hear(tx, held, alert, Delivery.UNDELIVERED, is_last=True, now=now)
