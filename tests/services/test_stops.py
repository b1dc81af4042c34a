"""Stop all contact: within one look of the sender nothing leaves, whatever was queued; and the way back."""

from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain.errors import Refused
from survey.domain.patients import ContactKind
from survey.domain.stops import Reason
from survey.domain.suppressions import Scope, Source
from survey.services import messages, stops, suppressions
from survey.store import invitations as invitation_store
from survey.store import messages as message_store
from survey.store.session import transaction
from tests import desk, surveys
from tests.cast import SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, MARIAS_PHONE, WEDNESDAY_TEN


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    surveys.open_clinic(AT_THE_DESK)


def patient_of(invitation_id: UUID) -> UUID:
    (row,) = desk.rows(
        "SELECT p.patient_id FROM invitation i JOIN procedure p ON p.id = i.procedure_id WHERE i.id = :id",
        id=invitation_id,
    )
    return row["patient_id"]


def stop(invitation_id: UUID, *, reason: Reason = Reason.ADMITTED, note: str = "", **changes: object) -> int:
    usual = {"everywhere": False, "by": SAM.actor, "now": WEDNESDAY_TEN}
    return stops.stop(patient_of(invitation_id), reason=reason, note=note, **usual | changes)


def standing(kind: ContactKind = ContactKind.SMS, address: str = MARIAS_PHONE) -> Source | None:
    with transaction() as tx:
        found = suppressions.find(tx, kind, address)
    return found.source if found else None


def blocks() -> list[str | None]:
    return [row["blocked_reason"] for row in desk.rows("SELECT blocked_reason FROM contact ORDER BY address")]


def test_a_text_that_is_due_now_never_leaves_after_it() -> None:
    made = desk.enrol(desk.maria())
    with desk.texting() as carrier:
        stop(made.invitation_id)
        desk.send_until(WEDNESDAY_TEN + timedelta(days=9), start=WEDNESDAY_TEN, every=timedelta(hours=1))

        assert carrier.journal.entries() == []


def test_a_text_that_a_sender_holds_is_dropped_at_its_last_look() -> None:
    made = desk.enrol(desk.maria())
    token = UUID(int=7)
    with transaction() as tx:
        claimed = message_store.claim(
            tx, token=token, until=WEDNESDAY_TEN + timedelta(minutes=5), now=WEDNESDAY_TEN, limit=9
        )
    stop(made.invitation_id)

    with transaction() as tx:
        decided = messages.decide(tx, claimed, token=token, now=WEDNESDAY_TEN)

    assert claimed
    assert decided == []


def test_every_open_survey_of_the_patient_is_closed_with_the_reason_and_by_whom() -> None:
    first = desk.enrol(desk.maria())
    desk.enrol(desk.maria(performed_on=desk.MONDAY - timedelta(days=7)))

    closed = stop(first.invitation_id, reason=Reason.DIED, note="Her son called")

    rows = desk.rows("SELECT state, stop_reason, stopped_by FROM invitation")
    assert closed == len(rows) > 2
    told = {(row["state"], row["stop_reason"], row["stopped_by"]) for row in rows}
    assert told == {("stopped", "The patient died: Her son called", SAM.id)}


def test_a_new_procedure_after_it_is_texted_to_nobody() -> None:
    made = desk.enrol(desk.maria())
    stop(made.invitation_id)

    again = desk.enrol(desk.maria(performed_on=desk.MONDAY + timedelta(days=1)), now=WEDNESDAY_TEN)

    assert desk.invitation_state(again.invitation_id) == ("undeliverable", "stopped")


def test_another_patient_with_the_same_number_is_still_texted_unless_it_was_asked_for() -> None:
    first = desk.enrol(desk.maria())
    desk.enrol(desk.maria(given_name="Otto", mrn="R-9"))

    stop(first.invitation_id)
    assert sorted(map(str, blocks())) == ["None", "stopped"]
    stop(first.invitation_id, everywhere=True)

    assert blocks() == ["stopped", "stopped"]
    assert standing() is Source.STAFF


def test_stopping_twice_changes_nothing() -> None:
    made = desk.enrol(desk.maria())
    stop(made.invitation_id)

    assert stop(made.invitation_id, reason=Reason.DIED) == 0

    found = stops.standing(patient_of(made.invitation_id))
    assert found is not None
    assert (found.reason, found.by) == (Reason.ADMITTED, SAM.name)


def test_contact_again_lifts_it_and_what_was_closed_stays_closed() -> None:
    made = desk.enrol(desk.maria())
    stop(made.invitation_id, everywhere=True)

    assert stops.lift(patient_of(made.invitation_id), by=SAM.actor, now=WEDNESDAY_TEN)

    assert blocks() == [None]
    assert standing() is None
    assert stops.standing(patient_of(made.invitation_id)) is None
    assert desk.invitation_state(made.invitation_id)[0] == "stopped"
    assert not stops.lift(patient_of(made.invitation_id), by=SAM.actor, now=WEDNESDAY_TEN)


def test_after_contact_again_the_next_procedure_is_asked_about_by_text() -> None:
    made = desk.enrol(desk.maria())
    stop(made.invitation_id, everywhere=True)
    stops.lift(patient_of(made.invitation_id), by=SAM.actor, now=WEDNESDAY_TEN)
    again = desk.enrol(desk.maria(performed_on=desk.MONDAY + timedelta(days=7)), now=AT_THE_DESK + timedelta(days=7))

    with desk.texting() as carrier:
        desk.send(WEDNESDAY_TEN + timedelta(days=7))

        assert [entry.to for entry in carrier.journal.entries()] == [MARIAS_PHONE]
    assert patient_of(again.invitation_id) == patient_of(made.invitation_id)


def test_contact_again_does_not_undo_what_the_patient_asked_for() -> None:
    made = desk.enrol(desk.maria())
    with transaction() as tx:
        suppressions.suppress(
            tx, ContactKind.SMS, MARIAS_PHONE, scope=Scope.PROGRAM, source=Source.REPLY, now=WEDNESDAY_TEN
        )
    stop(made.invitation_id, everywhere=True)

    stops.lift(patient_of(made.invitation_id), by=SAM.actor, now=WEDNESDAY_TEN)

    assert blocks() == ["stopped"]
    assert standing() is Source.REPLY


def test_another_reason_needs_words_and_not_reached_is_none() -> None:
    made = desk.enrol(desk.maria())

    with pytest.raises(Refused, match="few words"):
        stop(made.invitation_id, reason=Reason.OTHER)
    with pytest.raises(Refused, match="Choose why"):
        stop(made.invitation_id, reason=Reason.NOT_REACHED)

    with transaction() as tx:
        assert invitation_store.get(tx, made.invitation_id).state == "scheduled"
