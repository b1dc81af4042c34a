"""The file that the check imports: invented people whose texts are due now, and one row that is wrong."""

import csv
import io
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from survey.local import clinic
from survey.local.history.people import AREA_CODES, FAMILY


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Somebody in the imported file."""

    given_name: str
    family_name: str
    mobile: str


class File:
    """A CSV file of four rows: asked now in English, asked now in Spanish, asked tomorrow, and one that is wrong.

    The patients live where it is daytime now, so that the text may leave at any hour of the real day.
    """

    def __init__(self, now: datetime) -> None:
        zone = clinic.zone(now)
        today = now.astimezone(ZoneInfo(zone)).date()
        rows = [("en", 2), ("es", 2), ("en", 1)]
        people = [_patient() for _ in rows]
        self.asked_now = people[0]
        self.bad_reason = "date of birth"
        lines = [
            _line(person, language, (today - timedelta(days=days)).isoformat(), zone)
            for person, (language, days) in zip(people, rows, strict=True)
        ]
        lines.append(_line(_patient(), "en", today.isoformat(), zone) | {"date of birth": "2999-01-01"})
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        self.content = out.getvalue().encode()


def _patient() -> Patient:
    mark = "".join(secrets.choice("bcdfghjklmnprstvz") for _ in range(5)).capitalize()
    area = secrets.choice(AREA_CODES[:-1])
    return Patient(
        given_name=mark, family_name=secrets.choice(FAMILY["en"]), mobile=f"+1{area}55501{secrets.randbelow(100):02}"
    )


def _line(person: Patient, language: str, performed_on: str, zone: str) -> dict[str, str]:
    return {
        "given name": person.given_name,
        "family name": person.family_name,
        "date of birth": "1961-04-12",
        "procedure date": performed_on,
        "mobile": person.mobile,
        "consent": "yes",
        "language": language,
        "time zone": zone,
        "body site": "shoulder",
    }
