"""The law that nobody is lost, as staff see it, as the sentinel checks it, and as the operator finds what breaks it."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from survey.domain.conservation import Balance, Stray
from survey.domain.sites import Site
from survey.store import conservation as store
from survey.store import sites as site_store
from survey.store.session import Tx, transaction

TOLD_DAYS = 90
AHEAD = timedelta(days=60)
"""Further ahead no survey is due: procedures are enrolled once they are done, and asked about for thirty days."""
STEP = timedelta(days=90)
MOST = 200


def astray(tx: Tx, *, now: datetime) -> int:
    """How many check-ins break the law, by a look that is cheap enough for every minute."""
    store.as_of(tx, now)
    return store.count_astray(tx)


def first_day(tx: Tx, *, site_id: UUID | None, days: int, now: datetime) -> date:
    """The day `days` ago, by the site's calendar; of several sites the earliest."""
    return _today(_sites(tx, site_id), now) - timedelta(days=days)


def standing(tx: Tx, *, site_id: UUID | None, since: date, now: datetime) -> tuple[Balance, Balance]:
    """The counts of what was or will be due from `since` on, and of yesterday, by each site's own calendar."""
    store.as_of(tx, now)
    sites = _sites(tx, site_id)
    period = store.counts(tx, since=since, until=_today(sites, now) + AHEAD, site_id=site_id)
    return sum(period.values(), start=Balance()), _yesterday(tx, sites, now=now)


def balances(*, now: datetime) -> tuple[tuple[Site, Balance], ...]:
    """Each site's balance of the last ninety days and of what is to come."""
    with transaction() as tx:
        store.as_of(tx, now)
        sites = site_store.every(tx)
        today = _today(sites, now)
        counted = store.counts(tx, since=today - timedelta(days=TOLD_DAYS), until=today + AHEAD)
    return tuple((site, counted.get(site.id, Balance())) for site in sites)


def every_stray(*, now: datetime) -> tuple[Stray, ...]:
    """Whoever is counted nowhere, however long ago, at most 200; reads every survey, some months at a time."""
    with transaction() as tx:
        span = store.span(tx)
    if span is None:
        return ()
    found: list[Stray] = []
    since, last = span
    while since <= last + AHEAD and len(found) < MOST:
        with transaction() as tx:
            store.as_of(tx, now)
            found += store.all_astray(tx, since=since, until=since + STEP, limit=MOST - len(found))
        since += STEP
    return tuple(dict.fromkeys(found))


def _sites(tx: Tx, site_id: UUID | None) -> list[Site]:
    return [site for site in site_store.every(tx) if site_id in (None, site.id)]


def _today(sites: Iterable[Site], now: datetime) -> date:
    """The earliest day that any of these sites has now."""
    return min((site.local(now).date() for site in sites), default=now.date())


def _yesterday(tx: Tx, sites: Iterable[Site], *, now: datetime) -> Balance:
    by_day = sorted(sites, key=lambda site: site.local(now).date())
    total = Balance()
    for today, group in groupby(by_day, key=lambda site: site.local(now).date()):
        counted = store.counts(tx, since=today - timedelta(days=1), until=today - timedelta(days=1))
        total = sum((counted.get(site.id, Balance()) for site in group), start=total)
    return total
