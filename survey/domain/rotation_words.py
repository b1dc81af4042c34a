"""A rotation as sentences, for whoever checks that it says what was meant."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from uuid import UUID

from survey.domain.rotations import Rotation

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def sentences(rotation: Rotation, names: Mapping[UUID, str]) -> str:
    """`Ana Reyes, then Ben Okafor, each for 1 week, from Mon Mar 2, 8:00 AM on. Mon–Fri, 6:00 PM to 8:00 AM.`"""
    return " ".join(_sentences(rotation, names))


def _sentences(rotation: Rotation, names: Mapping[UUID, str]) -> Iterator[str]:
    people = ", then ".join(names[user_id] for user_id in rotation.members)
    turn = f"{rotation.every} {rotation.unit}" + ("" if rotation.every == 1 else "s")
    each = "" if len(rotation.members) == 1 else f", each for {turn}"
    yield f"{people}{each}, from {_moment(rotation.starts_local)} on."
    times = []
    if rotation.weekdays:
        times.append(days(rotation.weekdays))
    if rotation.from_time and rotation.to_time:
        times.append(f"{hour(rotation.from_time)} to {hour(rotation.to_time)}")
    if times:
        yield f"{', '.join(times)}."
    if rotation.ends_on:
        yield f"Its last day is {_day(rotation.ends_on)}."


def days(weekdays: Sequence[int]) -> str:
    """`Mon, Tue, Fri`; a run of three or more as `Mon–Fri`."""
    ordered = sorted(weekdays)
    short = [DAYS[day - 1] for day in ordered]
    is_run = len(ordered) > 2 and ordered[-1] - ordered[0] + 1 == len(ordered)
    return f"{short[0]}–{short[-1]}" if is_run else ", ".join(short)


def hour(at: time | datetime) -> str:
    """`8:00 AM`."""
    return f"{at.hour % 12 or 12}:{at:%M %p}"


def _moment(wall: datetime) -> str:
    return f"{_day(wall)}, {hour(wall)}"


def _day(day: date) -> str:
    return f"{day:%a %b} {day.day}"
