"""What providers tell by themselves about pages that they took."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from survey.domain.messages import Delivery
from survey.domain.pages import Page
from survey.store.pages import as_page, page, page_attempt
from survey.store.session import Tx


def note(tx: Tx, attempt_id: UUID, delivery: Delivery, *, now: datetime) -> int | None:
    """Note a receipt of one copy of a page, forward only; the copy's number, None when it tells nothing new."""
    newer = (page_attempt.c.id == attempt_id) & (page_attempt.c.delivery_rank < delivery.rank)
    values = {"delivery": delivery, "delivery_rank": delivery.rank, "delivery_at": now}
    query = sa.update(page_attempt).where(newer).values(**values).returning(page_attempt.c.attempt_no)
    return tx.run(query).scalar_one_or_none()


def page_for_update(tx: Tx, page_id: UUID) -> Page:
    """That page, held against every other change. Its alert has to be held before."""
    return as_page(tx.run(sa.select(page).where(page.c.id == page_id).with_for_update()).mappings().one())
