"""Which day of a number's each text took, and which of a survey's three messages it is; the table holds the caps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from survey.store.session import Tx

_TAKE = """
INSERT INTO text_day (address, day, message_id)
SELECT * FROM unnest(%(addresses)s::text[], %(days)s::date[], %(message_ids)s::uuid[])
ON CONFLICT ON CONSTRAINT one_text_a_day DO NOTHING RETURNING message_id
"""
_RELEASE = """
WITH given AS (DELETE FROM text_day WHERE message_id = %(message_id)s)
UPDATE message SET contact_no = NULL WHERE id = %(message_id)s AND contact_no IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDay:
    """A day of a number's, for one message."""

    address: str
    day: date
    message_id: UUID


def take(tx: Tx, wanted: Sequence[TextDay]) -> frozenset[UUID]:
    """Take those days; which messages have theirs, for another text may have been faster.

    Raises Conflict (`three_texts_a_week`).
    """
    if not wanted:
        return frozenset()
    columns = {
        "addresses": [one.address for one in wanted],
        "days": [one.day for one in wanted],
        "message_ids": [one.message_id for one in wanted],
    }
    return frozenset(row["message_id"] for row in tx.rows(_TAKE, columns))


def release(tx: Tx, message_id: UUID) -> None:
    """Give back what a message took."""
    tx.change(_RELEASE, {"message_id": message_id})
