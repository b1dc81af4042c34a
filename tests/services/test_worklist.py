"""The worklist: nobody who is open is missing from the list."""

from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest
import sqlalchemy as sa

from survey.domain.worklist import Filter
from survey.services import alerts, patients, worklist
from survey.store import conservation
from survey.store import worklist as store
from survey.store.session import transaction
from tests import crowds, desk, surveys
from tests.cast import ANA, BEN, SAM
from tests.conftest import Database
from tests.plans import PAST, most_rows
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


# ---- one line for a call


LATER = NOW + timedelta(days=6)
"""Both check-ins of a procedure are due by then."""


def test_who_cannot_be_texted_stands_on_the_list_once_for_both_check_ins() -> None:
    desk.enrol(desk.maria(mobile=None, consent=False))

    seen = look(now=LATER)

    assert [(row.word, row.item.check_ins) for row in seen.rows] == [("Cannot be texted", 2)]
    assert (seen.total, seen.kinds["unreachable"], seen.standing.period.open) == (1, 1, 2)


def test_the_line_of_two_check_ins_is_that_of_the_one_that_has_waited_longest() -> None:
    desk.enrol(desk.maria(mobile=None, consent=False))
    (first,) = desk.rows("SELECT id FROM invitation ORDER BY due_at LIMIT 1")

    assert look(now=LATER).rows[0].item.invitation_id == first["id"]


def test_a_check_in_that_is_left_keeps_the_patient_on_the_list() -> None:
    desk.enrol(desk.maria(mobile=None, consent=False))
    (first,) = desk.rows("SELECT id FROM invitation ORDER BY due_at LIMIT 1")

    patients.stop(first["id"], reason="Called elsewhere", by=SAM.actor, now=LATER)

    assert [row.item.check_ins for row in look(now=LATER).rows] == [1]


def test_two_procedures_never_share_a_line() -> None:
    desk.enrol(desk.maria(mobile=None, consent=False))
    desk.enrol(desk.maria(mobile=None, consent=False, given_name="Ida", mrn=None))

    assert look(now=LATER).total == 2


def test_what_is_not_due_is_no_part_of_another_line() -> None:
    surveys.invited(NOW)

    assert [row.item.check_ins for row in (*look().rows, *look(kind="waiting").rows)] == [1, 1]


@pytest.mark.parametrize("seed", range(4))
def test_the_lines_stand_for_every_open_check_in_and_the_kinds_count_the_lines(seed: int) -> None:
    crowds.scatter(50, Random(seed), now=NOW)
    desk.change(TWICE)
    with transaction() as tx:
        conservation.as_of(tx, NOW)
        wanted = tx.run(sa.text(WITHOUT_ALERT)).scalar_one()

    seen = look()
    lines = [row.item for kind in seen.kinds for row in look(kind=kind).rows]

    assert sum(item.check_ins for item in lines if item.alert_id is None) == wanted
    assert len(lines) == sum(seen.kinds.values())
    assert max(item.check_ins for item in lines) == 2


TWICE = """
INSERT INTO invitation
  (id, procedure_id, site_id, touch, protocol_version_id, state, trouble, due_at, call_at, expires_at)
SELECT gen_random_uuid(), procedure_id, site_id, 'day7', protocol_version_id,
  CASE WHEN state IN ('sent', 'expired', 'undeliverable', 'opened') THEN state ELSE 'scheduled' END, trouble,
  due_at + interval '5 days', due_at + interval '6 days', expires_at FROM invitation
"""
"""Each procedure gets a second check-in that has not ended."""
WITHOUT_ALERT = """
SELECT (SELECT count(*) FROM astray) + (SELECT count(*) FROM check_in c WHERE class = 'open' AND NOT EXISTS (
  SELECT FROM response r JOIN alert a ON a.response_id = r.id
  WHERE r.invitation_id = c.invitation_id AND a.state <> 'resolved'))
"""


# ---- what ended long ago


def test_a_look_reads_nothing_of_what_has_ended_long_ago(database: Database) -> None:
    answered(surveys.invited(NOW), BREATHLESS, now=NOW)
    with psycopg.connect(database.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(PAST)
        owner.execute("ANALYZE")
    since = NOW.date() - timedelta(days=30)

    with transaction() as tx:
        conservation.as_of(tx, NOW)
        lines = most_rows(tx, store.PAGE, store.parameters(Filter(), since=since, limit=50, offset=0))
        days = {"since": since, "until": since + timedelta(days=90), "site_id": None}
        counts = most_rows(tx, conservation.COUNTS, days)

    assert max(lines, counts) < 200
