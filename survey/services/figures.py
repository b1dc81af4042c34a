"""Figures of the on-call work: how soon alerts are paged, taken, and followed by a talk with the patient."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain.figures import Share, Times
from survey.domain.protocol import Tier
from survey.store import figures as store
from survey.store.session import transaction
from survey.store.trends import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The whole page: tiers from the most serious down, weeks in order, people by name."""

    tiers: tuple[Times, ...]
    weeks: tuple[Times, ...]
    people: tuple[Share, ...]


def look(*, site_id: UUID | None, weeks: int, now: datetime) -> Figures:
    """The figures of the last `weeks` weeks, the running one included. Test pages are no alerts and never counted."""
    span = Span(since=now - timedelta(weeks=weeks), now=now, site_id=site_id)
    with transaction() as tx:
        found, people = store.times(tx, span), store.shares(tx, span)
    by_tier = {one.tier: one for one in found if one.tier}
    return Figures(
        tiers=tuple(by_tier[tier] for tier in reversed(Tier) if tier in by_tier),
        weeks=tuple(one for one in found if one.week),
        people=people,
    )
