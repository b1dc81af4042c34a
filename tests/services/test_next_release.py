"""For a while this release works on the next one's schema, where migrations have added what this one never heard of."""

from datetime import timedelta

import psycopg

from survey.domain.promises import Promise
from survey.store import promises
from survey.store.session import transaction
from tests import canaries, desk, staff, surveys
from tests.cast import NIGHT
from tests.conftest import Database

EVERY = timedelta(minutes=5)
PREPARED = 6
"""After so many walks every statement on the way was prepared, and would refuse to give a column more."""
ADD_TO_ALL = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('ALTER TABLE %I ADD COLUMN added_by_the_next text DEFAULT %L', name, 'so');
  END LOOP;
END $$"""


def test_from_the_answer_to_the_talk_all_goes_on_when_every_table_gets_a_column(database: Database) -> None:
    surveys.open_clinic(NIGHT)
    sink, _ = canaries.wire()
    for walk in range(PREPARED):
        canaries.work(sink, NIGHT + walk * EVERY)

    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute(ADD_TO_ALL)
    for walk in range(PREPARED, 2 * PREPARED):
        canaries.work(sink, NIGHT + walk * EVERY)

    assert canaries.counted() == (2 * PREPARED, 2 * PREPARED)


def test_a_promise_is_read_as_before(database: Database) -> None:
    surveys.open_clinic(NIGHT)
    alert_id = staff.alarm(now=NIGHT)
    (row,) = desk.rows("SELECT id FROM promise")

    def read() -> tuple[Promise | None, ...]:
        with transaction() as tx:
            due = promises.claim_due(tx, row["id"], now=NIGHT + timedelta(days=1))
            return promises.get(tx, row["id"]), promises.last(tx, alert_id), due

    before = [read() for _ in range(PREPARED)]
    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner:
        owner.execute(ADD_TO_ALL)

    assert read() == before[0]
    assert None not in before[0]
