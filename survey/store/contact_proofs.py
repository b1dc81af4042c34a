"""Codes to type in and test pages to answer: planned before shifts, sent once, confirmed once, and told of once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.contact_methods import (
    TEST_AHEAD,
    TEST_ANSWER_WITHIN,
    TEST_LIVES,
    TEST_PAUSE,
    Proof,
    ProofPurpose,
    ProofState,
)
from survey.domain.oncall import MethodKind
from survey.store.base import Row, identifier, instant, metadata
from survey.store.oncall import contact_method
from survey.store.session import Tx

contact_proof = sa.Table(
    "contact_proof",
    metadata,
    identifier(primary_key=True),
    identifier("contact_method_id", sa.ForeignKey("contact_method.id"), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("secret_sha256", pg.BYTEA, nullable=False),
    identifier("shift_id"),
    sa.Column("state", sa.Text, nullable=False),
    instant("due_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("lease_until"),
    instant("sent_at"),
    sa.Column("tries", sa.SmallInteger, nullable=False),
    instant("confirmed_at"),
    instant("owner_told_at"),
)

PARAMETERS = {
    "ahead": TEST_AHEAD,
    "answer_within": TEST_ANSWER_WITHIN,
    "lives": TEST_LIVES,
    "pause": TEST_PAUSE,
}
"""What the two queries below are given beside `now`."""
# Shifts that begin soon, with the ways to their people that were not tried for it. Whoever has the schedule already
# is not tested again in the middle.
UNTESTED = """
SELECT m.id AS contact_method_id, min(s.id::text)::uuid AS shift_id, min(lower(s.during)) - :ahead AS since
FROM shift s JOIN contact_method m ON m.user_id = s.user_id JOIN app_user u ON u.id = s.user_id AND u.active
WHERE s.during && tstzrange(:now, :now + :ahead, '[]') AND lower(s.during) > :now
  AND m.verified_at IS NOT NULL AND m.disabled_at IS NULL
  AND NOT EXISTS (SELECT FROM shift b WHERE b.schedule_id = s.schedule_id AND b.user_id = s.user_id
    AND upper(b.during) = lower(s.during))
  AND NOT EXISTS (SELECT FROM contact_proof p WHERE p.contact_method_id = m.id AND p.shift_id IS NOT NULL
    AND p.due_at > :now - :pause)
GROUP BY m.id
"""
# Shifts before which a person answered none of the tests in time, and whose owner does not know yet.
UNANSWERED = """
SELECT p.shift_id, m.user_id, min(p.due_at) + :answer_within AS since
FROM contact_proof p JOIN contact_method m ON m.id = p.contact_method_id
WHERE p.shift_id IS NOT NULL AND p.owner_told_at IS NULL
  AND p.due_at <= :now - :answer_within AND p.due_at > :now - :lives
GROUP BY p.shift_id, m.user_id
HAVING bool_and(p.confirmed_at IS NULL) AND bool_and(p.lease_until IS NULL OR p.lease_until <= :now)
"""
_PLAN = """
INSERT INTO contact_proof (id, contact_method_id, purpose, secret_sha256, shift_id, state, due_at, expires_at)
SELECT gen_random_uuid(), contact_method_id, 'test', sha256(gen_random_uuid()::text::bytea), shift_id, 'pending',
  :now, :now + :lives FROM ({untested}) untested
ON CONFLICT DO NOTHING
"""
_CLAIM_UNANSWERED = """
UPDATE contact_proof p SET lease_until = :until
FROM (SELECT * FROM ({unanswered}) u ORDER BY u.since LIMIT 1) silent, contact_method m
WHERE p.shift_id = silent.shift_id AND m.user_id = silent.user_id AND m.id = p.contact_method_id
  AND p.owner_told_at IS NULL AND (p.lease_until IS NULL OR p.lease_until <= :now)
RETURNING p.shift_id, m.user_id
"""
_DUE_FIRST = """
SELECT p.*, m.kind, m.address, m.disabled_at IS NULL AS reachable, m.user_id
FROM contact_proof p JOIN contact_method m ON m.id = p.contact_method_id
WHERE p.state = 'pending' AND p.due_at <= %(now)s
ORDER BY p.purpose DESC, p.due_at LIMIT 1 FOR UPDATE OF p SKIP LOCKED
"""
# By the person and the time: a rota that was written anew has other ids. A shift that went to somebody else is theirs.
_SILENT = """
SELECT u.name, s.name AS schedule, s.zone, lower(h.during) AS starts_at, o.email AS owner,
  array_agg(DISTINCT m.kind) AS kinds
FROM contact_proof p JOIN contact_method m ON m.id = p.contact_method_id JOIN app_user u ON u.id = m.user_id
JOIN shift h ON h.user_id = m.user_id AND lower(h.during) > p.due_at
  AND lower(h.during) <= p.due_at + %(ahead)s
JOIN schedule s ON s.id = h.schedule_id LEFT JOIN app_user o ON o.id = s.owner_id AND o.active
WHERE p.shift_id = %(shift_id)s AND m.user_id = %(user_id)s GROUP BY u.id, s.id, h.id, o.id ORDER BY s.name
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One that is to be sent, and where to. `reachable` is false when the method was put away since."""

    proof: Proof
    kind: MethodKind
    address: str
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The tests of one person before one shift, none of which was answered."""

    shift_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Somebody who has not answered before a shift; `owner` is the mailbox of the schedule's owner, if it has one."""

    name: str
    schedule: str
    zone: str
    starts_at: datetime
    owner: str | None
    kinds: tuple[MethodKind, ...]


def insert(tx: Tx, new: Proof, *, secret_sha256: bytes) -> None:
    """Add one."""
    values = {
        "id": new.id,
        "contact_method_id": new.method_id,
        "purpose": new.purpose,
        "secret_sha256": secret_sha256,
        "state": new.state,
        "due_at": new.due_at,
        "expires_at": new.expires_at,
        "tries": new.tries,
    }
    tx.run(sa.insert(contact_proof).values(**values))


def plan_tests(tx: Tx, *, now: datetime) -> int:
    """Plan a test page for each way to somebody whose shift begins soon, once; how many were planned."""
    return tx.run(sa.text(_PLAN.format(untested=UNTESTED)), {"now": now, **PARAMETERS}).rowcount


def due_first(tx: Tx, *, now: datetime) -> Due | None:
    """The one that is due first, held against other senders; somebody waits for a code, so codes go first."""
    row = tx.fetch(_DUE_FIRST, {"now": now})
    if row is None:
        return None
    return Due(proof=_as_proof(row), kind=MethodKind(row["kind"]), address=row["address"], reachable=row["reachable"])


def swap(tx: Tx, old: Proof, new: Proof, *, secret_sha256: bytes | None = None) -> bool:
    """Put `new` where `old` stands; False when it does not stand there any more. A new secret takes the old one's."""
    same = (contact_proof.c.id == old.id) & (contact_proof.c.state == old.state)
    mine = contact_proof.c.lease_until.is_not_distinct_from(old.lease_until)
    names = ("state", "due_at", "lease_until", "sent_at", "tries", "confirmed_at")
    changed: dict[str, Any] = {name: getattr(new, name) for name in names}
    if secret_sha256 is not None:
        changed["secret_sha256"] = secret_sha256
    return tx.run(sa.update(contact_proof).where(same, mine).values(**changed)).rowcount == 1


def expired(tx: Tx, *, now: datetime) -> tuple[Proof, ...]:
    """Those whose sender counts as dead."""
    dead = (contact_proof.c.state == ProofState.LEASED) & (contact_proof.c.lease_until <= now)
    return tuple(_as_proof(row) for row in tx.run(sa.select(contact_proof).where(dead).limit(100)).mappings())


def newest_code(tx: Tx, method_id: UUID) -> tuple[Proof, bytes] | None:
    """The last code that was asked for, held against other tries at it, and its hash."""
    codes = (contact_proof.c.contact_method_id == method_id) & (contact_proof.c.purpose == ProofPurpose.VERIFY)
    query = sa.select(contact_proof).where(codes).order_by(contact_proof.c.due_at.desc()).limit(1).with_for_update()
    row = tx.run(query).mappings().one_or_none()
    return (_as_proof(row), row["secret_sha256"]) if row else None


def tested_by(tx: Tx, token_sha256: bytes) -> Proof | None:
    """The test page that a link belongs to."""
    return _one(tx, (contact_proof.c.secret_sha256 == token_sha256) & (contact_proof.c.purpose == ProofPurpose.TEST))


def test_by_id(tx: Tx, proof_id: UUID) -> Proof | None:
    """That test page, by our reference at the provider."""
    return _one(tx, (contact_proof.c.id == proof_id) & (contact_proof.c.purpose == ProofPurpose.TEST))


def asked_since(tx: Tx, method_id: UUID, purpose: ProofPurpose, since: datetime) -> tuple[datetime, ...]:
    """When codes, or test pages by hand, were asked for."""
    theirs = (contact_proof.c.contact_method_id == method_id) & (contact_proof.c.purpose == purpose)
    recent = theirs & (contact_proof.c.due_at > since) & contact_proof.c.shift_id.is_(None)
    return tuple(tx.run(sa.select(contact_proof.c.due_at).where(recent)).scalars())


def latest(tx: Tx, method_ids: Collection[UUID]) -> tuple[Proof, ...]:
    """The newest of each purpose for each of these methods."""
    key = (contact_proof.c.contact_method_id, contact_proof.c.purpose)
    theirs = contact_proof.c.contact_method_id.in_(method_ids)
    newest = sa.select(contact_proof).ext(pg.distinct_on(*key)).order_by(*key, contact_proof.c.due_at.desc())
    return tuple(_as_proof(row) for row in tx.run(newest.where(theirs)).mappings())


def claim_unanswered(tx: Tx, *, until: datetime, now: datetime) -> Unanswered | None:
    """Somebody who has not answered before a shift, ours to tell of until `until`."""
    claim = sa.text(_CLAIM_UNANSWERED.format(unanswered=UNANSWERED))
    row = tx.run(claim, {"now": now, "until": until, **PARAMETERS}).first()
    return Unanswered(shift_id=row.shift_id, user_id=row.user_id) if row else None


def silent(tx: Tx, which: Unanswered) -> tuple[Silent, ...]:
    """Who it was, once for each schedule; empty when the shift is somebody else's by now, or is no more."""
    keys = {"shift_id": which.shift_id, "user_id": which.user_id}
    rows = tx.rows(_SILENT, {**keys, "ahead": TEST_AHEAD})
    return tuple(Silent(**{**row, "kinds": tuple(MethodKind(kind) for kind in row["kinds"])}) for row in rows)


def note_told(tx: Tx, which: Unanswered, *, now: datetime) -> None:
    """The owner of the schedule knows."""
    own = sa.select(contact_method.c.id).where(contact_method.c.user_id == which.user_id)
    theirs = (contact_proof.c.shift_id == which.shift_id) & contact_proof.c.contact_method_id.in_(own)
    tx.run(sa.update(contact_proof).where(theirs).values(owner_told_at=now, lease_until=None))


def _one(tx: Tx, which: sa.ColumnElement[bool]) -> Proof | None:
    row = tx.run(sa.select(contact_proof).where(which).with_for_update()).mappings().one_or_none()
    return _as_proof(row) if row else None


def _as_proof(row: Row) -> Proof:
    names = ("id", "due_at", "expires_at", "shift_id", "lease_until", "sent_at", "tries", "confirmed_at")
    return Proof(
        method_id=row["contact_method_id"],
        purpose=ProofPurpose(row["purpose"]),
        state=ProofState(row["state"]),
        **{name: row[name] for name in names},
    )
