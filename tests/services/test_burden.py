"""Burden: weeks on the wall of the site, pages under the version's own scores or its what-if, nothing half counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest

from survey.domain.accounts import Permission, Role, may
from survey.domain.comparison import Tally, Week
from survey.domain.protocol import Tier
from survey.domain.versions import Version
from survey.local import clinic as demo_clinic
from survey.local import seed
from survey.services import burden, protocols, replays, versions
from survey.services.burden import LISTED, Paging, Side
from survey.store import sites
from survey.store.session import transaction
from tests import desk, past_weeks, second_version, surveys
from tests.cast import ANA, RIVERSIDE
from tests.conftest import Database
from tests.staff import BREATHLESS, answered

MONDAY = date(2026, 1, 5)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
PACIFIC = replace(RIVERSIDE, id=uuid4(), slug="pacific", name="Pacific Pain Clinic", zone="America/Los_Angeles")


@pytest.fixture
def version(database: Database) -> Version:
    assert database
    desk.open_clinic()
    return desk.publish()


@pytest.fixture
def draft(version: Version) -> Version:
    assert version
    return versions.draft(second_version.source(), name="v2.yaml", by=ANA.actor, now=FIRST)


def monday(place: int) -> date:
    return MONDAY + timedelta(weeks=place)


def after(weeks: int) -> datetime:
    """Friday noon after so many weeks: the last has had its three days."""
    return past_weeks.at(monday(weeks) + timedelta(days=4), time(12))


def fill(version: Version, places: Iterable[int], **changes: int) -> None:
    """Weeks of ten people, eight of whom answer and two of whom page, one at night."""
    usual = {"invited": 10, "answered": 8, "pages": 2, "night": 1}
    for place in places:
        past_weeks.add(version, monday(place), **usual | changes)


def own(version: Version, *, now: datetime, **given: object) -> Side:
    return burden.look(version, now=now, **given).own


def test_nothing_has_no_outlook(version: Version) -> None:
    seen = burden.look(version, now=after(0))

    assert seen.live is None
    assert (seen.own.weeks, seen.own.outlook, seen.own.judged) == ((), None, ())


def test_a_week_counts_who_was_asked_who_answered_and_whom_that_called(version: Version) -> None:
    fill(version, range(3))

    weeks = own(version, now=after(3)).weeks

    assert [week.starts_on for week in weeks] == [monday(1), monday(2)]
    assert {(week.invited, week.answered, week.pages, week.night_pages) for week in weeks} == {(10, 8, 2, 1)}


def test_the_week_in_which_a_clinic_begins_is_left_out_and_a_closed_one_is_not(version: Version) -> None:
    fill(version, (0, 1, 3))

    assert [week.invited for week in own(version, now=after(4)).weeks] == [10, 0, 10]


def test_a_week_counts_once_it_has_ended_three_days_ago(version: Version) -> None:
    fill(version, range(2))
    wednesday_night = past_weeks.at(monday(2) + timedelta(days=2), time(23, 59))

    assert own(version, now=wednesday_night).weeks == ()
    assert len(own(version, now=wednesday_night + timedelta(minutes=1)).weeks) == 1


def test_a_page_belongs_to_the_week_and_the_night_in_which_it_came_in(version: Version) -> None:
    fill(version, range(3), pages=0, night=0)
    sunday = monday(1) + timedelta(days=6)
    with transaction() as tx:
        invitation_id = past_weeks.invitation(tx, version, past_weeks.at(sunday, time(10)))
        past_weeks.response(tx, version, invitation_id, past_weeks.at(monday(2), time(7, 59)), rule="U1")

    one, two = own(version, now=after(3)).weeks

    assert (one.invited, one.answered, one.pages) == (11, 9, 0)
    assert (two.invited, two.pages, two.night_pages) == (10, 1, 1)


@pytest.mark.parametrize(
    ("clock", "is_night"), [(time(7, 59), True), (time(8), False), (time(19, 59), False), (time(20), True)]
)
def test_the_night_is_that_of_the_sites_wall(version: Version, clock: time, *, is_night: bool) -> None:
    with transaction() as tx:
        sites.insert(tx, PACIFIC)
    past_weeks.add(version, monday(0), invited=1, answered=1, site=PACIFIC)
    with transaction() as tx:
        came_at = past_weeks.at(monday(1), clock, PACIFIC)
        invitation_id = past_weeks.invitation(tx, version, came_at, site=PACIFIC)
        past_weeks.response(tx, version, invitation_id, came_at, rule="U1")

    (week,) = own(version, now=after(2)).weeks

    assert (week.pages, week.night_pages) == (1, int(is_night))


def test_whoever_was_stopped_before_the_text_was_never_asked(version: Version) -> None:
    fill(version, range(2))
    due_at = past_weeks.at(monday(1) + timedelta(days=1), time(10))
    with transaction() as tx:
        past_weeks.invitation(tx, version, due_at, stopped_at=due_at - timedelta(hours=1))
        past_weeks.invitation(tx, version, due_at, stopped_at=due_at + timedelta(hours=1))

    (week,) = own(version, now=after(2)).weeks

    assert (week.invited, week.answered) == (11, 8)


def test_one_site_has_its_own_weeks(version: Version) -> None:
    with transaction() as tx:
        sites.insert(tx, PACIFIC)
    fill(version, range(3))
    for place in range(3):
        past_weeks.add(version, monday(place), invited=4, answered=4, pages=3, site=PACIFIC)

    here = own(version, now=after(3), site_id=PACIFIC.id)
    both = own(version, now=after(3))

    assert [(week.invited, week.pages) for week in here.weeks] == [(4, 3)] * 2
    assert [(week.invited, week.pages) for week in both.weeks] == [(14, 5)] * 2
    assert here.paging == (Paging(rule="U1", pages=6, per_hundred=75),)
    assert both.paging == (Paging(rule="U1", pages=10, per_hundred=100 * 10 / 24),)


def test_six_weeks_with_responses_make_an_outlook(version: Version) -> None:
    fill(version, range(7))

    assert own(version, now=after(6)).outlook is None
    seen = own(version, now=after(7)).outlook

    assert seen is not None
    assert (seen.weeks, seen.invited, seen.answered, seen.paging) == (6, 10, 0.8, 0.25)
    assert seen.week.low <= 2 <= seen.week.high


def test_the_rules_that_page_most_come_first(version: Version) -> None:
    fill(version, range(6))
    past_weeks.add(version, monday(6), invited=10, answered=10, pages=4, rule="U7")

    seen = own(version, now=after(7))

    assert seen.paging == (
        Paging(rule="U1", pages=10, per_hundred=20),
        Paging(rule="U7", pages=4, per_hundred=8),
    )


def test_no_more_rules_are_listed_than_can_be_read(version: Version) -> None:
    fill(version, range(1))
    for number in range(LISTED + 2):
        past_weeks.add(version, monday(1), invited=1, answered=1, pages=1, rule=f"U{number}")

    assert len(own(version, now=after(2)).paging) == LISTED


def test_small_numbers_are_shown_to_those_alone_who_may_open_each_alert() -> None:
    readers = [role for role in Role if may(role, Permission.PROTOCOL_WRITE)]

    assert readers
    assert all(may(role, Permission.ALERT_READ) and may(role, Permission.PATIENT_READ) for role in readers)


# ---- a candidate


def test_a_candidate_without_a_what_if_says_nothing_and_the_live_version_stands_beside_it(draft: Version) -> None:
    fill(desk.publish(), range(8))

    seen = burden.look(draft, now=after(8))

    assert (seen.own.outlook, seen.own.replay, seen.own.left_out) == (None, None, 7)
    assert seen.live is not None
    assert seen.live.outlook is not None
    assert seen.live.left_out == 0


def test_a_candidates_pages_are_those_of_its_what_if(draft: Version) -> None:
    fill(desk.publish(), range(8))
    judged = {monday(place): Week(responses=8, before=2, after=5, night_before=1, night_after=3) for place in range(8)}
    past_weeks.what_if(draft, judged, asked_at=after(8))

    seen = own(draft, now=after(8))

    assert [(week.invited, week.pages, week.night_pages) for week in seen.weeks] == [(10, 5, 3)] * 7
    assert seen.outlook is not None
    assert seen.outlook.paging == 5 / 8
    assert seen.paging == ()


@pytest.mark.parametrize(("asked_at", "covered"), [(time(23, 59), 4), (time(0), 5)])
def test_a_week_that_a_what_if_read_half_is_left_out(draft: Version, asked_at: time, covered: int) -> None:
    fill(desk.publish(), range(8))
    day = monday(6) + timedelta(days=1 if covered == 5 else -1)
    past_weeks.what_if(draft, {}, asked_at=past_weeks.at(day, asked_at))

    seen = own(draft, now=after(8))

    assert [week.starts_on for week in seen.weeks] == [monday(place) for place in range(1, 1 + covered)]
    assert seen.left_out == 7 - covered


def test_a_what_if_of_an_older_text_says_nothing(draft: Version) -> None:
    fill(desk.publish(), range(8))
    past_weeks.what_if(replace(draft, sha256="0" * 64), {}, asked_at=after(8))

    assert own(draft, now=after(8)).replay is None


def test_a_what_if_of_all_sites_says_nothing_of_one(draft: Version) -> None:
    fill(desk.publish(), range(8))
    past_weeks.what_if(draft, {}, asked_at=after(8))

    seen = own(draft, now=after(8), site_id=RIVERSIDE.id)

    assert (seen.replay, seen.weeks, seen.left_out) == (None, (), 7)


def test_a_version_that_is_new_in_force_takes_older_weeks_from_its_what_if(draft: Version) -> None:
    """And leaves out the week in which both scored, unless a what-if has read that too."""
    old = desk.publish()
    fill(old, range(7))
    judged = {monday(place): Week(responses=8, after=6) for place in range(7)}
    past_weeks.what_if(draft, judged, asked_at=after(6))
    fill(old, (7,), invited=5, answered=5)
    fill(draft, (7, 8))

    seen = own(draft, now=after(9))
    other = own(old, now=after(9))

    assert [(week.starts_on, week.pages) for week in seen.weeks] == [
        *((monday(place), 6) for place in range(1, 6)),
        (monday(8), 2),
    ]
    assert (seen.left_out, other.left_out) == (2, 2)


def test_a_score_of_a_changed_text_is_not_the_versions_own(version: Version) -> None:
    fill(version, range(2), pages=6)
    wednesday = past_weeks.at(monday(1) + timedelta(days=2), time(11))
    with transaction() as tx:
        invitation_id = past_weeks.invitation(tx, version, wednesday)
        past_weeks.response(tx, version, invitation_id, wednesday, rule="U7", sha256="1" * 64)

    seen = own(version, now=after(2))

    assert seen.left_out == 1
    assert seen.paging == (Paging(rule="U1", pages=6, per_hundred=75),)


def test_rules_that_add_or_take_away_pages_are_weighed_and_other_moves_are_not() -> None:
    tally = Tally(
        judged=200,
        rules=Counter(
            {
                ("U1", Tier.ROUTINE, Tier.URGENT): 6,
                ("U3", Tier.SOON, Tier.ROUTINE): 2,
                ("U2", Tier.EMERGENCY, Tier.SOON): 5,
                ("E1", Tier.URGENT, Tier.EMERGENCY): 9,
            }
        ),
    )

    assert burden.changes(tally) == (
        Paging(rule="U1", pages=6, per_hundred=3.0),
        Paging(rule="U2", pages=-5, per_hundred=-2.5),
    )
    assert burden.changes(Tally()) == ()


def test_a_real_answer_and_a_real_what_if_come_out_the_same(database: Database) -> None:
    assert database
    now = past_weeks.at(monday(1) + timedelta(days=2), time(10))
    surveys.open_clinic(now)
    past_weeks.add(desk.publish(), monday(0), invited=1, answered=0)
    answered(surveys.invited(now), BREATHLESS, now=now)
    later = after(2)
    again = desk.PACK.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    candidate = versions.draft(again, name="v2.yaml", by=ANA.actor, now=later)
    replays.start(candidate.id, by=ANA.actor, now=later)
    while replays.replay_due(now=later):
        pass

    seen = burden.look(candidate, now=later)

    assert seen.live is not None
    assert seen.own.weeks == seen.live.weeks
    assert [(week.pages, week.night_pages) for week in seen.own.weeks] == [(1, 0)]
    assert [week.invited for week in seen.own.weeks] == [1]


def test_the_demos_quarter_of_a_year_makes_an_outlook_that_its_weeks_bear_out(database: Database) -> None:
    assert database
    now = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
    riverside = demo_clinic.settle(now)
    seed.past(riverside, now, progress=lambda *_: None)
    version = next(one for one in protocols.published() if one.slug == riverside.protocol)

    seen = own(version, now=now)

    assert seen.outlook is not None
    assert 9 <= seen.outlook.weeks <= 12
    assert 0.7 <= seen.outlook.answered <= 0.95
    assert seen.outlook.week.low <= seen.outlook.week.mean <= seen.outlook.week.high
