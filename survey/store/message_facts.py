"""Everything that decides about one message, read in one statement of the transaction that notes the attempt."""

from collections.abc import Sequence
from dataclasses import fields
from uuid import UUID

from survey.domain.invitations import InvitationState
from survey.domain.messages import Facts, Message
from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope
from survey.store.base import Row
from survey.store.contacts import as_contact, contact
from survey.store.messages import as_message
from survey.store.session import Tx
from survey.store.sites import as_site, site

_MESSAGE = tuple(field.name for field in fields(Message))


def _columns(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name} AS {alias}__{name}" for name in names)


# A wrong number has opted out of nothing: the patient's other channel is still used. Who opted out before the
# enrolment gave a new consent with it. Eight days are more than any week that the caps look at.
_READ = """
  coalesce(c.kind, 'sms') AS channel, coalesce(c.address, n.sender) AS address,
  coalesce(p.language, n.language) AS language, coalesce(p.zone, s.zone) AS zone,
  i.state AS invitation_state, i.due_at AS survey_due_at, i.expires_at, d.cancelled_at, x.scope AS suppressed,
  EXISTS (SELECT FROM contact oc JOIN suppression ox ON ox.kind = oc.kind AND ox.address = oc.address
    WHERE oc.patient_id = p.id AND ox.lifted_at IS NULL AND ox.source <> 'wrong_number' AND ox.at >= d.created_at
  ) AS has_opted_out,
  EXISTS (SELECT FROM contact_stop e WHERE e.patient_id = p.id AND e.lifted_at IS NULL) AS is_stopped,
  ARRAY(SELECT t.day FROM text_day t WHERE t.address = c.address AND t.message_id <> m.id ORDER BY t.day DESC LIMIT 8
  ) AS taken,
  (SELECT max(t.day) FROM text_day t WHERE t.message_id = m.id) AS own_day,
  ARRAY(SELECT o.contact_no FROM message o
    WHERE o.invitation_id = m.invitation_id AND o.id <> m.id AND o.contact_no IS NOT NULL) AS contact_nos
FROM message m
LEFT JOIN invitation i ON i.id = m.invitation_id
LEFT JOIN procedure d ON d.id = i.procedure_id
LEFT JOIN patient p ON p.id = d.patient_id
LEFT JOIN contact c ON c.id = m.contact_id
LEFT JOIN inbound n ON n.id = m.inbound_id
JOIN site s ON s.id = coalesce(i.site_id, n.site_id)
LEFT JOIN suppression x
  ON x.kind = coalesce(c.kind, 'sms') AND x.address = coalesce(c.address, n.sender) AND x.lifted_at IS NULL
WHERE m.id = ANY(%(message_ids)s) AND m.lease_token = %(token)s
  AND NOT EXISTS (SELECT FROM inbound u WHERE u.sender = c.address AND u.handled_at IS NULL)
FOR UPDATE OF m
"""
_PARTS = (_columns("m", _MESSAGE), _columns("c", tuple(contact.c.keys())), _columns("s", tuple(site.c.keys())))
_FACTS = "".join(("SELECT ", ", ".join(_PARTS), ",", _READ))


def read(tx: Tx, message_ids: Sequence[UUID], *, token: UUID) -> tuple[Facts, ...]:
    """What decides about messages that this lease holds, locked, in the order asked for; without those that it lost.

    Without those also whose number has texted something that nobody has read yet, for it may be STOP: the lease runs
    out, and by then it is read.
    """
    rows = tx.rows(_FACTS, {"message_ids": list(message_ids), "token": token})
    found = {row["m__id"]: _as_facts(row) for row in rows}
    return tuple(found[one] for one in message_ids if one in found)


def _as_facts(row: Row) -> Facts:
    message = as_message(_part("m", row))
    return Facts(
        message=message,
        address=row["address"],
        channel=ContactKind(row["channel"]),
        site=as_site(_part("s", row)),
        language=row["language"],
        zone=row["zone"],
        contact=as_contact(_part("c", row)) if message.contact_id else None,
        invitation_state=InvitationState(row["invitation_state"]) if message.invitation_id else None,
        survey_due_at=row["survey_due_at"],
        expires_at=row["expires_at"],
        procedure_cancelled_at=row["cancelled_at"],
        suppressed=Scope(row["suppressed"]) if row["suppressed"] else None,
        has_opted_out=row["has_opted_out"],
        is_stopped=row["is_stopped"],
        taken=tuple(row["taken"]),
        own_day=row["own_day"],
        contact_nos=tuple(row["contact_nos"]),
    )


def _part(alias: str, row: Row) -> dict[str, object]:
    prefix = f"{alias}__"
    return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
