"""Check-ins in any state at all, as rows: with responses, alerts and messages of any kind, also such as cannot be."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import sqlalchemy as sa

from survey.store.session import Tx, transaction
from tests import desk, factories
from tests.cast import ANA, RIVERSIDE, SAM

STATES = (
    "scheduled", "sent", "delivered", "opened", "completed", "reached", "undeliverable", "expired", "stopped",
)  # fmt: skip
MESSAGES = ("pending", "accepted", "delivered", "unknown", "undelivered", "refused", "cancelled")


def scatter(number: int, random: Random, *, now: datetime) -> None:
    """So many check-ins, some long past and some to come."""
    with transaction() as tx:
        version = tx.run(sa.text("SELECT id FROM protocol_version")).scalar_one()
        policy = tx.run(sa.text("SELECT id FROM policy_version")).scalar_one()
        for _ in range(number):
            _one(tx, random, version, policy, now)


def procedure(tx: Tx, due: datetime, *, now: datetime, **more: object) -> tuple[UUID, UUID]:
    """A patient with a procedure two days before `due`, and no survey; the ids of both."""
    patient, made = uuid4(), uuid4()
    named = {"given_name": "Ivy", "family_name": f"Test{patient.hex[:9]}", "born_on": "1980-01-01", "language": "en"}
    factories.insert(tx, "patient", id=patient, **named, created_at=now)
    day = {"performed_on": (due - timedelta(days=2)).date(), "protocol": desk.SLUG, "source_key": str(made)}
    about = {"patient_id": patient, "site_id": RIVERSIDE.id, "created_at": now}
    factories.insert(tx, "procedure", id=made, **about, **day, **more)
    return patient, made


def _one(tx: Tx, random: Random, version: UUID, policy: UUID, now: datetime) -> None:
    due = now + timedelta(days=random.randint(-60, 10))
    cancelled = {"cancelled_at": now} if random.random() < 0.1 else {}
    patient, about = procedure(tx, due, now=now, **cancelled)
    if random.random() < 0.03:
        return
    contact = _contact(tx, random, patient, now)
    invitation, state = uuid4(), random.choice(STATES)
    ended = {
        "stopped": {"stopped_at": now, "stop_reason": "moved away"},
        "completed": {"completed_at": now},
        "reached": {"reached_at": now},
        "undeliverable": {"trouble": "landline"},
    }.get(state, {})
    belongs = {"procedure_id": about, "site_id": RIVERSIDE.id, "protocol_version_id": version, "touch": "day2"}
    window = {"due_at": due, "call_at": due + timedelta(days=random.choice([0, 1, 40]))}
    window["expires_at"] = due + timedelta(days=28)
    factories.insert(tx, "invitation", id=invitation, **belongs, **window, state=state, **ended)
    if contact and random.random() < 0.8:
        _message(tx, random, invitation, contact, due)
    if state in ("opened", "completed", "expired", "stopped") and random.random() < 0.9:
        _response(tx, random, invitation, version, policy, now)


def _contact(tx: Tx, random: Random, patient: UUID, now: datetime) -> UUID | None:
    if random.random() < 0.2:
        return None
    made = uuid4()
    agreed = {"consented_at": now, "consent_how": "spoken"} if random.random() < 0.7 else {}
    factories.insert(tx, "contact", id=made, patient_id=patient, kind="sms", address="+12025550123", **agreed)
    return made


def _message(tx: Tx, random: Random, invitation: UUID, contact: UUID, due: datetime) -> None:
    goes = {"kind": "invitation", "touch_no": 0, "state": random.choice(MESSAGES)}
    belongs = {"invitation_id": invitation, "contact_id": contact}
    factories.insert(tx, "message", id=uuid4(), **belongs, **goes, due_at=due, give_up_at=due + timedelta(days=1))


def _response(tx: Tx, random: Random, invitation: UUID, version: UUID, policy: UUID, now: datetime) -> None:
    response = uuid4()
    mode = {"mode": "phone", "entered_by": SAM.id} if random.random() < 0.4 else {"mode": "web"}
    begun = {"language": "en", "answered_by": "self", "started_at": now, "answered_at": now}
    belongs = {"invitation_id": invitation, "protocol_version_id": version}
    sent = {"submitted_at": now} if random.random() < 0.9 else {}
    factories.insert(tx, "response", id=response, **belongs, **begun, **mode, **sent)
    for ordinal in range(random.randint(0, 3)):
        is_open = ordinal == 0 and random.random() < 0.5
        result = random.choice(["reached", "voicemail", "no_answer"])
        called = {"contacted_by": ANA.id, "contacted_at": now, "contact_result": result}
        closed = {"resolved_by": ANA.id, "resolved_at": now, "outcome": "other", "usefulness": "worth_it"}
        ended = {"next_action_at": now} if is_open else {"state": "resolved", **called, **closed}
        about = {"dedup_key": f"{response}:{ordinal}", "response_id": response, "site_id": RIVERSIDE.id}
        weight = {"tier": "urgent", "severity": "urgent", "policy_version_id": policy}
        times = {"created_at": now, "promised_at": now + timedelta(minutes=30)}
        factories.insert(tx, "alert", id=uuid4(), **about, **weight, **times, **ended)
