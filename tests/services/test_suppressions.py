"""An opt-out holds for the address, whoever's it is, until it is lifted; the wider one stands."""

import pytest

from survey.domain.patients import ContactKind
from survey.domain.suppressions import Scope, Source
from survey.services import suppressions
from survey.store.session import transaction
from tests import desk
from tests.cast import SAM
from tests.conftest import Database
from tests.desk import AT_THE_DESK, MARIAS_PHONE, WEDNESDAY_TEN, enrol, juan, maria


@pytest.fixture(autouse=True)
def clinic(database: Database) -> None:
    assert database
    desk.open_clinic()


def suppress(address: str = MARIAS_PHONE, *, scope: Scope = Scope.PROGRAM, source: Source = Source.REPLY) -> bool:
    with transaction() as tx:
        return suppressions.suppress(tx, ContactKind.SMS, address, scope=scope, source=source, now=AT_THE_DESK)


def lift(address: str = MARIAS_PHONE) -> bool:
    with transaction() as tx:
        return suppressions.lift(tx, ContactKind.SMS, address, WEDNESDAY_TEN)


def scope(address: str = MARIAS_PHONE) -> Scope | None:
    with transaction() as tx:
        found = suppressions.find(tx, ContactKind.SMS, address)
    return found.scope if found else None


def blocks() -> dict[str, str | None]:
    found = desk.rows("SELECT p.given_name, c.blocked_reason FROM contact c JOIN patient p ON p.id = c.patient_id")
    return {row["given_name"]: row["blocked_reason"] for row in found}


def test_it_is_made_once_and_each_contact_with_the_number_is_blocked() -> None:
    enrol(maria())
    enrol(maria(given_name="Pia", mrn="R-0077"))
    enrol(juan())

    assert [suppress(), suppress()] == [True, False]

    assert scope() is Scope.PROGRAM
    assert blocks() == {"Maria": "stopped", "Pia": "stopped", "Juan": None}
    assert len(desk.rows("SELECT * FROM suppression")) == 1


def test_the_trail_tells_of_it_once_however_often_it_is_asked_for() -> None:
    for _ in range(3):
        suppress()

    (made,) = desk.rows("SELECT object_id FROM audit_event WHERE action = 'suppression.made'")
    (standing,) = desk.rows("SELECT id FROM suppression")
    assert made["object_id"] == standing["id"]


def test_lifting_takes_its_blocks_back_and_keeps_the_row() -> None:
    enrol(maria())
    suppress()

    assert [lift(), lift()] == [True, False]

    assert scope() is None
    assert blocks() == {"Maria": None}
    (row,) = desk.rows("SELECT lifted_at FROM suppression")
    assert row["lifted_at"] == WEDNESDAY_TEN
    assert suppress(), "it can be made again"


def test_a_block_for_another_reason_stands_before_and_after() -> None:
    enrol(maria())
    desk.change("UPDATE contact SET blocked_at = now(), blocked_reason = 'landline'")

    suppress()
    lift()

    assert blocks() == {"Maria": "landline"}


@pytest.mark.parametrize("scopes", [(Scope.PROGRAM, Scope.ALL), (Scope.ALL, Scope.PROGRAM)])
def test_the_wider_scope_stands(scopes: tuple[Scope, Scope]) -> None:
    for one in scopes:
        suppress(scope=one)

    assert scope() is Scope.ALL


def test_the_trail_names_the_member_of_staff_who_stopped_the_texts() -> None:
    with transaction() as tx:
        suppressions.suppress(
            tx,
            ContactKind.SMS,
            MARIAS_PHONE,
            scope=Scope.PROGRAM,
            source=Source.STAFF,
            now=AT_THE_DESK,
            by=SAM.actor,
        )

    (made,) = desk.rows("SELECT actor_kind, actor_id FROM audit_event WHERE action = 'suppression.made'")
    assert (made["actor_kind"], made["actor_id"]) == ("user", SAM.id)


def test_the_trail_tells_of_it_without_the_number() -> None:
    suppress(source=Source.CARRIER)
    lift()

    made, lifted = desk.rows("SELECT * FROM audit_event WHERE action LIKE 'suppression.%' ORDER BY at")
    assert (made["actor_kind"], made["detail"]) == ("provider", {"scope": "program", "source": "carrier"})
    assert (lifted["actor_kind"], lifted["action"]) == ("patient", "suppression.lifted")
