"""Trends: how many answer, how serious it is, how an answer spreads, and how soon patients are reached."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from uuid import UUID

from survey.domain.protocol import SCALE_MOST, ItemKind, Tier
from survey.services import protocols
from survey.store import trends as store
from survey.store.session import Tx, transaction
from survey.store.trends import Contact, RateWeek, Span

FEWEST = 5
"""Below this a number could point at a person, and says nothing of a trend."""

MINUTES = (15, 30, 60, 120, 240)
"""Upper ends of the waiting times that are counted together; the last group is everything longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One week's numbers; `rate` in percent and `tiers` are None where there are too few to show."""

    starts_on: date
    due: int
    answered: int
    phoned: int
    rate: int | None
    tiers: Mapping[Tier, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How the answers of one scale are spread: its label as the protocol words it, and people per number."""

    label: str
    people: tuple[int, ...]

    @property
    def total(self) -> int:
        """All who answered it."""
        return sum(self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long patients of urgent alerts waited for the first try to reach them."""

    groups: tuple[tuple[str, int], ...]
    median_minutes: int | None
    kept_percent: int | None
    reached: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """Everything on the page."""

    weeks: tuple[Week, ...]
    spread: Spread | None
    waits: Waits


def look(*, site_id: UUID | None, weeks: int, now: datetime) -> Trends:
    """The trends of the last `weeks` weeks, the running one included."""
    span = Span(since=now - timedelta(weeks=weeks), now=now, site_id=site_id)
    with transaction() as tx:
        return Trends(
            weeks=_weeks(store.rates(tx, span), store.tiers(tx, span)),
            spread=_spread(tx, span),
            waits=_waits(store.contacts(tx, span)),
        )


def _weeks(rates: Iterable[RateWeek], tiers: Mapping[date, Mapping[str, int]]) -> tuple[Week, ...]:
    by_week = {rate.week: rate for rate in rates}
    return tuple(_week(day, by_week.get(day), tiers.get(day, {})) for day in _every_week({*by_week, *tiers}))


def _every_week(known: set[date]) -> Iterable[date]:
    day = min(known, default=None)
    while day is not None and day <= max(known):
        yield day
        day += timedelta(weeks=1)


def _week(day: date, rate: RateWeek | None, tiers: Mapping[str, int]) -> Week:
    due = rate.due if rate else 0
    answered, phoned = (rate.answered, rate.phoned) if rate else (0, 0)
    enough = sum(tiers.values()) >= FEWEST
    return Week(
        starts_on=day,
        due=due,
        answered=answered,
        phoned=phoned,
        rate=_percent(answered + phoned, due),
        tiers={tier: tiers.get(tier, 0) for tier in Tier} if enough else None,
    )


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole >= FEWEST else None


def _spread(tx: Tx, span: Span) -> Spread | None:
    """The first scale of the protocol that was asked most; which one that is, the protocol decides."""
    version_id = store.most_asked(tx, span)
    pack = protocols.get(tx, version_id) if version_id else None
    item = next((item for item in pack.items if item.kind is ItemKind.SCALE), None) if pack else None
    if pack is None or item is None:
        return None
    people = store.scale(tx, span, slug=pack.slug, item=item.key)
    return Spread(label=next(iter(item.label.values())), people=tuple(people.get(n, 0) for n in range(SCALE_MOST + 1)))


def _waits(contacts: Sequence[Contact]) -> Waits:
    minutes = [contact.seconds / 60 for contact in contacts if contact.seconds is not None]
    enough = len(minutes) >= FEWEST
    return Waits(
        groups=_grouped(minutes),
        median_minutes=round(median(minutes)) if enough else None,
        kept_percent=_percent(sum(contact.kept is True for contact in contacts), len(contacts)),
        reached=len(minutes),
        waiting=len(contacts) - len(minutes),
    )


def _grouped(minutes: Sequence[float]) -> tuple[tuple[str, int], ...]:
    ends = (-1, *MINUTES)
    groups = [
        (_upto(high), sum(low < wait <= high for wait in minutes)) for low, high in zip(ends, MINUTES, strict=False)
    ]
    return (*groups, ("longer", sum(wait > MINUTES[-1] for wait in minutes)))


def _upto(minutes: int) -> str:
    return f"{minutes} min" if minutes <= 60 else f"{minutes // 60} h"
