"""Rotas as shifts: what is written ahead, what an override takes and gives back, and what no writing touches."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from survey.domain.errors import NotFound, Refused
from survey.domain.oncall import Schedule
from survey.domain.rotations import Rotation, Unit
from survey.messaging import registry
from survey.messaging.registry import Wiring
from survey.services import accounts, health, oncall, rotas
from survey.services.health import State
from survey.store.rotas import Override
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import ANA, BEN, LENA, NIGHT, PEOPLE, RIVERSIDE, ROOT, SAM
from tests.conftest import Database

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMES = {person.id: person.name.split()[0] for person in PEOPLE}
EIGHT = datetime(2026, 3, 11, 12, tzinfo=UTC)
"""The first eight o'clock on Riverside's wall after `NIGHT`."""


@pytest.fixture
def primary(database: Database) -> Schedule:  # noqa: ARG001 (it stands behind every call)
    """A schedule that nobody is on."""
    factories.site()
    factories.people(PEOPLE)
    return factories.schedule("primary")


def turns(schedule: Schedule, *members: UUID, **changes: object) -> Rotation:
    """Ana and Ben, day about from eight in the morning on."""
    usual = {
        "id": uuid4(),
        "schedule_id": schedule.id,
        "layer": 1,
        "name": "Day about",
        "starts_local": datetime.fromisoformat("2026-03-02 08:00"),
        "unit": Unit.DAY,
        "every": 1,
        "members": members or (ANA.id, BEN.id),
    }
    return Rotation(**usual | changes)


def add(schedule: Schedule, *members: UUID, now: datetime = NIGHT, **changes: object) -> Rotation:
    new = turns(schedule, *members, **changes)
    rotas.add_rotation(new, by=LENA.actor, now=now)
    return new


def instead(
    schedule: Schedule, who: UUID, starts_at: datetime, ends_at: datetime, *, now: datetime = NIGHT
) -> Override:
    return rotas.add_override(
        schedule.id, who, starts_at=starts_at, ends_at=ends_at, reason="ill", by=LENA.actor, now=now
    )


def told(schedule: Schedule, since: datetime = NIGHT, until: datetime = NIGHT + 2 * DAY) -> list[str]:
    """`Ana Wed 11 08:00–12 08:00` for each shift."""
    return [
        f"{NAMES[one.user_id]} {RIVERSIDE.local(one.starts_at):%a %d %H:%M}–{RIVERSIDE.local(one.ends_at):%d %H:%M}"
        for one in oncall.shifts(schedule.id, since=since, until=until)
    ]


def ids(schedule: Schedule) -> Sequence[UUID]:
    return [one.id for one in oncall.shifts(schedule.id, since=NIGHT, until=NIGHT + 60 * DAY)]


def gaps(now: datetime = NIGHT) -> list[tuple[datetime, datetime]]:
    return [(one.starts_at, one.ends_at) for one in oncall.gaps(now, until=now + 14 * DAY)]


# ---- written ahead


def test_shifts_stand_ninety_days_ahead_as_soon_as_a_rotation_is_added(primary: Schedule) -> None:
    add(primary)

    assert told(primary) == ["Ana Wed 11 00:31–11 08:00", "Ben Wed 11 08:00–12 08:00", "Ana Thu 12 08:00–13 08:00"]
    assert oncall.gaps(NIGHT, until=NIGHT + 90 * DAY) == ()
    with transaction() as tx:
        assert (user := oncall.who(tx, primary.id, NIGHT)) is not None
        assert user.name == ANA.name


def test_writing_again_changes_no_row_and_the_end_grows(primary: Schedule) -> None:
    add(primary)
    before = ids(primary)

    rotas.materialise(NIGHT + DAY / 2)

    assert ids(primary) == before
    assert oncall.gaps(NIGHT + DAY, until=NIGHT + 90 * DAY) == ()


def test_the_worker_writes_once_a_day_and_a_month_without_it_leaves_shifts_standing(primary: Schedule) -> None:
    add(primary)
    (first,) = desk.rows("SELECT max(upper(during)) AS ends_at FROM shift")

    rotas.write_due(now=NIGHT)
    rotas.write_due(now=NIGHT + HOUR)
    (same,) = desk.rows("SELECT max(upper(during)) AS ends_at FROM shift")
    month_later = NIGHT + 30 * DAY
    standing = oncall.gaps(month_later, until=month_later + 60 * DAY)
    rotas.write_due(now=month_later)

    assert same == first
    assert standing == ()
    assert oncall.gaps(month_later, until=month_later + 90 * DAY) == ()


def test_doctor_warns_when_less_than_two_weeks_are_written(primary: Schedule) -> None:
    add(primary)
    registry.wire(Wiring(public_url="http://localhost", sms=None, email=None))

    def check(now: datetime) -> health.Check:
        return next(one for one in health.examine(now) if one.name == "rotas")

    assert check(NIGHT + 70 * DAY).state is State.WELL
    late = check(NIGHT + 80 * DAY)
    assert late.state is State.WARNING
    assert "primary" in late.sentence


def test_a_layer_of_nights_stands_over_the_one_below(primary: Schedule) -> None:
    add(primary, ANA.id, unit=Unit.WEEK)
    add(primary, BEN.id, layer=2, name="Nights", from_time=time(18), to_time=time(8))

    assert told(primary) == ["Ana Wed 11 00:31–16 08:00"], (
        "whoever is on call when a rotation is added stays to the handover"
    )
    assert told(primary, NIGHT + 6 * DAY, NIGHT + 7 * DAY) == [
        "Ben Mon 16 18:00–17 08:00",
        "Ana Tue 17 08:00–17 18:00",
        "Ben Tue 17 18:00–18 08:00",
    ]


def test_two_rotations_of_one_layer_may_not_meet(primary: Schedule) -> None:
    add(primary)

    with pytest.raises(Refused, match="“Day about” has people at the same time") as refused:
        add(primary, LENA.id, name="Other")
    assert refused.value.field == "layer"


def test_a_rotation_that_puts_nobody_on_and_people_who_cannot_be_on_call_are_refused(primary: Schedule) -> None:
    with pytest.raises(Refused, match="Nobody would be on call"):
        add(primary, ends_on=date(2026, 3, 3))
    with pytest.raises(Refused, match=f"{SAM.name} cannot be on call"):
        add(primary, ANA.id, SAM.id)


def test_an_ended_rotation_leaves_a_gap_from_its_last_handover_on(primary: Schedule) -> None:
    rotation = add(primary)

    rotas.end_rotation(rotation.id, last_day=date(2026, 3, 12), by=LENA.actor, now=NIGHT)

    assert told(primary)[-1] == "Ana Thu 12 08:00–13 08:00"
    assert gaps() == [(EIGHT + 2 * DAY, NIGHT + 14 * DAY)]
    with pytest.raises(Refused, match="today or a later day"):
        rotas.end_rotation(rotation.id, last_day=date(2026, 3, 10), by=LENA.actor, now=NIGHT)


def test_a_rotation_that_never_began_is_given_up(primary: Schedule) -> None:
    rotation = add(primary, starts_local=datetime.fromisoformat("2026-03-20 08:00"))

    rotas.end_rotation(rotation.id, last_day=date(2026, 3, 11), by=LENA.actor, now=NIGHT)

    assert told(primary, until=NIGHT + 60 * DAY) == []
    with pytest.raises(NotFound):
        rotas.rotation(rotation.id)


def test_the_running_shift_stays_when_its_rotation_ends(primary: Schedule) -> None:
    rotation = add(primary, unit=Unit.WEEK, starts_local=datetime.fromisoformat("2026-03-09 08:00"))

    rotas.end_rotation(rotation.id, last_day=date(2026, 3, 11), by=LENA.actor, now=NIGHT + HOUR)

    assert told(primary, until=NIGHT + 60 * DAY) == ["Ana Wed 11 00:31–16 08:00"]


# ---- overrides


def test_an_override_takes_part_of_a_shift_and_what_is_cancelled_goes_back(primary: Schedule) -> None:
    add(primary)
    before, names = ids(primary), told(primary)

    override = instead(primary, LENA.id, EIGHT + HOUR, EIGHT + 3 * HOUR)
    during = told(primary)
    rotas.cancel_override(override.id, by=LENA.actor, now=NIGHT)

    assert during[1:4] == ["Ben Wed 11 08:00–11 09:00", "Lena Wed 11 09:00–11 11:00", "Ben Wed 11 11:00–12 08:00"]
    assert told(primary) == names
    assert ids(primary) == before, "what was not touched keeps its row, and what was cut grows back"
    with pytest.raises(NotFound):
        rotas.cancel_override(override.id, by=LENA.actor, now=NIGHT)


def test_an_override_relieves_whoever_is_on_call_now_and_what_has_been_stays(primary: Schedule) -> None:
    add(primary)
    later = NIGHT + HOUR

    override = instead(primary, LENA.id, NIGHT - DAY, later + HOUR, now=later)
    during = told(primary)[:3]
    rotas.cancel_override(override.id, by=LENA.actor, now=later + HOUR / 2)

    assert during == ["Ana Wed 11 00:31–11 01:31", "Lena Wed 11 01:31–11 02:31", "Ana Wed 11 02:31–11 08:00"]
    assert told(primary)[:3] == ["Ana Wed 11 00:31–11 01:31", "Lena Wed 11 01:31–11 02:01", "Ana Wed 11 02:01–11 08:00"]


def test_an_override_fills_a_gap_and_two_may_not_meet(primary: Schedule) -> None:
    assert gaps() == [(NIGHT, NIGHT + 14 * DAY)]
    instead(primary, LENA.id, NIGHT, EIGHT)

    assert gaps() == [(EIGHT, NIGHT + 14 * DAY)]
    with pytest.raises(Refused, match="put on call by name") as refused:
        instead(primary, BEN.id, EIGHT - HOUR, EIGHT + HOUR)
    assert refused.value.field == "starts_at"


def test_an_override_in_the_past_or_in_a_far_year_or_of_somebody_who_takes_no_alerts_is_refused(
    primary: Schedule,
) -> None:
    for who, starts_at, ends_at, why in (
        (BEN.id, NIGHT - DAY, NIGHT, "not in the past"),
        (BEN.id, NIGHT, NIGHT + 400 * DAY, "twelve months"),
        (SAM.id, NIGHT, EIGHT, "cannot be on call"),
    ):
        with pytest.raises(Refused, match=why):
            instead(primary, who, starts_at, ends_at)
    with pytest.raises(NotFound):
        rotas.add_override(uuid4(), BEN.id, starts_at=NIGHT, ends_at=EIGHT, reason="", by=LENA.actor, now=NIGHT)


# ---- by hand


def test_a_shift_put_on_by_hand_stands_over_the_rotation_and_stays(primary: Schedule) -> None:
    add(primary)
    times = {"starts_at": EIGHT + HOUR, "ends_at": EIGHT + 3 * HOUR}

    by_hand = oncall.add_shift(primary.id, LENA.id, **times, by=LENA.actor, now=NIGHT)
    rotas.materialise(NIGHT + HOUR)
    with_her = told(primary)[1:4]
    oncall.remove_shift(by_hand.id, by=LENA.actor, now=NIGHT + HOUR)

    assert with_her == ["Ben Wed 11 08:00–11 09:00", "Lena Wed 11 09:00–11 11:00", "Ben Wed 11 11:00–12 08:00"]
    assert told(primary)[1:3] == ["Ben Wed 11 08:00–12 08:00", "Ana Thu 12 08:00–13 08:00"]


def test_a_shift_by_hand_grows_back_whole_after_an_override(primary: Schedule) -> None:
    factories.on_call(primary, ANA, starts_at=NIGHT - DAY, ends_at=NIGHT + 2 * DAY)
    factories.on_call(primary, ANA, starts_at=NIGHT + 2 * DAY, ends_at=NIGHT + 4 * DAY)
    before = told(primary, until=NIGHT + 9 * DAY)

    override = instead(primary, BEN.id, EIGHT, EIGHT + 3 * DAY)
    rotas.materialise(EIGHT - HOUR)
    during = told(primary, until=NIGHT + 9 * DAY)
    rotas.cancel_override(override.id, by=LENA.actor, now=EIGHT - HOUR)

    assert during == ["Ana Tue 10 00:31–11 08:00", "Ben Wed 11 08:00–14 08:00", "Ana Sat 14 08:00–15 00:31"]
    assert told(primary, until=NIGHT + 9 * DAY) == before


def test_what_an_override_left_of_a_shift_by_hand_is_taken_off_with_it(primary: Schedule) -> None:
    shift = factories.on_call(primary, ANA, starts_at=NIGHT - DAY, ends_at=NIGHT + 4 * DAY)
    override = instead(primary, BEN.id, EIGHT, EIGHT + HOUR)

    oncall.remove_shift(shift.id, by=LENA.actor, now=NIGHT)
    rotas.cancel_override(override.id, by=LENA.actor, now=NIGHT)

    assert told(primary) == []


def test_a_shift_of_the_rota_is_not_taken_off_by_hand(primary: Schedule) -> None:
    add(primary)

    with pytest.raises(Refused, match="comes from the rota"):
        oncall.remove_shift(ids(primary)[1], by=LENA.actor, now=NIGHT)


# ---- people


def test_whoever_leaves_leaves_gaps_at_once_and_has_the_turns_again_when_back(primary: Schedule) -> None:
    add(primary)
    factories.on_call(factories.schedule("backup"), BEN, starts_at=NIGHT - DAY, ends_at=NIGHT + 20 * DAY)
    before, backup = told(primary), next(one for one in oncall.schedules() if one.name == "backup")

    accounts.disable(BEN.id, by=ROOT.actor, now=NIGHT)
    without_him = told(primary)
    open_now = [(one.schedule_id, one.starts_at, one.ends_at) for one in oncall.gaps(NIGHT, until=NIGHT + 2 * DAY)]
    accounts.enable(BEN.id, by=ROOT.actor, now=NIGHT + HOUR)

    assert without_him == ["Ana Wed 11 00:31–11 08:00", "Ana Thu 12 08:00–13 08:00"]
    assert (primary.id, EIGHT, EIGHT + DAY) in open_now
    assert (backup.id, NIGHT, NIGHT + 2 * DAY) in open_now
    assert told(primary) == before
    assert told(backup, NIGHT + HOUR) == ["Ben Wed 11 01:31–31 00:31"]


def test_where_a_member_of_the_upper_layer_left_the_lower_one_stands(primary: Schedule) -> None:
    add(primary, ANA.id)
    add(primary, BEN.id, layer=2, name="Nights", from_time=time(18), to_time=time(8))

    accounts.disable(BEN.id, by=ROOT.actor, now=NIGHT)

    assert {line.split()[0] for line in told(primary, until=NIGHT + 14 * DAY)} == {"Ana"}
    assert gaps() == []


def test_each_change_is_on_the_trail(primary: Schedule) -> None:
    rotation = add(primary)
    override = instead(primary, LENA.id, EIGHT, EIGHT + HOUR)
    rotas.cancel_override(override.id, by=LENA.actor, now=NIGHT)
    rotas.end_rotation(rotation.id, last_day=date(2026, 3, 12), by=LENA.actor, now=NIGHT)

    trail = desk.rows("SELECT action, actor_id, detail FROM audit_event ORDER BY at, id")

    assert {row["action"] for row in trail} == {
        "rotation.added", "rotation.ended", "override.added", "override.cancelled",
    }  # fmt: skip
    assert {row["actor_id"] for row in trail} == {LENA.id}
    assert "ill" not in str([row["detail"] for row in trail])
