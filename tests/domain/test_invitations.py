"""An invitation moves along its table and no other way; a plan says who is asked when, or why nobody can be."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from survey.domain import invitations as rules
from survey.domain.errors import Refused
from survey.domain.invitations import MOVES, Invitation, InvitationState, Trouble
from survey.domain.patients import Block, Contact, ContactKind, choose
from survey.domain.protocol import Touch

MONDAY = date(2026, 3, 9)
NOW = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
DAY2 = Touch(key="day2", day=2, at=time(10))
DAY7 = Touch(key="day7", day=7, at=time(10))
WEDNESDAY_TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)


def invitation(state: InvitationState = InvitationState.SCHEDULED) -> Invitation:
    ended = {
        InvitationState.STOPPED: {"stopped_at": NOW, "stop_reason": "Died"},
        InvitationState.UNDELIVERABLE: {"trouble": Trouble.REFUSED},
        InvitationState.COMPLETED: {"completed_at": NOW},
        InvitationState.REACHED: {"reached_at": NOW},
    }
    return Invitation(
        id=uuid4(),
        procedure_id=uuid4(),
        site_id=uuid4(),
        touch="day2",
        protocol_version_id=uuid4(),
        state=state,
        due_at=WEDNESDAY_TEN,
        expires_at=WEDNESDAY_TEN + timedelta(days=28),
        **ended.get(state, {}),
    )


def contact(kind: ContactKind = ContactKind.SMS, **changes: object) -> Contact:
    standing = Contact(
        id=uuid4(),
        patient_id=uuid4(),
        kind=kind,
        address="+12025550121" if kind is ContactKind.SMS else "maria@example.org",
        consented_at=NOW,
        blocked_at=None,
        blocked_reason=None,
    )
    return replace(standing, **changes)


def blocked(reason: Block) -> Contact:
    return contact(blocked_at=NOW, blocked_reason=reason)


@pytest.mark.parametrize("to", InvitationState)
@pytest.mark.parametrize("state", InvitationState)
def test_only_the_moves_of_the_table_are_made(state: InvitationState, to: InvitationState) -> None:
    old = invitation(state)

    if to in MOVES[state]:
        assert rules.advance(old, to, now=NOW).state is to
    else:
        with pytest.raises(Refused, match=f"This survey is {state}"):
            rules.advance(old, to, now=NOW)


def test_an_ended_survey_stays_ended_and_nothing_waits_for_ever() -> None:
    assert MOVES[InvitationState.STOPPED] == MOVES[InvitationState.COMPLETED] == frozenset()
    assert all(InvitationState.STOPPED in MOVES[state] for state in rules.WANTED)
    assert all(InvitationState.EXPIRED in MOVES[state] for state in rules.WANTED)


def test_moments_are_noted_and_an_old_trouble_is_forgotten() -> None:
    old = invitation(InvitationState.UNDELIVERABLE)

    new = rules.advance(old, InvitationState.OPENED, now=NOW)

    assert (new.opened_at, new.trouble) == (NOW, None)


def test_a_survey_whose_number_was_mended_waits_again_and_its_call_moves_with_the_text() -> None:
    old = replace(invitation(InvitationState.UNDELIVERABLE), call_at=NOW)

    new = rules.mend(old, send_at=WEDNESDAY_TEN)

    assert (new.state, new.trouble, new.call_at) == ("scheduled", None, WEDNESDAY_TEN + rules.CALL_AFTER)


def test_a_mended_number_takes_nobody_off_the_call_list_who_asked_for_a_call() -> None:
    old = replace(invitation(InvitationState.UNDELIVERABLE), call_at=NOW, asked_call_at=NOW)

    assert rules.mend(old, send_at=WEDNESDAY_TEN).call_at == NOW


@pytest.mark.parametrize(
    "state", sorted(set(InvitationState) - {InvitationState.SCHEDULED, InvitationState.UNDELIVERABLE})
)
def test_what_was_sent_or_has_ended_is_not_sent_anew(state: InvitationState) -> None:
    with pytest.raises(Refused, match="cannot be sent anew"):
        rules.mend(invitation(state), send_at=WEDNESDAY_TEN)


def test_closing_needs_a_reason() -> None:
    with pytest.raises(Refused, match="why no answer is needed"):
        rules.stop(invitation(), reason=" x ", now=NOW)

    assert rules.stop(invitation(), reason=" Admitted ", now=NOW).stop_reason == "Admitted"


def test_a_completed_survey_cannot_be_closed() -> None:
    with pytest.raises(Refused, match="completed already"):
        rules.stop(invitation(InvitationState.COMPLETED), reason="Admitted", now=NOW)


def test_a_patient_who_opened_the_link_is_not_undeliverable() -> None:
    with pytest.raises(Refused):
        rules.fail(invitation(InvitationState.OPENED), Trouble.UNDELIVERED, now=NOW)


def test_whom_a_clock_gives_up_on_that_is_two_hours_fast_is_to_be_called_at_once() -> None:
    fast = WEDNESDAY_TEN + timedelta(hours=2)

    assert rules.fail(invitation(), Trouble.UNDELIVERED, now=fast).call_at == WEDNESDAY_TEN


def test_the_link_lives_to_the_end_of_day_30() -> None:
    assert rules.expires_at(MONDAY, NEW_YORK) == datetime(2026, 4, 9, 4, 0, tzinfo=UTC)


def test_each_touch_is_planned_at_its_own_time() -> None:
    planned = rules.plan((DAY7, DAY2), MONDAY, contacts=(contact(),), tz=NEW_YORK, now=NOW)

    assert [(one.touch.key, one.due_at, one.late) for one in planned] == [
        ("day2", WEDNESDAY_TEN, False),
        ("day7", WEDNESDAY_TEN + timedelta(days=5), False),
    ]


def test_on_day_7_the_day_2_survey_gives_way_to_the_day_7_one() -> None:
    on_day_7 = WEDNESDAY_TEN + timedelta(days=5)

    planned = rules.plan((DAY2, DAY7), MONDAY, contacts=(contact(),), tz=NEW_YORK, now=on_day_7)

    assert [(one.touch.key, one.late) for one in planned] == [("day7", True)]


def test_when_all_is_too_late_one_survey_stays_for_a_call() -> None:
    planned = rules.plan((DAY2,), MONDAY, contacts=(contact(),), tz=NEW_YORK, now=NOW + timedelta(days=20))

    (one,) = planned
    assert (one.contact, one.trouble) == (None, Trouble.TOO_LATE)
    assert rules.summary(one).blocked == "it is too late to text about this procedure"


@pytest.mark.parametrize(
    ("contacts", "trouble"),
    [
        ((), Trouble.NO_CONTACT),
        ((contact(consented_at=None),), Trouble.NO_CONSENT),
        ((blocked(Block.LANDLINE),), Trouble.LANDLINE),
        ((blocked(Block.FOREIGN),), Trouble.FOREIGN),
        ((blocked(Block.STOPPED),), Trouble.STOPPED),
        ((blocked(Block.BOUNCED),), Trouble.UNDELIVERED),
        ((blocked(Block.LANDLINE), contact(ContactKind.EMAIL, consented_at=None)), Trouble.NO_CONSENT),
    ],
)
def test_the_reason_why_nobody_can_be_texted_is_named(contacts: tuple[Contact, ...], trouble: Trouble) -> None:
    (planned,) = rules.plan((DAY2,), MONDAY, contacts=contacts, tz=NEW_YORK, now=NOW)

    assert (planned.contact, planned.trouble) == (None, trouble)
    assert rules.summary(planned).blocked


@pytest.mark.parametrize("block", Block)
def test_every_block_has_words_for_staff(block: Block) -> None:
    assert rules.SENTENCES[rules.trouble_with((blocked(block),))]


def test_a_text_comes_before_a_mail_and_a_newer_consent_before_an_older_one() -> None:
    mail, old = contact(ContactKind.EMAIL), contact()
    new = contact(consented_at=NOW + timedelta(days=1))

    assert choose((mail, old, new)) == new
    assert choose((mail, blocked(Block.STOPPED))) == mail
    assert choose((mail, new), but_not=ContactKind.SMS) == mail
    assert choose((blocked(Block.STOPPED),)) is None
