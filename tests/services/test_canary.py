"""The canary: every few minutes a made-up answer has to page, or the clinic and the world outside hear of it."""

from datetime import timedelta

import pytest

from survey.domain import canary as rules
from survey.messaging.outcomes import Outcome
from survey.services import health, oncall
from survey.store import heartbeats
from survey.store.session import transaction
from tests import canaries, desk, staff, surveys
from tests.canaries import Mirror
from tests.cast import NIGHT
from tests.conftest import Database
from tests.fakes import FakeSms

MINUTE = timedelta(minutes=1)
SILENT = "No made-up urgent answer has paged anybody for a quarter of an hour"


@pytest.fixture
def providers(database: Database) -> tuple[Mirror, FakeSms]:
    assert database
    surveys.open_clinic(NIGHT)
    return canaries.wire()


def awake(now: object = NIGHT) -> None:
    with transaction() as tx:
        heartbeats.beat(tx, "sentinel", now=now)  # type: ignore[arg-type]


def test_it_answers_pages_is_reached_and_is_closed_and_no_real_phone_hears_of_it(
    providers: tuple[Mirror, FakeSms],
) -> None:
    sink, carrier = providers

    canaries.work(sink, NIGHT)

    assert canaries.counted() == (1, 1)
    (page,) = sink.wire
    assert "urgent check-in alert" in page.body
    assert carrier.wire == []
    (alert,) = desk.rows("SELECT tier, state, contact_result, short_no FROM alert")
    assert (alert["tier"], alert["state"], alert["contact_result"]) == ("emergency", "resolved", "reached")


def test_the_next_one_comes_five_minutes_later_and_the_clinics_alerts_are_numbered_without_it(
    providers: tuple[Mirror, FakeSms],
) -> None:
    sink, _ = providers
    canaries.work(sink, NIGHT)

    canaries.work(sink, NIGHT + 4 * MINUTE)
    assert canaries.counted() == (1, 1)
    canaries.work(sink, NIGHT + 5 * MINUTE)
    assert canaries.counted() == (2, 2)

    staff.alarm(now=NIGHT)
    numbers = [row["short_no"] for row in desk.rows("SELECT short_no FROM alert ORDER BY created_at, short_no")]
    assert [number for number in numbers if number > 0] == [1001]
    assert len(set(numbers)) == 3


def test_a_clinic_that_is_being_set_up_has_nothing_to_show_yet(database: Database) -> None:
    assert database
    sink, _ = canaries.wire()

    canaries.work(sink, NIGHT)
    assert canaries.counted() == (0, 0)

    surveys.open_clinic(NIGHT)
    canaries.work(sink, NIGHT + MINUTE)
    assert canaries.counted() == (1, 1)


def test_the_first_has_a_quarter_of_an_hour_and_the_world_outside_hears_nothing_until_then(
    providers: tuple[Mirror, FakeSms],
) -> None:
    sink, _ = providers
    canaries.stuck(sink, NIGHT)

    for minute, told in ((0, False), (15, False), (16, True)):
        awake(NIGHT + minute * MINUTE)
        assert not health.holds(NIGHT + minute * MINUTE)
        assert any(said.startswith(SILENT) for said in health.trouble(NIGHT + minute * MINUTE)) == told


def test_what_never_began_withholds_the_heartbeat_and_is_told(providers: tuple[Mirror, FakeSms]) -> None:
    sink, _ = providers
    awake()
    assert not health.holds(NIGHT)
    assert any(said.startswith(SILENT) for said in health.trouble(NIGHT))

    canaries.work(sink, NIGHT)

    assert health.holds(NIGHT)
    assert not any(said.startswith(SILENT) for said in health.trouble(NIGHT))


def test_one_that_is_stuck_is_told_after_a_quarter_of_an_hour_and_pages_on_until_it_comes_through(
    providers: tuple[Mirror, FakeSms],
) -> None:
    sink, _ = providers
    canaries.work(sink, NIGHT)
    for minute in range(5, 21):
        canaries.stuck(sink, NIGHT + minute * MINUTE)
        awake(NIGHT + minute * MINUTE)
        late = any(said.startswith(SILENT) for said in health.trouble(NIGHT + minute * MINUTE))
        assert late == (minute > 15), minute
    assert not health.holds(NIGHT + 20 * MINUTE)
    assert canaries.counted() == (2, 1), "no second one begins beside it"

    sink.always = Outcome.ACCEPTED
    for minute in range(20, 27):
        canaries.work(sink, NIGHT + minute * MINUTE)

    began, ended = canaries.counted()
    assert began == ended >= 2
    assert health.holds(NIGHT + 26 * MINUTE)


def test_turned_off_it_is_a_warning_of_the_doctor_and_no_banner(providers: tuple[Mirror, FakeSms]) -> None:
    assert providers
    canaries.wire(has_canary=False)
    awake()

    assert not any(said.startswith(SILENT) for said in health.trouble(NIGHT))
    (check,) = [one for one in health.examine(NIGHT) if one.name == "canary"]
    assert check.state is health.State.WARNING


def test_nobody_signs_in_as_its_clinician_and_nobody_is_on_call_for_it(providers: tuple[Mirror, FakeSms]) -> None:
    sink, _ = providers
    canaries.work(sink, NIGHT)

    with transaction() as tx:
        assert oncall.live_policy(tx).id != rules.POLICY_ID
    (account,) = desk.rows("SELECT password_hash FROM app_user WHERE id = :id", id=rules.CLINICIAN_ID)
    assert account["password_hash"].startswith("$argon2id$")
