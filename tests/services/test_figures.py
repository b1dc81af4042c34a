"""How soon: figures from events and tries alone, by tier, week and person, with few said to be few."""

from datetime import date, timedelta

import pytest

from survey.domain.alerts import Alert, ContactResult
from survey.domain.protocol import Tier
from survey.messaging.outcomes import Outcome
from survey.services import alerts, figures
from survey.services.figures import Figures
from tests import factories
from tests.cast import ANA, BEN, NIGHT, Person
from tests.conftest import Database
from tests.night import Night

MONDAY = date(2026, 3, 9)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def night(database: Database) -> Night:
    assert database
    factories.clinic()
    quiet = Night()
    quiet.wire()
    return quiet


def look(night: Night, *, weeks: int = 4) -> Figures:
    return figures.look(site_id=None, weeks=weeks, now=night.now)


def call(night: Night, alert: Alert, by: Person, result: ContactResult = ContactResult.REACHED) -> None:
    alerts.record_contact(alert.id, result=result, epoch=night.alert(alert).epoch, by=by.actor, now=night.now)


def test_no_alert_has_no_figures(night: Night) -> None:
    seen = look(night)

    assert (seen.tiers, seen.weeks, seen.people) == ((), (), ())


def test_an_alert_is_timed_to_its_page_its_taking_and_its_talk(night: Night) -> None:
    alert = night.worry()
    night.forward(MINUTE)
    night.take(alert, ANA)
    night.forward(2 * MINUTE)
    call(night, alert, ANA, ContactResult.VOICEMAIL)
    night.forward(2 * MINUTE)
    call(night, alert, ANA)

    (tier,), (week,), people = look(night).tiers, look(night).weeks, look(night).people

    assert (tier.tier, tier.alerts, week.week) == (Tier.URGENT, 1, MONDAY)
    assert [one.median for one in (tier.paged, tier.taken, tier.reached)] == [0, 60, 300]
    assert [one.count for one in (week.paged, week.taken, week.reached)] == [1, 1, 1]
    (ana,) = people
    assert (ana.name, ana.alerts, ana.took, ana.talked) == (ANA.name, 1, 1, 1)
    assert (ana.taken.median, ana.reached.median) == (60, 240)


def test_what_no_provider_took_is_no_page(night: Night) -> None:
    night.sms.always = Outcome.TRY_LATER
    night.worry()

    (tier,) = look(night).tiers

    assert (tier.alerts, tier.paged.count, tier.paged.median) == (1, 0, None)


def test_only_the_first_taking_and_the_first_talk_count(night: Night) -> None:
    alert = night.worry()
    night.take(alert, ANA)
    night.forward(MINUTE)
    alerts.pass_on(alert.id, epoch=night.alert(alert).epoch, by=ANA.actor, now=night.now)
    night.forward(MINUTE)
    night.take(alert, BEN)
    call(night, alert, BEN)

    seen = look(night)

    assert seen.tiers[0].taken.median == 0
    assert {one.name: (one.took, one.talked) for one in seen.people} == {ANA.name: (1, 0), BEN.name: (0, 1)}


def test_a_call_noted_without_taking_takes_it(night: Night) -> None:
    alert = night.worry()
    night.forward(MINUTE)
    call(night, alert, BEN)

    seen = look(night)

    assert (seen.tiers[0].taken.median, seen.tiers[0].reached.median) == (60, 60)
    (ben,) = [one for one in seen.people if one.name == BEN.name]
    assert (ben.alerts, ben.took, ben.talked) == (0, 1, 1), "he was never paged"
    assert ben.taken.count == 0, "so nothing was timed from a page"


def test_the_slowest_twentieth_is_told_from_the_times_in_between(night: Night) -> None:
    for minutes in range(21):
        night.now = NIGHT
        alert = night.raised()
        night.now = NIGHT + minutes * MINUTE
        night.take(alert, ANA)

    (tier,) = look(night).tiers

    assert (tier.taken.count, tier.taken.median, tier.taken.p95) == (21, 600, 1140)


def test_tiers_stand_from_the_most_serious_down_and_soon_has_no_page(night: Night) -> None:
    for tier in (Tier.SOON, Tier.EMERGENCY, Tier.URGENT):
        night.worry(tier)

    seen = look(night)

    assert [one.tier for one in seen.tiers] == [Tier.EMERGENCY, Tier.URGENT, Tier.SOON]
    assert [one.paged.count for one in seen.tiers] == [1, 1, 0]


def test_what_never_pages_is_timed_by_its_tier_alone(night: Night) -> None:
    """A call within a working day would drown the minutes of a night."""
    soon = night.worry(Tier.SOON)
    night.take(soon, ANA)

    seen = look(night)

    assert [one.taken.count for one in seen.tiers] == [1]
    assert (seen.weeks, seen.people) == ((), ())


def test_a_week_begins_on_monday_on_the_wall_of_the_site(night: Night) -> None:
    """Sunday, 23:30 in New York, is Monday in UTC."""
    night.now = NIGHT - timedelta(days=2, hours=1, minutes=1)
    night.raised()
    night.now = NIGHT - timedelta(days=2)
    night.raised()
    night.now = NIGHT

    weeks = look(night).weeks

    assert [(one.week, one.alerts) for one in weeks] == [(MONDAY - timedelta(weeks=1), 1), (MONDAY, 1)]


def test_what_is_older_than_the_period_is_left_out(night: Night) -> None:
    night.raised()
    night.now += timedelta(weeks=5)

    assert look(night).tiers == ()


def test_whoever_takes_it_before_the_own_page_has_left_is_not_timed_from_it(night: Night) -> None:
    alert = night.raised()
    night.take(alert, ANA)
    night.forward(MINUTE)

    seen = look(night)

    assert seen.tiers[0].taken.count == 1
    assert [(one.took, one.taken.count) for one in seen.people] == [(1, 0)]
