"""Protocol versions in every state of their life; a published row never changes but to be retired."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.errors import NotFound, Stale
from survey.domain.seals import Seal
from survey.domain.versions import CheckRecord, Version, VersionState
from survey.store.base import Row, identifier, instant, metadata
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
    sa.Column("state", sa.Text, nullable=False),
    identifier("author"),
    instant("made_at", nullable=False),
    instant("changed_at", nullable=False),
    sa.Column("certificate", sa.Text),
    sa.Column("verifier", sa.Text),
    sa.Column("answer_sets", sa.Numeric),
    sa.Column("proof", pg.JSONB(none_as_null=True)),
    instant("shadow_from"),
    instant("shadow_until"),
    instant("published_at"),
    identifier("published_by"),
    instant("retired_at"),
    sa.Column("before_proofs", sa.Boolean, nullable=False),
)

_FIXED = [state.value for state in VersionState if state.is_fixed]

# The hash is made by PostgreSQL, so that the text need not come over: a fraction of a millisecond for a version.
_SEALS = """
SELECT id, slug, version, state, sha256, encode(sha256(convert_to(source, 'UTF8')), 'hex') AS found_sha256,
  certificate, verifier, before_proofs
FROM protocol_version WHERE {which} ORDER BY slug, version
"""


def get(tx: Tx, version_id: UUID) -> Version:
    """That version. Raises NotFound."""
    return _one(tx, sa.select(protocol_version).where(protocol_version.c.id == version_id))


def get_for_update(tx: Tx, version_id: UUID) -> Version:
    """That version, locked to the end of the transaction; patients may begin on it meanwhile. Raises NotFound."""
    query = sa.select(protocol_version).where(protocol_version.c.id == version_id)
    return _one(tx, query.with_for_update(key_share=True))


def claim(tx: Tx, version_id: UUID) -> Version | None:
    """That version, held against change to the end of the transaction; None when it is gone or somebody else has it."""
    query = sa.select(protocol_version).where(protocol_version.c.id == version_id)
    row = tx.run(query.with_for_update(key_share=True, skip_locked=True)).mappings().one_or_none()
    return _as_version(row) if row else None


def find(tx: Tx, slug: str, version: int) -> Version | None:
    """The version of that number, in whatever state."""
    named = (protocol_version.c.slug == slug) & (protocol_version.c.version == version)
    row = tx.run(sa.select(protocol_version).where(named)).mappings().one_or_none()
    return _as_version(row) if row else None


def every(tx: Tx) -> tuple[Version, ...]:
    """All versions, by slug, newest first."""
    order = (protocol_version.c.slug, protocol_version.c.version.desc())
    return tuple(_as_version(row) for row in tx.run(sa.select(protocol_version).order_by(*order)).mappings())


def in_state(tx: Tx, *states: VersionState) -> tuple[Version, ...]:
    """The versions in one of these states, by slug, newest first."""
    order = (protocol_version.c.slug, protocol_version.c.version.desc())
    query = sa.select(protocol_version).where(protocol_version.c.state.in_(states)).order_by(*order)
    return tuple(_as_version(row) for row in tx.run(query).mappings())


def ids_of(tx: Tx, slug: str) -> tuple[UUID, ...]:
    """Every version of a protocol, in whatever state."""
    return tuple(tx.run(sa.select(protocol_version.c.id).where(protocol_version.c.slug == slug)).scalars())


def highest(tx: Tx, slug: str) -> int:
    """The highest number of a protocol's versions; 0 when there is none."""
    number = sa.select(sa.func.coalesce(sa.func.max(protocol_version.c.version), 0))
    return int(tx.run(number.where(protocol_version.c.slug == slug)).scalar_one())


def live_id(tx: Tx, slug: str) -> UUID | None:
    """The published version of a protocol, if there is one."""
    live = (protocol_version.c.slug == slug) & (protocol_version.c.state == VersionState.PUBLISHED)
    return tx.run(sa.select(protocol_version.c.id).where(live)).scalar_one_or_none()


def live_for_update(tx: Tx, slug: str) -> Version | None:
    """The published version of a protocol, locked to the end of the transaction."""
    live = (protocol_version.c.slug == slug) & (protocol_version.c.state == VersionState.PUBLISHED)
    row = tx.run(sa.select(protocol_version).where(live).with_for_update(key_share=True)).mappings().one_or_none()
    return _as_version(row) if row else None


def insert(tx: Tx, new: Version) -> None:
    """Add a version. Raises Conflict (`protocol_version_once`, `protocol_version_one_live`) when it exists."""
    tx.run(sa.insert(protocol_version).values(**_values(new)))


def swap(tx: Tx, old: Version, new: Version) -> None:
    """Put `new` in the place of `old`. Raises Stale when state or text changed in between, Conflict as `insert`."""
    row = protocol_version.c
    same = (row.id == old.id) & (row.state == old.state) & (row.sha256 == old.sha256)
    if tx.run(sa.update(protocol_version).where(same).values(**_values(new))).rowcount != 1:
        raise Stale("This version has changed meanwhile. Look at it again.")


def delete(tx: Tx, old: Version) -> None:
    """Take a version away that was never published. Raises Stale when its state or text changed in between."""
    row = protocol_version.c
    same = (row.id == old.id) & (row.state == old.state) & (row.sha256 == old.sha256)
    if tx.run(sa.delete(protocol_version).where(same)).rowcount != 1:
        raise Stale("This version has changed meanwhile. Look at it again.")


def seals(tx: Tx) -> tuple[Seal, ...]:
    """What each published and retired version is recognised by."""
    return tuple(_as_seal(row) for row in tx.rows(_SEALS.format(which="state = ANY(%(fixed)s)"), {"fixed": _FIXED}))


def seals_of(tx: Tx, version_ids: Collection[UUID]) -> tuple[Seal, ...]:
    """What these versions are recognised by, whatever their state."""
    return tuple(_as_seal(row) for row in tx.rows(_SEALS.format(which="id = ANY(%(ids)s)"), {"ids": list(version_ids)}))


def _one(tx: Tx, query: sa.Select[Any]) -> Version:
    row = tx.run(query).mappings().one_or_none()
    if row is None:
        raise NotFound("This protocol version is not in the database. Publish it again with `daytwo protocol publish`.")
    return _as_version(row)


def _values(one: Version) -> dict[str, Any]:
    values: dict[str, Any] = {column.name: getattr(one, column.name) for column in protocol_version.c}
    if one.proof is not None:
        values["proof"] = [
            {"check": record.check, "seconds": record.seconds, "objections": [list(said) for said in record.objections]}
            for record in one.proof
        ]
    return values


def _as_version(row: sa.RowMapping) -> Version:
    records, answer_sets = row["proof"], row["answer_sets"]
    return Version(
        **{
            **row,
            "state": VersionState(row["state"]),
            "answer_sets": None if answer_sets is None else int(answer_sets),
            "proof": None if records is None else tuple(_as_record(record) for record in records),
        }
    )


def _as_record(kept: Mapping[str, Any]) -> CheckRecord:
    """Proofs kept before the smallest case was told hold one sentence where there is a list now."""
    said = tuple((each,) if isinstance(each, str) else tuple(each) for each in kept["objections"])
    return CheckRecord(check=kept["check"], seconds=kept["seconds"], objections=said)


def _as_seal(row: Row) -> Seal:
    return Seal(**{**row, "state": VersionState(row["state"])})
