"""Gaps are mailed at 14, 7, 3 and 1 days, once each, to whoever can fill them; a mail that fails is tried again."""

from datetime import datetime, timedelta

import pytest

from survey.domain.oncall import Schedule
from survey.messaging import registry
from survey.messaging.outcomes import Outcome
from survey.messaging.registry import Wiring
from survey.services import gap_notices, oncall
from tests import desk, factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE
from tests.conftest import Database
from tests.fakes import FakeEmail

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def mail(database: Database) -> FakeEmail:  # noqa: ARG001 (it stands behind every call)
    """The mail server of a clinic with people."""
    factories.site()
    factories.people(PEOPLE)
    server = FakeEmail()
    registry.wire(Wiring(public_url="https://chk.example.org", sms=None, email=server))
    return server


def nights(*, until: timedelta, then: timedelta | None = None, owner: bool = True) -> Schedule:
    """Ana has it until then, and Ben again from `then` on; Ben owns it."""
    schedule = factories.schedule("nights")
    factories.on_call(schedule, ANA, starts_at=NIGHT - DAY, ends_at=NIGHT + until)
    if then is not None:
        factories.on_call(schedule, BEN, starts_at=NIGHT + then, ends_at=NIGHT + 80 * DAY)
    if owner:
        desk.change("UPDATE schedule SET owner_id = :owner WHERE id = :id", owner=BEN.id, id=schedule.id)
    return schedule


def tick(at: datetime) -> int:
    """What the worker does each time it is rung."""
    gap_notices.plan_due(now=at)
    done = 0
    while gap_notices.send_due(now=at):
        done += 1
    return done


def live_through(span: timedelta, *, step: timedelta = 6 * HOUR) -> None:
    at = NIGHT
    while at <= NIGHT + span:
        tick(at)
        at += step


def test_the_owner_is_told_four_times_and_the_managers_on_the_last_day(mail: FakeEmail) -> None:
    nights(until=20 * DAY, then=21 * DAY)

    live_through(22 * DAY)

    assert [one.to for one in mail.wire] == [BEN.email, BEN.email, BEN.email, BEN.email, LENA.email]
    assert mail.wire[0].subject == "Riverside Clinic: nobody is on call on nights"
    assert "- Tue Mar 31, 12:31 AM until Wed Apr 1, 12:31 AM" in mail.wire[0].body


def test_a_mail_comes_at_the_day_and_not_before(mail: FakeEmail) -> None:
    nights(until=14 * DAY + HOUR, then=16 * DAY)

    assert [tick(NIGHT), tick(NIGHT + HOUR), tick(NIGHT + 2 * HOUR)] == [0, 1, 0]
    assert len(mail.wire) == 1


def test_a_gap_that_comes_up_late_gets_the_one_mail_that_its_time_is_for(mail: FakeEmail) -> None:
    nights(until=2 * DAY, then=3 * DAY)

    tick(NIGHT)

    assert [row["days"] for row in desk.rows("SELECT days FROM gap_notice")] == [3]
    assert len(mail.wire) == 1


def test_a_gap_that_is_running_is_told_once_with_the_time_that_it_has_left(mail: FakeEmail) -> None:
    nights(until=timedelta(0), then=HOUR)

    assert [tick(NIGHT + minutes * MINUTE) for minutes in (1, 2, 3)] == [1, 0, 0]
    assert "- now until Wed Mar 11, 1:31 AM" in mail.wire[0].body
    assert [one.to for one in mail.wire] == [BEN.email, LENA.email]


def test_a_gap_without_an_end_says_that_nobody_comes_after(mail: FakeEmail) -> None:
    nights(until=2 * DAY)

    tick(NIGHT)

    assert "until further on: nobody comes after" in mail.wire[0].body


def test_a_gap_that_was_filled_before_the_mail_left_is_not_told(mail: FakeEmail) -> None:
    schedule = nights(until=2 * DAY, then=3 * DAY)
    gap_notices.plan_due(now=NIGHT)
    times = {"starts_at": NIGHT + 2 * DAY, "ends_at": NIGHT + 3 * DAY}
    oncall.add_shift(schedule.id, LENA.id, **times, by=LENA.actor, now=NIGHT)

    gap_notices.send_due(now=NIGHT)

    assert mail.wire == []
    assert [row["due_at"] for row in desk.rows("SELECT due_at FROM gap_notice")] == [None]


def test_a_schedule_that_nobody_owns_is_the_managers(mail: FakeEmail) -> None:
    nights(until=10 * DAY, then=11 * DAY, owner=False)

    tick(NIGHT)

    assert [one.to for one in mail.wire] == [LENA.email]


def test_a_mail_that_did_not_leave_is_tried_again_until_it_has(mail: FakeEmail) -> None:
    nights(until=10 * DAY, then=11 * DAY)
    mail.answers(Outcome.TRY_LATER, Outcome.TRY_LATER)

    sent = [tick(NIGHT + minutes * MINUTE) for minutes in (0, 4, 5, 9, 10, 15, 60)]

    assert sent == [1, 0, 1, 0, 1, 0, 0]
    assert [one.outcome for one in mail.wire] == [Outcome.TRY_LATER, Outcome.TRY_LATER, Outcome.ACCEPTED]


def test_a_refused_mail_and_a_clinic_without_a_mail_server_are_tried_every_hour(mail: FakeEmail) -> None:
    nights(until=10 * DAY, then=11 * DAY)
    mail.answers(Outcome.REFUSED)
    tick(NIGHT)
    registry.wire(Wiring(public_url="https://chk.example.org", sms=None, email=None))
    tick(NIGHT + HOUR)
    registry.wire(Wiring(public_url="https://chk.example.org", sms=None, email=mail))

    assert [tick(NIGHT + HOUR + minutes * MINUTE) for minutes in (59, 60, 300)] == [0, 1, 0]


def test_a_worker_that_dies_with_the_mail_in_hand_is_followed_by_the_next(
    mail: FakeEmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(until=10 * DAY, then=11 * DAY)
    gap_notices.plan_due(now=NIGHT)
    with monkeypatch.context() as broken:
        broken.setattr("survey.services.gap_notices._tell", lambda _mail: (_ for _ in ()).throw(SystemExit()))
        with pytest.raises(SystemExit):
            gap_notices.send_due(now=NIGHT)

    assert [tick(NIGHT + MINUTE), tick(NIGHT + 5 * MINUTE)] == [0, 1]
    assert len(mail.wire) == 1


def test_several_gaps_of_one_schedule_stand_in_one_mail(mail: FakeEmail) -> None:
    schedule = factories.schedule("weekdays")
    for day in range(14):
        factories.on_call(schedule, ANA, starts_at=NIGHT + day * DAY, ends_at=NIGHT + day * DAY + 23 * HOUR)

    tick(NIGHT)

    assert len(mail.wire) == 1
    assert mail.wire[0].body.count("\n- ") == 11
    assert "- and 4 more" in mail.wire[0].body


def test_of_a_schedule_that_nobody_is_on_yet_nobody_hears_until_the_policy_names_it(mail: FakeEmail) -> None:
    for name in ("primary", "backup", "spare"):
        factories.schedule(name)
    tick(NIGHT)
    before = len(mail.wire)

    factories.publish_policy()
    tick(NIGHT + HOUR)

    assert before == 0
    assert sorted(one.subject for one in mail.wire) == [
        "Riverside Clinic: nobody is on call on backup",
        "Riverside Clinic: nobody is on call on primary",
    ]
