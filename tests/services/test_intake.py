"""A large file: confirmed in a moment, enrolled by workers in small steps, none of them lost and none done twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
import redis

from survey.domain.errors import NotFound, Refused
from survey.domain.queues import Queue
from survey.services import engine, imports
from survey.services.imports import Preview, Progress
from survey.services.intake import CLASHED
from survey.store import doorbell
from survey.store import imports as store
from survey.store.imports import BatchState, RowState
from survey.store.session import DatabaseError, transaction
from tests import desk
from tests.cast import ANA, RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, SLUG

HEADER = "given_name,family_name,born_on,performed_on,consent,body_sites,agents"
LARGE = imports.SMALL + 1
SOON = AT_THE_DESK + timedelta(seconds=2)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def look(rows: int, *, family: str = "Berg") -> Preview:
    """The preview of a file of that many good rows, all of the same family."""
    lines = (f"Ida {number},{family},1990-01-02,2026-03-09,no,leg,lidocaine" for number in range(rows))
    content = "\n".join([HEADER, *lines]).encode()
    return imports.preview(content, site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=AT_THE_DESK)


def begin(preview: Preview) -> imports.Result | None:
    return imports.begin(preview.id, by=SAM.actor, now=AT_THE_DESK)


def confirmed(rows: int, *, family: str = "Berg") -> Preview:
    """A file that somebody has confirmed and nobody has begun to enrol."""
    preview = look(rows, family=family)
    with transaction() as tx:
        store.confirm(tx, preview.id, by=SAM.id, now=AT_THE_DESK)
    return preview


def drain(*, limit: int = imports.AT_ONCE) -> int:
    """What a worker does when it is rung."""
    done = 0
    while part := imports.import_due(now=SOON, limit=limit):
        done += part
    return done


def enrolled() -> tuple[int, int]:
    """How many procedures there are, and how many patients."""
    ((procedures, patients),) = (
        tuple(row.values())
        for row in desk.rows("SELECT (SELECT count(*) FROM procedure) AS a, (SELECT count(*) FROM patient) AS b")
    )
    return procedures, patients


def state(preview: Preview) -> BatchState:
    return imports.get(preview.id).state


@contextmanager
def refusing(database: Database, given_name: str, *, sqlstate: str) -> Iterator[None]:
    """The database refuses a patient of that name, as by a rule or a fault of its own."""
    with psycopg.connect(database.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(
            f"""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"""
        )
        owner.execute(
            f"""CREATE TRIGGER refuse BEFORE INSERT ON patient FOR EACH ROW
            WHEN (NEW.given_name = '{given_name}') EXECUTE FUNCTION refuse()"""
        )
        yield
        owner.execute("DROP TRIGGER refuse ON patient")


def test_a_hundred_rows_are_enrolled_while_the_page_waits() -> None:
    preview = look(imports.SMALL)

    result = begin(preview)

    assert result
    assert (result.added, result.known, result.refused) == (imports.SMALL, 0, 0)
    assert imports.progress(preview.id) is None
    assert state(preview) is BatchState.IMPORTED


def test_a_larger_file_is_left_to_a_worker_who_is_rung(redis_url: str) -> None:
    doorbell.configure(redis_url)
    preview = look(LARGE)

    result = begin(preview)

    assert result is None
    assert enrolled() == (0, 0)
    assert imports.progress(preview.id) == Progress(added=0, total=LARGE)
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(doorbell.PREFIX + Queue.MAINTENANCE) == 1


def test_the_worker_enrols_all_of_it_in_the_name_of_whoever_confirmed() -> None:
    preview = look(LARGE)
    begin(preview)

    done = drain()

    assert done == LARGE
    assert enrolled() == (LARGE, LARGE)
    assert state(preview) is BatchState.IMPORTED
    assert imports.progress(preview.id) is None
    assert {row["created_by"] for row in desk.rows("SELECT created_by FROM procedure")} == {SAM.id}
    (event,) = desk.rows("SELECT actor_id, detail FROM audit_event WHERE action = 'import.finished'")
    assert (event["actor_id"], event["detail"]) == (SAM.id, {"added": LARGE, "known": 0, "refused": 0})


def test_a_worker_that_dies_between_two_steps_is_followed_by_one_that_finishes() -> None:
    preview = confirmed(8)

    first = imports.import_due(now=SOON, limit=3)
    between = imports.progress(preview.id)
    rest = drain(limit=3)

    assert (first, rest) == (3, 5)
    assert between == Progress(added=3, total=8)
    assert enrolled() == (8, 8)
    assert imports.get(preview.id).counts[RowState.IMPORTED] == 8


def test_a_worker_that_dies_within_a_step_leaves_nothing_half_done(database: Database) -> None:
    preview = confirmed(8)
    with refusing(database, "Ida 4", sqlstate="XX000"), pytest.raises(DatabaseError):
        drain(limit=3)
    between = imports.progress(preview.id)

    drain(limit=3)

    assert between == Progress(added=3, total=8)
    assert enrolled() == (8, 8)
    assert imports.get(preview.id).counts[RowState.IMPORTED] == 8


def test_confirming_at_the_command_line_goes_on_where_a_worker_stopped() -> None:
    preview = confirmed(8)
    imports.import_due(now=SOON, limit=3)

    result = imports.confirm(preview.id, by=SAM.actor, now=SOON)

    assert (result.added, result.known) == (8, 0)
    assert enrolled() == (8, 8)
    assert drain() == 0


def test_workers_that_drain_at_once_enrol_each_row_once() -> None:
    preview = confirmed(24)

    with ThreadPoolExecutor(4) as workers:
        done = sum(workers.map(lambda _: drain(limit=2), range(4)))
    done += drain()

    assert done == 24
    assert enrolled() == (24, 24)
    assert imports.get(preview.id).counts[RowState.IMPORTED] == 24


def test_a_file_that_another_worker_is_at_work_on_is_passed_over() -> None:
    first, second = confirmed(2), confirmed(2, family="Nord")

    with transaction() as elsewhere:
        store.claim(elsewhere, first.id)
        done = drain()

    assert done == 2
    assert (state(first), state(second)) == (BatchState.CONFIRMED, BatchState.IMPORTED)


def test_a_row_that_the_database_refuses_is_told_and_holds_nobody_up(database: Database) -> None:
    preview = confirmed(8)

    with refusing(database, "Ida 4", sqlstate="23514"):
        done = drain()

    after = imports.get(preview.id)
    assert done == 8
    assert after.state is BatchState.IMPORTED
    assert (after.counts[RowState.IMPORTED], after.counts[RowState.BAD]) == (7, 1)
    assert [(row.line, row.problems) for row in after.rows if row.problems] == [(6, (CLASHED,))]


def test_a_file_that_cannot_be_imported_holds_up_no_other_and_is_not_hushed_up() -> None:
    stuck, fine = confirmed(2), confirmed(2, family="Nord")
    desk.change("UPDATE import_batch SET protocol = 'withdrawn' WHERE id = :id", id=stuck.id)

    with pytest.raises(NotFound, match="withdrawn"):
        drain()

    assert (state(stuck), state(fine)) == (BatchState.CONFIRMED, BatchState.IMPORTED)


def test_a_patient_who_was_enrolled_meanwhile_counts_as_known() -> None:
    preview = confirmed(3)
    desk.enrol(desk.maria(given_name="Ida 1", family_name="Berg", born_on=desk.date(1990, 1, 2), mrn=None))

    drain()

    counts = imports.get(preview.id).counts
    assert (counts[RowState.IMPORTED], counts[RowState.KNOWN]) == (2, 1)
    assert enrolled() == (3, 3)


def test_confirming_again_while_it_runs_or_later_changes_nothing() -> None:
    preview = look(LARGE)
    begin(preview)

    meanwhile = imports.begin(preview.id, by=ANA.actor, now=SOON)
    drain(limit=LARGE)
    later = imports.begin(preview.id, by=ANA.actor, now=SOON)

    assert (meanwhile, later) == (None, imports.Result(added=LARGE, known=0, refused=0))
    assert enrolled() == (LARGE, LARGE)
    events = desk.rows("SELECT action, actor_id FROM audit_event WHERE object_id = :id ORDER BY action", id=preview.id)
    assert [tuple(event.values()) for event in events] == [
        ("import.confirmed", SAM.id),
        ("import.finished", SAM.id),
        ("import.previewed", SAM.id),
    ]


def test_a_file_that_is_being_imported_cannot_be_discarded() -> None:
    preview = confirmed(2)

    with pytest.raises(Refused, match="is being imported"):
        imports.discard(preview.id, by=SAM.actor, now=SOON)

    assert drain() == 2


def test_a_confirmed_file_is_not_forgotten_however_old() -> None:
    preview = confirmed(2)

    assert imports.forget_old(now=AT_THE_DESK + 2 * imports.KEPT_FOR) == 0
    assert state(preview) is BatchState.CONFIRMED


def test_the_sentinel_sees_a_file_that_waits() -> None:
    confirmed(2)
    waiting = engine.backlogs(now=SOON)

    drain()

    assert waiting[Queue.MAINTENANCE].since == AT_THE_DESK
    assert Queue.MAINTENANCE not in engine.backlogs(now=SOON)
