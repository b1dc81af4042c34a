"""Mails to the other side of a swap: that a shift is offered, and what became of an offer."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from survey.domain.swaps import Answer
from survey.messaging import registry, wordings
from survey.messaging.outcomes import Outcome
from survey.services import channels
from survey.store import sites as site_store
from survey.store import swap_mails as store
from survey.store.session import transaction
from survey.store.swap_mails import News

log = structlog.get_logger()

AGAIN = timedelta(minutes=5)
"""A mail that surely did not leave, or whose sender died, is tried again so much later."""


def send_due(*, now: datetime) -> int:
    """Tell of one offer or answer; how many that was. No transaction is open during the call."""
    with transaction() as tx:
        news = store.claim(tx, until=now + AGAIN, now=now)
        sites = site_store.every(tx) if news else ()
    if news is None:
        return 0
    if _tell(news, clinic=sites[0].sms_name if sites else "Daytwo"):
        with transaction() as tx:
            store.note_told(tx, news)
    return 1


def _tell(news: News, *, clinic: str) -> bool:
    """Whether the other side was told, or cannot be: the offer stands on the page of the rosters all the same."""
    goes_to_taker = news.answer in (None, Answer.WITHDRAWN)
    to, other = (news.taker_email, news.giver) if goes_to_taker else (news.giver_email, news.taker)
    zone = ZoneInfo(news.zone)
    since, until = (wordings.wall_moment(at, zone) for at in (news.starts_at, news.ends_at))
    words = {
        "clinic": clinic,
        "holder": other,
        "schedule": news.schedule,
        "time": f"{since} until {until}",
        "link": f"{registry.public_url()}/on-call",
    }
    (ended,) = channels.mail_each((to,), f"shift_{news.answer or 'offered'}", words)
    if ended is Outcome.REFUSED:
        log.warning("swap_mails.not_told", swap=str(news.id))
    return ended is not Outcome.TRY_LATER
