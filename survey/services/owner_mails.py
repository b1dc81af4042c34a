"""Mails to whoever owns a schedule: a phone on it is not paged any more."""

from datetime import datetime, timedelta

import structlog

from survey.messaging import registry
from survey.messaging.outcomes import Outcome
from survey.services import channels
from survey.store import owner_mails as store
from survey.store import sites as site_store
from survey.store.owner_mails import Stopped
from survey.store.session import transaction

log = structlog.get_logger()

AGAIN = timedelta(minutes=5)
"""A mail that surely did not leave, or whose sender died, is tried again so much later."""
TEMPLATE = "page_stopped"


def send_due(*, now: datetime) -> int:
    """Tell of one phone whose owner texted STOP; how many that was. No transaction is open during the calls."""
    with transaction() as tx:
        stopped = store.claim(tx, until=now + AGAIN, now=now)
        if stopped is None:
            return 0
        to = store.owners(tx, stopped.user_id, now=now)
        sites = site_store.every(tx)
    if _tell(stopped, to, clinic=sites[0].sms_name if sites else ""):
        with transaction() as tx:
            store.put(tx, stopped.id, due_at=None)
    return 1


def _tell(stopped: Stopped, to: tuple[str, ...], *, clinic: str) -> bool:
    """Whether everybody was told, or nobody can be."""
    words = {"clinic": clinic, "holder": stopped.name, "link": f"{registry.public_url()}/on-call"}
    ends = channels.mail_each(to, TEMPLATE, words)
    if not any(end in (Outcome.ACCEPTED, Outcome.UNKNOWN) for end in ends):
        log.error("owner_mails.nobody_told", method=str(stopped.id), owners=len(to))
    return Outcome.TRY_LATER not in ends
