"""What the database itself refuses of texts, replies and surveys, whoever asks: as if our own code had a hole."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import RestrictViolation

from survey.domain.errors import Conflict
from tests import desk, texting
from tests.cast import SAM
from tests.conftest import Database
from tests.desk import WEDNESDAY_TEN, enrol, maria, send

STOPPED = "INSERT INTO contact_stop (id, patient_id, at, by, reason) SELECT gen_random_uuid(), id, now(), :who, 'asked'"


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Iterator[None]:
    assert database
    desk.open_clinic()
    with desk.texting():
        enrol(maria())
        texting.reply("Thank you", now=WEDNESDAY_TEN)
        send(WEDNESDAY_TEN)
        yield


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("UPDATE message SET contact_id = NULL WHERE inbound_id IS NULL", "message_goes_somewhere"),
        ("UPDATE message SET inbound_id = (SELECT id FROM inbound) WHERE inbound_id IS NULL", "message_goes_somewhere"),
        ("UPDATE message SET contact_no = 4 WHERE contact_no = 1", "message_contact_no_check"),
        ("UPDATE message SET contact_no = 0 WHERE contact_no = 1", "message_contact_no_check"),
        ("UPDATE invitation SET call_at = NULL", "invitation_is_called_in_the_end"),
        ("UPDATE invitation SET state = 'reached', reached_at = NULL", "invitation_check"),
        (
            """INSERT INTO inbound_patient (inbound_id, patient_id, invitation_id)
            SELECT inbound_id, patient_id, (SELECT id FROM invitation WHERE touch = 'day7') FROM inbound_patient""",
            "inbound_patient_pkey",
        ),
        (
            """INSERT INTO inbound (id, provider, provider_ref, received_at, sender, body)
            SELECT gen_random_uuid(), provider, provider_ref, received_at, sender, 'again' FROM inbound""",
            "inbound_once",
        ),
    ],
    ids=[
        "a text to nobody",
        "a text that is both",
        "a fourth place",
        "a place before the first",
        "nobody to call",
        "reached at no time",
        "one text twice a patient's",
        "one text twice",
    ],
)
def test_what_cannot_be_is_not_kept(change: str, constraint: str) -> None:
    with pytest.raises(Conflict) as conflict:
        desk.change(change)

    assert str(conflict.value.constraint).startswith(constraint)


def test_a_patient_is_stopped_once_at_a_time() -> None:
    desk.change(f"{STOPPED} FROM patient", who=SAM.id)

    with pytest.raises(Conflict) as conflict:
        desk.change(f"{STOPPED} FROM patient", who=SAM.id)

    assert conflict.value.constraint == "contact_stop_in_force"


@pytest.mark.parametrize(
    "change", ["UPDATE call_attempt SET note = 'another'", "DELETE FROM call_attempt", "TRUNCATE call_attempt"]
)
def test_a_call_that_was_noted_stands(database: Database, change: str) -> None:
    desk.change(
        """INSERT INTO call_attempt (id, invitation_id, at, by, result, half_day)
        SELECT gen_random_uuid(), id, now(), :who, 'no_answer', '2026-03-12 am' FROM invitation LIMIT 1""",
        who=SAM.id,
    )

    with psycopg.connect(database.owner_url.replace("+psycopg", "")) as owner, pytest.raises(RestrictViolation):
        owner.execute(change)
