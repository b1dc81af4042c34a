"""The audit trail: rows are added, never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.accounts import Actor
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

audit_event = sa.Table(
    "audit_event",
    metadata,
    identifier(primary_key=True),
    instant("at", nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    identifier("actor_id"),
    sa.Column("action", sa.Text, nullable=False),
    identifier("object_id"),
    sa.Column("detail", pg.JSONB, nullable=False),
)


def insert(tx: Tx, action: str, *, actor: Actor, object_id: UUID | None, detail: dict[str, Any], now: datetime) -> None:
    """Add one event."""
    tx.run(
        sa.insert(audit_event).values(
            id=uuid4(),
            at=now,
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            object_id=object_id,
            detail=detail,
        )
    )
