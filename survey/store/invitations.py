"""Invitations: one row is one survey of one patient."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from survey.domain.errors import NotFound, Stale
from survey.domain.invitations import Invitation, InvitationState, Trouble
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

invitation = sa.Table(
    "invitation",
    metadata,
    identifier(primary_key=True),
    identifier("procedure_id", nullable=False),
    identifier("site_id", nullable=False),
    sa.Column("touch", sa.Text, nullable=False),
    identifier("protocol_version_id", nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    instant("due_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("sent_at"),
    instant("opened_at"),
    instant("completed_at"),
    instant("stopped_at"),
    identifier("stopped_by"),
    sa.Column("stop_reason", sa.Text),
    sa.Column("trouble", sa.Text),
    instant("call_at"),
    instant("asked_call_at"),
    instant("reached_at"),
    instant("sent_back_at"),
    sa.Column("risk", sa.SmallInteger, nullable=False),
)

_FIELDS = tuple(field.name for field in fields(Invitation))
_SELECT = sa.select(*(invitation.c[name] for name in _FIELDS))
_WAITING = [InvitationState.SCHEDULED.value, InvitationState.UNDELIVERABLE.value]
_ENDED = [
    InvitationState.COMPLETED.value,
    InvitationState.REACHED.value,
    InvitationState.STOPPED.value,
    InvitationState.EXPIRED.value,
]


_GET = f"SELECT {', '.join(_FIELDS)} FROM invitation WHERE id = %(id)s"  # noqa: S608
_GET_FOR_UPDATE = f"{_GET} FOR UPDATE"
_KEPT = ("id", "protocol_version_id")
"""A version that is published meanwhile may have taken the survey over."""
_SWAP = f"""
UPDATE invitation SET {", ".join(f"{name} = %({name})s" for name in _FIELDS if name not in _KEPT)},
  stopped_by = CASE WHEN %(is_stopped)s THEN %(by)s ELSE stopped_by END
WHERE id = %(id)s AND state = %(old_state)s
"""  # noqa: S608
_LOCK = "SELECT * FROM invitation WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"
_PUT_SENT = """
UPDATE invitation i SET state = v.state, sent_at = v.sent_at, call_at = v.call_at, trouble = NULL
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(sent)s::timestamptz[], %(calls)s::timestamptz[])
  AS v (id, state, sent_at, call_at)
WHERE i.id = v.id
"""


def get(tx: Tx, invitation_id: UUID) -> Invitation:
    """That invitation. Raises NotFound."""
    return _one(tx, _GET, invitation_id)


def get_for_update(tx: Tx, invitation_id: UUID) -> Invitation:
    """That invitation, locked to the end of the transaction. Raises NotFound."""
    return _one(tx, _GET_FOR_UPDATE, invitation_id)


def lock(tx: Tx, invitation_ids: Sequence[UUID]) -> dict[UUID, Invitation]:
    """Those invitations, locked."""
    rows = tx.rows(_LOCK, {"ids": list(invitation_ids)})
    return {row["id"]: _as_invitation({name: row[name] for name in _FIELDS}) for row in rows}


def put_sent(tx: Tx, invitations: Sequence[Invitation]) -> None:
    """Note that messages of invitations that `lock` holds have left."""
    if not invitations:
        return
    columns = {
        "ids": [one.id for one in invitations],
        "states": [one.state for one in invitations],
        "sent": [one.sent_at for one in invitations],
        "calls": [one.call_at for one in invitations],
    }
    tx.change(_PUT_SENT, columns)


def of_procedure(tx: Tx, procedure_id: UUID) -> tuple[Invitation, ...]:
    """A procedure's invitations, the first due first."""
    query = _SELECT.where(invitation.c.procedure_id == procedure_id).order_by(invitation.c.due_at, invitation.c.touch)
    return _many(tx, query)


def expired(tx: Tx, *, now: datetime, limit: int) -> tuple[Invitation, ...]:
    """Invitations past their end that nobody has closed, locked, at most `limit`."""
    query = _SELECT.where((invitation.c.expires_at <= now) & invitation.c.state.not_in(_ENDED))
    return _many(tx, query.limit(limit).with_for_update(skip_locked=True))


def insert(tx: Tx, new: Invitation | Sequence[Invitation]) -> None:
    """Add one invitation, or several. Raises Conflict (`invitation_once`)."""
    rows = [new] if isinstance(new, Invitation) else new
    tx.run(sa.insert(invitation), [_values(one) for one in rows])


def swap(tx: Tx, old: Invitation, new: Invitation, *, by: UUID | None = None) -> None:
    """Put `new` in the place of `old`. Raises Stale when somebody changed it in between."""
    is_stopped = new.stopped_at is not None and old.stopped_at is None
    values = _values(new) | {"id": old.id, "old_state": old.state, "is_stopped": is_stopped, "by": by}
    if tx.change(_SWAP, values) != 1:
        raise Stale("This survey has changed meanwhile. Look at it again.")


# What was neither sent nor begun, for a contact that the new version knows.
_UNSENT = """
i.state = ANY(%(waiting)s) AND i.sent_at IS NULL AND i.touch = ANY(%(touches)s)
AND NOT EXISTS (SELECT FROM response r WHERE r.invitation_id = i.id)
"""

_MOVE_UNSENT = "".join(
    (
        """
UPDATE invitation i SET protocol_version_id = %(to)s
FROM protocol_version v
WHERE v.id = i.protocol_version_id AND v.slug = %(slug)s AND v.id <> %(to)s AND
""",
        _UNSENT,
    )
)

_IN_FLIGHT = "".join(
    (
        "SELECT count(*) FILTER (WHERE unsent) AS move, count(*) FILTER (WHERE NOT unsent) AS stay FROM (SELECT",
        _UNSENT,
        """
AS unsent FROM invitation i JOIN protocol_version v ON v.id = i.protocol_version_id
WHERE v.slug = %(slug)s AND v.id <> %(to)s AND i.state <> ALL(%(ended)s)) AS open
""",
    )
)


def move_unsent(tx: Tx, slug: str, *, to: UUID, touches: Sequence[str]) -> int:
    """Give surveys that were neither sent nor begun another version of their protocol; how many.

    `touches` are the contacts that the new version knows; whatever waits for another one stays on its version.
    """
    return tx.change(_MOVE_UNSENT, {"to": to, "slug": slug, "waiting": _WAITING, "touches": list(touches)})


def in_flight(tx: Tx, slug: str, *, to: UUID, touches: Sequence[str]) -> tuple[int, int]:
    """Of the surveys on other versions that have not ended: how many `move_unsent` would move, and how many stay."""
    given = {"to": to, "slug": slug, "waiting": _WAITING, "touches": list(touches), "ended": _ENDED}
    (row,) = tx.rows(_IN_FLIGHT, given)
    return row["move"], row["stay"]


def _one(tx: Tx, query: str, invitation_id: UUID) -> Invitation:
    row = tx.fetch(query, {"id": invitation_id})
    if row is None:
        raise NotFound("There is no such survey.")
    return _as_invitation(row)


def _many(tx: Tx, query: sa.Select[Any]) -> tuple[Invitation, ...]:
    return tuple(_as_invitation(row) for row in tx.run(query).mappings())


def _values(one: Invitation) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _FIELDS}


def _as_invitation(row: Mapping[str, Any] | sa.RowMapping) -> Invitation:
    trouble = Trouble(row["trouble"]) if row["trouble"] else None
    return Invitation(**{**row, "state": InvitationState(row["state"]), "trouble": trouble})
