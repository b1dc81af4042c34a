"""Accounts: make them, sign in and out, and know on each request who is there and what they may do now."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain.accounts import Actor, ActorKind, Permission, Role, may
from survey.domain.errors import Conflict, Refused
from survey.services import access, audit, contact_methods, rotas
from survey.store import accounts as store
from survey.store.accounts import User
from survey.store.session import Tx, transaction

IDLE_FOR = timedelta(minutes=15)
"""A desktop left alone signs itself out."""
CLINICIAN_IDLE_FOR = timedelta(hours=12)
"""Whoever is on call opens a page at night on a phone of their own; a sign-in then would cost minutes."""
LASTS_FOR = timedelta(hours=12)
MOST_SESSIONS = 5
SESSIONS_KEPT_FOR = timedelta(days=30)
FAILURES_KEPT_FOR = timedelta(days=7)
SEEN_EVERY = timedelta(seconds=30)

NOT_KNOWN = "This email address and password do not match. Check both and try again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever is signed in, with the role as it stands now."""

    id: UUID
    name: str
    email: str
    role: Role


def create_user(
    email: str,
    name: str,
    role: Role,
    password: str,
    *,
    by: Actor,
    now: datetime,
    pager: str | None = None,
    vouched: bool = False,
) -> UUID:
    """Make an account. `pager` is a mobile number in any common form, where its owner is paged by text.

    Nothing goes there before the owner has typed in a code, unless somebody has `vouched` for the number by trying it.
    Raises Refused with the field (`email`, `password`, `pager`) that has to change. Answers the account's id.
    """
    email = email.strip().lower()
    access.check_password(password, email=email, name=name)
    _check_pager(pager, role)
    new = User(
        id=uuid4(),
        email=email,
        name=name.strip(),
        role=role,
        password_hash=access.hash_password(password),
        active=True,
        created_at=now,
    )
    _add(new, pager=pager, vouched=vouched, by=by, now=now)
    return new.id


def _check_pager(pager: str | None, role: Role) -> None:
    if pager and not may(role, Permission.ALERT_TAKE):
        raise Refused("Only clinicians and managers are paged. Leave this empty.", field="pager")


def _add(new: User, *, pager: str | None, vouched: bool, by: Actor, now: datetime) -> None:
    try:
        with transaction() as tx:
            store.insert(tx, new)
            audit.record(tx, "user.added", actor=by, object_id=new.id, now=now, role=new.role)
            if pager:
                contact_methods.add_pager(tx, new.id, pager, vouched=vouched, by=by, now=now)
    except Conflict as conflict:
        raise Refused("This email address has an account already.", field="email") from conflict


def users() -> tuple[User, ...]:
    """All accounts, those in use first, by name."""
    with transaction() as tx:
        return store.every(tx)


def names() -> Mapping[UUID, str]:
    """Account → the person's name, of those not in use as well."""
    return {user.id: user.name for user in users()}


def disable(user_id: UUID, *, by: Actor, now: datetime) -> None:
    """Shut somebody out, within one request. Raises Refused for one's own account, NotFound."""
    if user_id == by.id:
        raise Refused("You cannot disable your own account. Ask another administrator.")
    with transaction() as tx:
        store.get(tx, user_id)
        store.set_active(tx, user_id, active=False)
        store.end_sessions_of(tx, user_id, now=now)
        rotas.rewrite_all(tx, now=now)  # the shifts to come are open from this moment on, for everybody to see
        audit.record(tx, "user.disabled", actor=by, object_id=user_id, now=now)


def enable(user_id: UUID, *, by: Actor, now: datetime) -> None:
    """Let somebody in again. Raises NotFound."""
    with transaction() as tx:
        store.get(tx, user_id)
        store.set_active(tx, user_id, active=True)
        rotas.rewrite_all(tx, now=now)
        audit.record(tx, "user.enabled", actor=by, object_id=user_id, now=now)


def sign_in(email: str, password: str, *, network: str, now: datetime) -> str:
    """The token of a new session, for the cookie. `network` is where the request came from, such as 192.0.2.0/24.

    Raises Refused: the same sentence for an unknown mailbox, a wrong password and a disabled account, and another
    while this account has to wait from this network.
    """
    email = email.strip().lower()
    with transaction() as tx:
        _wait_your_turn(tx, email=email, network=network, now=now)
        user = store.find(tx, email)
    # Hashing takes tens of milliseconds: no connection is held meanwhile.
    known = access.matches(user.password_hash if user else None, password)
    if user is None or not known or not user.active:
        _count_failure(email, user, network=network, now=now)
        raise Refused(NOT_KNOWN)
    return _open_session(_rehashed(user, password), network=network, now=now)


def _wait_your_turn(tx: Tx, *, email: str, network: str, now: datetime) -> None:
    wait = access.wait_for(tx, email=email, network=network, now=now)
    if wait:
        seconds = max(1, round(wait.total_seconds()))
        spoken = f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
        raise Refused(f"Too many tries from here. Wait {spoken}, then try again.")


def _count_failure(email: str, user: User | None, *, network: str, now: datetime) -> None:
    with transaction() as tx:
        store.insert_failure(tx, account_sha256=access.account_key(email), network=network, now=now)
        actor = Actor(kind=ActorKind.USER, id=user.id if user else None)
        audit.record(tx, "sign_in.failed", actor=actor, object_id=actor.id, now=now)


def _rehashed(user: User, password: str) -> User:
    if not access.is_outdated(user.password_hash):
        return user
    return replace(user, password_hash=access.hash_password(password))


def _open_session(user: User, *, network: str, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    with transaction() as tx:
        store.set_password_hash(tx, user.id, user.password_hash)
        store.forget_failures(tx, account_sha256=access.account_key(user.email), network=network)
        store.insert_session(tx, token_sha256=_digest(token), user_id=user.id, now=now, ends_at=now + LASTS_FOR)
        store.end_sessions_of(tx, user.id, now=now, keep=MOST_SESSIONS)
        audit.record(tx, "sign_in.ok", actor=_acting(user), object_id=user.id, now=now)
    return token


def session(token: str, *, now: datetime) -> Person | None:
    """Who that token belongs to, if its session still lasts and its account is in use; the role is read afresh."""
    with transaction() as tx:
        found = store.find_session(tx, _digest(token))
        if found is None or not found.user.active or now >= min(found.ends_at, found.seen_at + _idle(found.user.role)):
            return None
        if now - found.seen_at >= SEEN_EVERY:
            store.touch_session(tx, found.token_sha256, now=now)
    user = found.user
    return Person(id=user.id, name=user.name, email=user.email, role=user.role)


def sign_out(token: str, *, now: datetime) -> None:
    """End the session at once; a token that is not known is no error."""
    with transaction() as tx:
        user_id = store.end_session(tx, _digest(token), now=now)
        if user_id:
            actor = Actor(kind=ActorKind.USER, id=user_id)
            audit.record(tx, "sign_in.ended", actor=actor, object_id=user_id, now=now)


def forget_old(*, now: datetime) -> int:
    """Clear away sessions that ended a month ago and failures of last week; 0, since nothing is left to do after."""
    with transaction() as tx:
        store.drop_old(tx, now=now, sessions_after=SESSIONS_KEPT_FOR, failures_after=FAILURES_KEPT_FOR)
    return 0


def _idle(role: Role) -> timedelta:
    return CLINICIAN_IDLE_FOR if role is Role.CLINICIAN else IDLE_FOR


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _acting(user: User) -> Actor:
    return Actor(kind=ActorKind.USER, id=user.id, role=user.role)
