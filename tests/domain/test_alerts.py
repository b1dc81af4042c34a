"""The life of an alert: the whole grid of moves, and what each of them leaves behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain import alert_moves as rules
from survey.domain.alerts import (
    MOVES,
    Alert,
    AlertState,
    ContactResult,
    EventKind,
    Move,
    Outcome,
    Severity,
    Usefulness,
)
from survey.domain.errors import Refused, Stale
from survey.domain.protocol import Tier
from tests.cast import ANA, BEN, NIGHT, RIVERSIDE

TTL = timedelta(minutes=30)
TRIGGERED, ACKNOWLEDGED, RESOLVED = AlertState

GRID = {
    #                 triggered     acknowledged  resolved
    Move.TAKE: (ACKNOWLEDGED, None, None),
    Move.CONTACT: (ACKNOWLEDGED, ACKNOWLEDGED, None),
    Move.CLOSE: (None, RESOLVED, None),
    Move.PASS_ON: (TRIGGERED, TRIGGERED, None),
    Move.RAISE_TIER: (TRIGGERED, TRIGGERED, None),
    Move.LEARN: (TRIGGERED, ACKNOWLEDGED, None),
    Move.WRITE: (TRIGGERED, ACKNOWLEDGED, None),
    Move.STEP: (TRIGGERED, None, None),
    Move.REMIND: (TRIGGERED, ACKNOWLEDGED, None),
    Move.TAKE_OVER: (None, ACKNOWLEDGED, None),
    Move.REASSIGN: (TRIGGERED, TRIGGERED, None),
    Move.EXPIRE: (None, TRIGGERED, None),
}


def opened(tier: Tier = Tier.URGENT, *, now: datetime = NIGHT) -> Alert:
    ids = {"alert_id": uuid4(), "response_id": uuid4(), "policy_version_id": UUID(int=1)}
    return rules.opened(**ids, site=RIVERSIDE, tier=tier, ordinal=1, answered_at=now, now=now).alert


def taken(tier: Tier = Tier.URGENT) -> Alert:
    return rules.take(opened(tier), by=ANA.id, epoch=1, ack_ttl=TTL, now=NIGHT).alert


def contacted(result: ContactResult = ContactResult.REACHED) -> Alert:
    return rules.contact(taken(), result=result, by=ANA.id, epoch=1, ack_ttl=TTL, now=NIGHT).alert


def closed() -> Alert:
    words = {"outcome": Outcome.REASSURED, "usefulness": Usefulness.WORTH_IT}
    return rules.close(contacted(), **words, by=ANA.id, epoch=1, now=NIGHT).alert


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("place", range(3))
def test_each_move_from_each_state_leads_where_the_grid_says_or_is_refused(move: Move, place: int) -> None:
    state, expected = list(AlertState)[place], GRID[move][place]
    alert = replace(opened(), state=state)

    if expected is None:
        with pytest.raises(Stale):
            rules.after(alert, move)
    else:
        assert rules.after(alert, move) is expected


def test_the_table_of_moves_holds_nothing_that_the_grid_does_not() -> None:
    assert len(MOVES) == sum(state is not None for row in GRID.values() for state in row)


@pytest.mark.parametrize(
    ("tier", "severity", "first_look", "promise"),
    [
        (Tier.EMERGENCY, Severity.URGENT, NIGHT, NIGHT + timedelta(minutes=30)),
        (Tier.URGENT, Severity.URGENT, NIGHT, NIGHT + timedelta(minutes=30)),
        # Wednesday 00:31 in New York: the next working day closes on Thursday at 18:00, 22:00 UTC.
        (Tier.SOON, Severity.ROUTINE, *[datetime(2026, 3, 12, 22, tzinfo=UTC)] * 2),
    ],
)
def test_the_tier_decides_who_is_disturbed_and_what_is_promised(
    tier: Tier, severity: Severity, first_look: datetime, promise: datetime
) -> None:
    alert = opened(tier)

    assert (alert.severity, alert.next_action_at, alert.promised_at) == (severity, first_look, promise)


def test_whoever_takes_it_is_looked_at_again_after_half_the_time() -> None:
    alert = taken()

    assert alert.acked_by == ANA.id
    assert alert.next_action_at == NIGHT + timedelta(minutes=15)


def test_a_routine_alert_keeps_its_promise_as_its_clock_whatever_people_do() -> None:
    alert = taken(Tier.SOON)
    tried = rules.contact(alert, result=ContactResult.NO_ANSWER, by=ANA.id, epoch=1, ack_ttl=TTL, now=NIGHT).alert

    assert alert.next_action_at == tried.next_action_at == alert.promised_at


@pytest.mark.parametrize(
    ("result", "wait"),
    [
        (ContactResult.REACHED, timedelta(hours=4)),
        (ContactResult.VOICEMAIL, timedelta(minutes=15)),
        (ContactResult.NO_ANSWER, timedelta(minutes=15)),
    ],
)
def test_only_reaching_the_patient_stops_the_clock(result: ContactResult, wait: timedelta) -> None:
    assert contacted(result).next_action_at == NIGHT + wait


def test_contact_without_taking_takes_it() -> None:
    alert = rules.contact(opened(), result=ContactResult.REACHED, by=BEN.id, epoch=1, ack_ttl=TTL, now=NIGHT).alert

    assert (alert.state, alert.acked_by, alert.contacted_by) == (ACKNOWLEDGED, BEN.id, BEN.id)


def test_a_later_call_that_nobody_answers_leaves_the_patient_reached() -> None:
    reached = contacted(ContactResult.REACHED)

    change = rules.contact(reached, result=ContactResult.VOICEMAIL, by=ANA.id, epoch=1, ack_ttl=TTL, now=NIGHT)

    assert change.alert == reached
    assert change.event.data == {"result": "voicemail"}


def test_a_colleague_who_reaches_the_patient_does_not_take_the_alert_away() -> None:
    alert = rules.contact(taken(), result=ContactResult.REACHED, by=BEN.id, epoch=1, ack_ttl=TTL, now=NIGHT).alert

    assert (alert.acked_by, alert.contacted_by) == (ANA.id, BEN.id)


def test_closing_leaves_no_deadline() -> None:
    assert (closed().state, closed().next_action_at) == (RESOLVED, None)


@pytest.mark.parametrize("outcome", Outcome)
def test_most_outcomes_need_a_patient_who_was_reached(outcome: Outcome) -> None:
    alert = contacted(ContactResult.NO_ANSWER)
    words = {"usefulness": Usefulness.NOT_NEEDED, "by": ANA.id, "epoch": 1, "now": NIGHT}

    if outcome in {Outcome.AMBULANCE, Outcome.WRONG_PERSON, Outcome.OTHER}:
        assert rules.close(alert, outcome=outcome, **words).alert.outcome is outcome
    else:
        with pytest.raises(Refused):
            rules.close(alert, outcome=outcome, **words)


@pytest.mark.parametrize("alert", [opened(), taken()])
def test_nothing_is_closed_before_contact_was_recorded(alert: Alert) -> None:
    words = {"outcome": Outcome.OTHER, "usefulness": Usefulness.NOT_NEEDED}

    with pytest.raises(Refused, match="reached the patient"):
        rules.close(alert, **words, by=ANA.id, epoch=1, now=NIGHT)


def test_a_screen_from_an_earlier_epoch_is_refused() -> None:
    alert = rules.retriggered(taken(), step_seq=0, now=NIGHT)

    with pytest.raises(Stale, match="moved on"):
        rules.take(alert, by=ANA.id, epoch=1, ack_ttl=TTL, now=NIGHT)
    assert rules.take(alert, by=ANA.id, epoch=2, ack_ttl=TTL, now=NIGHT).alert.state is ACKNOWLEDGED


def test_retriggering_forgets_who_had_it_and_what_they_did() -> None:
    alert = rules.retriggered(contacted(), step_seq=2, now=NIGHT)

    assert (alert.state, alert.epoch, alert.step_seq, alert.cycle) == (TRIGGERED, 2, 2, 0)
    assert alert.acked_by is alert.acked_at is alert.contacted_by is alert.contact_result is None
    assert alert.next_action_at == NIGHT


@pytest.mark.parametrize(
    ("before", "tier", "epoch"),
    [
        (opened(Tier.SOON), Tier.URGENT, 2),  # was not being paged
        (taken(Tier.SOON), Tier.URGENT, 2),
        (taken(Tier.URGENT), Tier.EMERGENCY, 2),  # somebody has it, and does not know how bad it is
        (opened(Tier.URGENT), Tier.EMERGENCY, 1),  # is being paged: starting over would only lose time
    ],
)
def test_a_worse_tier_starts_paging_unless_paging_is_under_way(before: Alert, tier: Tier, epoch: int) -> None:
    alert = rules.raise_tier(before, tier=tier, site=RIVERSIDE, answered_at=NIGHT, now=NIGHT).alert

    assert (alert.tier, alert.state, alert.epoch) == (tier, TRIGGERED, epoch)
    assert alert.next_action_at == NIGHT
    assert alert.promised_at == NIGHT + timedelta(minutes=30)


def test_a_worse_tier_never_makes_a_promise_later() -> None:
    later = NIGHT + timedelta(minutes=20)

    alert = rules.raise_tier(opened(), tier=Tier.EMERGENCY, site=RIVERSIDE, answered_at=later, now=later).alert

    assert alert.promised_at == NIGHT + timedelta(minutes=30)


def test_further_rules_make_the_holders_screen_stale_and_leave_the_paging_alone() -> None:
    held = rules.learn(taken(), rules=("U7",))
    waiting = rules.learn(opened(), rules=("U7",))

    assert (held.alert.epoch, held.alert.state) == (2, ACKNOWLEDGED)
    assert waiting.alert.epoch == 1
    assert held.event.kind is EventKind.ANSWERS_ADDED


def test_passing_on_never_goes_back_to_an_earlier_step() -> None:
    late = replace(opened(), step_seq=3, next_action_at=NIGHT + timedelta(minutes=5))

    waiting = rules.pass_on(late, to_step=2, epoch=1, now=NIGHT).alert
    held = rules.pass_on(taken(), to_step=2, epoch=1, now=NIGHT).alert

    assert (waiting.step_seq, waiting.epoch, waiting.next_action_at) == (3, 1, NIGHT)
    assert (held.step_seq, held.epoch, held.next_action_at) == (2, 2, NIGHT)


def test_the_promise_counts_from_the_answer_however_late_the_scoring_was():
    ids = {"alert_id": uuid4(), "response_id": uuid4(), "policy_version_id": uuid4()}
    scored_at = NIGHT + timedelta(minutes=7)

    alert = rules.opened(**ids, site=RIVERSIDE, tier=Tier.URGENT, ordinal=1, answered_at=NIGHT, now=scored_at).alert

    assert (alert.promised_at, alert.next_action_at) == (NIGHT + timedelta(minutes=30), scored_at)
