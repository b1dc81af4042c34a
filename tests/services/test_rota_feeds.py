"""A rota that is kept elsewhere: read into shifts, matched to people, and kept when its server is away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from survey.domain.errors import NotFound, Refused
from survey.domain.oncall import Schedule
from survey.domain.rota_feeds import Doubt
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import health, oncall, rota_feeds, rotas
from survey.services.health import State
from survey.services.rota_feeds import Reading
from tests import desk, factories, rota_calendars
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE, RIVERSIDE, SAM
from tests.conftest import Database
from tests.rota_calendars import Server

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NAMES = {person.id: person.name.split()[0] for person in PEOPLE}


@pytest.fixture
def server(database: Database) -> Iterator[Server]:  # noqa: ARG001 (it stands behind every call)
    """A rota tool on this machine, as a demo may have it."""
    factories.site()
    factories.people(PEOPLE)
    registry.wire(Wiring(public_url="https://chk.example.org", sms=None, email=None, local=True))
    with rota_calendars.serving() as running:
        yield running


@pytest.fixture
def nights(server: Server) -> Schedule:  # noqa: ARG001 (the clinic has to stand)
    return factories.schedule("nights")


def night(day: int, *lines: str) -> str:
    """Seven in the evening until seven in the morning, on Riverside's wall."""
    zone = "TZID=America/New_York"
    times = (f"DTSTART;{zone}:202603{day:02d}T190000", f"DTEND;{zone}:202603{day + 1:02d}T070000")
    return rota_calendars.event(*times, *lines, uid=f"night-{day}")


def add(schedule: Schedule, server: Server, *, now: datetime = NIGHT) -> UUID:
    return rota_feeds.add(schedule.id, server.url, by=LENA.actor, now=now)


def told(schedule: Schedule, *, now: datetime = NIGHT) -> list[str]:
    return [
        f"{NAMES[one.user_id]} {RIVERSIDE.local(one.starts_at):%a %d %H:%M}–{RIVERSIDE.local(one.ends_at):%d %H:%M}"
        for one in oncall.shifts(schedule.id, since=now, until=now + 30 * DAY)
    ]


def reading(schedule: Schedule, *, now: datetime = NIGHT) -> Reading:
    found = rota_feeds.of_schedule(schedule.id, now=now)
    assert found is not None
    return found


def test_the_shifts_of_a_calendar_stand_on_the_roster_at_once(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"), night(13, "SUMMARY:Night shift - BEN OKAFOR"))

    add(nights, server)

    assert told(nights) == ["Ana Thu 12 19:00–13 07:00", "Ben Fri 13 19:00–14 07:00"]
    assert reading(nights).doubtful == ()


def test_the_spring_night_is_eleven_hours_long_and_the_right_person_has_both_ends(server: Server) -> None:
    schedule, before = factories.schedule("spring"), datetime(2026, 3, 7, tzinfo=UTC)
    server.says(night(7, "SUMMARY:Ana Reyes"), night(8, "SUMMARY:Ben Okafor"))

    add(schedule, server, now=before)

    (first, second) = oncall.shifts(schedule.id, since=before, until=before + 5 * DAY)
    assert first.ends_at - first.starts_at == 11 * HOUR
    assert first.ends_at == datetime(2026, 3, 8, 11, tzinfo=UTC)
    assert (first.user_id, second.user_id) == (ANA.id, BEN.id)


def test_a_mailbox_counts_before_a_name_and_a_name_before_what_was_chosen(nights: Schedule, server: Server) -> None:
    invited = "ATTENDEE;CN=Somebody:MAILTO:Ben@example.org"
    server.says(night(12, "SUMMARY:Ana Reyes", invited), night(13, "SUMMARY:Ana Reyes"), night(14, "SUMMARY:Dr. A."))
    feed_id = add(nights, server)

    rota_feeds.choose(feed_id, "Dr. A.", LENA.id, by=LENA.actor, now=NIGHT)

    assert [line[:4].strip() for line in told(nights)] == ["Ben", "Ana", "Lena"]


def test_a_name_within_a_name_or_two_names_are_nobody(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:Ana Reyesova"), night(13, "SUMMARY:Ana Reyes or Ben Okafor"))

    add(nights, server)

    assert told(nights) == []
    assert [(one.doubt, one.label) for one in reading(nights).doubtful] == [
        (Doubt.UNKNOWN, "Ana Reyesova"),
        (Doubt.UNKNOWN, "Ana Reyes or Ben Okafor"),
    ]


def test_somebody_who_may_not_take_alerts_is_nobody_here(nights: Schedule, server: Server) -> None:
    server.says(night(12, f"SUMMARY:{SAM.name}"))

    add(nights, server)

    assert told(nights) == []
    with pytest.raises(Refused, match="cannot be on call"):
        rota_feeds.choose(reading(nights).feed.id, SAM.name, SAM.id, by=LENA.actor, now=NIGHT)


def test_who_is_meant_is_chosen_once_and_known_from_then_on(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:AR"), night(13, "SUMMARY:AR"))
    feed_id = add(nights, server)
    (doubtful,) = reading(nights).doubtful

    matched = rota_feeds.choose(feed_id, "AR", ANA.id, by=LENA.actor, now=NIGHT)
    server.says(night(14, "SUMMARY:AR"))
    rota_feeds.read_now(feed_id, now=NIGHT)

    assert (doubtful.doubt, doubtful.count, matched) == (Doubt.UNKNOWN, 2, 2)
    assert told(nights) == ["Ana Sat 14 19:00–15 07:00"]
    assert reading(nights).named == (("AR", ANA.name),)


def test_a_choice_that_was_wrong_is_taken_back(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:AR"))
    feed_id = add(nights, server)
    rota_feeds.choose(feed_id, "AR", BEN.id, by=LENA.actor, now=NIGHT)

    rota_feeds.forget(feed_id, "AR", by=LENA.actor, now=NIGHT)

    assert told(nights) == []
    assert [one.label for one in reading(nights).doubtful] == ["AR"]
    with pytest.raises(NotFound):
        rota_feeds.forget(feed_id, "AR", by=LENA.actor, now=NIGHT)


def test_of_two_at_once_the_earlier_has_the_time_and_the_other_is_shown(nights: Schedule, server: Server) -> None:
    late = rota_calendars.event("SUMMARY:Ben Okafor", "DTSTART:20260313T010000Z", "DTEND:20260313T130000Z", uid="late")
    server.says(night(12, "SUMMARY:Ana Reyes"), late)

    add(nights, server)

    assert told(nights) == ["Ana Thu 12 19:00–13 07:00", "Ben Fri 13 07:00–13 09:00"]
    assert [(one.doubt, one.label) for one in reading(nights).doubtful] == [(Doubt.OVERLAP, "Ben Okafor")]


def test_an_override_is_stronger_than_the_calendar_and_stays_so(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"))
    feed_id = add(nights, server)
    evening = datetime(2026, 3, 12, 23, tzinfo=UTC)
    times = {"starts_at": evening, "ends_at": evening + 2 * HOUR, "reason": "ill"}
    rotas.add_override(nights.id, BEN.id, **times, by=LENA.actor, now=NIGHT)

    rota_feeds.read_now(feed_id, now=NIGHT)

    assert told(nights) == ["Ben Thu 12 19:00–12 21:00", "Ana Thu 12 21:00–13 07:00"]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"", "answers 500"),
        (200, b"<html>Sign in</html>", "no calendar"),
        (200, rota_calendars.calendar().encode(), "no event in the next 90 days"),
    ],
)
def test_a_calendar_that_cannot_be_read_leaves_the_last_good_shifts_and_says_why(
    nights: Schedule, server: Server, status: int, body: bytes, why: str
) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"))
    feed_id = add(nights, server)
    server.status, server.body = status, body

    fault = rota_feeds.read_now(feed_id, now=NIGHT + HOUR)

    assert fault is not None
    assert why in fault
    assert told(nights) == ["Ana Thu 12 19:00–13 07:00"]
    feed = reading(nights).feed
    assert (feed.fault, feed.read_at, feed.asked_at) == (fault, NIGHT, NIGHT + HOUR)


def test_the_worker_reads_every_fifteen_minutes_and_not_more_often(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"))
    add(nights, server)

    done = [rota_feeds.read_due(now=NIGHT + minutes * MINUTE) for minutes in (1, 14, 15, 16, 29, 30)]

    assert done == [0, 0, 1, 0, 0, 1]
    assert len(server.paths) == 3


def test_doctor_warns_after_a_day_without_the_calendar_and_not_before(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"))
    add(nights, server)
    server.status = 503
    rota_feeds.read_due(now=NIGHT + HOUR)

    states = [
        next(one for one in health.examine(NIGHT + age) if one.name == "calendars").state for age in (DAY, DAY + MINUTE)
    ]

    assert states == [State.WELL, State.WARNING]


def test_removing_it_takes_its_shifts_and_its_address_and_leaves_the_running_one(
    nights: Schedule, server: Server
) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"), night(13, "SUMMARY:Ben Okafor"))
    feed_id = add(nights, server)
    in_the_night = datetime(2026, 3, 13, 3, tzinfo=UTC)

    rota_feeds.remove(feed_id, by=LENA.actor, now=in_the_night)

    assert told(nights, now=in_the_night) == ["Ana Thu 12 19:00–13 07:00"]
    assert rota_feeds.of_schedule(nights.id, now=in_the_night) is None
    assert [row["url"] for row in desk.rows("SELECT url FROM rota_feed")] == [""]
    with pytest.raises(NotFound):
        rota_feeds.read_now(feed_id, now=in_the_night)


def test_what_is_removed_while_it_is_being_read_comes_back_by_no_late_answer(
    nights: Schedule, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"))
    feed_id = add(nights, server)
    body = server.body

    def removed_meanwhile(_url: str, *, local: bool) -> bytes:
        assert local
        rota_feeds.remove(feed_id, by=LENA.actor, now=NIGHT)
        return body

    monkeypatch.setattr("survey.messaging.calendars.fetch", removed_meanwhile)

    rota_feeds.read_due(now=NIGHT + HOUR)

    assert told(nights) == []
    assert desk.rows("SELECT uid FROM rota_entry") == []


def test_a_roster_has_one_calendar_and_nothing_inside_is_asked(nights: Schedule, server: Server) -> None:
    server.says(night(12, "SUMMARY:Ana Reyes"))
    add(nights, server)
    with pytest.raises(Refused, match="has a calendar"):
        add(nights, server)

    registry.wire(Wiring(public_url="https://chk.example.org", sms=None, email=None))

    with pytest.raises(Refused, match="private network"):
        rota_feeds.add(factories.schedule("days").id, "https://127.0.0.1/a.ics", by=LENA.actor, now=NIGHT)


def test_the_trail_and_the_log_have_no_address_and_no_name(
    nights: Schedule, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.says(night(12, "SUMMARY:AR"))
    feed_id = add(nights, server)
    rota_feeds.choose(feed_id, "AR", ANA.id, by=LENA.actor, now=NIGHT)
    server.status = 500
    rota_feeds.read_now(feed_id, now=NIGHT)

    trail = str(desk.rows("SELECT action, detail FROM audit_event"))
    said = trail + str(capsys.readouterr())
    assert "rota_feed.name_chosen" in trail
    assert not [secret for secret in ("s3cret", "127.0.0.1", "AR'", "Ana") if secret in said]
