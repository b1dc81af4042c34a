"""How many texts a number gets, whoever's it is: one a day and three in seven days, by the patient's days."""

from collections.abc import Collection
from datetime import date, timedelta

A_WEEK = 3
DAY = timedelta(days=1)
WEEK = 7


def has_room(taken: Collection[date], day: date) -> bool:
    """Whether one more text fits on that day; `taken` are the days that have theirs."""
    if day in taken:
        return False
    firsts = (day - DAY * back for back in range(WEEK))
    return all(sum(first <= one < first + DAY * WEEK for one in taken) < A_WEEK for first in firsts)


def next_free(taken: Collection[date], after: date) -> date:
    """The first day after that one with room for a text."""
    day = after + DAY
    while not has_room(taken, day):
        day += DAY
    return day
