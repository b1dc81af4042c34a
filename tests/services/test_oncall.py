"""Schedules, shifts and policies: what is accepted, and what is refused in words."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from survey.domain.errors import NotFound, Refused
from survey.domain.oncall import MethodKind
from survey.interop.policy_yaml import PolicyError
from survey.services import contact_methods, oncall
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, NIGHT, ROOT, SAM
from tests.conftest import Database

HOUR = timedelta(hours=1)
TEXT = factories.POLICY_FILE.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _clinic(database: Database) -> None:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()


def primary() -> oncall.Schedule:
    return next(schedule for schedule in oncall.schedules() if schedule.name == "primary")


def test_page_and_screen_ask_the_same_resolver() -> None:
    with transaction() as tx:
        paged = oncall.who(tx, primary().id, NIGHT)

    watch = next(watch for watch in oncall.now_on_call(NIGHT) if watch.schedule.name == "primary")
    assert paged == watch.user
    assert (watch.user and watch.user.name, watch.reachable) == (ANA.name, True)
    assert watch.until == NIGHT + timedelta(days=30)


def test_a_shift_begins_with_its_first_instant_and_ends_before_its_last() -> None:
    night_shift = oncall.add_schedule("night", "America/New_York", by=ROOT.actor, now=NIGHT)
    times = {"starts_at": NIGHT + HOUR, "ends_at": NIGHT + 2 * HOUR}
    oncall.add_shift(night_shift.id, BEN.id, **times, by=LENA.actor, now=NIGHT)

    with transaction() as tx:
        seen = [oncall.who(tx, night_shift.id, NIGHT + minutes * HOUR / 60) for minutes in (59, 60, 119, 120)]

    assert [user and user.name for user in seen] == [None, BEN.name, BEN.name, None]


def test_two_people_never_have_one_schedule_at_once() -> None:
    with pytest.raises(Refused, match="Somebody is on call"):
        oncall.add_shift(primary().id, BEN.id, starts_at=NIGHT, ends_at=NIGHT + HOUR, by=LENA.actor, now=NIGHT)


def test_a_shift_that_ends_before_it_starts_or_in_the_past_is_refused() -> None:
    for ends_at in (NIGHT + HOUR, NIGHT - HOUR):
        with pytest.raises(Refused, match="ends after it starts"):
            oncall.add_shift(
                primary().id, BEN.id, starts_at=NIGHT + 2 * HOUR, ends_at=ends_at, by=LENA.actor, now=NIGHT
            )


def test_a_shift_can_be_taken_off_until_it_is_over() -> None:
    (shift,) = oncall.shifts(primary().id, since=NIGHT, until=NIGHT + HOUR)

    with pytest.raises(Refused, match="over"):
        oncall.remove_shift(shift.id, by=LENA.actor, now=shift.ends_at)
    oncall.remove_shift(shift.id, by=LENA.actor, now=NIGHT)

    with pytest.raises(NotFound):
        oncall.remove_shift(shift.id, by=LENA.actor, now=NIGHT)


def test_gaps_are_told_before_they_come() -> None:
    end = NIGHT + timedelta(days=30)

    found = oncall.gaps(NIGHT, until=end + HOUR)

    assert [(gap.starts_at, gap.ends_at) for gap in found] == [(end, end + HOUR)] * 2
    assert oncall.gaps(NIGHT, until=end) == ()


def test_who_cannot_be_paged_does_not_count_as_cover() -> None:
    with transaction() as tx:
        covered = oncall.uncovered(tx, now=NIGHT)
        tx.run(sa.text("UPDATE contact_method SET verified_at = NULL"))
        reason = oncall.uncovered(tx, now=NIGHT)

    assert covered is None
    assert reason is not None
    assert "Nobody who can be reached is on call now" in reason


def test_a_method_is_paged_only_once_it_is_verified_and_belongs_to_one_person() -> None:
    add = {"by": ROOT.actor, "now": NIGHT}
    contact_methods.add_contact_method(SAM.id, MethodKind.SMS, "(202) 555-0119", verified_at=None, **add)

    (own,) = contact_methods.contact_methods(SAM.id)
    assert (own.address, own.is_live) == ("+12025550119", False)
    with pytest.raises(Refused, match="already"):
        contact_methods.add_contact_method(BEN.id, MethodKind.SMS, "202-555-0119", verified_at=NIGHT, **add)


def test_the_zone_and_the_name_of_a_schedule_are_checked() -> None:
    with pytest.raises(Refused, match="time zone"):
        oncall.add_schedule("night", "Mars/Olympus", by=ROOT.actor, now=NIGHT)
    with pytest.raises(Refused, match="name exists"):
        oncall.add_schedule("primary", "America/New_York", by=ROOT.actor, now=NIGHT)


def test_the_shift_of_the_longer_autumn_night_lasts_an_hour_more() -> None:
    """Wall times are the clinic's: 20:00 to 08:00 over the end of daylight saving time is 13 hours."""
    schedule = oncall.add_schedule("dst", "America/New_York", by=ROOT.actor, now=NIGHT)
    starts_at, ends_at = datetime(2026, 11, 1, 0, tzinfo=UTC), datetime(2026, 11, 1, 13, tzinfo=UTC)
    oncall.add_shift(schedule.id, ANA.id, starts_at=starts_at, ends_at=ends_at, by=LENA.actor, now=NIGHT)

    with transaction() as tx:
        seen = [oncall.who(tx, schedule.id, datetime(2026, 11, 1, hour, 30, tzinfo=UTC)) for hour in (5, 6, 12, 13)]

    assert [user is not None for user in seen] == [True, True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("loop_every: 5 min", "loop_every: 1 min", "test.yaml:6: loop_every: "),
        ("ack_ttl: 30 min", "ack_ttl: soon", "test.yaml:5: ack_ttl: write a span as “5 min” or “1 h”"),
        (
            "wait: 4 min",
            "wait: 4 min\n    page: now",
            "unknown key page; allowed: schedules, users, wait, by, last_resort",
        ),
        ("[backup]", "[nights]", "there is no schedule “nights”; allowed: backup, primary"),
        ("lena@example.org", "nobody@example.org", "nobody with an account in use has the address nobody@example.org"),
        ("lena@example.org", "sam@example.org", "sam@example.org has no verified way to be paged"),
        ("    last_resort: true\n", "", "the last step needs last_resort: true"),
        ("lena@example.org, ", "", "the last resort names at least two users"),
        ("lena@example.org, ben", "ben@example.org, ben", "the last resort names at least two users"),
        ("by: [voice]", "by: [pager]", "write one of sms, push, voice, email"),
        ("schedules: [backup]\n", "schedules: []\n", "a step names at least one schedule or user"),
        ("wait: 2 min", "wait: 2 min\n    last_resort: true", "only the last step may be the last resort"),
        ("policy: default", "policy: Default", "test.yaml:4: policy: "),
        (TEXT, "- a list", "a policy is a mapping of keys"),
        (TEXT, "steps: [", "this is not YAML"),
    ],
)
def test_a_policy_with_a_mistake_is_refused_with_file_line_and_key(old: str, new: str, said: str) -> None:
    assert old in TEXT

    with pytest.raises(PolicyError) as refusal:
        oncall.publish_policy(TEXT.replace(old, new), name="test.yaml", by=ROOT.actor, now=NIGHT)

    assert said in refusal.value.message
    assert refusal.value.message.startswith("test.yaml:")


def test_publishing_the_same_policy_again_changes_nothing() -> None:
    first = oncall.publish_policy(TEXT, name="a", by=ROOT.actor, now=NIGHT)
    second = oncall.publish_policy(TEXT.replace("5 min\nsteps", "6 min\nsteps"), name="b", by=ROOT.actor, now=NIGHT)
    third = oncall.publish_policy(TEXT.replace("5 min\nsteps", "6 min\nsteps"), name="c", by=ROOT.actor, now=NIGHT)

    assert (first.version, second.version, third.id) == (1, 2, second.id)
