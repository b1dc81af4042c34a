"""Who watches over the patients: schedules, shifts, and the escalation policy that pages by them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from survey import clock
from survey.cli import place
from survey.domain.errors import Refused
from survey.domain.oncall import Schedule
from survey.settings import ROOT

POLICY = ROOT / "config/escalation/default.yaml"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WALL_CLOCK = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.group()
def policy() -> None:
    """Escalation policies: who is paged, after how long, and who in the last resort."""


@policy.command("publish")
@click.argument("file", type=FILE, default=POLICY)
def policy_publish(file: Path) -> None:
    """Publish FILE as the policy's next version. Open alerts keep the version that they opened with."""
    place.connect()
    from survey.services import oncall

    version = oncall.publish_policy(place.read(file), name=str(file), by=place.OPERATOR, now=clock.now())
    click.echo(f"Policy {version.policy} version {version.version} published.")


@click.group()
def schedule() -> None:
    """On-call schedules, which the policy's steps name."""


@schedule.command("add")
@click.argument("name")
@click.option("--zone", required=True, help="IANA time zone in which its shifts are written.")
def schedule_add(name: str, zone: str) -> None:
    """Add a schedule. The shipped policy names two: primary and backup."""
    place.connect()
    from survey.services import oncall

    oncall.add_schedule(name, zone, by=place.OPERATOR, now=clock.now())
    click.echo(f"Schedule {name} added. Put people on it with `daytwo shift add`, or on the page On call.")


@click.group()
def shift() -> None:
    """Who is on call when."""


@shift.command("add")
@click.argument("name", metavar="SCHEDULE")
@click.argument("email")
@click.option(
    "--from", "starts", required=True, type=WALL_CLOCK, help="YYYY-MM-DDTHH:MM, on the schedule's wall clock."
)
@click.option(
    "--until", "ends", required=True, type=WALL_CLOCK, help="Likewise; the next shift may start at that minute."
)
def shift_add(name: str, email: str, starts: datetime, ends: datetime) -> None:
    """Put EMAIL on call on SCHEDULE."""
    place.connect()
    from survey.services import accounts, oncall

    on = _schedule(name)
    person = next((user for user in accounts.users() if user.email == email.strip().lower()), None)
    if person is None:
        raise Refused(f"Nobody has the account {email}. `daytwo user create` makes one.", field="email")
    zone = ZoneInfo(on.zone)
    oncall.add_shift(
        on.id,
        person.id,
        starts_at=starts.replace(tzinfo=zone).astimezone(UTC),
        ends_at=ends.replace(tzinfo=zone).astimezone(UTC),
        by=place.OPERATOR,
        now=clock.now(),
    )
    click.echo(f"{person.name} is on call on {on.name} from {starts:%Y-%m-%d %H:%M} until {ends:%Y-%m-%d %H:%M}.")


@shift.command("list")
@click.argument("name", metavar="SCHEDULE")
@click.option("--days", type=click.IntRange(1, 365), default=14, show_default=True, help="How far ahead.")
def shift_list(name: str, days: int) -> None:
    """The shifts of SCHEDULE, now and ahead, on its wall clock."""
    place.connect()
    from survey.services import accounts, oncall

    on, now = _schedule(name), clock.now()
    names = accounts.names()
    for one in oncall.shifts(on.id, since=now, until=now + timedelta(days=days)):
        starts, ends = (at.astimezone(ZoneInfo(on.zone)) for at in (one.starts_at, one.ends_at))
        click.echo(f"{starts:%a %Y-%m-%d %H:%M} to {ends:%a %Y-%m-%d %H:%M}  {names.get(one.user_id, 'unknown')}")


def _schedule(name: str) -> Schedule:
    from survey.services import oncall

    known = oncall.schedules()
    for one in known:
        if one.name == name:
            return one
    there = ", ".join(one.name for one in known) or "none yet; `daytwo schedule add` makes one"
    raise Refused(f"There is no schedule “{name}”. There is: {there}.", field="schedule")


COMMANDS = (policy, schedule, shift)
