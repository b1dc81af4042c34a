"""What a message may do when its time comes, and what follows from outcomes and receipts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain import messages as rules
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.messages import Act, Delivery, Ending, Facts, Message, MessageState
from survey.domain.patients import Block, Contact, ContactKind
from survey.messaging.outcomes import Outcome
from tests.cast import RIVERSIDE

TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def message(state: MessageState = MessageState.LEASED, **changes: object) -> Message:
    leased = {"lease_token": uuid4(), "lease_until": TEN + rules.LEASE} if state is MessageState.LEASED else {}
    standing = Message(
        id=uuid4(),
        invitation_id=uuid4(),
        contact_id=uuid4(),
        kind=rules.Kind.INVITATION,
        touch_no=0,
        state=state,
        due_at=TEN,
        give_up_at=rules.give_up_at(rules.Kind.INVITATION, TEN, RIVERSIDE.tz),
        **leased,
    )
    return replace(standing, **changes)


def facts(**changes: object) -> Facts:
    contact = Contact(
        id=uuid4(),
        patient_id=uuid4(),
        kind=ContactKind.SMS,
        address="+12025550121",
        consented_at=TEN,
        blocked_at=None,
        blocked_reason=None,
    )
    standing = Facts(
        message=message(),
        address=contact.address,
        channel=ContactKind.SMS,
        contact=contact,
        site=RIVERSIDE,
        language="en",
        zone=RIVERSIDE.zone,
        invitation_state=InvitationState.SCHEDULED,
        expires_at=TEN + timedelta(days=28),
        procedure_cancelled_at=None,
    )
    return replace(standing, **changes)


def test_a_wanted_message_in_its_hours_is_sent() -> None:
    assert rules.decide(facts(), now=TEN).act is Act.SEND


def test_outside_the_hours_it_waits_for_the_morning() -> None:
    decision = rules.decide(facts(), now=TEN + 10 * HOUR)

    assert (decision.act, decision.due_at) == (Act.HOLD, TEN + 23 * HOUR)


def test_a_day_after_its_window_it_is_given_up() -> None:
    last = rules.give_up_at(rules.Kind.INVITATION, TEN, RIVERSIDE.tz)

    assert last == datetime(2026, 3, 12, 23, 0, tzinfo=UTC)
    assert rules.decide(facts(), now=last).act is Act.GIVE_UP
    assert rules.decide(facts(), now=last - timedelta(minutes=1)).act is Act.SEND


def test_a_cancelled_procedure_wins_over_everything_else() -> None:
    decision = rules.decide(facts(procedure_cancelled_at=TEN), now=TEN + 10 * HOUR)

    assert (decision.act, decision.reason) == (Act.CANCEL, "procedure_cancelled")


@pytest.mark.parametrize("state", InvitationState)
def test_only_an_awaited_answer_is_asked_for(state: InvitationState) -> None:
    decision = rules.decide(facts(invitation_state=state), now=TEN)

    asked = {
        InvitationState.SCHEDULED,
        InvitationState.SENT,
        InvitationState.DELIVERED,
        InvitationState.UNDELIVERABLE,
    }
    assert decision.act is (Act.SEND if state in asked else Act.CANCEL)


@pytest.mark.parametrize("block", Block)
def test_a_blocked_contact_is_turned_away_from(block: Block) -> None:
    contact = replace(facts().contact, blocked_at=TEN, blocked_reason=block)

    decision = rules.decide(facts(contact=contact), now=TEN)

    assert decision.act is Act.TURN
    assert decision.trouble in Trouble


def test_the_adapters_and_the_rules_speak_of_the_same_outcomes() -> None:
    assert [outcome.value for outcome in Outcome] == [ending.value for ending in Ending]


@pytest.mark.parametrize("ending", Ending)
def test_no_outcome_leaves_a_message_leased(ending: Ending) -> None:
    after = rules.after(message(attempts=1), ending, detail="x", now=TEN)

    assert after.state is not MessageState.LEASED
    assert (after.lease_token, after.lease_until) == (None, None)


def test_only_trying_later_puts_a_message_back() -> None:
    back = [
        ending for ending in Ending if rules.after(message(), ending, detail="", now=TEN).state is MessageState.PENDING
    ]

    assert back == [Ending.TRY_LATER]


@pytest.mark.parametrize(
    ("attempts", "wait_s", "seconds"),
    [(1, None, 30), (2, None, 60), (3, None, 120), (6, None, 900), (400, None, 900), (1, 120, 120), (1, 99_999, 900)],
)
def test_pauses_double_up_to_a_quarter_of_an_hour(attempts: int, wait_s: int | None, seconds: int) -> None:
    assert rules.pause(attempts, wait_s=wait_s) == timedelta(seconds=seconds)


@given(st.lists(st.sampled_from(Delivery), max_size=8))
def test_receipts_in_any_order_never_move_a_message_backwards(receipts: list[Delivery]) -> None:
    ended = {MessageState.DELIVERED, MessageState.UNDELIVERED}
    current = message(MessageState.ACCEPTED)

    for receipt in receipts:
        after = rules.told(current, receipt)
        assert current.state not in ended or after == current
        current = after


@pytest.mark.parametrize("order", list(permutations([Delivery.QUEUED, Delivery.SENT, Delivery.DELIVERED])))
def test_a_delivered_text_is_delivered_in_whatever_order_the_news_come(order: tuple[Delivery, ...]) -> None:
    current = message(MessageState.ACCEPTED)

    for receipt in order:
        current = rules.told(current, receipt)

    assert current.state is MessageState.DELIVERED


@pytest.mark.parametrize("state", [MessageState.PENDING, MessageState.LEASED, MessageState.CANCELLED])
def test_a_receipt_for_a_message_that_has_not_left_changes_nothing(state: MessageState) -> None:
    before = message(state)

    assert rules.told(before, Delivery.DELIVERED) == before
