"""A day's preview: who is asked at what hour, what is held back and why, and who cannot be asked at all."""

from datetime import date, timedelta

import pytest

from survey.domain.sends import Stand
from survey.services import patients, sends
from survey.services.sends import Asked, Day
from tests import desk
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database

WEDNESDAY = date(2026, 3, 11)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    desk.open_clinic()


def look(day: date = WEDNESDAY, **asked: object) -> Day:
    return sends.look(Asked(day=day, **asked), page=1)


def told(day: Day) -> list[tuple[str, str, str]]:
    return [(line.stand.value, line.given_name, line.why) for line in day.lines]


def set_messages(columns: str) -> None:
    desk.change(f"UPDATE message SET {columns}")


def test_who_is_due_stands_at_the_hour_of_the_sites_wall() -> None:
    desk.enrol(desk.maria())
    desk.enrol(desk.juan(consent=True))

    day = look()

    assert day.stands == {Stand.WAITING: 2}
    assert [(hour.hour, hour.texts, hour.emails) for hour in day.hours] == [(10, 2, 0)]
    assert look(WEDNESDAY + timedelta(days=1)).messages == look(WEDNESDAY - timedelta(days=1)).messages == 0


@pytest.mark.parametrize(
    ("change", "stand", "why"),
    [
        ("state = 'accepted', sent_at = due_at", Stand.SENT, ""),
        ("state = 'unknown', sent_at = due_at", Stand.SENT, ""),
        ("state = 'delivered', sent_at = due_at", Stand.DELIVERED, ""),
        ("reason = 'outside_hours'", Stand.HELD, "It goes out between 9 AM and 7 PM on the patient’s clock"),
        ("reason = 'cap', due_at = due_at + interval '2 days'", Stand.HELD, "This number has had its texts for now"),
        ("reason = 'no_provider'", Stand.HELD, "No provider is set up for it"),
        ("reason = 'try_later 503'", Stand.HELD, "The provider did not take it; it is tried again"),
        ("state = 'cancelled', reason = 'opened'", Stand.DROPPED, "The patient has opened the link"),
        ("state = 'undelivered', reason = 'undelivered'", Stand.FAILED, "The message could not be delivered"),
        ("state = 'refused', reason = '30003'", Stand.FAILED, ""),
    ],
)
def test_each_message_tells_how_it_stands_and_why(change: str, stand: Stand, why: str) -> None:
    desk.enrol(desk.maria())

    set_messages(change)

    (line,) = look().lines
    assert line.stand is stand
    assert line.why.startswith(why)
    assert bool(line.why) is bool(why)


@pytest.mark.parametrize(
    ("changes", "why", "fix"),
    [
        ({"mobile": None, "consent": False}, "No mobile number and no email address is recorded", "Add a number"),
        ({"consent": False}, "The patient has not agreed to texts or emails", "Record consent"),
        ({"mobile": "+44 7400 123456"}, "The number belongs to another country", "Add a number from here"),
    ],
)
def test_whoever_cannot_be_asked_stands_first_with_what_can_be_done(
    changes: dict[str, object], why: str, fix: str
) -> None:
    desk.enrol(desk.juan())
    desk.enrol(desk.maria(**changes))

    blocked, waiting = look().lines

    assert (blocked.given_name, blocked.stand, blocked.why, blocked.fix) == ("Maria", Stand.BLOCKED, why, fix)
    assert waiting.stand is Stand.WAITING


def test_whoever_opted_out_since_is_blocked_before_the_text_would_leave_and_is_called() -> None:
    desk.enrol(desk.maria())

    desk.change("UPDATE contact SET blocked_reason = 'stopped', blocked_at = now()")

    (line,) = look().lines
    assert (line.stand, line.why, line.fix) == (Stand.BLOCKED, "The patient asked for no more texts", None)


def test_a_cancelled_procedure_is_not_on_the_page() -> None:
    enrolled = desk.enrol(desk.maria())

    patients.cancel(enrolled.procedure_id, by=SAM.actor, now=desk.AT_THE_DESK)

    assert look().lines == ()


def test_a_day_can_be_narrowed_to_a_site_and_to_one_kind() -> None:
    desk.enrol(desk.juan())
    desk.enrol(desk.maria(consent=False))

    assert told(look(stand="blocked", site_id=RIVERSIDE.id))[0][:2] == ("blocked", "Maria")
    assert look(stand="blocked").total == 1
    assert look(site_id=SAM.id).stands == {}


def test_a_patient_in_another_zone_stands_at_the_clinics_hour_with_the_patients_clock() -> None:
    desk.enrol(desk.maria(zone="America/Los_Angeles"))

    day = look()

    assert day.hours[0].hour == 13
    assert day.lines[0].at.astimezone(day.lines[0].tz).hour == 10


def test_a_long_day_has_pages_that_follow_each_other() -> None:
    for number in range(sends.PAGE_SIZE + 3):
        desk.enrol(desk.maria(given_name=f"Maria{number}", mrn=None))

    first, second = look(), sends.look(Asked(day=WEDNESDAY), page=2)

    assert (first.pages, len(first.lines), len(second.lines)) == (2, sends.PAGE_SIZE, 3)
    assert not {line.invitation_id for line in first.lines} & {line.invitation_id for line in second.lines}
