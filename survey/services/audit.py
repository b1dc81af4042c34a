"""Writes the trail in the same transaction as the change that it tells of."""

from datetime import datetime
from uuid import UUID

from survey.domain.accounts import Actor
from survey.store import audit as store
from survey.store.session import Tx


def record(tx: Tx, action: str, *, actor: Actor, object_id: UUID | None, now: datetime, **detail: str | int) -> None:
    """Add `action` (`noun.past`, as in `alert.acknowledged`). `detail` holds ids, counts and codes, never values."""
    store.insert(tx, action, actor=actor, object_id=object_id, detail=dict(detail), now=now)
