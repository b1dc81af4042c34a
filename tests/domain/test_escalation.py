"""What time does to an alert under a policy."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain import alert_moves as alerts
from survey.domain import escalation
from survey.domain.alerts import Alert, ContactResult, EventKind
from survey.domain.errors import Stale
from survey.domain.escalation import Deed, Policy, Step, Target
from survey.domain.protocol import Tier
from tests.cast import ANA, NIGHT, RIVERSIDE

PRIMARY, BACKUP, LEAD = (Target(schedule_id=UUID(int=number)) for number in (1, 2, 3))
MINUTE = timedelta(minutes=1)
POLICY = Policy(
    id=UUID(int=9),
    policy="default",
    version=1,
    published_at=NIGHT,
    ack_ttl=30 * MINUTE,
    loop_every=5 * MINUTE,
    steps=(
        Step(seq=0, wait=3 * MINUTE, targets=(PRIMARY,)),
        Step(seq=1, wait=2 * MINUTE, targets=(PRIMARY,)),
        Step(seq=2, wait=7 * MINUTE, targets=(BACKUP,)),
        Step(seq=3, wait=5 * MINUTE, targets=(LEAD,), is_last_resort=True),
    ),
)


def opened(tier: Tier = Tier.URGENT) -> Alert:
    ids = {"alert_id": UUID(int=5), "response_id": UUID(int=6), "policy_version_id": POLICY.id}
    return alerts.opened(**ids, site=RIVERSIDE, tier=tier, ordinal=1, answered_at=NIGHT, now=NIGHT).alert


def taken() -> Alert:
    return alerts.take(opened(), by=ANA.id, epoch=1, ack_ttl=POLICY.ack_ttl, now=NIGHT).alert


def test_the_backup_is_the_first_step_that_pages_somebody_else() -> None:
    alone = replace(POLICY, steps=POLICY.steps[:2])

    assert POLICY.backup_seq == 2
    assert alone.backup_seq == 1


def test_steps_follow_one_another_and_the_last_follows_itself() -> None:
    alert, seen = opened(), []

    for _ in range(6):
        now = alert.next_action_at
        assert now is not None
        change = escalation.step(alert, POLICY, pages=1, now=now)
        seen.append((change.event.data["step"], change.event.data["cycle"], (now - NIGHT) // MINUTE))
        alert = change.alert

    assert seen == [(0, 0, 0), (1, 0, 3), (2, 0, 5), (3, 0, 12), (3, 1, 17), (3, 2, 22)]


def test_nobody_reachable_waits_for_nobody() -> None:
    change = escalation.step(opened(), POLICY, pages=0, now=NIGHT)

    assert change.event.kind is EventKind.NOBODY_REACHABLE
    assert (change.alert.step_seq, change.alert.next_action_at) == (1, NIGHT)


def test_the_last_step_waits_even_when_it_reaches_nobody() -> None:
    change = escalation.step(replace(opened(), step_seq=3), POLICY, pages=0, now=NIGHT)

    assert change.alert.next_action_at == NIGHT + POLICY.loop_every


def test_the_story_of_a_step_is_told_once_however_often_it_is_fired() -> None:
    first = escalation.step(opened(), POLICY, pages=1, now=NIGHT).event
    again = escalation.step(opened(), POLICY, pages=1, now=NIGHT + MINUTE).event

    assert first.idem_key == again.idem_key is not None


@pytest.mark.parametrize(
    ("alert", "minutes", "deed"),
    [
        (opened(), 0, Deed.STEP),
        (taken(), 15, Deed.NUDGE),
        (taken(), 29, Deed.NUDGE),
        (taken(), 30, Deed.EXPIRE),
        (opened(Tier.SOON), 9999, Deed.OVERDUE),
    ],
)
def test_what_is_due_follows_from_the_state_and_the_hour(alert: Alert, minutes: int, deed: Deed) -> None:
    assert escalation.due(alert, POLICY, NIGHT + minutes * MINUTE) is deed


@pytest.mark.parametrize(
    ("result", "minutes", "deed"),
    [
        (ContactResult.NO_ANSWER, 25, Deed.NUDGE),
        (ContactResult.NO_ANSWER, 40, Deed.EXPIRE),
        (ContactResult.VOICEMAIL, 40, Deed.EXPIRE),
        (ContactResult.REACHED, 240, Deed.REMIND_TO_CLOSE),
    ],
)
def test_the_clock_of_a_taken_alert_runs_from_the_last_try(result: ContactResult, minutes: int, deed: Deed) -> None:
    tried = {"result": result, "by": ANA.id, "epoch": 1, "ack_ttl": POLICY.ack_ttl, "now": NIGHT + 10 * MINUTE}
    alert = alerts.contact(taken(), **tried).alert

    assert escalation.due(alert, POLICY, NIGHT + minutes * MINUTE) is deed


def test_a_nudge_says_when_the_taking_runs_out() -> None:
    assert escalation.nudge(taken(), POLICY).alert.next_action_at == NIGHT + 30 * MINUTE


def test_expiry_pages_from_the_first_step_under_a_new_epoch() -> None:
    alert = escalation.expire(taken(), now=NIGHT + 30 * MINUTE).alert

    assert (alert.epoch, alert.step_seq, alert.acked_by) == (2, 0, None)
    assert alert.next_action_at == NIGHT + 30 * MINUTE


def test_an_overdue_alert_stays_open_and_is_looked_at_the_next_day() -> None:
    later = NIGHT + timedelta(days=3)

    change = escalation.overdue(opened(Tier.SOON), now=later)

    assert change.alert.is_open
    assert change.alert.next_action_at == later + timedelta(days=1)


def test_a_taken_alert_takes_no_step() -> None:
    with pytest.raises(Stale):
        escalation.step(taken(), POLICY, pages=1, now=NIGHT)
