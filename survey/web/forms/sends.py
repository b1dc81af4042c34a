"""The filters of a day's messages, read from the address; what cannot be read is left out: a link may be old."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from survey.domain.sends import Stand
from survey.services.sends import Asked
from survey.web.forms import worklist

FURTHEST = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is asked for, which page of it, and the same as values for links."""

    wanted: Asked
    page: int
    values: Mapping[str, str]


def read(sent: Mapping[str, str], *, today: date) -> Chosen:
    """The filters; without a day, `today`."""
    stand = sent.get("stand", "")
    wanted = Asked(
        day=_day(sent.get("day", ""), today),
        site_id=worklist.site(sent),
        stand=stand if stand in set(Stand) else "",
    )
    values = {key: value for key, value in sent.items() if key in ("day", "site", "stand") and value}
    return Chosen(wanted=wanted, page=worklist.page_number(sent.get("page", "")), values=values)


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs(day - today) <= FURTHEST else today
