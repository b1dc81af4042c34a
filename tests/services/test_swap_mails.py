"""Both sides of a swap hear of it by mail: whoever is offered a shift, and whoever has waited for the answer."""

from datetime import timedelta

import pytest

from survey.domain.oncall import Schedule
from survey.domain.queues import Queue
from survey.domain.swaps import Answer, Swap
from survey.messaging import registry
from survey.messaging.outcomes import Outcome
from survey.messaging.registry import Wiring
from survey.services import engine, oncall, swap_mails, swaps
from survey.store import swap_mails as store
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE, Person
from tests.conftest import Database
from tests.fakes import FakeEmail
from tests.services.test_rotas import add

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PUBLIC_URL = "https://chk.example.org"
WHEN = "Wed Mar 11, 8:00 AM until Thu Mar 12, 8:00 AM"


@pytest.fixture
def mail(database: Database) -> FakeEmail:  # noqa: ARG001 (it stands behind every call)
    """The mail server of a clinic with people."""
    factories.site()
    factories.people(PEOPLE)
    server = FakeEmail()
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=None, email=server))
    return server


@pytest.fixture
def primary(mail: FakeEmail) -> Schedule:
    """Ana and Ben, day about."""
    assert mail
    schedule = factories.schedule("primary")
    add(schedule, BEN.id, ANA.id)
    return schedule


def offered(primary: Schedule) -> Swap:
    """Ana's next day, offered to Lena."""
    shift = next(one for one in oncall.shifts(primary.id, since=NIGHT, until=NIGHT + 3 * DAY) if one.user_id == ANA.id)
    return swaps.offer(primary.id, shift.id, LENA.id, by=ANA.actor, now=NIGHT)


def work(after: timedelta = timedelta()) -> int:
    """What the worker does each time it is rung; how many offers or answers it told of."""
    done = 0
    while swap_mails.send_due(now=NIGHT + after):
        done += 1
    return done


def test_whoever_is_offered_a_shift_is_asked_by_mail_once(primary: Schedule, mail: FakeEmail) -> None:
    offered(primary)

    assert [work(), work(DAY)] == [1, 0]

    (sent,) = mail.wire
    assert (sent.to, sent.subject) == (LENA.email, "Riverside Clinic: Ana Reyes offers you a shift on primary")
    assert f"the shift on primary of Riverside Clinic from {WHEN}" in sent.body
    assert f"{PUBLIC_URL}/on-call" in sent.body


@pytest.mark.parametrize(
    ("given", "by", "to", "subject"),
    [
        (Answer.ACCEPTED, LENA, ANA, "Riverside Clinic: Lena Fischer takes your shift on primary"),
        (Answer.DECLINED, LENA, ANA, "Riverside Clinic: Lena Fischer can't take your shift on primary"),
        (Answer.WITHDRAWN, ANA, LENA, "Riverside Clinic: Ana Reyes keeps the shift on primary"),
    ],
)
def test_the_other_side_hears_what_became_of_it(
    primary: Schedule, mail: FakeEmail, given: Answer, by: Person, to: Person, subject: str
) -> None:
    swap = offered(primary)
    work()

    swaps.answer(swap.id, given, by=by.actor, now=NIGHT + MINUTE)
    work(MINUTE)

    _, told = mail.wire
    assert (told.to, told.subject) == (to.email, subject)
    assert WHEN in told.body


def test_a_mail_server_that_is_busy_is_asked_again_after_five_minutes(primary: Schedule, mail: FakeEmail) -> None:
    mail.answers(Outcome.TRY_LATER)
    offered(primary)

    assert [work(), work(4 * MINUTE), work(5 * MINUTE), work(DAY)] == [1, 0, 1, 0]

    assert len(mail.wire) == 2


def test_an_answer_that_comes_while_the_offer_is_being_told_of_is_told_as_well(
    primary: Schedule, mail: FakeEmail
) -> None:
    swap = offered(primary)
    with transaction() as tx:
        offer = store.claim(tx, until=NIGHT + swap_mails.AGAIN, now=NIGHT)
    assert offer

    swaps.answer(swap.id, Answer.ACCEPTED, by=LENA.actor, now=NIGHT)
    with transaction() as tx:
        store.note_told(tx, offer)

    assert work() == 1
    assert [one.to for one in mail.wire] == [ANA.email]


def test_without_a_mail_server_the_offer_stands_on_the_page_and_nothing_is_tried_for_ever(primary: Schedule) -> None:
    registry.wire(Wiring(public_url=PUBLIC_URL, sms=None, email=None))
    swap = offered(primary)

    assert [work(), work(DAY)] == [1, 0]

    assert swaps.mine(LENA.id, now=NIGHT) == (swap,)


def test_the_sentinel_sees_one_that_was_not_told(primary: Schedule) -> None:
    offered(primary)

    assert engine.backlogs(now=NIGHT)[Queue.MAINTENANCE].rows == 1
    work()
    assert Queue.MAINTENANCE not in engine.backlogs(now=NIGHT)
