"""The people who sign in, their sessions, and the failures that slow a guesser down."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain import canary
from survey.domain.accounts import Permission, Role, may
from survey.domain.errors import NotFound
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

app_user = sa.Table(
    "app_user",
    metadata,
    identifier(primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    instant("created_at", nullable=False),
)

staff_session = sa.Table(
    "staff_session",
    metadata,
    sa.Column("token_sha256", pg.BYTEA, primary_key=True),
    identifier("user_id", sa.ForeignKey("app_user.id"), nullable=False),
    instant("made_at", nullable=False),
    instant("seen_at", nullable=False),
    instant("ends_at", nullable=False),
    instant("ended_at"),
)

sign_in_failure = sa.Table(
    "sign_in_failure",
    metadata,
    identifier(primary_key=True),
    sa.Column("account_sha256", pg.BYTEA, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    instant("at", nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One account. `password_hash` is Argon2id's own text."""

    id: UUID
    email: str
    name: str
    role: Role
    password_hash: str
    active: bool
    created_at: datetime

    @property
    def takes_alerts(self) -> bool:
        """Whether this person may be on call."""
        return self.active and may(self.role, Permission.ALERT_TAKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in browser, with its user as the account stands now."""

    token_sha256: bytes
    user: User
    seen_at: datetime
    ends_at: datetime


def get(tx: Tx, user_id: UUID) -> User:
    """That account. Raises NotFound."""
    row = tx.run(sa.select(app_user).where(app_user.c.id == user_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such account.")
    return _as_user(row)


def find(tx: Tx, email: str) -> User | None:
    """The account of a mailbox, in lower case."""
    row = tx.run(sa.select(app_user).where(app_user.c.email == email)).mappings().one_or_none()
    return _as_user(row) if row else None


def every(tx: Tx) -> tuple[User, ...]:
    """All accounts of people, those in use first, by name."""
    order = (app_user.c.active.desc(), sa.func.lower(app_user.c.name))
    query = sa.select(app_user).where(app_user.c.id != canary.CLINICIAN_ID).order_by(*order)
    return tuple(_as_user(row) for row in tx.run(query).mappings())


def responders(tx: Tx) -> tuple[User, ...]:
    """Everybody who may be on call, by name."""
    return tuple(one for one in every(tx) if one.takes_alerts)


def managers(tx: Tx) -> tuple[str, ...]:
    """The mailboxes of the clinic's managers."""
    return tuple(sorted(one.email for one in every(tx) if one.active and one.role is Role.MANAGER))


def insert(tx: Tx, new: User) -> None:
    """Add an account. Raises Conflict (`app_user_email_once`) when the mailbox has one."""
    tx.run(sa.insert(app_user).values(**{column.name: getattr(new, column.name) for column in app_user.c}))


def set_active(tx: Tx, user_id: UUID, *, active: bool) -> None:
    """Let somebody in again, or no more."""
    tx.run(sa.update(app_user).where(app_user.c.id == user_id).values(active=active))


def set_password_hash(tx: Tx, user_id: UUID, password_hash: str) -> None:
    """Replace the hash, as when its cost was raised."""
    tx.run(sa.update(app_user).where(app_user.c.id == user_id).values(password_hash=password_hash))


def insert_session(tx: Tx, *, token_sha256: bytes, user_id: UUID, now: datetime, ends_at: datetime) -> None:
    """Remember a browser that has signed in."""
    tx.run(
        sa.insert(staff_session).values(
            token_sha256=token_sha256, user_id=user_id, made_at=now, seen_at=now, ends_at=ends_at
        )
    )


def find_session(tx: Tx, token_sha256: bytes) -> Session | None:
    """The session of that hash, unless it was ended."""
    columns = (staff_session.c.token_sha256, staff_session.c.seen_at, staff_session.c.ends_at)
    joined = sa.select(*columns, app_user).join_from(staff_session, app_user)
    live = joined.where(staff_session.c.token_sha256 == token_sha256, staff_session.c.ended_at.is_(None))
    row = tx.run(live).mappings().one_or_none()
    if row is None:
        return None
    return Session(token_sha256=row["token_sha256"], user=_as_user(row), seen_at=row["seen_at"], ends_at=row["ends_at"])


def touch_session(tx: Tx, token_sha256: bytes, *, now: datetime) -> None:
    """Note that the session was used."""
    tx.run(sa.update(staff_session).where(staff_session.c.token_sha256 == token_sha256).values(seen_at=now))


def end_session(tx: Tx, token_sha256: bytes, *, now: datetime) -> UUID | None:
    """End it; answers whose it was, or None when there was none to end."""
    live = (staff_session.c.token_sha256 == token_sha256) & staff_session.c.ended_at.is_(None)
    ended = sa.update(staff_session).where(live).values(ended_at=now).returning(staff_session.c.user_id)
    return tx.run(ended).scalar_one_or_none()


def end_sessions_of(tx: Tx, user_id: UUID, *, now: datetime, keep: int = 0) -> None:
    """End that person's sessions, save the `keep` newest."""
    live = (staff_session.c.user_id == user_id) & staff_session.c.ended_at.is_(None)
    newest = sa.select(staff_session.c.token_sha256).where(live).order_by(staff_session.c.made_at.desc()).limit(keep)
    tx.run(sa.update(staff_session).where(live, staff_session.c.token_sha256.not_in(newest)).values(ended_at=now))


def insert_failure(tx: Tx, *, account_sha256: bytes, network: str, now: datetime) -> None:
    """Count a failed sign-in."""
    tx.run(sa.insert(sign_in_failure).values(id=uuid4(), account_sha256=account_sha256, network=network, at=now))


def failures(tx: Tx, *, account_sha256: bytes, network: str, since: datetime) -> tuple[int, datetime | None]:
    """How many failed since then for this account from this network, and when the last one was."""
    theirs = (sign_in_failure.c.account_sha256 == account_sha256) & (sign_in_failure.c.network == network)
    columns = (sa.func.count().label("count"), sa.func.max(sign_in_failure.c.at).label("last"))
    row = tx.run(sa.select(*columns).where(theirs, sign_in_failure.c.at > since)).mappings().one()
    return row["count"], row["last"]


def forget_failures(tx: Tx, *, account_sha256: bytes, network: str) -> None:
    """Start counting afresh, as after a sign-in."""
    theirs = (sign_in_failure.c.account_sha256 == account_sha256) & (sign_in_failure.c.network == network)
    tx.run(sa.delete(sign_in_failure).where(theirs))


def drop_old(tx: Tx, *, now: datetime, sessions_after: timedelta, failures_after: timedelta) -> None:
    """Clear away sessions long ended and failures long past."""
    tx.run(sa.delete(staff_session).where(staff_session.c.ends_at < now - sessions_after))
    tx.run(sa.delete(sign_in_failure).where(sign_in_failure.c.at < now - failures_after))


def _as_user(row: sa.RowMapping) -> User:
    values = {column.name: row[column.name] for column in app_user.c}
    return User(**values | {"role": Role(row["role"])})
