"""What follows when nobody was reached by the promised time, and after tries in vain."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain import alert_moves as moves
from survey.domain import promises
from survey.domain.alerts import Alert, AlertState, ContactResult
from survey.domain.promises import Promise, Remedy
from survey.domain.protocol import Tier
from tests.cast import ANA, NIGHT
from tests.domain.test_escalation import POLICY, opened, taken

LATE = NIGHT + timedelta(minutes=30)
PROMISE = Promise(id=UUID(int=3), alert_id=UUID(int=5), made_at=NIGHT, due_at=LATE)


def tried(result: ContactResult) -> Alert:
    return moves.contact(taken(), result=result, by=ANA.id, epoch=1, ack_ttl=POLICY.ack_ttl, now=NIGHT).alert


@pytest.mark.parametrize(
    ("alert", "remedy"),
    [
        (opened(Tier.SOON), Remedy.TELL),
        (opened(), Remedy.HURRY),
        (taken(), Remedy.WITHDRAW),
        (tried(ContactResult.VOICEMAIL), Remedy.HELP),
        (tried(ContactResult.NO_ANSWER), Remedy.HELP),
    ],
)
def test_what_is_done_follows_from_who_has_it_and_what_was_tried(alert: Alert, remedy: Remedy) -> None:
    assert promises.remedy(alert) is remedy


def test_the_machine_tells_a_broken_promise_once() -> None:
    first = promises.broken(opened(), POLICY, PROMISE, now=LATE).event
    again = promises.broken(opened(), POLICY, PROMISE, now=LATE).event

    assert first.idem_key == again.idem_key == f"promise_broken:{PROMISE.id}"


def test_whoever_tried_nothing_has_it_no_more_and_the_backup_is_next() -> None:
    new = promises.broken(taken(), POLICY, PROMISE, now=LATE).alert

    assert (new.state, new.epoch, new.acked_by) == (AlertState.TRIGGERED, 2, None)
    assert (new.step_seq, new.next_action_at) == (POLICY.backup_seq, LATE)


def test_whoever_tries_in_vain_keeps_it_with_the_time_of_the_next_look() -> None:
    old = tried(ContactResult.NO_ANSWER)

    new = promises.broken(old, POLICY, PROMISE, now=LATE).alert

    assert new == replace(old, cycle=old.cycle + 1)


def test_nobodys_alert_takes_its_next_step_at_once() -> None:
    old = replace(opened(), step_seq=2, next_action_at=LATE + timedelta(minutes=7))

    new = promises.broken(old, POLICY, PROMISE, now=LATE).alert

    assert (new.step_seq, new.next_action_at, new.epoch) == (2, LATE, 1)


@pytest.mark.parametrize(("in_vain", "wanted"), [(1, False), (2, False), (3, True), (4, False), (6, True)])
def test_every_third_try_in_vain_wants_help(in_vain: int, wanted: bool) -> None:
    assert promises.wants_last_resort(ContactResult.VOICEMAIL, in_vain=in_vain) is wanted
    assert not promises.wants_last_resort(ContactResult.REACHED, in_vain=in_vain)
