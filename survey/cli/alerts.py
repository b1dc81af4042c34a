"""What happened to an alert, for the operator of the night: the same story as on its page, and no name of a patient."""

from zoneinfo import ZoneInfo

import click

from survey.cli import place
from survey.domain.stories import Moment


@click.group()
def alert() -> None:
    """Alerts, by the number that everybody says."""


@alert.command("show")
@click.argument("number", type=int)
def alert_show(number: int) -> None:
    """Print what happened to alert NUMBER, in order, on the clock of its site. Names no patient."""
    place.connect()
    from survey.services import alert_stories, sites

    found, story = alert_stories.numbered(number)
    site = next(one for one in sites.every() if one.id == found.site_id)
    click.echo(f"Alert {found.short_no} at {site.name}, {found.tier.value}, {found.state.value}. Times: {site.zone}.")
    for moment in story:
        click.echo(told(moment, site.tz))


def told(moment: Moment, tz: ZoneInfo) -> str:
    """One line of the story."""
    more = "".join(f" {line}." for line in moment.lines)
    return f"{moment.at.astimezone(tz):%a %d %b %H:%M:%S}  {moment.title}.{more}"


COMMANDS = (alert,)
