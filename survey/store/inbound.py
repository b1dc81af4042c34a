"""Texts that came in: each stored once, read by one worker, open until staff say done."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from survey.domain.errors import NotFound
from survey.domain.inbound import Answered, Inbound, Owner, Survey
from survey.domain.invitations import InvitationState
from survey.domain.keywords import Meaning
from survey.domain.messages import Kind
from survey.store.base import Row, identifier, instant, metadata
from survey.store.session import Tx

inbound = sa.Table(
    "inbound",
    metadata,
    identifier(primary_key=True),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("provider_ref", sa.Text, nullable=False),
    instant("received_at", nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("opt_out_type", sa.Text),
    instant("handled_at"),
    sa.Column("meaning", sa.Text),
    sa.Column("is_red", sa.Boolean, nullable=False),
    identifier("site_id"),
    sa.Column("language", sa.Text),
    sa.Column("wants_person", sa.Boolean, nullable=False),
    instant("done_at"),
    identifier("done_by"),
    sa.Column("done_note", sa.Text),
)

_NAMES = tuple(field.name for field in fields(Inbound))

_INSERT = """
INSERT INTO inbound (id, provider, provider_ref, received_at, sender, body, opt_out_type)
VALUES (%(id)s, %(provider)s, %(provider_ref)s, %(received_at)s, %(sender)s, %(body)s, %(opt_out_type)s)
ON CONFLICT ON CONSTRAINT inbound_once DO NOTHING
"""

_WAITING = "SELECT id FROM inbound WHERE handled_at IS NULL ORDER BY received_at, id LIMIT %(limit)s"

# The texts of one number are read in the order in which they came: START after STOP must not overtake it.
_CLAIM = """
SELECT * FROM inbound i WHERE id = %(id)s AND handled_at IS NULL
AND NOT EXISTS (SELECT FROM inbound before WHERE before.sender = i.sender AND before.handled_at IS NULL
  AND (before.received_at, before.id) < (i.received_at, i.id))
FOR UPDATE OF i SKIP LOCKED
"""

_HANDLED = """
UPDATE inbound SET handled_at = %(now)s, meaning = %(meaning)s, is_red = %(is_red)s, site_id = %(site_id)s,
  language = %(language)s, wants_person = %(wants_person)s
WHERE id = %(id)s
"""

_BELONGS = """
INSERT INTO inbound_patient (inbound_id, patient_id, invitation_id)
VALUES (%(inbound_id)s, %(patient_id)s, %(invitation_id)s)
"""

# Whoever said "not me" on this number is no owner. What was due last stands before what is due next.
_OWNERS = """
SELECT c.patient_id, c.id AS contact_id, p.language, i.id AS invitation_id, i.site_id, i.protocol_version_id, i.touch,
  i.state, i.due_at, pr.cancelled_at IS NOT NULL AS is_cancelled
FROM contact c
JOIN patient p ON p.id = c.patient_id
LEFT JOIN procedure pr ON pr.patient_id = p.id
LEFT JOIN invitation i ON i.procedure_id = pr.id
WHERE c.kind = 'sms' AND c.address = %(address)s AND c.blocked_reason IS DISTINCT FROM 'not_me'
ORDER BY pr.cancelled_at IS NOT NULL, coalesce(i.due_at <= %(now)s, false) DESC,
  abs(extract(epoch FROM i.due_at - %(now)s)), c.patient_id, i.id
"""

_ANSWERED = """
SELECT m.kind, max(m.due_at) AS last, count(*) FILTER (WHERE m.due_at > %(since)s) AS today
FROM message m JOIN inbound i ON i.id = m.inbound_id
WHERE i.sender = %(sender)s AND m.state <> 'cancelled' GROUP BY m.kind
"""

_COUNT_SINCE = "SELECT count(*) AS texts FROM inbound WHERE sender = %(sender)s AND received_at > %(since)s"


def insert(tx: Tx, new: Inbound) -> bool:
    """Keep a text; False when the provider had told of it before."""
    return tx.change(_INSERT, {name: getattr(new, name) for name in _NAMES}) == 1


def get(tx: Tx, inbound_id: UUID) -> Inbound:
    """That text. Raises NotFound."""
    row = tx.fetch("SELECT * FROM inbound WHERE id = %(id)s", {"id": inbound_id})
    if row is None:
        raise NotFound("There is no such reply.")
    return as_inbound(row)


def waiting(tx: Tx, *, limit: int) -> tuple[UUID, ...]:
    """Texts that nobody has read yet, the first that came first."""
    return tuple(row["id"] for row in tx.rows(_WAITING, {"limit": limit}))


def claim(tx: Tx, inbound_id: UUID) -> Inbound | None:
    """That text, locked; None when another worker has it, or an earlier one of the same number is not read yet."""
    row = tx.fetch(_CLAIM, {"id": inbound_id})
    return as_inbound(row) if row else None


def handled(tx: Tx, one: Inbound) -> None:
    """Keep what was understood of a text."""
    tx.change(_HANDLED, {name: getattr(one, name) for name in _NAMES} | {"now": one.handled_at})


def belongs(tx: Tx, inbound_id: UUID, owners: Sequence[Owner]) -> None:
    """Keep whose it may be, and the survey that it may be about."""
    for owner in owners:
        newest = owner.surveys[0].invitation_id if owner.surveys else None
        tx.change(_BELONGS, {"inbound_id": inbound_id, "patient_id": owner.patient_id, "invitation_id": newest})


def owners(tx: Tx, address: str, *, now: datetime) -> tuple[Owner, ...]:
    """The patients whose number it is, who was asked last first."""
    found: dict[UUID, Owner] = {}
    for row in tx.rows(_OWNERS, {"address": address, "now": now}):
        before = found.get(row["patient_id"])
        known = before.surveys if before else ()
        found[row["patient_id"]] = Owner(
            patient_id=row["patient_id"],
            contact_id=row["contact_id"],
            language=row["language"],
            surveys=(*known, _as_survey(row)) if row["invitation_id"] else known,
        )
    return tuple(found.values())


def answered(tx: Tx, sender: str, *, now: datetime) -> Answered:
    """What that number was answered so far."""
    rows = tx.rows(_ANSWERED, {"sender": sender, "since": now - timedelta(days=1)})
    return Answered(last={Kind(row["kind"]): row["last"] for row in rows}, today=sum(row["today"] for row in rows))


def count_since(tx: Tx, sender: str, since: datetime) -> int:
    """How many texts came from that number since then."""
    row = tx.fetch(_COUNT_SINCE, {"sender": sender, "since": since})
    return int(row["texts"]) if row else 0


def as_inbound(row: Row) -> Inbound:
    """The text of a row."""
    values = {name: row[name] for name in _NAMES}
    return Inbound(**values | {"meaning": Meaning(row["meaning"]) if row["meaning"] else None})


def _as_survey(row: Row) -> Survey:
    names = ("invitation_id", "site_id", "protocol_version_id", "touch", "due_at", "is_cancelled")
    return Survey(**{name: row[name] for name in names}, state=InvitationState(row["state"]))
