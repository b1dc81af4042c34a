"""The worklist: nobody who is open is missing from the list."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from survey.domain.worklist import Filter
from survey.services import alerts, patients, worklist
from survey.store import conservation
from survey.store.session import transaction
from tests import crowds, desk, surveys
from tests.cast import ANA, BEN, SAM
from tests.conftest import Database
from tests.staff import BREATHLESS, CALM, answered

NOW = datetime(2026, 3, 11, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    surveys.open_clinic(NOW)


def look(*, days: int = 30, page: int = 1, now: datetime = NOW, **chosen: object) -> worklist.Worklist:
    return worklist.look(Filter(**chosen), days=days, page=page, now=now)


@pytest.mark.parametrize("seed", range(5))
def test_every_open_check_in_is_on_the_list_exactly_once_however_old(seed: int) -> None:
    crowds.scatter(80, Random(seed), now=NOW)
    with transaction() as tx:
        conservation.as_of(tx, NOW)
        wanted = set(tx.run(sa.text("SELECT procedure_id FROM check_in WHERE class = 'open'")).scalars())
        lost = {one.procedure_id for one in conservation.astray(tx, limit=200)}

    seen = look(days=1)
    rows = [*look(days=1, kind="waiting").rows, *(row for page in (1, 2) for row in look(days=1, page=page).rows)]

    silent = [row.item.procedure_id for row in rows if row.item.alert_id is None]
    assert len(silent) == len(set(silent))
    assert wanted | lost <= {row.item.procedure_id for row in rows}
    assert {row.item.procedure_id for row in rows if row.item.kind == "lost"} == lost
    assert seen.standing.period.open + seen.standing.older_open == len(wanted)


def test_a_patient_moves_through_the_four_counts() -> None:
    case = surveys.invited(NOW)
    assert (look().standing.period.open, look().standing.not_due, look().standing.period.reached) == (2, 1, 0)

    answered(case, CALM, now=NOW)

    assert (look().standing.period.open, look().standing.not_due, look().standing.period.reached) == (1, 1, 1)


def test_a_check_in_closed_with_a_reason_is_neither_open_nor_lost() -> None:
    case = surveys.invited(NOW)

    patients.stop(case.invitation_id, reason="Moved abroad", by=SAM.actor, now=NOW)

    assert (look().standing.period.enrolled, look().standing.period.closed, look().total) == (2, 1, 0)


def test_an_urgent_alert_stands_above_everything_with_its_reason_in_words() -> None:
    surveys.invited(NOW, given_name="Ira", mobile=None, consent=False)
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)

    first, second, *_ = look().rows

    assert (first.word, second.word) == ("Urgent", "Cannot be texted")
    assert first.why[0].startswith("Breathing: ")
    assert second.why == ("No mobile number and no email address is recorded",)


def test_what_is_not_due_shows_only_when_asked_for() -> None:
    desk.enrol(desk.maria(performed_on=NOW.date()), now=NOW)

    assert look().rows == ()
    assert [row.word for row in look(kind="waiting").rows] == ["Not due yet"] * 2
    assert (look().standing.period.open, look().standing.not_due) == (2, 2)


def test_an_alert_past_its_promise_is_late_until_somebody_has_called() -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)
    later = NOW + timedelta(minutes=31)

    before, after = look().rows[0].is_late, look(now=later).rows[0].is_late

    assert (before, after) == (False, True)


def test_mine_and_nobodys_are_told_apart() -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)
    (alert,) = alerts.open_alerts()
    assert look(unowned=True).total == 1

    alerts.take(alert.id, by=ANA.actor, epoch=alert.epoch, now=NOW)

    assert look(unowned=True).total == 0
    assert look(owner_id=ANA.id).rows[0].item.owner == ANA.name
    assert look(owner_id=BEN.id).total == 0


@pytest.mark.parametrize(("typed", "found"), [("lind", 1), ("maria l", 1), ("%", 0), ("_", 0), ("nobody", 0)])
def test_a_name_is_found_by_any_part_and_wildcards_are_letters(typed: str, found: int) -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)

    assert look(name=typed).total == found


def test_a_second_page_goes_on_where_the_first_ended() -> None:
    crowds.scatter(160, Random(7), now=NOW)
    first, second = look(days=365), look(days=365, page=2)

    ids = [row.item.procedure_id for row in (*first.rows, *second.rows) if row.item.alert_id is None]

    assert len(first.rows) == worklist.PAGE_SIZE
    assert len(ids) == len(set(ids))
    assert first.pages >= 2
