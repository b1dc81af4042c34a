"""The clinic's sites."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain import canary
from survey.domain.errors import NotFound, Stale
from survey.domain.sites import Site
from survey.store.base import Row, identifier, metadata, names
from survey.store.session import Tx

site = sa.Table(
    "site",
    metadata,
    identifier(primary_key=True),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sms_name", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("emergency_number", sa.Text, nullable=False),
    sa.Column("opens", sa.Time, nullable=False),
    sa.Column("closes", sa.Time, nullable=False),
    sa.Column("workdays", pg.ARRAY(sa.SmallInteger), nullable=False),
)


def get(tx: Tx, site_id: UUID) -> Site:
    """That site. Raises NotFound."""
    query = f"SELECT {names(site)} FROM site WHERE id = %(id)s"  # noqa: S608 (no value in it)
    row = tx.fetch(query, {"id": site_id})
    if row is None:
        raise NotFound("There is no such site.")
    return as_site(row)


def every(tx: Tx) -> tuple[Site, ...]:
    """All sites of the clinic, by name."""
    query = sa.select(site).where(site.c.id != canary.SITE_ID).order_by(site.c.name)
    return tuple(as_site(row) for row in tx.run(query).mappings())


def insert(tx: Tx, new: Site) -> None:
    """Add a site. Raises Conflict when its slug is taken."""
    tx.run(sa.insert(site).values(**values(new)))


def replace(tx: Tx, new: Site) -> None:
    """Set all that can be set of an existing site."""
    tx.run(sa.update(site).where(site.c.id == new.id).values(**values(new)))


def swap(tx: Tx, old: Site, new: Site) -> None:
    """Put `new` in the place of `old`. Raises Stale when somebody changed it in between."""
    same = sa.and_(*(site.c[name] == value for name, value in values(old).items()))
    if tx.run(sa.update(site).where(same).values(**values(new))).rowcount != 1:
        raise Stale("Somebody has changed this site meanwhile. Look at it again.")


def values(new: Site) -> dict[str, object]:
    """The row of a site."""
    return {column.name: getattr(new, column.name) for column in site.c} | {"workdays": list(new.workdays)}


def as_site(row: Row) -> Site:
    """The site of a row."""
    return Site(**{column.name: row[column.name] for column in site.c} | {"workdays": tuple(row["workdays"])})
