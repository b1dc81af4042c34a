"""One word for each survey: the whole grid of facts, and the sentences that the grid stands for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest

from survey.domain.alerts import Alert, AlertState, ContactResult
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.patients import Block
from survey.domain.protocol import Tier
from survey.domain.silence import ENDED, Alarm, Facts, Silence, alarm, silence

NOW = datetime(2026, 3, 11, 15, 0, tzinfo=UTC)
S, A = InvitationState, Alarm
STOPPED, NOT_ME = frozenset({Block.STOPPED}), frozenset({Block.NOT_ME})
SHUT = {"is_usable": False}

TABLE = [
    # the way to the patient
    (Facts(state=S.SCHEDULED, is_due=False), Silence.NOT_DUE),
    (Facts(state=S.SCHEDULED), Silence.SENDING),
    (Facts(state=S.SENT), Silence.SENT),
    (Facts(state=S.DELIVERED), Silence.DELIVERED_NOT_OPENED),
    (Facts(state=S.OPENED), Silence.OPENED_NOT_FINISHED),
    (Facts(state=S.EXPIRED), Silence.LINK_ENDED),
    # no way to the patient
    (Facts(state=S.UNDELIVERABLE, trouble=Trouble.LANDLINE), Silence.UNDELIVERABLE),
    (Facts(state=S.UNDELIVERABLE, trouble=Trouble.STOPPED), Silence.OPTED_OUT),
    (Facts(state=S.UNDELIVERABLE, trouble=Trouble.NOT_ME), Silence.WRONG_NUMBER),
    (Facts(state=S.SCHEDULED, **SHUT), Silence.UNDELIVERABLE),
    (Facts(state=S.SENT, blocks=STOPPED, **SHUT), Silence.OPTED_OUT),
    (Facts(state=S.DELIVERED, blocks=NOT_ME, **SHUT), Silence.WRONG_NUMBER),
    (Facts(state=S.SENT, blocks=STOPPED | NOT_ME, **SHUT), Silence.OPTED_OUT),
    (Facts(state=S.SENT, blocks=STOPPED), Silence.SENT),
    (Facts(state=S.OPENED, blocks=STOPPED, **SHUT), Silence.OPENED_NOT_FINISHED),
    (Facts(state=S.EXPIRED, blocks=STOPPED, **SHUT), Silence.LINK_ENDED),
    # what came of it
    (Facts(state=S.COMPLETED), Silence.ANSWERED),
    (Facts(state=S.COMPLETED, by_phone=True), Silence.REACHED),
    (Facts(state=S.REACHED), Silence.REACHED),
    (Facts(state=S.STOPPED), Silence.CLOSED),
    (Facts(state=S.OPENED, is_cancelled=True), Silence.CLOSED),
    (Facts(state=S.COMPLETED, is_cancelled=True), Silence.ANSWERED),
    # alerts
    (Facts(state=S.COMPLETED, alarm=A.IN_VAIN), Silence.RED_UNREACHABLE),
    (Facts(state=S.OPENED, alarm=A.IN_VAIN), Silence.RED_UNREACHABLE),
    (Facts(state=S.STOPPED, alarm=A.IN_VAIN), Silence.CLOSED),
    (Facts(state=S.OPENED, alarm=A.OPEN), Silence.WITH_CLINICIAN),
    (Facts(state=S.COMPLETED, alarm=A.OPEN), Silence.ANSWERED),
    (Facts(state=S.OPENED, alarm=A.REACHED), Silence.REACHED),
    (Facts(state=S.EXPIRED, alarm=A.REACHED), Silence.REACHED),
]


def grid() -> list[Facts]:
    """Every combination there is."""
    troubles = (None, Trouble.STOPPED, Trouble.NOT_ME, Trouble.LANDLINE)
    blocks = (frozenset(), STOPPED, NOT_ME, frozenset({Block.LANDLINE}), STOPPED | NOT_ME)
    yes_no = (True, False)
    return [
        Facts(
            state=state,
            trouble=trouble,
            is_due=due,
            is_cancelled=cancelled,
            by_phone=phoned,
            alarm=alarmed,
            is_usable=usable,
            blocks=some,
        )
        for state, trouble, due, cancelled, phoned, alarmed, usable, some in product(
            S, troubles, yes_no, yes_no, yes_no, A, yes_no, blocks
        )
    ]


@pytest.mark.parametrize(("facts", "word"), TABLE)
def test_each_survey_has_the_word_that_its_facts_say(facts: Facts, word: Silence) -> None:
    assert silence(facts) is word


def test_every_combination_of_facts_has_one_word_and_every_word_is_used() -> None:
    assert {silence(facts) for facts in grid()} == set(Silence)


def test_nobody_leaves_the_list_but_by_an_answer_a_call_or_a_person() -> None:
    """In the whole grid: whoever needs no call was answered, reached, closed or cancelled."""
    for facts in grid():
        if silence(facts) in ENDED:
            by_somebody = facts.state in (S.COMPLETED, S.REACHED, S.STOPPED)
            assert by_somebody or facts.is_cancelled or facts.alarm is A.REACHED, facts


def test_a_red_patient_who_was_tried_in_vain_is_told_of_before_everything_but_a_closed_survey() -> None:
    for facts in grid():
        if facts.alarm is A.IN_VAIN:
            assert silence(facts) in (Silence.RED_UNREACHABLE, Silence.CLOSED), facts


def test_the_zone_of_time_alone_decides_between_not_due_and_being_sent() -> None:
    waiting = Facts(state=S.SCHEDULED, is_due=False)

    assert silence(replace(waiting, is_due=True)) is Silence.SENDING


# ---- what the alerts of a survey amount to


def alert(tier: Tier = Tier.URGENT, *, state: AlertState = AlertState.ACKNOWLEDGED, result: str | None = None) -> Alert:
    return Alert(
        id=uuid4(),
        dedup_key="1",
        response_id=UUID(int=1),
        site_id=UUID(int=2),
        tier=tier,
        policy_version_id=UUID(int=3),
        state=state,
        created_at=NOW,
        next_action_at=None,
        promised_at=NOW,
        contacted_at=NOW if result else None,
        contact_result=ContactResult(result) if result else None,
    )


def test_no_alert_is_no_alarm() -> None:
    assert alarm(()) is Alarm.NONE


@pytest.mark.parametrize("result", ["voicemail", "no_answer"])
def test_an_urgent_alert_whose_patient_does_not_pick_up_is_in_vain_until_somebody_speaks_to_the_patient(
    result: str,
) -> None:
    one = alert(result=result)

    assert alarm((one,)) is Alarm.IN_VAIN
    assert alarm((one,), spoken_at=NOW - timedelta(minutes=1)) is Alarm.IN_VAIN
    assert alarm((one,), spoken_at=NOW + timedelta(minutes=1)) is Alarm.OPEN


def test_an_alert_that_nobody_has_called_about_yet_and_one_that_never_pages_are_just_open() -> None:
    assert alarm((alert(),)) is Alarm.OPEN
    assert alarm((alert(Tier.SOON, result="no_answer"),)) is Alarm.OPEN


def test_a_closed_alert_says_reached_only_when_it_was() -> None:
    closed = AlertState.RESOLVED

    assert alarm((alert(state=closed, result="reached"),)) is Alarm.REACHED
    assert alarm((alert(state=closed, result="no_answer"),)) is Alarm.NONE
    assert alarm((alert(state=closed, result="reached"), alert())) is Alarm.OPEN
