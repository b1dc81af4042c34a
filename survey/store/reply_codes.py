"""Codes that a clinician texts back: each live one names one open alert on one phone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain.reply_codes import HIGHEST
from survey.store.session import Tx

# The smallest code that is free on that phone. Two senders may choose the same one at once: one of them adds no row.
_GIVE = """
WITH mine AS (
  SELECT code FROM reply_code
  WHERE contact_method_id = %(method_id)s AND alert_id = %(alert_id)s AND released_at IS NULL),
free AS (
  SELECT n::smallint AS code FROM generate_series(1, %(highest)s) n WHERE NOT EXISTS (
    SELECT FROM reply_code c WHERE c.contact_method_id = %(method_id)s AND c.code = n AND c.released_at IS NULL)
  ORDER BY n LIMIT 1),
new AS (
  INSERT INTO reply_code (contact_method_id, code, alert_id, given_at)
  SELECT %(method_id)s, code, %(alert_id)s, %(now)s FROM free
  WHERE NOT EXISTS (SELECT FROM mine)
  ON CONFLICT DO NOTHING RETURNING code)
SELECT code FROM mine UNION ALL SELECT code FROM new
UNION ALL SELECT 0 WHERE NOT EXISTS (SELECT FROM mine) AND NOT EXISTS (SELECT FROM free)
"""
_RELEASE = "UPDATE reply_code SET released_at = %(now)s WHERE alert_id = %(alert_id)s AND released_at IS NULL"
_LIVE = """
SELECT c.code, c.alert_id, a.short_no, a.state = 'triggered' AS to_be_had
FROM reply_code c JOIN alert a ON a.id = c.alert_id
WHERE c.contact_method_id = %(method_id)s AND c.released_at IS NULL ORDER BY c.code
"""
_LAST = """
SELECT c.alert_id FROM reply_code c JOIN alert a ON a.id = c.alert_id
WHERE c.contact_method_id = %(method_id)s AND (%(code)s::int IS NULL OR c.code = %(code)s)
ORDER BY a.state = 'triggered' DESC, c.released_at IS NULL DESC, c.given_at DESC LIMIT 1
"""
# What came in one text with others has no code yet.
_PAGED = """
SELECT a.id FROM alert a JOIN page p ON p.alert_id = a.id
WHERE a.state <> 'resolved' AND p.contact_method_id = %(method_id)s
ORDER BY a.state = 'triggered' DESC, p.not_before DESC LIMIT 1
"""
# By its own number an alert is found for whoever was ever paged for it.
_BY_NUMBER = """
SELECT a.id FROM alert a WHERE a.short_no = %(number)s
AND EXISTS (SELECT FROM page p WHERE p.alert_id = a.id AND p.user_id = %(user_id)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A live code of one phone, with its alert and the alert's number. `to_be_had`: nobody has the alert."""

    code: int
    alert_id: UUID
    alert_no: int
    to_be_had: bool


def give(tx: Tx, method_id: UUID, alert_id: UUID, *, now: datetime) -> int | None:
    """The live code of that alert on that phone, made at need; None when all of them are in use."""
    values = {"method_id": method_id, "alert_id": alert_id, "highest": HIGHEST, "now": now}
    while (row := tx.fetch(_GIVE, values)) is None:
        pass  # another sender has just taken that code: each round one of them has one
    return int(row["code"]) or None


def release(tx: Tx, alert_id: UUID, *, now: datetime) -> None:
    """The alert is over: its codes may name others."""
    tx.change(_RELEASE, {"alert_id": alert_id, "now": now})


def live(tx: Tx, method_id: UUID) -> tuple[Code, ...]:
    """The live codes of a phone, the smallest first."""
    return tuple(
        Code(code=row["code"], alert_id=row["alert_id"], alert_no=row["short_no"], to_be_had=row["to_be_had"])
        for row in tx.rows(_LIVE, {"method_id": method_id})
    )


def last(tx: Tx, method_id: UUID, code: int | None) -> UUID | None:
    """The alert that a code of this phone named last, live or not; without a code, of all of them.

    What nobody has comes before what is open, and that before what is closed.
    """
    row = tx.fetch(_LAST, {"method_id": method_id, "code": code})
    return _alert_id(row, "alert_id")


def paged(tx: Tx, method_id: UUID) -> UUID | None:
    """The open alert that this phone was paged for last, first of all one that nobody has."""
    return _alert_id(tx.fetch(_PAGED, {"method_id": method_id}), "id")


def numbered(tx: Tx, alert_no: int, *, user_id: UUID) -> UUID | None:
    """The alert of that number, if that user was paged for it."""
    return _alert_id(tx.fetch(_BY_NUMBER, {"number": alert_no, "user_id": user_id}), "id")


def _alert_id(row: Mapping[str, object] | None, name: str) -> UUID | None:
    found = row[name] if row else None
    return found if isinstance(found, UUID) else None
