"""A site of the clinic: its name for patients, its zone, its phone, and the hours in which somebody answers it."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo


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
