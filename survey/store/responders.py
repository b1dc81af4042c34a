"""People who were asked by name to help with an alert."""

from datetime import datetime
from uuid import UUID

from survey.domain.oncall import User
from survey.store.session import Tx

_ADD = """
INSERT INTO alert_responder (alert_id, user_id, added_by, added_at)
VALUES (%(alert_id)s, %(user_id)s, %(by)s, %(now)s) ON CONFLICT DO NOTHING
"""
_OF = """
SELECT u.id, u.name FROM alert_responder r JOIN app_user u ON u.id = r.user_id
WHERE r.alert_id = %(alert_id)s AND u.active ORDER BY u.name
"""


def add(tx: Tx, alert_id: UUID, user_id: UUID, *, by: UUID, now: datetime) -> bool:
    """Ask that person; False when somebody has asked before."""
    return tx.change(_ADD, {"alert_id": alert_id, "user_id": user_id, "by": by, "now": now}) == 1


def of(tx: Tx, alert_id: UUID) -> tuple[User, ...]:
    """Who was asked, if the account is in use."""
    return tuple(User(**row) for row in tx.rows(_OF, {"alert_id": alert_id}))
