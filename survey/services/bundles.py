"""Storms: what many alerts have due to one phone goes there in one text, and each alert is still taken singly."""

from dataclasses import replace
from datetime import datetime

from survey.domain import pages as rules
from survey.domain.pages import Page, PageKind
from survey.services import page_receipts
from survey.store import bundles as store
from survey.store.pages import Due
from survey.store.session import Tx, transaction


def gather(tx: Tx, due: Due, lead: Page, *, now: datetime) -> tuple[Due, tuple[Page, ...]]:
    """The pages that go with `lead`, which is about to be sent: none but in a storm, and none ever waits for it.

    `due`, which `lead` was made of, is told how many alerts its text is about.
    """
    if due.page.kind is not PageKind.CALL or due.page.goes_alone or not due.reachable:
        return due, ()
    phone = due.page.contact_method_id
    if store.alerts_of_phone(tx, phone, since=now - rules.STORM_WITHIN, now=now) <= rules.STORM_OVER:
        return due, ()
    others = store.join(tx, lead, store.gather(tx, due, now=now))
    return replace(due, alerts=len({lead.alert_id, *(one.alert_id for one in others)})), others


def accepted(lead: Page, *, now: datetime) -> None:
    """The provider has the text of `lead`, as it was leased."""
    with transaction() as tx:
        store.accept(tx, lead, now=now)
    page_receipts.spread(lead.id, now=now)
