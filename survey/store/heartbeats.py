"""When each part of the engine was last heard of."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.store.base import instant, metadata
from survey.store.session import Tx

engine_heartbeat = sa.Table(
    "engine_heartbeat",
    metadata,
    sa.Column("component", sa.Text, primary_key=True),
    instant("last_ok_at", nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)


def beat(tx: Tx, component: str, *, now: datetime, detail: str = "") -> datetime:
    """`component` (`sentinel`, `worker:paging`) is well; what the server's own clock shows."""
    row = pg.insert(engine_heartbeat).values(component=component, last_ok_at=now, detail=detail)
    kept = row.on_conflict_do_update(index_elements=["component"], set_={"last_ok_at": now, "detail": detail})
    at: datetime = tx.run(kept.returning(sa.func.clock_timestamp())).scalar_one()
    return at


def time(tx: Tx) -> datetime:
    """What the server's clock shows; not `now()`, which stands still within a transaction."""
    at: datetime = tx.run(sa.select(sa.func.clock_timestamp())).scalar_one()
    return at


def last(tx: Tx, component: str) -> datetime | None:
    """When it was last heard of, if ever."""
    query = sa.select(engine_heartbeat.c.last_ok_at).where(engine_heartbeat.c.component == component)
    return tx.run(query).scalar_one_or_none()


def silent(tx: Tx, *, prefix: str, since: datetime) -> tuple[str, ...]:
    """Components of that prefix that were heard of once, and not since then."""
    theirs = engine_heartbeat.c.component.startswith(prefix, autoescape=True)
    query = sa.select(engine_heartbeat.c.component).where(theirs, engine_heartbeat.c.last_ok_at < since)
    return tuple(tx.run(query.order_by(engine_heartbeat.c.component)).scalars())
