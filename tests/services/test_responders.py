"""Taking over, giving an alert to somebody, asking somebody to help."""

from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain.alerts import AlertState, ContactResult
from survey.domain.errors import Refused, Stale
from survey.domain.protocol import Tier
from survey.services import alerts, doors, responders
from tests import desk, factories
from tests.cast import ANA, BEN, LENA, SAM
from tests.conftest import Database
from tests.night import Night

MINUTE = timedelta(minutes=1)


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


# ---- taking over


def test_the_second_takes_over_and_the_first_is_told(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.forward(MINUTE)

    alerts.take_over(alert.id, by=BEN.actor, epoch=1, now=night.now)
    night.settle()

    assert night.alert(alert).acked_by == BEN.id
    assert f"Ben Okafor took alert {alert.short_no} at 12:32 AM" in night.sms.to(ANA)[-1].body
    assert night.story(alert)[-1] == "taken_over"


def test_the_first_ones_screen_is_old_after_that(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    alerts.take_over(alert.id, by=BEN.actor, epoch=1, now=night.now)

    with pytest.raises(Stale, match="moved on"):
        alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=1, now=night.now)


def test_the_clock_starts_again_for_whoever_took_over(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.forward(10 * MINUTE)
    alerts.take_over(alert.id, by=BEN.actor, epoch=1, now=night.now)

    night.forward(16 * MINUTE)

    assert night.minutes(ANA) == [0, 10]
    assert night.minutes(BEN) == [25]


def test_that_the_patient_was_reached_is_not_lost_by_taking_over(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=1, now=night.now)

    new = alerts.take_over(alert.id, by=BEN.actor, epoch=1, now=night.now)

    assert (new.contact_result, new.contacted_by) == (ContactResult.REACHED, ANA.id)


def test_nothing_is_to_be_taken_over_that_nobody_has(night: Night) -> None:
    alert = night.worry()

    with pytest.raises(Stale):
        alerts.take_over(alert.id, by=BEN.actor, epoch=1, now=night.now)


def test_taking_over_what_is_ones_own_changes_nothing(night: Night) -> None:
    alert = night.worry()
    held = night.take(alert, ANA)

    assert alerts.take_over(alert.id, by=ANA.actor, epoch=1, now=night.now) == held


def test_the_door_of_a_page_lets_one_take_over_with_the_epoch_it_shows(night: Night) -> None:
    alert = night.worry()
    night.forward(5 * MINUTE)
    night.take(alert, ANA)
    token = night.sms.to(BEN)[0].token
    door = doors.look(token, now=night.now)

    with pytest.raises(Stale, match="moved on"):
        doors.take(token, now=night.now, epoch=door.epoch + 1, over=True)
    after = doors.take(token, now=night.now, epoch=door.epoch, over=True)

    assert (door.state, after.state) == (doors.DoorState.TAKEN, doors.DoorState.YOURS)
    assert night.alert(alert).acked_by == BEN.id


# ---- giving it to somebody


def test_whoever_it_is_given_to_is_paged_at_once_and_the_policy_waits(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.forward(MINUTE)

    responders.reassign(alert.id, to=LENA.id, by=ANA.actor, epoch=1, now=night.now)
    night.forward(9 * MINUTE)

    assert night.minutes(LENA) == [1]
    assert night.minutes(ANA) == [0, 4, 7]
    assert night.minutes(BEN) == [9]
    assert night.alert(alert).epoch == 2


def test_the_person_of_the_first_step_is_paged_twice_when_it_is_given_to_that_person(night: Night) -> None:
    alert = night.worry()
    night.take(alert, BEN)

    responders.reassign(alert.id, to=ANA.id, by=BEN.actor, epoch=1, now=night.now)
    night.forward(3 * MINUTE)

    assert night.minutes(ANA) == [0, 0, 3]


def test_it_is_given_to_nobody_who_cannot_be_paged_or_takes_no_alerts(night: Night) -> None:
    alert = night.worry()
    desk.change("UPDATE contact_method SET disabled_at = now(), disabled_reason = 'x' WHERE user_id = :id", id=LENA.id)

    for nobody, words in ((LENA, "cannot be paged"), (SAM, "does not take alerts")):
        with pytest.raises(Refused, match=words):
            responders.reassign(alert.id, to=nobody.id, by=ANA.actor, epoch=1, now=night.now)
    assert night.alert(alert).epoch == 1


def test_an_old_screen_gives_it_to_nobody(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    alerts.pass_on(alert.id, by=ANA.actor, epoch=1, now=night.now)

    with pytest.raises(Stale):
        responders.reassign(alert.id, to=LENA.id, by=ANA.actor, epoch=1, now=night.now)
    with pytest.raises(Stale):
        responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)


def test_what_never_pages_is_given_to_nobody_by_a_page(night: Night) -> None:
    alert = night.worry(Tier.SOON)

    with pytest.raises(Refused, match="pages nobody"):
        responders.reassign(alert.id, to=LENA.id, by=ANA.actor, epoch=1, now=night.now)
    with pytest.raises(Refused, match="pages nobody"):
        responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)
    night.take(alert, ANA)
    alerts.take_over(alert.id, by=BEN.actor, epoch=1, now=night.now)
    night.settle()

    assert night.sms.wire == []


# ---- asking somebody to help


def test_whoever_is_added_is_paged_now_and_with_each_step(night: Night) -> None:
    alert = night.worry()

    responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)
    night.forward(6 * MINUTE)

    assert night.minutes(LENA) == [0, 3, 5]
    assert night.minutes(ANA) == [0, 3]


def test_while_somebody_has_it_whoever_is_added_is_asked_once_to_help(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)

    responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)
    night.forward(10 * MINUTE)

    assert night.minutes(LENA) == [0]
    assert f"please help Ana Reyes with urgent alert {alert.short_no}" in night.sms.to(LENA)[0].body
    assert night.alert(alert).state is AlertState.ACKNOWLEDGED


def test_nobody_is_added_twice(night: Night) -> None:
    alert = night.worry()
    responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)

    with pytest.raises(Refused, match="already"):
        responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)


def test_a_helper_is_not_paged_any_more_once_it_is_closed(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    responders.add(alert.id, LENA.id, by=ANA.actor, epoch=1, now=night.now)
    desk.change("UPDATE page SET not_before = not_before + interval '1 minute' WHERE kind = 'help'")
    alerts.pass_on(alert.id, by=ANA.actor, epoch=1, now=night.now)

    night.forward(2 * MINUTE)

    assert night.minutes(LENA) == [0], "by the step, and not as a helper"


def test_those_who_may_take_are_offered_by_name(night: Night) -> None:
    assert night
    names = [one.name for one in responders.able()]

    assert names == ["Ana Reyes", "Ben Okafor", "Lena Fischer"]
    assert isinstance(responders.able()[0].id, UUID)
