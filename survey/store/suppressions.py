"""Opt-outs by address: one in force at a time, the lifted ones kept."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope, Source, Suppression
from survey.store.base import Row, identifier, instant, metadata
from survey.store.session import Tx

suppression = sa.Table(
    "suppression",
    metadata,
    identifier(primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    instant("at", nullable=False),
    instant("lifted_at"),
)

# The wider scope stands: whoever asked for no text at all is not written to because a carrier says less.
_PUT = """
INSERT INTO suppression (id, kind, address, scope, source, at)
VALUES (%(id)s, %(kind)s, %(address)s, %(scope)s, %(source)s, %(now)s)
ON CONFLICT (kind, address) WHERE lifted_at IS NULL
DO UPDATE SET scope = CASE WHEN 'all' IN (suppression.scope, excluded.scope) THEN 'all' ELSE 'program' END
RETURNING id
"""

_LIFT = """
UPDATE suppression SET lifted_at = %(now)s
WHERE kind = %(kind)s AND address = %(address)s AND lifted_at IS NULL RETURNING id
"""

# Another reason stands: a landline stays one.
_BLOCK = """
UPDATE contact SET blocked_at = %(now)s, blocked_reason = 'stopped'
WHERE kind = %(kind)s AND address = %(address)s AND blocked_at IS NULL
"""

_UNBLOCK = """
UPDATE contact SET blocked_at = NULL, blocked_reason = NULL
WHERE kind = %(kind)s AND address = %(address)s AND blocked_reason = 'stopped'
"""

_IN_FORCE = "SELECT * FROM suppression WHERE kind = %(kind)s AND address = %(address)s AND lifted_at IS NULL"
_OF = "SELECT * FROM suppression WHERE address = ANY(%(addresses)s) AND lifted_at IS NULL ORDER BY at"


def put(tx: Tx, kind: ContactKind, address: str, *, scope: Scope, source: Source, now: datetime) -> UUID | None:
    """Suppress an address and block its contacts; the id, None when one was in force already and may be wider now."""
    new = {"id": uuid4(), "kind": kind, "address": address, "scope": scope, "source": source, "now": now}
    row = tx.fetch(_PUT, new)
    tx.change(_BLOCK, {"kind": kind, "address": address, "now": now})
    return new["id"] if row and row["id"] == new["id"] else None  # type: ignore[return-value]


def lift(tx: Tx, kind: ContactKind, address: str, *, now: datetime) -> UUID | None:
    """End what is in force and take its blocks back; its id, None when nothing was."""
    row = tx.fetch(_LIFT, {"kind": kind, "address": address, "now": now})
    tx.change(_UNBLOCK, {"kind": kind, "address": address})
    return row["id"] if row else None


def find(tx: Tx, kind: ContactKind, address: str) -> Suppression | None:
    """The one in force."""
    row = tx.fetch(_IN_FORCE, {"kind": kind, "address": address})
    return as_suppression(row) if row else None


def of_addresses(tx: Tx, addresses: Collection[str]) -> tuple[Suppression, ...]:
    """Those in force on any of the addresses, the oldest first."""
    return tuple(as_suppression(row) for row in tx.rows(_OF, {"addresses": list(addresses)}))


def as_suppression(row: Row) -> Suppression:
    """The suppression of a row."""
    return Suppression(
        id=row["id"],
        kind=ContactKind(row["kind"]),
        address=row["address"],
        scope=Scope(row["scope"]),
        source=Source(row["source"]),
        at=row["at"],
        lifted_at=row["lifted_at"],
    )
