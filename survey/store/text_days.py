"""Which day of a number's each text took, and which of a survey's three messages it is; the table holds the caps."""

from datetime import date
from uuid import UUID

from survey.store.session import Tx

_TAKE = """
INSERT INTO text_day (address, day, message_id) VALUES (%(address)s, %(day)s, %(message_id)s)
ON CONFLICT ON CONSTRAINT one_text_a_day DO NOTHING
"""
_NUMBER = "UPDATE message SET contact_no = %(contact_no)s WHERE id = %(message_id)s"
_RELEASE = """
WITH given AS (DELETE FROM text_day WHERE message_id = %(message_id)s)
UPDATE message SET contact_no = NULL WHERE id = %(message_id)s AND contact_no IS NOT NULL
"""


def take(tx: Tx, address: str, day: date, message_id: UUID) -> bool:
    """Take that day of the number's; False when another text has it. Raises Conflict (`three_texts_a_week`)."""
    return tx.change(_TAKE, {"address": address, "day": day, "message_id": message_id}) == 1


def number(tx: Tx, message_id: UUID, contact_no: int) -> None:
    """Note which of its survey's automatic messages it is. Raises Conflict (`message_contacts_thrice`)."""
    tx.change(_NUMBER, {"message_id": message_id, "contact_no": contact_no})


def release(tx: Tx, message_id: UUID) -> None:
    """Give back what a message took."""
    tx.change(_RELEASE, {"message_id": message_id})
