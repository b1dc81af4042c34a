"""Passwords, how long a guesser has to wait, and the trail of who read what about whom."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from survey.domain.accounts import Actor, Permission
from survey.domain.errors import Refused
from survey.services import audit
from survey.store import accounts as store
from survey.store.session import Tx, transaction

SHORTEST, LONGEST = 15, 128
REFUSED_WORDS = ("daytwo", "password", "clinic", "letmein", "welcome", "qwerty", "12345")
"""What a guesser tries first; a password that is mostly one of these falls."""

LEAST_OF_ONES_OWN = 10
FEWEST_SIGNS = 5

FREE_TRIES = 5
LONGEST_WAIT = timedelta(minutes=15)
REMEMBERED_FOR = timedelta(hours=24)

# OWASP's least cost for Argon2id: 19 MiB, two passes, one lane. Raising it rehashes each password at its next use.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# An account that does not exist costs the same time as one that does.
_NOBODY = _hasher.hash("nobody has this password, it only takes the time")


def check_password(password: str, *, email: str, name: str) -> None:
    """Raises Refused (field `password`) with what is wrong with a new password."""
    if len(password) < SHORTEST:
        raise Refused(f"Use at least {SHORTEST} characters. A few words in a row work well.", field="password")
    if len(password) > LONGEST:
        raise Refused(f"Use at most {LONGEST} characters.", field="password")
    if _is_guessable(password.lower(), email=email, name=name):
        raise Refused("This is easy to guess. Leave out names and words such as “password”.", field="password")


def _is_guessable(password: str, *, email: str, name: str) -> bool:
    """Whether too little is left once the words of the context are taken away, or it is a few signs over and over."""
    own = [word for word in (*email.lower().replace("@", ".").split("."), *name.lower().split()) if len(word) > 2]
    rest = password
    for word in (*REFUSED_WORDS, *own):
        rest = rest.replace(word, "")
    return len(set(password)) < FEWEST_SIGNS or (rest != password and len(rest) < LEAST_OF_ONES_OWN)


def hash_password(password: str) -> str:
    """Argon2id's text, its parameters in it."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is that of the hash; as slow for an account that is not there (None)."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made at a lower cost than today's."""
    return _hasher.check_needs_rehash(password_hash)


def note_read(action: str, object_id: UUID | None, *, by: Actor, now: datetime) -> None:
    """Keep that somebody opened a page about a patient; `action` is such as `procedure.read`."""
    with transaction() as tx:
        audit.record(tx, action, actor=by, object_id=object_id, now=now)


def note_refusal(permission: Permission, *, by: Actor, now: datetime) -> None:
    """Keep that somebody asked for a page that is not theirs."""
    with transaction() as tx:
        audit.record(tx, "access.refused", actor=by, object_id=by.id, now=now, permission=permission.value)


def account_key(email: str) -> bytes:
    """What stands for an account in the list of failures, which holds no mailboxes."""
    return hashlib.sha256(f"sign-in:{email}".encode()).digest()


def wait_for(tx: Tx, *, email: str, network: str, now: datetime) -> timedelta:
    """How long this account has to wait from this network: nothing up to five failures, then 1 s doubling to 15 min.

    Never for an account as a whole: a guesser elsewhere must not lock out a clinician at night.
    """
    since = now - REMEMBERED_FOR
    count, last = store.failures(tx, account_sha256=account_key(email), network=network, since=since)
    if count < FREE_TRIES or last is None:
        return timedelta()
    pause = min(timedelta(seconds=2 ** min(count - FREE_TRIES, 10)), LONGEST_WAIT)
    return max(last + pause - now, timedelta())
