"""The worklist: every check-in counts exactly once, and nobody who is open is missing from the list."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest
import sqlalchemy as sa

from survey.domain.worklist import Filter
from survey.services import alerts, patients, worklist
from survey.store.session import transaction
from survey.store.worklist import CLASS
from tests import desk, factories, surveys
from tests.cast import ANA, BEN, RIVERSIDE, SAM
from tests.conftest import Database
from tests.staff import BREATHLESS, CALM, answered

NOW = datetime(2026, 3, 11, 15, 0, tzinfo=UTC)
STATES = ("scheduled", "sent", "delivered", "opened", "completed", "undeliverable", "expired", "stopped")


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    surveys.open_clinic(NOW)


def look(*, days: int = 30, page: int = 1, now: datetime = NOW, **chosen: object) -> worklist.Worklist:
    return worklist.look(Filter(**chosen), days=days, page=page, now=now)


def scatter(number: int, random: Random) -> None:
    """Check-ins in any state at all, with responses and alerts of any kind, some long past and some to come."""
    with transaction() as tx:
        version = tx.run(sa.text("SELECT id FROM protocol_version")).scalar_one()
        policy = tx.run(sa.text("SELECT id FROM policy_version")).scalar_one()
        for _ in range(number):
            _one(tx, random, version, policy)


def _one(tx, random: Random, version, policy) -> None:
    patient, procedure, invitation = uuid4(), uuid4(), uuid4()
    due = NOW + timedelta(days=random.randint(-60, 10))
    state = random.choice(STATES)
    named = {"given_name": "Ivy", "family_name": f"Test{random.random()}", "born_on": "1980-01-01", "language": "en"}
    factories.insert(tx, "patient", id=patient, **named, created_at=NOW)
    if random.random() < 0.7:
        agreed = {"consented_at": NOW, "consent_how": "spoken"} if random.random() < 0.7 else {}
        factories.insert(tx, "contact", id=uuid4(), patient_id=patient, kind="sms", address="+12025550123", **agreed)
    cancelled = {"cancelled_at": NOW} if random.random() < 0.1 else {}
    day = {"performed_on": (due - timedelta(days=2)).date(), "protocol": desk.SLUG, "source_key": str(procedure)}
    about = {"patient_id": patient, "site_id": RIVERSIDE.id, "created_at": NOW}
    factories.insert(tx, "procedure", id=procedure, **about, **day, **cancelled)
    ended = {
        "stopped": {"stopped_at": NOW, "stop_reason": "moved away"},
        "completed": {"completed_at": NOW},
        "undeliverable": {"trouble": "landline"},
    }.get(state, {})
    belongs = {"procedure_id": procedure, "site_id": RIVERSIDE.id, "protocol_version_id": version, "touch": "day2"}
    window = {"due_at": due, "call_at": due, "expires_at": due + timedelta(days=28)}
    factories.insert(tx, "invitation", id=invitation, **belongs, **window, state=state, **ended)
    if state in ("opened", "completed", "expired", "stopped") and random.random() < 0.8:
        _response(tx, random, invitation, version, policy)


def _response(tx, random: Random, invitation, version, policy) -> None:
    response = uuid4()
    mode = {"mode": "phone", "entered_by": SAM.id} if random.random() < 0.4 else {"mode": "web"}
    begun = {"language": "en", "answered_by": "self", "started_at": NOW, "answered_at": NOW}
    belongs = {"invitation_id": invitation, "protocol_version_id": version}
    factories.insert(tx, "response", id=response, **belongs, **begun, **mode)
    for ordinal in range(random.randint(0, 3)):
        is_open = ordinal == 0 and random.random() < 0.5
        result = random.choice(["reached", "voicemail", "no_answer"])
        called = {"contacted_by": ANA.id, "contacted_at": NOW, "contact_result": result}
        closed = {"resolved_by": ANA.id, "resolved_at": NOW, "outcome": "other", "usefulness": "worth_it"}
        ended = {"next_action_at": NOW} if is_open else {"state": "resolved", **called, **closed}
        about = {"dedup_key": f"{response}:{ordinal}", "response_id": response, "site_id": RIVERSIDE.id}
        weight = {"tier": "urgent", "severity": "urgent", "policy_version_id": policy}
        times = {"created_at": NOW, "promised_at": NOW + timedelta(minutes=30)}
        factories.insert(tx, "alert", id=uuid4(), **about, **weight, **times, **ended)


@pytest.mark.parametrize("seed", range(5))
def test_enrolled_is_answered_and_phoned_and_closed_and_open_whatever_happened(seed: int) -> None:
    scatter(80, Random(seed))

    counts = look(days=365).counts

    assert counts.enrolled == 80
    assert counts.enrolled == counts.answered + counts.phoned + counts.closed + counts.open
    assert min(counts.answered, counts.phoned, counts.closed, counts.open) > 0


@pytest.mark.parametrize("seed", range(5))
def test_every_open_check_in_is_on_the_list_exactly_once_however_old(seed: int) -> None:
    scatter(80, Random(seed))
    with transaction() as tx:
        listed = tx.run(sa.text(OPEN)).scalars().all()

    seen = look(days=1)
    rows = [*look(days=1, kind="waiting").rows, *(row for page in (1, 2) for row in look(days=1, page=page).rows)]

    silent = [row.item.invitation_id for row in rows if row.item.alert_id is None]
    assert len(silent) == len(set(silent))
    assert set(listed) <= {row.item.invitation_id for row in rows}
    assert seen.counts.open + seen.counts.older_open == len(listed)


OPEN = f"""
SELECT i.id FROM invitation i JOIN procedure p ON p.id = i.procedure_id
LEFT JOIN response r ON r.invitation_id = i.id
LEFT JOIN LATERAL (SELECT bool_or(state <> 'resolved') AS is_open,
  bool_or(state = 'resolved' AND contact_result = 'reached') AS reached FROM alert WHERE response_id = r.id) a ON true
WHERE {CLASS} = 'open'"""


def test_a_patient_moves_through_the_four_counts() -> None:
    case = surveys.invited(NOW)
    assert (look().counts.open, look().counts.phoned) == (1, 0)

    answered(case, CALM, now=NOW)

    assert (look().counts.open, look().counts.phoned) == (0, 1)


def test_a_check_in_closed_with_a_reason_is_neither_open_nor_lost() -> None:
    case = surveys.invited(NOW)

    patients.stop(case.invitation_id, reason="Moved abroad", by=SAM.actor, now=NOW)

    assert (look().counts.enrolled, look().counts.closed, look().total) == (1, 1, 0)


def test_an_urgent_alert_stands_above_everything_with_its_reason_in_words() -> None:
    surveys.invited(NOW, given_name="Ira", mobile=None, consent=False)
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)

    first, second = look().rows

    assert (first.word, second.word) == ("Urgent", "Cannot be texted")
    assert first.why[0].startswith("Breathing: ")
    assert second.why == ("No mobile number and no email address is recorded",)


def test_what_is_not_due_shows_only_when_asked_for() -> None:
    desk.enrol(desk.maria(performed_on=NOW.date()), now=NOW)

    assert look().rows == ()
    assert [row.word for row in look(kind="waiting").rows] == ["Not due yet"]
    assert (look().counts.open, look().counts.not_due) == (1, 1)


def test_an_alert_past_its_promise_is_late_until_somebody_has_called() -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)
    later = NOW + timedelta(minutes=31)

    before, after = look().rows[0].is_late, look(now=later).rows[0].is_late

    assert (before, after) == (False, True)


def test_mine_and_nobodys_are_told_apart() -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)
    (alert,) = alerts.open_alerts()
    assert look(unowned=True).total == 1

    alerts.take(alert.id, by=ANA.actor, epoch=alert.epoch, now=NOW)

    assert look(unowned=True).total == 0
    assert look(owner_id=ANA.id).rows[0].item.owner == ANA.name
    assert look(owner_id=BEN.id).total == 0


@pytest.mark.parametrize(("typed", "found"), [("lind", 1), ("maria l", 1), ("%", 0), ("_", 0), ("nobody", 0)])
def test_a_name_is_found_by_any_part_and_wildcards_are_letters(typed: str, found: int) -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)

    assert look(name=typed).total == found


def test_a_second_page_goes_on_where_the_first_ended() -> None:
    scatter(160, Random(7))
    first, second = look(days=365), look(days=365, page=2)

    ids = [row.item.invitation_id for row in (*first.rows, *second.rows) if row.item.alert_id is None]

    assert len(first.rows) == worklist.PAGE_SIZE
    assert len(ids) == len(set(ids))
    assert first.pages >= 2
