"""Before a shift each way to its person is tried; who does not answer is told of while there is time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from survey.domain.errors import NotFound, Refused
from survey.domain.oncall import MethodKind
from survey.domain.queues import Queue
from survey.messaging.outcomes import Outcome
from survey.services import contact_methods, contact_proofs, engine
from survey.services.contact_proofs import AnswerState
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, NIGHT, Person
from tests.conftest import Database
from tests.services.test_contact_methods import Clinic

STARTS = NIGHT + timedelta(hours=8)


@pytest.fixture
def clinic(database: Database) -> Clinic:  # noqa: ARG001 (it stands behind every call)
    """Ben has a shift on a roster of Lena's in eight hours."""
    factories.clinic()
    open_now = Clinic()
    open_now.wire()
    shift(BEN)
    return open_now


def shift(person: Person, *, starts_at: datetime = STARTS, name: str = "day") -> None:
    on = factories.schedule(name)
    with transaction() as tx:
        tx.run(sa.text("UPDATE schedule SET owner_id = :lena WHERE id = :id"), {"lena": LENA.id, "id": on.id})
    factories.on_call(on, person, starts_at=starts_at, ends_at=starts_at + timedelta(hours=8))


def at(clinic: Clinic, minutes: int) -> None:
    """So many minutes before the shift starts, after the worker's work."""
    clinic.now = STARTS - timedelta(minutes=minutes)
    clinic.work()


def token(text: str) -> str:
    return text.rsplit("/t/", 1)[1].split()[0]


def confirmed(person: Person) -> list[datetime | None]:
    return [one.confirmed_at for one in contact_methods.contact_methods(person.id)]


def test_half_an_hour_before_a_shift_its_person_gets_a_test_page_and_answers_it(clinic: Clinic) -> None:
    at(clinic, 31)
    assert clinic.sms.wire == []

    at(clinic, 30)
    (test,) = clinic.sms.wire
    assert test.to == BEN.mobile
    assert "no alert" in test.body
    assert contact_proofs.look(token(test.body), now=clinic.now).state is AnswerState.OPEN

    contact_proofs.confirm(token(test.body), by=None, now=clinic.now)
    at(clinic, 5)

    assert confirmed(BEN) == [STARTS - timedelta(minutes=30)]
    assert contact_methods.contact_methods(BEN.id)[0].tested_at is not None
    assert clinic.email.wire == []


def test_ten_minutes_without_an_answer_and_the_owner_of_the_roster_is_told_once(clinic: Clinic) -> None:
    at(clinic, 30)
    at(clinic, 21)
    assert clinic.email.wire == []

    for minutes in (20, 19, 10, 1):
        at(clinic, minutes)

    (mail,) = clinic.email.wire
    assert mail.to == LENA.email
    assert mail.subject == "Daytwo: Ben Okafor did not answer the test page"
    assert "the shift on day that starts at 8:31 AM" in mail.body
    assert "Tried: text." in mail.body


def test_one_answer_of_several_ways_is_enough(clinic: Clinic) -> None:
    with transaction() as tx:
        factories.method(tx, BEN, MethodKind.APPRISE, "ntfys://ben")
        factories.method(tx, BEN, MethodKind.EMAIL, BEN.email)
    at(clinic, 30)
    assert (len(clinic.sms.wire), len(clinic.push.wire), len(clinic.email.wire)) == (1, 1, 1)
    contact_proofs.confirm(token(clinic.push.wire[0].body), by=None, now=clinic.now)

    at(clinic, 15)

    assert [mail.to for mail in clinic.email.wire] == [BEN.email]


def test_a_mail_is_answered_only_by_whoever_is_signed_in_since_scanners_press_buttons(clinic: Clinic) -> None:
    with transaction() as tx:
        factories.method(tx, BEN, MethodKind.EMAIL, BEN.email)
    at(clinic, 30)
    secret = token(clinic.email.wire[0].body)

    for somebody in (None, ANA.id):
        with pytest.raises(Refused, match="Sign in"):
            contact_proofs.confirm(secret, by=somebody, now=clinic.now)

    assert contact_proofs.confirm(secret, by=BEN.id, now=clinic.now).state is AnswerState.CONFIRMED


def test_two_workers_at_once_plan_and_tell_once(clinic: Clinic) -> None:
    clinic.now = STARTS - timedelta(minutes=30)
    planned = [contact_proofs.plan_due(now=clinic.now) for _ in range(2)]
    clinic.work()
    clinic.now += timedelta(minutes=11)
    claimed = contact_proofs.store.claim_unanswered
    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction() as tx:
            claimed(tx, until=clinic.now + timedelta(minutes=2), now=clinic.now)
            second = pool.submit(contact_proofs.tell_due, now=clinic.now)
            while not waiting() and not second.done():
                pass
        assert second.result() == 0
    assert Queue.PAGING not in engine.backlogs(now=clinic.now)
    clinic.now += timedelta(minutes=2)

    told = [contact_proofs.tell_due(now=clinic.now) for _ in range(2)]

    assert (planned, told) == ([1, 0], [1, 0])
    assert len(clinic.email.wire) == 1


def waiting() -> bool:
    """Whether somebody waits for a lock in this database."""
    with transaction() as tx:
        who = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(tx.run(sa.text(who)).scalar_one())


def test_whoever_has_the_roster_already_is_not_woken_for_the_next_of_their_own_shifts(clinic: Clinic) -> None:
    with transaction() as tx:
        (own,) = tx.run(sa.text("SELECT id FROM schedule WHERE name = 'day'")).scalars()
    before = {"schedule": own, "user": BEN.id, "since": STARTS - timedelta(hours=8), "until": STARTS, "id": uuid4()}
    with transaction() as tx:
        tx.run(
            sa.text(
                "INSERT INTO shift (id, schedule_id, user_id, during) "
                "VALUES (:id, :schedule, :user, tstzrange(:since, :until))"
            ),
            before,
        )

    at(clinic, 30)

    assert clinic.sms.wire == []


def test_a_phone_on_two_rosters_that_begin_together_is_tested_once(clinic: Clinic) -> None:
    shift(BEN, name="weekend")

    at(clinic, 30)
    at(clinic, 29)
    at(clinic, 15)

    assert len(clinic.sms.wire) == 1
    assert sorted(mail.body.split(" on ")[1].split()[0] for mail in clinic.email.wire) == ["day", "weekend"]


def test_a_rota_that_is_written_anew_meanwhile_does_not_test_again_and_still_tells(clinic: Clinic) -> None:
    at(clinic, 30)
    with transaction() as tx:
        tx.run(sa.text("UPDATE shift SET id = gen_random_uuid()"))

    at(clinic, 25)
    at(clinic, 15)

    assert len(clinic.sms.wire) == 1
    assert len(clinic.email.wire) == 1


def test_a_shift_that_went_to_somebody_else_is_told_of_to_nobody(clinic: Clinic) -> None:
    at(clinic, 30)
    with transaction() as tx:
        tx.run(
            sa.text("UPDATE shift SET user_id = :ana WHERE lower(during) > :now"), {"ana": ANA.id, "now": clinic.now}
        )

    at(clinic, 15)

    assert [sent.to for sent in clinic.sms.wire] == [BEN.mobile, ANA.mobile]
    assert clinic.email.wire == []


def test_without_an_owner_the_managers_are_told(clinic: Clinic) -> None:
    with transaction() as tx:
        tx.run(sa.text("UPDATE schedule SET owner_id = NULL"))
    at(clinic, 30)

    at(clinic, 15)

    assert [mail.to for mail in clinic.email.wire] == [LENA.email]


def test_a_test_that_could_not_be_sent_counts_as_unanswered(clinic: Clinic) -> None:
    clinic.sms.always = Outcome.REFUSED
    at(clinic, 30)

    at(clinic, 15)

    assert len(clinic.email.wire) == 1


def test_a_mail_server_that_is_busy_is_asked_again(clinic: Clinic) -> None:
    at(clinic, 30)
    clinic.email.answers(Outcome.TRY_LATER)
    at(clinic, 20)
    at(clinic, 19)
    assert len(clinic.email.wire) == 1

    at(clinic, 15)
    at(clinic, 10)

    assert [mail.outcome for mail in clinic.email.wire] == [Outcome.TRY_LATER, Outcome.ACCEPTED]


def test_a_test_by_hand_goes_at_once_to_a_verified_way_only_and_no_owner_hears_of_it(clinic: Clinic) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)
    contact_methods.ask_test(own.id, by=ANA.actor, now=clinic.now)
    clinic.work()
    with pytest.raises(Refused, match="on its way"):
        contact_methods.ask_test(own.id, by=ANA.actor, now=clinic.now)
    with pytest.raises(Refused, match="Only the person"):
        contact_methods.ask_test(own.id, by=LENA.actor, now=clinic.now)
    with pytest.raises(Refused, match="Verify it first"):
        contact_methods.ask_test(clinic.add().id, by=ANA.actor, now=clinic.now)

    clinic.now += timedelta(minutes=11)
    clinic.work()

    assert [sent.to for sent in clinic.sms.wire] == [ANA.mobile]
    assert clinic.email.wire == []


def test_links_that_are_old_or_unknown_confirm_nothing(clinic: Clinic) -> None:
    at(clinic, 30)
    secret = token(clinic.sms.wire[0].body)

    with pytest.raises(NotFound):
        contact_proofs.confirm("1" * 22, by=None, now=clinic.now)
    with pytest.raises(NotFound):
        contact_proofs.look("nonsense", now=clinic.now)
    with pytest.raises(Refused, match="over"):
        contact_proofs.confirm(secret, by=None, now=clinic.now + timedelta(hours=2))

    assert confirmed(BEN) == [None]


def test_what_is_due_stands_among_the_work_of_pages_so_that_a_sentinel_alone_does_it(clinic: Clinic) -> None:
    def waits(now: datetime) -> bool:
        return Queue.PAGING in engine.backlogs(now=now)

    assert not waits(STARTS - timedelta(minutes=31))
    assert waits(STARTS - timedelta(minutes=30))
    at(clinic, 30)
    assert not waits(clinic.now)
    assert waits(STARTS - timedelta(minutes=20))
    at(clinic, 20)
    assert not waits(clinic.now)
