"""“Who gets paged now?” is what pages go by: an alert that opens then pages those very people, at those minutes."""

from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain.coverage import Flaw
from survey.domain.oncall import MethodKind
from survey.services import health, paged_now
from survey.services.health import State
from survey.services.paged_now import Rung
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE
from tests.conftest import Database
from tests.night import Night

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def night(database: Database) -> Night:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    with transaction() as tx:
        factories.method(tx, ANA, MethodKind.EMAIL, ANA.email)
    one = Night()
    one.wire()
    return one


def foreseen(night: Night) -> set[tuple[float, UUID, MethodKind]]:
    """Minute, person and way of each page that the page foretells, the last step once."""
    return {
        ((rung.after + means.after) / MINUTE, person.user_id, means.kind)
        for rung in paged_now.look(night.now).rungs
        for person in rung.people
        for means in person.means
    }


def planned(*, steps: int) -> set[tuple[float, UUID, MethodKind]]:
    """The same of the pages that an alert really planned, in its first round."""
    found = desk.rows(
        """SELECT p.not_before, p.user_id, m.kind FROM page p JOIN contact_method m ON m.id = p.contact_method_id
        WHERE p.kind = 'call' AND p.step_seq < :steps AND p.cycle = 0""",
        steps=steps,
    )
    return {((row["not_before"] - NIGHT) / MINUTE, row["user_id"], MethodKind(row["kind"])) for row in found}


def rungs(night: Night) -> tuple[Rung, ...]:
    return paged_now.look(night.now).rungs


def test_an_alert_that_opens_now_pages_whom_the_page_foretold(night: Night) -> None:
    told = foreseen(night)

    night.worry()
    night.forward(max(rung.after for rung in rungs(night)) + 2 * MINUTE)

    assert told == planned(steps=len(rungs(night)))
    assert len({minute for minute, _, _ in told}) > 2


def test_so_it_does_over_a_handover_and_with_nobody_on_a_step(night: Night) -> None:
    desk.change("DELETE FROM shift")
    with transaction() as tx:
        schedules = {row["name"]: row["id"] for row in tx.rows("SELECT id, name FROM schedule", {})}
    times = {"starts_at": NIGHT + MINUTE, "ends_at": NIGHT + DAY}
    factories.on_call(factories.Schedule(id=schedules["backup"], name="backup", zone="UTC"), BEN, **times)
    told = foreseen(night)

    night.worry()
    night.forward(30 * MINUTE)

    assert told == planned(steps=len(rungs(night)))
    assert not rungs(night)[0].reaches or rungs(night)[0].people == ()


def test_an_empty_step_says_so_and_the_next_one_follows_at_once(night: Night) -> None:
    desk.change("DELETE FROM shift WHERE user_id = :ana", ana=ANA.id)

    first, second, *_ = rungs(night)

    assert (first.reaches, first.empty, second.after) == (False, ("primary",), timedelta(0))


def test_addresses_are_masked_and_each_way_says_when_it_was_last_proved(night: Night) -> None:
    (ana,) = rungs(night)[0].people

    assert {(one.kind, one.proved_at, one.is_stale) for one in ana.means} >= {(MethodKind.SMS, NIGHT, False)}
    assert {one.address for one in ana.means} <= {"••• ••• 0111", "a•••@example.org"}
    assert "2025550111" not in str(rungs(night))


def test_without_a_policy_there_is_no_step(database: Database) -> None:  # noqa: ARG001
    factories.site()
    factories.people(PEOPLE)

    assert paged_now.look(NIGHT).rungs == ()


# ---- what wants a look


def flaws(night: Night) -> list[tuple[Flaw, UUID]]:
    return [(one.flaw, one.user_id) for one in paged_now.look(night.now).flaws]


def test_a_rota_of_people_who_can_be_reached_has_no_flaw(night: Night) -> None:
    assert flaws(night) == []


def test_somebody_whose_account_is_not_in_use_is_flagged(night: Night) -> None:
    desk.change("UPDATE app_user SET active = false WHERE id = :id", id=BEN.id)

    assert (Flaw.INACTIVE, BEN.id) in flaws(night)


def test_somebody_without_a_live_way_is_flagged(night: Night) -> None:
    desk.change(
        "UPDATE contact_method SET disabled_at = now(), disabled_reason = 'stop' WHERE user_id = :id", id=BEN.id
    )

    assert flaws(night) == [(Flaw.UNREACHABLE, BEN.id)]


def test_a_way_that_was_not_proved_for_thirty_days_is_flagged_until_it_is(night: Night) -> None:
    desk.change("UPDATE contact_method SET verified_at = :at", at=NIGHT - 31 * DAY)
    desk.change("UPDATE contact_method SET confirmed_at = :at WHERE user_id = :id", at=NIGHT - DAY, id=ANA.id)

    assert flaws(night) == [(Flaw.UNPROVED, BEN.id)]


def test_the_same_person_on_both_rosters_at_once_is_flagged(night: Night) -> None:
    desk.change("UPDATE shift SET user_id = :ana", ana=ANA.id)

    assert flaws(night) == [(Flaw.TWICE, ANA.id)]


def test_one_way_on_the_last_resort_is_published_and_doctor_warns(night: Night) -> None:
    last = rungs(night)[-1]
    thin = {one.user_id for one in last.people if one.is_thin}
    with transaction() as tx:
        for person in (BEN, LENA):
            factories.method(tx, person, MethodKind.EMAIL, person.email)

    assert thin == {BEN.id, LENA.id}
    assert not [one for one in rungs(night)[-1].people if one.is_thin]
    assert {one.name: one.state for one in health.examine(NIGHT)}["reach"] is State.WELL
