"""Patients' links: make one inside a send, and look at one without changing anything."""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from survey.domain.links import ALPHABET, LENGTH, Link, is_well_formed
from survey.store import links as store
from survey.store.session import Tx, transaction


def make(tx: Tx, invitation_id: UUID, message_id: UUID | None, now: datetime, expires_at: datetime) -> str:
    """A new token for that invitation, which is told only here: 22 base58 characters, kept as a hash."""
    token = new_token()
    store.insert(
        tx,
        token_sha256=sha256(token),
        invitation_id=invitation_id,
        message_id=message_id,
        now=now,
        expires_at=expires_at,
    )
    return token


def new_token() -> str:
    """22 base58 characters that nobody has had."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def find(tx: Tx, token: str) -> Link | None:
    """The link of a token; None for one that was never made."""
    return store.find(tx, sha256(token)) if is_well_formed(token) else None


def look(token: str) -> Link | None:
    """`find`, for a page that only shows."""
    with transaction() as tx:
        return find(tx, token)


def sha256(token: str) -> bytes:
    """What the database keeps of a token; 128 random bits need no slower hash."""
    return hashlib.sha256(token.encode()).digest()
