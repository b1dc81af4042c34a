"""Swaps: a shift changes hands only when both sides have said so, and only while it is still there to be given."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from survey.domain.errors import DomainError, NotFound, Refused
from survey.domain.oncall import Schedule
from survey.domain.swaps import Answer, Swap
from survey.services import accounts, oncall, rotas, swaps
from tests import desk, factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE, ROOT, SAM, Person
from tests.conftest import Database
from tests.services.test_rotas import EIGHT, HOUR, add, instead, told

DAY = timedelta(days=1)


@pytest.fixture
def primary(database: Database) -> Schedule:  # noqa: ARG001 (it stands behind every call)
    """Ana and Ben, day about; Ana has the day that begins at `EIGHT`."""
    factories.site()
    factories.people(PEOPLE)
    schedule = factories.schedule("primary")
    add(schedule, BEN.id, ANA.id)
    return schedule


def offered(primary: Schedule, to: Person = LENA, *, by: Person = ANA) -> Swap:
    """Ana's next day, offered."""
    shift = next(one for one in oncall.shifts(primary.id, since=NIGHT, until=NIGHT + 3 * DAY) if one.user_id == ANA.id)
    return swaps.offer(primary.id, shift.id, to.id, by=by.actor, now=NIGHT)


def answer(swap: Swap, given: Answer, *, by: Person = LENA) -> None:
    swaps.answer(swap.id, given, by=by.actor, now=NIGHT)


def test_an_offer_changes_nothing_until_the_other_side_accepts(primary: Schedule) -> None:
    before = told(primary)

    swap = offered(primary)
    meanwhile = told(primary)
    answer(swap, Answer.ACCEPTED)

    assert meanwhile == before
    assert told(primary)[1] == "Lena Wed 11 08:00–12 08:00"
    assert swaps.mine(ANA.id, now=NIGHT) == swaps.mine(LENA.id, now=NIGHT) == ()


@pytest.mark.parametrize(("given", "by"), [(Answer.DECLINED, LENA), (Answer.WITHDRAWN, ANA)])
def test_declined_or_withdrawn_leaves_the_shift_where_it_was(primary: Schedule, given: Answer, by: Person) -> None:
    before, swap = told(primary), offered(primary)

    answer(swap, given, by=by)

    assert told(primary) == before
    with pytest.raises(NotFound, match="answered already"):
        answer(swap, Answer.ACCEPTED)


@pytest.mark.parametrize(
    ("given", "by"),
    [(Answer.ACCEPTED, ANA), (Answer.ACCEPTED, BEN), (Answer.DECLINED, ANA), (Answer.WITHDRAWN, LENA)],
)
def test_nobody_answers_for_the_other_side(primary: Schedule, given: Answer, by: Person) -> None:
    swap = offered(primary)

    with pytest.raises(NotFound, match="not yours"):
        answer(swap, given, by=by)

    assert swaps.mine(LENA.id, now=NIGHT) == (swap,)


def test_only_ones_own_shift_and_only_to_somebody_else_who_takes_alerts(primary: Schedule) -> None:
    refusals: list[tuple[Callable[[], object], type[DomainError], str]] = [
        (lambda: offered(primary, by=BEN), NotFound, "not yours"),
        (lambda: offered(primary, ANA), Refused, "yours already"),
        (lambda: offered(primary, SAM), Refused, "cannot be on call"),
        (lambda: swaps.offer(primary.id, uuid4(), LENA.id, by=ANA.actor, now=NIGHT), NotFound, "over"),
    ]
    for offer, kind, why in refusals:
        with pytest.raises(kind, match=why):
            offer()


def test_one_hour_is_offered_once_at_a_time(primary: Schedule) -> None:
    offered(primary)

    with pytest.raises(Refused, match="Withdraw it first"):
        offered(primary, BEN)


def test_a_swap_that_meets_another_override_is_refused_in_words(primary: Schedule) -> None:
    """Whoever keeps the rota has put Lena on for an hour of it meanwhile."""
    swap = offered(primary)
    instead(primary, LENA.id, EIGHT + HOUR, EIGHT + 2 * HOUR)

    with pytest.raises(Refused, match="rota has changed"):
        answer(swap, Answer.ACCEPTED)
    assert swaps.mine(LENA.id, now=NIGHT) == (swap,), "a refusal keeps the offer open"

    answer(swap, Answer.WITHDRAWN, by=ANA)
    (hers,) = oncall.shifts(primary.id, since=EIGHT + HOUR, until=EIGHT + HOUR + HOUR / 2)
    with pytest.raises(Refused, match="by name"):
        swaps.offer(primary.id, hers.id, BEN.id, by=LENA.actor, now=NIGHT)


def test_an_override_of_the_same_person_is_still_an_override(primary: Schedule) -> None:
    swap = offered(primary)
    instead(primary, ANA.id, EIGHT + HOUR, EIGHT + 2 * HOUR)

    with pytest.raises(Refused, match="put on call by name"):
        answer(swap, Answer.ACCEPTED)


def test_an_offer_whose_shift_has_begun_hands_over_what_is_left(primary: Schedule) -> None:
    swap = offered(primary)

    swaps.answer(swap.id, Answer.ACCEPTED, by=LENA.actor, now=EIGHT + HOUR)

    assert told(primary)[1:3] == ["Ana Wed 11 08:00–11 09:00", "Lena Wed 11 09:00–12 08:00"]


def test_an_offer_is_over_with_its_shift_and_whoever_left_cannot_accept(primary: Schedule) -> None:
    swap = offered(primary)
    accounts.disable(LENA.id, by=ROOT.actor, now=NIGHT)

    with pytest.raises(Refused, match="cannot be on call"):
        answer(swap, Answer.ACCEPTED)
    assert swaps.mine(ANA.id, now=EIGHT + DAY) == ()
    with pytest.raises(NotFound, match="its time is over"):
        swaps.answer(swap.id, Answer.DECLINED, by=LENA.actor, now=EIGHT + DAY)


def test_a_cancelled_swap_gives_the_shift_back(primary: Schedule) -> None:
    before, swap = told(primary), offered(primary)
    answer(swap, Answer.ACCEPTED)
    (row,) = desk.rows("SELECT override_id FROM shift_swap")

    rotas.cancel_override(row["override_id"], by=LENA.actor, now=NIGHT)

    assert told(primary) == before


def test_both_sides_are_on_the_trail(primary: Schedule) -> None:
    answer(offered(primary), Answer.ACCEPTED)

    trail = desk.rows("SELECT action, actor_id FROM audit_event WHERE action LIKE 'swap%' ORDER BY action")

    assert [(row["action"], row["actor_id"]) for row in trail] == [
        ("swap.accepted", LENA.id),
        ("swap.offered", ANA.id),
    ]
