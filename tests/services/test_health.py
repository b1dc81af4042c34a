"""What the doctor tells of work that waits: a file that nobody imports, and messages without a provider."""

from datetime import timedelta
from uuid import uuid4

import pytest

from survey.messaging import registry
from survey.services import health, imports
from survey.store import health as health_store
from survey.store import imports as import_store
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import RIVERSIDE, SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, SLUG, WEDNESDAY_TEN

FILE = b"given_name,family_name,born_on,performed_on\nIda,Berg,1990-01-02,2026-03-09\n"
UNREAD = "every text that comes in is read in time"
JUST_LATER = health.IMPORT_LATE + timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))
    return database


def check(name: str, *, after: timedelta) -> health.Check:
    (found,) = [one for one in health.examine(AT_THE_DESK + after) if one.name == name]
    return found


@pytest.mark.parametrize(
    ("after", "state"), [(health.IMPORT_LATE, health.State.WELL), (JUST_LATER, health.State.WARNING)]
)
def test_a_confirmed_file_that_waits_for_more_than_ten_minutes_is_a_warning(
    after: timedelta, state: health.State
) -> None:
    preview = imports.preview(FILE, site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=AT_THE_DESK)
    with transaction() as tx:
        import_store.confirm(tx, preview.id, by=SAM.id, now=AT_THE_DESK)

    assert check("imports", after=after).state is state


def test_a_file_that_nobody_confirmed_and_one_that_is_imported_are_no_trouble() -> None:
    imports.preview(FILE, site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=AT_THE_DESK)
    done = imports.preview(FILE, site_id=RIVERSIDE.id, protocol=SLUG, by=SAM.actor, now=AT_THE_DESK)
    imports.confirm(done.id, by=SAM.actor, now=AT_THE_DESK)

    assert check("imports", after=JUST_LATER).state is health.State.WELL


def test_messages_that_wait_for_a_provider_are_a_warning() -> None:
    desk.enrol(desk.maria())
    before = check("messages", after=timedelta())

    desk.send(WEDNESDAY_TEN)

    after = check("messages", after=timedelta())
    assert (before.state, after.state) == (health.State.WELL, health.State.WARNING)
    assert after.sentence.startswith("1 messages wait because no provider is set up.")


@pytest.mark.parametrize(("after", "broken"), [(timedelta(seconds=60), []), (timedelta(seconds=61), [UNREAD])])
def test_a_text_that_nobody_reads_within_a_minute_is_told(after: timedelta, broken: list[str]) -> None:
    with transaction() as tx:
        said = {"id": uuid4(), "provider": "fake", "provider_ref": "1", "sender": "+12025550142", "body": "Hello?"}
        factories.insert(tx, "inbound", **said, received_at=AT_THE_DESK)

    with transaction() as tx:
        breaches = health_store.breaches(tx, now=AT_THE_DESK + after)

    assert [name for name, count in breaches.items() if count] == broken
