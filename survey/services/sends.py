"""A day's preview: who is texted or mailed when, what is held back, and whom somebody has to call or mend now."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from survey.domain.sends import Hour, Line, Stand
from survey.domain.sites import Site
from survey.store import sends as store
from survey.store import sites as site_store
from survey.store.sends import Asked as Asked
from survey.store.session import transaction

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The page: how many of each kind, how many by the hour, and one page of lines out of `total`."""

    stands: Mapping[Stand, int]
    hours: tuple[Hour, ...]
    lines: tuple[Line, ...]
    sites: Mapping[UUID, Site]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def messages(self) -> int:
        """Messages that left or will leave."""
        return sum(self.stands.get(one, 0) for one in (Stand.WAITING, Stand.HELD, Stand.SENT, Stand.DELIVERED))


def look(asked: Asked, *, page: int) -> Day:
    """That day's messages, and the `page`th page of them."""
    with transaction() as tx:
        stands = store.stands(tx, asked)
        hours = store.hours(tx, asked)
        lines = store.page(tx, asked, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        sites = {site.id: site for site in site_store.every(tx)}
    total = stands.get(Stand(asked.stand), 0) if asked.stand else sum(stands.values())
    return Day(stands=stands, hours=hours, lines=lines, sites=sites, total=total, page=page)
