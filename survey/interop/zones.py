"""The time zone of a state or ZIP code of the United States, where that can be told for certain."""

import re
from functools import lru_cache
from zoneinfo import available_timezones

import zipcodes

STATES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN",
    "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH",
    "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC", "north dakota": "ND",
    "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "puerto rico": "PR", "rhode island": "RI",
    "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
    "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY", "guam": "GU",
    "american samoa": "AS", "virgin islands": "VI", "northern mariana islands": "MP",
}  # fmt: skip
_ZIP = re.compile(r"(?<!\d)([0-9]{5})(?:-[0-9]{4})?(?!\d)")
# Other scripts have digits as well; the library is written for these ten and breaks on them.


def of(place: str) -> str | None:
    """The IANA zone of a place such as `TX`, `Texas`, `79901` or `El Paso, TX 79901`; None where it is not certain.

    A state that lies in two zones needs the ZIP code.
    """
    code = _ZIP.search(place)
    found = _of_zip(code[1]) if code else None
    return found or _of_words(_ZIP.sub(" ", place))


def _of_words(place: str) -> str | None:
    words = " ".join(re.sub(r"[^a-z ]", " ", place.casefold().replace(".", "")).split())
    state = STATES.get(words) or words.upper()
    return _of_state(state) if state in STATES.values() else None


@lru_cache(maxsize=1024)
def _of_zip(code: str) -> str | None:
    return _only({found["timezone"] for found in zipcodes.matching(code)})


@lru_cache(maxsize=64)
def _of_state(state: str) -> str | None:
    return _only({found["timezone"] for found in zipcodes.filter_by(state=state)})


def _only(zones: set[str]) -> str | None:
    """The one zone, if there is one that this machine knows as well; armed forces' mail has none."""
    return next(iter(zones)) if len(zones) == 1 and zones <= _known() else None


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if "/" in name)
