"""Nobody is lost: enrolled is answered + reached + closed + open, and whoever is in none is told at once."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from survey.cli import place, upkeep
from survey.domain import silence
from survey.domain.alerts import ContactResult, Outcome, Usefulness
from survey.domain.conservation import Balance
from survey.domain.messages import TERMS, Kind
from survey.domain.silence import Silence
from survey.messaging import registry
from survey.services import alerts, conservation, health, patients, responses
from survey.store import calls
from survey.store import conservation as store
from survey.store.session import transaction
from tests import crowds, desk, staff, surveys
from tests.cast import ANA, RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, WEDNESDAY_TEN
from tests.plans import PAST, most_rows
from tests.staff import CALM

NOW = WEDNESDAY_TEN
TODAY = date(2026, 3, 11)
A_DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ENDED = {"completed", "reached", "stopped"}


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    surveys.open_clinic(NOW)
    return database


def on(day: date = TODAY, *, now: datetime = NOW) -> Balance:
    """The law of the surveys that are due on that day."""
    with transaction() as tx:
        store.as_of(tx, now)
        return store.counts(tx, since=day, until=day).get(RIVERSIDE.id, Balance())


def astray(*, now: datetime = NOW) -> int:
    with transaction() as tx:
        return conservation.astray(tx, now=now)


def lose_texts() -> None:
    """Whatever waits to be sent is gone, as after a restored backup."""
    desk.change("DELETE FROM message")


def set_day2(columns: str, **values: object) -> None:
    """Change the surveys of day 2 behind the product's back."""
    desk.change(f"UPDATE invitation SET {columns} WHERE touch = 'day2'", **values)


# ---- the four classes


def test_somebody_who_waits_for_a_text_is_open() -> None:
    desk.enrol(desk.maria())

    assert on(now=AT_THE_DESK) == Balance(enrolled=1, open=1)


def test_answers_by_the_link_count_as_answered() -> None:
    session = surveys.started(surveys.invited(NOW), NOW)
    surveys.answer_all(session, NOW)
    begun = on()

    responses.submit(session, now=NOW)

    assert (begun, on()) == (Balance(enrolled=1, open=1), Balance(enrolled=1, answered=1))


def test_answers_by_phone_count_as_reached() -> None:
    staff.answered(surveys.invited(NOW), CALM, now=NOW)

    assert on() == Balance(enrolled=1, reached=1)


def test_somebody_who_was_spoken_to_without_the_questions_counts_as_reached() -> None:
    surveys.invited(NOW)

    set_day2("state = 'reached', reached_at = :now", now=NOW)

    assert on() == Balance(enrolled=1, reached=1)


def test_half_a_survey_is_open_while_its_alert_is_and_reached_once_the_alert_led_to_the_patient() -> None:
    surveys.answer(surveys.started(surveys.invited(NOW), NOW), "breath", NOW, answer=["exert"])
    surveys.score(NOW)
    (alert,) = alerts.open_alerts()
    found = [on()]

    step = {"by": ANA.actor, "epoch": alert.epoch, "now": NOW}
    alerts.take(alert.id, **step)
    alerts.record_contact(alert.id, result=ContactResult.REACHED, **step)
    found.append(on())
    alerts.close(alert.id, outcome=Outcome.REASSURED, usefulness=Usefulness.WORTH_IT, **step)

    assert [*found, on()] == [Balance(enrolled=1, open=1)] * 2 + [Balance(enrolled=1, reached=1)]


def test_closed_with_a_reason_and_a_cancelled_procedure_count_as_closed() -> None:
    patients.stop(surveys.invited(NOW).invitation_id, reason="Moved abroad", by=SAM.actor, now=NOW)
    patients.cancel(desk.enrol(desk.juan()).procedure_id, by=SAM.actor, now=NOW)

    assert on() == Balance(enrolled=2, closed=2)


def test_somebody_without_a_phone_is_open_from_the_first_minute() -> None:
    desk.enrol(desk.maria(mobile=None, consent=False))

    assert on(now=AT_THE_DESK) == Balance(enrolled=1, open=1)


def test_nobody_stops_being_open_by_age() -> None:
    desk.enrol(desk.maria())

    found = [on(now=NOW + days * A_DAY) for days in (0, 2, 30, 400)]

    assert found == [Balance(enrolled=1, open=1)] * 4


def test_a_link_that_is_opened_on_day_20_loses_nobody() -> None:
    late = NOW + 18 * A_DAY
    surveys.started(surveys.invited(NOW), late)

    lose_texts()

    assert on(now=late) == Balance(enrolled=1, open=1)


# ---- what breaks the law


def test_a_survey_whose_text_was_lost_is_counted_nowhere_until_somebody_calls() -> None:
    desk.enrol(desk.maria())
    lose_texts()

    before, called = AT_THE_DESK + A_DAY, NOW + 2 * A_DAY

    assert on(now=before) == Balance(enrolled=1)
    assert astray(now=before) >= 1
    assert on(now=called) == Balance(enrolled=1, open=1)


@pytest.mark.parametrize(
    ("state", "lost"),
    [
        ("pending", 0),
        ("accepted", 0),
        ("delivered", 0),
        ("unknown", 0),
        ("undelivered", 1),
        ("refused", 1),
        ("cancelled", 1),
    ],
)
def test_only_a_text_that_can_still_get_through_keeps_a_survey_open_before_its_call(state: str, lost: int) -> None:
    desk.enrol(desk.maria())

    desk.change("UPDATE message SET state = :state", state=state)

    assert on(now=AT_THE_DESK).astray == lost


def test_a_text_that_only_tried_the_number_keeps_nothing_open() -> None:
    desk.enrol(desk.maria())

    desk.change("UPDATE message SET kind = 'confirm', state = 'delivered', touch_no = 1 WHERE kind = 'invitation'")

    assert on(now=AT_THE_DESK).astray == 1


def test_a_call_that_is_put_off_for_ever_keeps_nothing_open() -> None:
    desk.enrol(desk.maria())

    set_day2("call_at = due_at + interval '11 days'")

    assert on(now=AT_THE_DESK).astray == 1


def test_a_procedure_that_nobody_asks_about_is_counted_nowhere_on_its_own_day() -> None:
    with transaction() as tx:
        crowds.procedure(tx, NOW, now=NOW)

    assert (astray(), on(), on(TODAY - 2 * A_DAY)) == (1, Balance(), Balance(enrolled=1))


def test_a_finished_survey_without_its_answers_is_counted_nowhere() -> None:
    surveys.invited(NOW)

    set_day2("state = 'completed', completed_at = :now", now=NOW)

    assert (astray(), on()) == (1, Balance(enrolled=1))


def test_whom_nothing_can_be_sent_to_is_open_before_the_day_too() -> None:
    desk.enrol(desk.maria(consent=False, consent_how=None))

    assert on(now=AT_THE_DESK) == Balance(enrolled=1, open=1)


def test_a_clock_that_is_a_minute_ahead_breaks_nothing() -> None:
    desk.enrol(desk.maria())
    two = {"now": NOW, "due": NOW - 2 * HOUR}
    set_day2("state = 'undeliverable', trouble = 'undelivered', call_at = :now, due_at = :due", **two)
    desk.change("UPDATE message SET state = 'undelivered'")

    found = [on(now=NOW - ahead).astray for ahead in (timedelta(minutes=1), HOUR)]

    assert found == [0, 1]


# ---- the numbers


@pytest.mark.parametrize("seed", range(5))
def test_the_law_holds_or_says_how_many_break_it_and_the_quick_look_finds_the_same(seed: int) -> None:
    crowds.scatter(80, Random(seed), now=NOW)
    every = conservation.every_stray(now=NOW)

    with transaction() as tx:
        counted, _ = conservation.standing(tx, site_id=None, since=TODAY - 120 * A_DAY, now=NOW)
        quick = set(store.astray(tx, limit=200))
        enrolled, classed = tx.run(sa.text(BY_HAND)).one()

    assert counted.enrolled == 80 == enrolled
    assert counted.astray == len(every) == 80 - classed > 0
    assert min(counted.answered, counted.reached, counted.closed, counted.open) > 0
    assert {one for one in every if one.state and one.state not in ENDED} <= quick <= set(every)


@pytest.mark.parametrize("seed", range(3))
def test_the_words_of_the_call_list_and_the_classes_of_the_law_tell_the_same(seed: int) -> None:
    crowds.scatter(80, Random(seed), now=NOW)
    words = {"answered": Silence.ANSWERED, "reached": Silence.REACHED, "closed": Silence.CLOSED}

    with transaction() as tx:
        store.as_of(tx, NOW)
        silences = calls.silences(tx, now=NOW)
        rows = tx.rows("SELECT invitation_id, class FROM check_in WHERE asked", {})
        classes = {row["invitation_id"]: row["class"] for row in rows}

    told = {one: silences[one] for one, its_class in classes.items() if its_class in words}
    assert told == {one: words[classes[one]] for one in told}
    assert {one for one in silences if silences[one] in silence.ENDED} - told.keys() == lost_answers(classes, silences)


def lost_answers(classes: dict[UUID, str | None], silences: dict[UUID, Silence]) -> set[UUID]:
    """Whoever the call list takes for answered although the answers are gone: only the law finds them."""
    return {one for one, its_class in classes.items() if its_class is None and silences[one] is Silence.ANSWERED}


def test_every_kind_that_carries_the_link_and_no_other_keeps_a_survey_open() -> None:
    desk.enrol(desk.maria())
    desk.change("UPDATE message SET touch_no = 99")
    open_by = set()
    for kind in Kind:
        desk.change("UPDATE message SET kind = :kind", kind=kind.value)
        open_by |= {kind} if on(now=AT_THE_DESK).open else set()

    assert open_by == {kind for kind in Kind if TERMS[kind].carries_link}


@pytest.mark.parametrize("span", [0, 1, 2, 7, 40])
def test_the_counts_of_any_days_are_those_of_the_view(span: int) -> None:
    crowds.scatter(120, Random(span), now=NOW)
    since = TODAY - 30 * A_DAY

    with transaction() as tx:
        store.as_of(tx, NOW)
        counted = [store.counts(tx, since=day, until=day + span * A_DAY) for day in days(since, 40)]
        by_hand = [tx.rows(OF_DAYS, {"since": day, "until": day + span * A_DAY})[0] for day in days(since, 40)]

    assert [asdict(one.get(RIVERSIDE.id, Balance())) for one in counted] == by_hand


def days(since: date, number: int) -> list[date]:
    return [since + ahead * A_DAY for ahead in range(number)]


OF_DAYS = """
SELECT coalesce(sum(enrolled), 0)::int AS enrolled, coalesce(sum(answered), 0)::int AS answered,
  coalesce(sum(reached), 0)::int AS reached, coalesce(sum(closed), 0)::int AS closed,
  coalesce(sum(open), 0)::int AS open
FROM conservation WHERE day BETWEEN %(since)s AND %(until)s
"""
BY_HAND = "SELECT sum(enrolled), sum(answered + reached + closed + open) FROM conservation"


def test_yesterday_is_told_in_words() -> None:
    surveys.invited(NOW)
    staff.answered(surveys.invited(NOW, given_name="Ida"), CALM, now=NOW)
    patients.stop(surveys.invited(NOW, given_name="Olaf").invitation_id, reason="Died", by=SAM.actor, now=NOW)

    with transaction() as tx:
        _, yesterday = conservation.standing(tx, site_id=RIVERSIDE.id, since=TODAY, now=NOW + A_DAY)

    assert yesterday.words == "3 due, 0 answered, 1 phoned, 1 open, 1 closed with a reason"


def test_the_day_is_that_of_the_sites_wall() -> None:
    desk.enrol(desk.maria())

    set_day2("due_at = '2026-03-12 03:59+00', call_at = '2026-03-13 03:59+00'")

    assert [on(day, now=AT_THE_DESK).enrolled for day in (TODAY, TODAY + A_DAY)] == [1, 0]


# ---- who hears of it


@pytest.fixture
def as_superuser(clinic: Database) -> Callable[[str], None]:
    """Somebody with every right in the database."""

    def run(statement: str) -> None:
        with psycopg.connect(clinic.owner_url.replace("+psycopg", "")) as owner:
            owner.execute(statement)

    return run


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What `daytwo doctor` prints at a moment."""
    monkeypatch.setattr(place, "connect", lambda **_: None)
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))

    def run(now: datetime, *words: str) -> str:
        monkeypatch.setattr(upkeep.clock, "now", lambda: now)
        return CliRunner().invoke(upkeep.doctor, words, catch_exceptions=False).output

    return run


def banner(now: datetime) -> list[str]:
    return [sentence for sentence in health.trouble(now) if "counted nowhere" in sentence]


def test_a_break_stands_in_the_banner_and_in_the_doctor_and_withholds_the_heartbeat(
    as_superuser: Callable[[str], None], doctor: Callable[..., str]
) -> None:
    procedure_id = desk.enrol(desk.maria()).procedure_id
    before = AT_THE_DESK + A_DAY
    well = (health.holds(before), banner(before), "counted nowhere" in doctor(before))

    as_superuser("DELETE FROM message")

    said = doctor(before, "--verbose")
    assert well == (True, [], False)
    assert health.holds(before) is False
    assert "Worklist, “Counted nowhere”, shows whom to call" in banner(before)[0]
    assert "+ open 0 + counted nowhere " in said
    assert f"counted nowhere: procedure {procedure_id}, check-in " in said


def test_the_doctor_prints_the_law_of_each_site_with_its_numbers(doctor: Callable[..., str]) -> None:
    staff.answered(surveys.invited(NOW), CALM, now=NOW)
    (found,) = desk.rows("SELECT count(*) AS number FROM invitation")

    said = doctor(NOW)

    law = f"enrolled {found['number']} = answered 0 + reached 1 + closed 0 + open {found['number'] - 1}"
    assert f"{RIVERSIDE.name}, 90 days: {law}\n" in said


def test_the_look_of_each_minute_does_not_read_what_has_ended_long_ago(as_superuser: Callable[[str], None]) -> None:
    surveys.invited(NOW)
    as_superuser(PAST)
    as_superuser("ANALYZE")

    with transaction() as tx:
        store.as_of(tx, NOW)
        read = most_rows(tx, store.COUNT_ASTRAY, {})

    assert read < 200
