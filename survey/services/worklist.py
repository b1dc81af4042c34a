"""The worklist as staff see it: four counts that add up, and what is open, each line in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain.conservation import Standing
from survey.domain.protocol import Tier
from survey.domain.sites import Site
from survey.domain.stories import age
from survey.domain.worklist import HIDDEN, KINDS, Filter, Item, is_late, sentence
from survey.services import conservation, stories
from survey.store import sites as site_store
from survey.store import worklist as store
from survey.store.session import transaction

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. `waits` is how long it has been open; `is_late` when a promise is broken or a call is overdue."""

    item: Item
    site: Site
    word: str
    why: tuple[str, ...]
    day: int
    age: int
    waits: timedelta
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """The page: counts of the period, lines of each kind, and one page of lines out of `total`."""

    standing: Standing
    kinds: Mapping[str, int]
    rows: tuple[Row, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def is_shorter(self) -> bool:
        """Whether a line of this page stands for several check-ins, so that the lines are fewer than those counted."""
        return any(row.item.check_ins > 1 for row in self.rows)

    @property
    def alerts(self) -> int:
        """Open alerts of any tier."""
        return sum(self.kinds.get(tier, 0) for tier in Tier)


def look(chosen: Filter, *, days: int, page: int, now: datetime) -> Worklist:
    """The counts of what was or will be due from `days` ago on, and the `page`th page of what is open."""
    with transaction() as tx:
        since = conservation.first_day(tx, site_id=chosen.site_id, days=days, now=now)
        period, yesterday = conservation.standing(tx, site_id=chosen.site_id, since=since, now=now)
        found = store.look(tx, chosen, since=since, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        reasons = stories.reasons(tx, [item.response_id for item in found.items if item.response_id])
        sites = {site.id: site for site in site_store.every(tx)}
    return Worklist(
        standing=Standing(period=period, yesterday=yesterday, not_due=found.not_due, older_open=found.older),
        kinds=found.kinds,
        rows=tuple(_row(item, sites[item.site_id], reasons, now=now) for item in found.items),
        total=_total(found.kinds, chosen.kind),
        page=page,
    )


def _total(kinds: Mapping[str, int], kind: str) -> int:
    if kind == "alert":
        return sum(kinds.get(tier, 0) for tier in Tier)
    return kinds.get(kind, 0) if kind else sum(number for name, number in kinds.items() if name != HIDDEN)


def _row(item: Item, site: Site, reasons: Mapping[UUID, tuple[str, ...]], *, now: datetime) -> Row:
    today = site.local(now).date()
    return Row(
        item=item,
        site=site,
        word=KINDS[item.kind],
        why=tuple(_why(item, reasons)),
        day=(today - item.performed_on).days,
        age=age(item.born_on, today),
        waits=now - item.since,
        is_late=is_late(item, now),
    )


def _why(item: Item, reasons: Mapping[UUID, tuple[str, ...]]) -> Iterable[str]:
    if item.response_id:
        return reasons.get(item.response_id, ())
    return (sentence(item.why),) if item.why else ()
