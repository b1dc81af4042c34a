"""Reminders of one who has an alert: halfway to its end, and when the patient texts meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from survey.domain import alert_moves as rules
from survey.domain.accounts import SYSTEM
from survey.domain.alerts import Alert
from survey.domain.escalation import Target
from survey.domain.pages import PageKind
from survey.services import alerts, oncall, pages
from survey.store import alerts as store
from survey.store import pages as page_store
from survey.store.session import Tx


def plan(tx: Tx, alert: Alert, *, now: datetime) -> None:
    """Page the one who has it."""
    ways = oncall.ways(tx, [Target(user_id=alert.acked_by)], alert.severity, now)
    pages.plan(tx, alert, ways, kind=PageKind.NUDGE, step_seq=alert.step_seq, now=now)


def hear(tx: Tx, patient_ids: Sequence[UUID], *, inbound_id: UUID, is_red: bool, now: datetime) -> None:
    """Patients text while alerts of theirs are open: their stories tell it, and who has one is paged where needed."""
    for alert_id in store.open_of_patients(tx, patient_ids):
        old = store.get_for_update(tx, alert_id)
        if old.is_open:
            _hear(tx, old, inbound_id=inbound_id, is_red=is_red, now=now)


def _hear(tx: Tx, old: Alert, *, inbound_id: UUID, is_red: bool, now: datetime) -> None:
    nudged_at = page_store.last_nudge(tx, old.id)
    wanted = rules.wants_nudge(old, is_red=is_red, nudged_at=nudged_at, now=now)
    change = rules.wrote(old, inbound_id=inbound_id, is_red=is_red, nudges=wanted)
    new = alerts.record(tx, old, change, by=SYSTEM, now=now)
    if wanted:
        plan(tx, replace(new, cycle=old.cycle), now=now)  # each nudge counts up: the next one must not be the same
