"""What a clinician texts back to a page: a code, or `ack`."""

import re
from dataclasses import dataclass
from datetime import timedelta

from survey.domain import keywords

HIGHEST = 99
"""The largest code; whoever has more open alerts than that on one phone is asked for the alert's own number."""
PASSIVE_AT_MOST = 5
"""So many texts of one phone within `PASSIVE_WITHIN` are answered when nothing came of them: two robots must end."""
PASSIVE_WITHIN = timedelta(minutes=10)
LISTED = 6
"""So many codes fit into one answer."""

# Words of the carriers (STOP, CANCEL, END, QUIT, YES, START) are no part of this, so none of them can ever take.
_ACK = re.compile(r"(?:(?P<ack>ack)(?: |$))?(?:a ?)?(?P<number>\d{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """A wish to take an alert: by code or by the alert's own number; None for a bare `ack`."""

    number: int | None


def read(body: str) -> Ack | None:
    """The wish in a whole text; None for any other words."""
    found = _ACK.fullmatch(keywords.fold(body))
    if found is None or not (found["ack"] or found["number"]):
        return None
    return Ack(number=int(found["number"]) if found["number"] else None)


def called(code: int | None, alert_no: int) -> str:
    """What a page asks to be texted back: the code, or `ack` with the alert's number where no code was free."""
    return str(code) if code is not None else f"ack {alert_no}"


def listed(codes: dict[int, int]) -> str:
    """`1 for 4821, 2 for 4830`: code → alert number, as many as fit, the smallest code first."""
    first = sorted(codes.items())[:LISTED]
    more = ", ..." if len(codes) > LISTED else ""
    return ", ".join(f"{code} for {number}" for code, number in first) + more
