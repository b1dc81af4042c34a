"""Rotations on the wall: nobody twice, no second lost, through both nights in which the wall is moved."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain.rotations import (
    Rotation,
    Source,
    SourceKind,
    Stretch,
    Unit,
    expand,
    instant,
    layered,
    merged,
    without,
)
from tests.cast import ANA, BEN, LENA, RIVERSIDE

NEW_YORK = ZoneInfo("America/New_York")
ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Athens",
    "Atlantic/Azores",
]
"""St. John's lies half an hour off; Havana and Santiago move their wall at midnight."""
naive = datetime.fromisoformat
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMES = {ANA.id: "Ana", BEN.id: "Ben", LENA.id: "Lena"}

SPRING, AUTUMN = date(2026, 3, 8), date(2026, 11, 1)
"""The two Sundays on which New York moves its wall."""


def rotation(**changes: object) -> Rotation:
    """Ana and Ben, day about, from the last of February on at eight."""
    usual = {
        "id": UUID(int=7),
        "schedule_id": UUID(int=1),
        "layer": 1,
        "name": "Day about",
        "starts_local": naive("2026-02-28 08:00"),
        "unit": Unit.DAY,
        "every": 1,
        "members": (ANA.id, BEN.id),
    }
    return Rotation(**usual | changes)


def wall(text: str, zone: ZoneInfo = NEW_YORK, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def told(stretches: Sequence[Stretch], zone: ZoneInfo = NEW_YORK) -> list[str]:
    """`Ana Sat 28 08:00 – Sun 01 08:00`."""
    form = "%a %d %H:%M"
    return [
        f"{NAMES[one.user_id]} {one.starts_at.astimezone(zone):{form}} – {one.ends_at.astimezone(zone):{form}}"
        for one in stretches
    ]


def who(stretches: Sequence[Stretch], at: datetime) -> list[str]:
    """Everybody who is on call at an instant: never more than one."""
    return [NAMES[one.user_id] for one in stretches if one.starts_at <= at < one.ends_at]


def lengths(stretches: Sequence[Stretch]) -> list[float]:
    return [(one.ends_at - one.starts_at) / HOUR for one in stretches]


# ---- what a rotation says


def test_two_people_change_every_morning() -> None:
    found = expand(rotation(), NEW_YORK, since=wall("2026-02-28 00:00"), until=wall("2026-03-02 20:00"))

    assert told(found) == [
        "Ana Sat 28 08:00 – Sun 01 08:00",
        "Ben Sun 01 08:00 – Mon 02 08:00",
        "Ana Mon 02 08:00 – Tue 03 08:00",
    ]


def test_every_second_week_three_people() -> None:
    three = rotation(unit=Unit.WEEK, every=2, members=(ANA.id, BEN.id, LENA.id))

    found = expand(three, NEW_YORK, since=wall("2026-03-20 12:00"), until=wall("2026-04-20 12:00"))

    assert told(found) == [
        "Ben Fri 20 12:00 – Sat 28 08:00",
        "Lena Sat 28 08:00 – Sat 11 08:00",
        "Ana Sat 11 08:00 – Tue 21 08:00",
    ]


def test_a_month_from_the_31st_ends_with_short_months_and_does_not_drift() -> None:
    monthly = rotation(unit=Unit.MONTH, starts_local=naive("2026-01-31 08:00"))

    handovers = [monthly.handover(turn).date() for turn in range(4)]

    assert handovers == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert [monthly.turn_at(monthly.handover(turn)) for turn in range(30)] == [*range(30)]
    assert [monthly.turn_at(monthly.handover(turn) - HOUR) for turn in range(1, 30)] == [*range(29)]


def test_nights_of_working_days_run_past_midnight_and_the_weekend_is_left_open() -> None:
    nights = rotation(
        starts_local=naive("2026-03-02 18:00"),
        unit=Unit.WEEK,
        weekdays=(1, 2, 3, 4, 5),
        from_time=time(18),
        to_time=time(8),
    )

    found = expand(nights, NEW_YORK, since=wall("2026-03-05 12:00"), until=wall("2026-03-09 20:00"))

    assert told(found) == [
        "Ana Thu 05 18:00 – Fri 06 08:00",
        "Ana Fri 06 18:00 – Sat 07 08:00",
        "Ben Mon 09 18:00 – Tue 10 08:00",
    ]


def test_a_weekday_without_hours_lasts_from_handover_to_handover() -> None:
    weekend = rotation(weekdays=(6, 7), starts_local=naive("2026-02-28 08:00"), unit=Unit.WEEK)

    found = expand(weekend, NEW_YORK, since=wall("2026-02-28 00:00"), until=wall("2026-03-09 20:00"))

    assert told(found) == ["Ana Sat 28 08:00 – Mon 02 08:00", "Ben Sat 07 08:00 – Mon 09 08:00"]


def test_a_handover_within_the_hours_cuts_them() -> None:
    noon = rotation(starts_local=naive("2026-03-02 12:00"), from_time=time(8), to_time=time(18))

    found = expand(noon, NEW_YORK, since=wall("2026-03-02 00:00"), until=wall("2026-03-03 20:00"))

    assert told(found) == [
        "Ana Mon 02 12:00 – Mon 02 18:00",
        "Ana Tue 03 08:00 – Tue 03 12:00",
        "Ben Tue 03 12:00 – Tue 03 18:00",
    ]


def test_the_last_day_runs_to_its_end() -> None:
    ended = rotation(ends_on=date(2026, 3, 1))

    found = expand(ended, NEW_YORK, since=wall("2026-02-28 00:00"), until=wall("2026-03-09 00:00"))

    assert told(found)[-1] == "Ben Sun 01 08:00 – Mon 02 08:00"


def test_turns_of_one_person_stay_apart() -> None:
    alone = rotation(members=(ANA.id,))

    assert len(expand(alone, NEW_YORK, since=wall("2026-02-28 08:00"), until=wall("2026-03-03 00:00"))) == 3


# ---- the two nights


def test_the_day_of_the_long_night_has_25_hours_and_that_of_the_short_one_23() -> None:
    autumn = expand(rotation(), NEW_YORK, since=wall("2026-10-30 08:00"), until=wall("2026-11-03 00:00"))
    spring = expand(rotation(), NEW_YORK, since=wall("2026-03-06 08:00"), until=wall("2026-03-10 00:00"))

    assert lengths(autumn) == [24, 25, 24, 24]
    assert lengths(spring) == [24, 23, 24, 24]


@pytest.mark.parametrize(
    ("at", "fold", "expected"),
    [
        ("2026-11-01 00:59", 0, ["Ana"]),
        ("2026-11-01 01:00", 0, ["Ben"]),
        ("2026-11-01 01:30", 0, ["Ben"]),
        ("2026-11-01 01:00", 1, ["Ben"]),
        ("2026-11-01 01:30", 1, ["Ben"]),
        ("2026-11-01 02:00", 0, ["Ben"]),
    ],
)
def test_a_handover_at_one_in_autumn_is_at_the_first_one_o_clock(at: str, fold: int, expected: list[str]) -> None:
    daily = rotation(starts_local=naive("2026-10-31 01:00"))

    found = expand(daily, NEW_YORK, since=wall("2026-10-31 00:00"), until=wall("2026-11-03 00:00"))

    assert who(found, wall(at, fold=fold)) == expected


def test_a_handover_at_half_past_one_in_autumn_comes_once() -> None:
    daily = rotation(starts_local=naive("2026-10-31 01:30"))

    found = expand(daily, NEW_YORK, since=wall("2026-10-31 02:00"), until=wall("2026-11-03 00:00"))

    assert who(found, wall("2026-11-01 01:29")) == ["Ana"]
    assert [who(found, wall("2026-11-01 01:30", fold=fold)) for fold in (0, 1)] == [["Ben"], ["Ben"]]
    assert who(found, wall("2026-11-01 01:29", fold=1)) == ["Ben"]


@pytest.mark.parametrize(
    ("at", "expected"),
    [("2026-03-08 00:59", ["Ana"]), ("2026-03-08 01:59", ["Ana"]), ("2026-03-08 03:00", ["Ben"])],
)
def test_a_handover_that_the_wall_never_shows_is_at_the_jump(at: str, expected: list[str]) -> None:
    daily = rotation(starts_local=naive("2026-03-07 02:30"))

    found = expand(daily, NEW_YORK, since=wall("2026-03-07 03:00"), until=wall("2026-03-10 00:00"))

    assert who(found, wall(at)) == expected
    assert instant(naive("2026-03-08 02:30"), NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)
    assert instant(naive("2026-11-01 01:30"), NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_hours_that_the_wall_never_shows_are_nobodys() -> None:
    lost = rotation(starts_local=naive("2026-03-08 02:00"), from_time=time(2), to_time=time(3), weekdays=(7,))

    assert expand(lost, NEW_YORK, since=wall("2026-03-07 00:00"), until=wall("2026-03-09 00:00")) == ()


# ---- laws

zones = st.sampled_from(ZONES).map(ZoneInfo)
quarters = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
starts = st.builds(
    datetime.combine, st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.builds(time, st.integers(0, 23))
)
members = st.lists(st.sampled_from(list(NAMES)), min_size=1, max_size=4).map(tuple)


@st.composite
def rotations(draw: st.DrawFn, *, whole: bool = False) -> Rotation:
    """Any rotation; `whole` ones leave nothing open."""
    changes: dict[str, object] = {
        "id": UUID(int=draw(st.integers(1, 9))),
        "starts_local": draw(starts),
        "unit": draw(st.sampled_from(Unit)),
        "every": draw(st.integers(1, 4)),
        "members": draw(members),
    }
    if not whole and draw(st.booleans()):
        changes |= {"from_time": draw(quarters), "to_time": draw(quarters)}
    if not whole and draw(st.booleans()):
        changes["weekdays"] = tuple(sorted(draw(st.sets(st.integers(1, 7), min_size=1))))
    return rotation(**changes)


def apart(stretches: Sequence[Stretch]) -> bool:
    """Nobody twice: each begins after it ends, and before the next begins."""
    return all(one.starts_at < one.ends_at for one in stretches) and all(
        one.ends_at <= other.starts_at for one, other in pairwise(stretches)
    )


@given(zone=zones, one=rotations(), days=st.integers(0, 300))
def test_never_two_people_at_once(zone: ZoneInfo, one: Rotation, days: int) -> None:
    since = instant(one.starts_local, zone) + days * DAY

    assert apart(expand(one, zone, since=since, until=since + 30 * DAY))


@given(zone=zones, one=rotations(whole=True))
def test_no_second_of_a_year_is_lost_or_doubled(zone: ZoneInfo, one: Rotation) -> None:
    since, until = instant(one.starts_local, zone), instant(one.starts_local, zone) + 370 * DAY

    found = expand(one, zone, since=since, until=until)

    assert found[0].starts_at == since
    assert found[-1].ends_at >= until
    assert sum(((each.ends_at - each.starts_at) for each in found), timedelta()) == found[-1].ends_at - since


@given(zone=zones, one=rotations(), days=st.integers(0, 200))
def test_a_rotation_says_the_same_whenever_it_is_read(zone: ZoneInfo, one: Rotation, days: int) -> None:
    """Reading anew tomorrow changes nothing that was written today."""
    since, until = instant(one.starts_local, zone), instant(one.starts_local, zone) + 260 * DAY
    later = since + days * DAY

    first, again = (expand(one, zone, since=at, until=until) for at in (since, later))

    assert [(each.bearer, each.ends_at) for each in again] == [
        (each.bearer, each.ends_at) for each in first if each.ends_at > later
    ]


@given(
    zone=zones,
    wall_time=st.datetimes(naive("2026-01-01 00:00"), naive("2027-12-31 00:00")),
    ahead=st.timedeltas(0 * DAY, 2 * DAY),
)
def test_later_on_the_wall_is_never_earlier(zone: ZoneInfo, wall_time: datetime, ahead: timedelta) -> None:
    assert instant(wall_time, zone) <= instant(wall_time + ahead, zone)


layers = st.lists(
    st.lists(st.tuples(st.sampled_from(list(NAMES)), st.integers(0, 40), st.integers(1, 12)), max_size=5),
    min_size=1,
    max_size=4,
)
BEGIN = datetime(2026, 3, 7, tzinfo=UTC)


@given(layers)
def test_at_every_hour_the_strongest_layer_that_has_somebody_counts(spoken: list[list[tuple[UUID, int, int]]]) -> None:
    stacked = [
        [
            Stretch(
                user_id=user_id,
                starts_at=BEGIN + start * HOUR,
                ends_at=BEGIN + (start + length) * HOUR,
                source=Source(SourceKind.ROTATION, UUID(int=10 * depth + place)),
            )
            for place, (user_id, start, length) in enumerate(layer)
        ]
        for depth, layer in enumerate(spoken)
    ]

    found = layered(stacked)

    assert apart(found)
    assert merged(found) == found
    for hour in range(55):
        at = BEGIN + hour * HOUR
        strongest = [name for layer in stacked for name in who(layer, at)]
        assert who(found, at) == strongest[:1]


def test_an_override_takes_the_middle_of_a_shift_and_gives_it_back() -> None:
    (shift,) = expand(
        rotation(members=(ANA.id,)), NEW_YORK, since=wall("2026-02-28 08:00"), until=wall("2026-03-01 08:00")
    )
    middle = Stretch(
        user_id=BEN.id,
        starts_at=wall("2026-02-28 12:00"),
        ends_at=wall("2026-02-28 14:00"),
        source=Source(SourceKind.OVERRIDE, UUID(int=3)),
    )

    found = layered([[middle], [shift]])

    assert told(found) == [
        "Ana Sat 28 08:00 – Sat 28 12:00",
        "Ben Sat 28 12:00 – Sat 28 14:00",
        "Ana Sat 28 14:00 – Sun 01 08:00",
    ]
    assert merged([*without(shift, [middle]), *without(shift, found[:1] + found[2:])]) == (shift,)
    assert RIVERSIDE.zone == NEW_YORK.key
