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
from survey.domain.messages import TERMS, Act, Delivery, Ending, Facts, Kind, Message, MessageState
from survey.domain.patients import Block, Contact, ContactKind
from survey.domain.suppressions import Scope
from survey.messaging.outcomes import Outcome
from tests.cast import RIVERSIDE

TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def message(state: MessageState = MessageState.LEASED, **changes: object) -> Message:
    leased = {"lease_token": uuid4(), "lease_until": TEN + rules.LEASE} if state is MessageState.LEASED else {}
    kind = changes.pop("kind", Kind.INVITATION)
    standing = Message(
        id=uuid4(),
        kind=kind,
        invitation_id=uuid4(),
        contact_id=uuid4(),
        touch_no=0,
        state=state,
        due_at=TEN,
        give_up_at=rules.give_up_at(kind, TEN, RIVERSIDE.tz),
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
    last = rules.give_up_at(Kind.INVITATION, TEN, RIVERSIDE.tz)

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


def of_kind(kind: Kind, **changes: object) -> Facts:
    """A message of that kind; a reply goes to a number and belongs to no survey."""
    nobody = {"contact": None, "invitation_state": None, "expires_at": None} if TERMS[kind].replies else {}
    return facts(**{"message": message(kind=kind)} | nobody | changes)


@pytest.mark.parametrize("kind", Kind)
def test_whoever_wants_no_text_at_all_gets_the_confirmation_of_that_and_nothing_else(kind: Kind) -> None:
    sent = rules.decide(of_kind(kind, suppressed=Scope.ALL), now=TEN).act is Act.SEND

    assert sent is (kind in (Kind.STOPPED, Kind.WRONG_NUMBER))


@pytest.mark.parametrize("kind", Kind)
def test_whoever_left_the_program_still_gets_what_is_asked_for(kind: Kind) -> None:
    sent = rules.decide(of_kind(kind, suppressed=Scope.PROGRAM), now=TEN).act is Act.SEND

    by_itself = (Kind.INVITATION, Kind.REMINDER, Kind.CONFIRM, Kind.CALLED, Kind.NOT_REACHED)
    assert sent is (kind not in by_itself)


def test_an_opt_out_on_one_channel_ends_what_leaves_by_itself_on_the_other() -> None:
    decision = rules.decide(facts(has_opted_out=True), now=TEN)

    assert (decision.act, decision.trouble) == (Act.TURN, Trouble.STOPPED)
    assert rules.decide(of_kind(Kind.FRESH_LINK, has_opted_out=True), now=TEN).act is Act.SEND
    assert rules.decide(of_kind(Kind.NOT_REACHED, has_opted_out=True), now=TEN).act is not Act.SEND


@pytest.mark.parametrize("kind", Kind)
def test_only_what_we_send_of_our_own_accord_keeps_the_hours(kind: Kind) -> None:
    night = TEN - 6 * HOUR
    decision = rules.decide(of_kind(kind, message=message(kind=kind, due_at=night)), now=night)

    waits = kind in (Kind.INVITATION, Kind.REMINDER, Kind.CALLED)
    assert decision.act is (Act.HOLD if waits else Act.SEND)


@pytest.mark.parametrize("kind", Kind)
def test_a_number_that_has_had_its_text_today(kind: Kind) -> None:
    decision = rules.decide(of_kind(kind, taken=(TEN.date(),)), now=TEN)

    if TERMS[kind].automatic:
        assert (decision.act, decision.due_at) == (Act.HOLD, TEN + 23 * HOUR)
    else:
        assert decision.act is (Act.CANCEL if kind in (Kind.CONFIRM, Kind.CALLED) else Act.SEND)


def test_a_mail_is_not_counted_among_the_texts() -> None:
    mailbox = replace(facts().contact, kind=ContactKind.EMAIL, address="maria@example.org")
    mailed = facts(contact=mailbox, address=mailbox.address, channel=ContactKind.EMAIL, taken=(TEN.date(),))

    assert rules.decide(mailed, now=TEN).act is Act.SEND


def test_what_the_cap_holds_is_given_up_when_its_time_is_over() -> None:
    days = tuple(TEN.date() + timedelta(days=more) for more in (-1, 0, 1))

    decision = rules.decide(facts(taken=days), now=TEN)

    assert (decision.act, decision.due_at) == (Act.HOLD, facts().message.give_up_at)


@pytest.mark.parametrize("kind", [Kind.INVITATION, Kind.REMINDER])
def test_a_survey_has_three_messages_that_leave_by_themselves(kind: Kind) -> None:
    third = rules.decide(of_kind(kind, contact_nos=(1, 2)), now=TEN)
    fourth = rules.decide(of_kind(kind, contact_nos=(1, 2, 3)), now=TEN)

    assert third.act is Act.SEND
    assert (fourth.act, fourth.reason) == (Act.CANCEL, "enough")


def test_a_place_that_was_given_back_is_taken_again() -> None:
    assert facts(contact_nos=(1, 3)).contact_no == 2
    assert facts(message=message(contact_no=3), contact_nos=(1,)).contact_no == 3


@pytest.mark.parametrize("kind", [kind for kind in Kind if not TERMS[kind].replies])
def test_once_contact_is_stopped_the_patient_gets_nothing_more(kind: Kind) -> None:
    assert rules.decide(of_kind(kind, is_stopped=True), now=TEN).act is Act.CANCEL


def test_an_old_reminder_is_dropped_and_takes_no_survey_with_it() -> None:
    late = rules.give_up_at(Kind.REMINDER, TEN, RIVERSIDE.tz)

    decision = rules.decide(of_kind(Kind.REMINDER), now=late)

    assert (late, decision.act) == (datetime(2026, 3, 12, 23, 0, tzinfo=UTC), Act.CANCEL)


def test_nothing_leaves_before_its_time_even_where_a_clock_was_set_back() -> None:
    decision = rules.decide(facts(), now=TEN - HOUR / 2)

    assert (decision.act, decision.due_at) == (Act.HOLD, TEN)


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
