"""A patient's thumbs: texts that come in by the provider's own form, and the worker that reads them."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID, uuid4

from survey.services import inbound
from tests import desk
from tests.desk import MARIAS_PHONE

STRANGER = "+12025550199"


def form(body: str, *, sender: str = MARIAS_PHONE, ref: str | None = None, **more: str) -> Mapping[str, str]:
    """What Twilio posts of a text."""
    return {"MessageSid": ref or f"SM{uuid4().hex}", "From": sender, "To": "+12025550100", "Body": body, **more}


def text(body: str, *, now: datetime, sender: str = MARIAS_PHONE, ref: str | None = None, **more: str) -> None:
    """A text comes in."""
    inbound.take("twilio", urlencode(form(body, sender=sender, ref=ref, **more)).encode(), now=now)


def read(now: datetime) -> int:
    """A worker reads what came in; how many texts."""
    done = 0
    while part := inbound.handle_due(now=now):
        done += part
    return done


def reply(body: str, *, now: datetime, sender: str = MARIAS_PHONE, **more: str) -> dict[str, object]:
    """A text comes in and is read; its row."""
    ref = uuid4().hex
    text(body, now=now, sender=sender, ref=ref, **more)
    read(now)
    (row,) = desk.rows("SELECT * FROM inbound WHERE provider_ref = :ref", ref=ref)
    return dict(row)


def answers(inbound_id: object = None) -> list[str]:
    """The kinds of our answers, in order; to one text, or to all."""
    found = desk.rows(
        """SELECT m.kind FROM message m JOIN inbound i ON i.id = m.inbound_id
        WHERE CAST(:id AS uuid) IS NULL OR i.id = :id ORDER BY i.received_at, m.due_at""",
        id=inbound_id,
    )
    return [row["kind"] for row in found]


def patients_of(inbound_id: object) -> set[str]:
    """The given names of those whose text it may be."""
    found = desk.rows(
        """SELECT p.given_name FROM inbound_patient b JOIN patient p ON p.id = b.patient_id
        WHERE b.inbound_id = :id""",
        id=inbound_id,
    )
    return {row["given_name"] for row in found}


def call_at(invitation_id: UUID) -> datetime:
    """From when on a survey's patient is on the call list."""
    (row,) = desk.rows("SELECT call_at FROM invitation WHERE id = :id", id=invitation_id)
    at: datetime = row["call_at"]
    return at
