"""Trends: weeks on the wall of the site, too few is not shown, and the protocol says which scale is drawn."""

from datetime import UTC, date, datetime, timedelta

import pytest

from survey.domain.alerts import ContactResult
from survey.domain.protocol import Tier
from survey.services import alerts, trends
from tests import desk, surveys
from tests.cast import ANA
from tests.conftest import Database
from tests.staff import BREATHLESS, CALM, answered

NOW = datetime(2026, 3, 11, 15, 0, tzinfo=UTC)
MONDAY = date(2026, 3, 9)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    surveys.open_clinic(NOW)


def look(*, now: datetime = NOW + timedelta(days=2), weeks: int = 4) -> trends.Trends:
    return trends.look(site_id=None, weeks=weeks, now=now)


def answer(number: int, answers: dict[str, object]) -> None:
    for _ in range(number):
        answered(surveys.invited(NOW), answers, now=NOW)


def test_nothing_has_no_weeks() -> None:
    assert look().weeks == ()


def test_a_week_counts_what_was_due_and_what_was_answered() -> None:
    answer(4, CALM)
    surveys.invited(NOW)

    (week,) = look().weeks

    assert (week.starts_on, week.due, week.phoned, week.rate) == (MONDAY, 5, 4, 80)


def test_a_check_in_has_a_day_before_it_counts_as_unanswered() -> None:
    answer(5, CALM)
    surveys.invited(NOW)

    (week,) = look(now=NOW + timedelta(hours=1)).weeks

    assert week.rate is None


def test_fewer_than_five_are_too_few_to_show() -> None:
    answer(4, CALM)

    (week,) = look().weeks

    assert (week.rate, week.tiers) == (None, None)


def test_tiers_are_counted_by_week() -> None:
    answer(4, CALM)
    answer(1, BREATHLESS)

    (week,) = look().weeks

    assert week.tiers == {Tier.ROUTINE: 4, Tier.SOON: 0, Tier.URGENT: 1, Tier.EMERGENCY: 0}


def test_weeks_without_a_check_in_stay_on_the_axis() -> None:
    answered(surveys.invited(NOW - timedelta(weeks=3)), CALM, now=NOW - timedelta(weeks=3))
    answer(1, CALM)

    assert [week.starts_on for week in look().weeks] == [MONDAY - timedelta(weeks=back) for back in (3, 2, 1, 0)]


def test_the_protocols_first_scale_is_spread_and_the_newest_answer_counts() -> None:
    case = surveys.invited(NOW)
    answered(case, {**CALM, "sore": 9}, now=NOW)
    answered(case, {**CALM, "sore": 2}, now=NOW + timedelta(minutes=1))

    spread = look().spread

    assert spread is not None
    assert spread.label == "Soreness"
    assert (spread.people[2], spread.people[9], spread.total) == (1, 0, 1)


def test_of_two_protocols_the_one_that_was_asked_most_is_spread_over_its_own_answers() -> None:
    desk.publish(desk.LUMBAR_PACK, now=NOW)
    day = NOW.date() - timedelta(days=1)
    for name in ("One", "Two"):
        desk.enrol_lumbar(desk.maria(performed_on=day, mrn=name), now=NOW - timedelta(hours=1))
    answer(1, CALM)
    due = look(now=NOW + timedelta(days=3)).spread
    assert due is not None
    assert due.label == "Back or leg pain"
    assert due.total == 0

    answer(4, CALM)

    spread = look(now=NOW + timedelta(days=3)).spread
    assert spread is not None
    assert (spread.label, spread.total) == ("Soreness", 5)


def test_time_to_contact_counts_from_the_alert_to_the_first_call() -> None:
    answer(5, BREATHLESS)
    for minutes, alert in zip((5, 10, 20, 45), alerts.open_alerts(), strict=False):
        then = NOW + timedelta(minutes=minutes)
        alerts.take(alert.id, by=ANA.actor, epoch=alert.epoch, now=then)
        alerts.record_contact(alert.id, result=ContactResult.REACHED, by=ANA.actor, epoch=alert.epoch, now=then)

    few = look().waits
    last = alerts.open_alerts()[-1]
    last = next(one for one in alerts.open_alerts() if one.contacted_at is None)
    late = NOW + timedelta(hours=6)
    alerts.record_contact(last.id, result=ContactResult.NO_ANSWER, by=ANA.actor, epoch=last.epoch, now=late)
    waits = look().waits

    assert (few.median_minutes, few.waiting) == (None, 1)
    assert waits.median_minutes == 20
    assert dict(waits.groups) == {"15 min": 2, "30 min": 1, "60 min": 1, "2 h": 0, "4 h": 0, "longer": 1}
    assert (waits.kept_percent, waits.waiting) == (60, 0)
