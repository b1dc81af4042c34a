"""The outbox in SQL: nobody takes what another sender holds, and nobody writes over what changed meanwhile."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain import messages as rules
from survey.domain.errors import Conflict, Stale
from survey.domain.invitations import InvitationState, advance
from survey.domain.messages import LEASE, Delivery, Ending
from survey.store import attempts, invitations, message_facts
from survey.store import messages as store
from survey.store.attempts import End, Start
from survey.store.messages import Noted
from survey.store.session import Tx, transaction
from tests import desk
from tests.conftest import Database
from tests.desk import WEDNESDAY_TEN, enrol, maria
from tests.desk import juan as juan_enrolment


@pytest.fixture(autouse=True)
def queued(database: Database) -> list[UUID]:
    """Two messages that are due on Wednesday at ten, before two of next Monday."""
    assert database
    desk.open_clinic()
    enrol(maria())
    enrol(juan_enrolment())
    query = "SELECT m.id FROM message m JOIN invitation i ON i.id = m.invitation_id WHERE i.touch = 'day2'"
    return [row["id"] for row in desk.rows(query)]


def claim(tx: Tx, *, limit: int = 10) -> tuple[UUID, ...]:
    return store.claim(tx, token=uuid4(), until=WEDNESDAY_TEN + LEASE, now=WEDNESDAY_TEN, limit=limit)


def test_what_one_sender_is_claiming_another_passes_over(queued: list[UUID]) -> None:
    with transaction() as first, transaction() as second:
        mine = claim(first, limit=1)
        others = claim(second)

    assert len(mine) == len(others) == 1
    assert {*mine, *others} == set(queued)


def test_nothing_is_claimed_before_its_time() -> None:
    with transaction() as tx:
        early = WEDNESDAY_TEN - timedelta(seconds=1)

        assert store.claim(tx, token=uuid4(), until=WEDNESDAY_TEN, now=early, limit=10) == ()


def test_a_lost_lease_shows_no_facts(queued: list[UUID]) -> None:
    with transaction() as tx:
        claim(tx)

        assert message_facts.read(tx, [queued[0]], token=uuid4()) == ()


def test_a_message_that_changed_meanwhile_is_not_written_over(queued: list[UUID]) -> None:
    with transaction() as tx:
        old = store.get_for_update(tx, queued[0])
        store.swap(tx, old, rules.lease(old, token=uuid4(), now=WEDNESDAY_TEN))

        with pytest.raises(Stale):
            store.swap(tx, old, rules.lease(old, token=uuid4(), now=WEDNESDAY_TEN))


def test_an_invitation_that_changed_meanwhile_is_not_written_over() -> None:
    (row, *_) = desk.rows("SELECT id FROM invitation")
    with transaction() as tx:
        old = invitations.get(tx, row["id"])
        invitations.swap(tx, old, advance(old, InvitationState.OPENED, now=WEDNESDAY_TEN))

        with pytest.raises(Stale):
            invitations.swap(tx, old, advance(old, InvitationState.SENT, now=WEDNESDAY_TEN))


def test_the_same_message_is_not_queued_twice(queued: list[UUID]) -> None:
    with transaction() as tx:
        standing = store.get_for_update(tx, queued[0])

    with pytest.raises(Conflict) as conflict, transaction() as tx:
        store.insert(tx, rules.replace(standing, id=uuid4()))

    assert conflict.value.constraint == "message_once"


def test_a_receipt_is_noted_forward_only(queued: list[UUID]) -> None:
    reference = uuid4()
    with transaction() as tx:
        claim(tx)
        begun = rules.started(store.get_for_update(tx, queued[0]))
        assert begun.lease_token
        start = Start(message=begun, reference=reference, provider="fake", body_sha256=b"0" * 32, link=None)
        attempts.start(tx, [start], token=begun.lease_token, now=WEDNESDAY_TEN)

        noted = [
            store.note_delivery(tx, reference, delivery, now=WEDNESDAY_TEN)
            for delivery in (Delivery.SENT, Delivery.QUEUED, Delivery.DELIVERED, Delivery.FAILED, Delivery.SENT)
        ]
        end = End(reference=reference, outcome=Ending.ACCEPTED, provider_ref=None, detail="")
        said = attempts.end(tx, [end], now=WEDNESDAY_TEN)

    about = Noted(message_id=queued[0], of_the_last=True)
    assert noted == [about, None, about, None, None]
    assert said == {reference: Delivery.DELIVERED}
