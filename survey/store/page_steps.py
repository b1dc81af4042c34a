"""Pages of one alert to one phone: which step has reached it, and which has been overtaken by a later one."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from survey.domain.pages import Page, PageKind, PageState
from survey.store.pages import page
from survey.store.session import Tx


def lately_reached(tx: Tx, alert_id: UUID, *, epoch: int, since: datetime) -> frozenset[UUID]:
    """The phones that have been handed a call of this epoch since then."""
    sent = page.c.state.in_([PageState.ACCEPTED, PageState.DELIVERED]) & (page.c.sent_at > since)
    same = (page.c.alert_id == alert_id) & (page.c.epoch == epoch) & (page.c.kind == PageKind.CALL)
    return frozenset(tx.run(sa.select(page.c.contact_method_id).where(same, sent)).scalars())


def overtaken(tx: Tx, one: Page) -> bool:
    """Whether a later step calls the same phone: it was planned while `one` was in somebody's hands."""
    same = sa.and_(*(page.c[name] == getattr(one, name) for name in ("alert_id", "epoch", "kind", "contact_method_id")))
    later = sa.tuple_(page.c.cycle, page.c.step_seq) > sa.tuple_(sa.literal(one.cycle), sa.literal(one.step_seq))
    return bool(tx.run(sa.select(sa.exists().where(same, later, page.c.kind == PageKind.CALL))).scalar_one())
