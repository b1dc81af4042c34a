"""A site of the clinic: its name for patients, its zone, its phone, and the hours in which somebody answers it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

LONGEST_NAME = 100
LONGEST_SMS_NAME = 24
_EMERGENCY = re.compile(r"[0-9]{3,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`sms_name` is what texts are signed with: neutral, at most 24 characters. `workdays` are ISO, 1 is Monday."""

    id: UUID
    slug: str
    name: str
    sms_name: str
    zone: str
    phone: str
    emergency_number: str
    opens: time
    closes: time
    workdays: tuple[int, ...]

    @property
    def tz(self) -> ZoneInfo:
        """The site's zone."""
        return ZoneInfo(self.zone)

    def local(self, instant: datetime) -> datetime:
        """The same instant on the clock of the site's wall."""
        return instant.astimezone(self.tz)


def problems(site: Site) -> Iterator[tuple[str, str]]:
    """What is wrong with a site that can be seen without its texts: field and sentence."""
    for field, name, longest in (("name", site.name, LONGEST_NAME), ("sms_name", site.sms_name, LONGEST_SMS_NAME)):
        if not 0 < len(name.strip()) <= longest or not name.isprintable():
            yield field, f"Enter a name of at most {longest} characters."
    if "/" not in site.zone or site.zone not in available_timezones():
        yield "zone", f"“{site.zone[:40]}” is no time zone. Use a name such as America/New_York."
    if not _EMERGENCY.fullmatch(site.emergency_number):
        yield "emergency_number", "Enter the emergency number, three to six digits, such as 911."
    if site.opens >= site.closes:
        yield "closes", "The clinic must close later than it opens."
    if not site.workdays:
        yield "workdays", "Choose the days on which somebody answers the phone."


def is_open(site: Site, instant: datetime) -> bool:
    """Whether somebody works at the site at that instant."""
    local = site.local(instant)
    return local.isoweekday() in site.workdays and site.opens <= local.time() < site.closes


def next_workday(site: Site, day: date) -> date:
    """The first working day after `day`. Holidays are not known here; the clinic's hours are the promise."""
    following = day + timedelta(days=1)
    while following.isoweekday() not in site.workdays:
        following += timedelta(days=1)
    return following


def end_of_next_workday(site: Site, instant: datetime) -> datetime:
    """The closing hour of the first working day after the local day of `instant`."""
    day = next_workday(site, site.local(instant).date())
    return datetime.combine(day, site.closes, tzinfo=site.tz).astimezone(instant.tzinfo)
