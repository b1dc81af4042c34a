"""Where a clinician's own shifts can be read as a calendar: by a secret address of which only the hash is kept."""

from datetime import datetime
from uuid import UUID

from survey.domain.oncall import Shift, User
from survey.store.session import Tx

_PUT = """
INSERT INTO calendar_feed (user_id, token_sha256, made_at) VALUES (%(user_id)s, %(token_sha256)s, %(now)s)
ON CONFLICT (user_id) DO UPDATE SET token_sha256 = excluded.token_sha256, made_at = excluded.made_at
"""
_READER = """
SELECT u.id, u.name FROM calendar_feed f JOIN app_user u ON u.id = f.user_id
WHERE f.token_sha256 = %(token_sha256)s AND u.active
"""
_SHIFTS = """
SELECT s.id, s.schedule_id, s.user_id, lower(s.during) AS starts_at, upper(s.during) AS ends_at, c.name AS schedule
FROM shift s JOIN schedule c ON c.id = s.schedule_id
WHERE s.user_id = %(user_id)s AND s.during && tstzrange(%(since)s, %(until)s) ORDER BY s.during, c.name
"""


def put(tx: Tx, user_id: UUID, token_sha256: bytes, *, now: datetime) -> None:
    """That is the address from now on; one that stood before opens nothing any more."""
    tx.change(_PUT, {"user_id": user_id, "token_sha256": token_sha256, "now": now})


def remove(tx: Tx, user_id: UUID) -> bool:
    """There is none any more; whether there was one."""
    return tx.change("DELETE FROM calendar_feed WHERE user_id = %(id)s", {"id": user_id}) == 1


def made_at(tx: Tx, user_id: UUID) -> datetime | None:
    """When somebody's address was made, if there is one."""
    row = tx.fetch("SELECT made_at FROM calendar_feed WHERE user_id = %(id)s", {"id": user_id})
    return row["made_at"] if row else None


def reader(tx: Tx, token_sha256: bytes) -> User | None:
    """Whose shifts an address opens, if the account is in use."""
    row = tx.fetch(_READER, {"token_sha256": token_sha256})
    return User(**row) if row else None


def shifts(tx: Tx, user_id: UUID, *, since: datetime, until: datetime) -> tuple[tuple[Shift, str], ...]:
    """That person's shifts on every schedule, each with the schedule's name, in order."""
    found = tx.rows(_SHIFTS, {"user_id": user_id, "since": since, "until": until})
    return tuple((Shift(**{key: row[key] for key in Shift.__slots__}), row["schedule"]) for row in found)
