"""Published protocol versions; a row never changes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from survey.domain.errors import NotFound
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

protocol_version = sa.Table(
    "protocol_version",
    metadata,
    identifier(primary_key=True),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    instant("published_at", nullable=False),
    identifier("published_by"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published version: `source` is the pack's whole text, `sha256` its hash in hex."""

    id: UUID
    slug: str
    version: int
    title: str
    sha256: str
    source: str
    published_at: datetime
    published_by: UUID | None


def get(tx: Tx, version_id: UUID) -> Published:
    """That version. Raises NotFound."""
    row = tx.run(sa.select(protocol_version).where(protocol_version.c.id == version_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("This protocol version is not in the database. Publish it again with `daytwo protocol publish`.")
    return Published(**row)


def every(tx: Tx) -> tuple[Published, ...]:
    """All versions, by slug, newest first."""
    order = (protocol_version.c.slug, protocol_version.c.version.desc())
    return tuple(Published(**row) for row in tx.run(sa.select(protocol_version).order_by(*order)).mappings())


def live_id(tx: Tx, slug: str) -> UUID | None:
    """The newest published version of a protocol, if there is any."""
    newest = sa.select(protocol_version.c.id).where(protocol_version.c.slug == slug)
    return tx.run(newest.order_by(protocol_version.c.version.desc()).limit(1)).scalar_one_or_none()


def insert(tx: Tx, new: Published) -> None:
    """Add a version. Raises Conflict (`protocol_version_once`) when it exists."""
    tx.run(
        sa.insert(protocol_version).values(**{column.name: getattr(new, column.name) for column in protocol_version.c})
    )
