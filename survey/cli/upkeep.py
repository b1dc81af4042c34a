"""Looking after a running system: the schema, and every check of health and invariants in words."""

import sys
from datetime import datetime

import click
import sqlalchemy as sa

from survey import clock
from survey.cli import place
from survey.store import revision, session


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema, as the owner, and grant the application its rights."""
    from survey.store import migrate as migrations

    settings = place.settings()
    session.configure(settings.migration_url)
    session.wait_until_reachable()
    application = sa.make_url(settings.database_url.get_secret_value()).username
    owner = sa.make_url(settings.migration_url).username
    migrations.upgrade(settings.migration_url, app_role=application if application != owner else None)
    click.echo(f"The database stands at schema {revision.newest()}.")


@click.command()
@click.option("--quiet", "-q", is_flag=True, help="Only what is wrong.")
@click.option("--verbose", "-v", is_flag=True, help="Read every survey ever made, and name those counted nowhere.")
def doctor(quiet: bool, verbose: bool) -> None:
    """Check everything: settings, database, Redis, workers, providers, on-call cover, and the invariants.

    Exit code 0 when all is well, 1 when a check failed. A warning does not fail.
    """
    place.connect(patience_s=5)
    from survey.services import health

    now = clock.now()
    found = health.examine(now)
    for check in found:
        if not (quiet and check.state is health.State.WELL):
            click.secho(f"{check.state.value:7} {check.name}: {check.sentence}", fg=COLOURS[check.state.value])
    if not quiet:
        _law(now)
    lost = _strays(now) if verbose else 0
    sys.exit(1 if lost or any(check.state is health.State.BROKEN for check in found) else 0)


def _law(now: datetime) -> None:
    """Each site's numbers of the last ninety days: whoever was enrolled stands in one of four classes."""
    from survey.services import conservation

    for site, balance in conservation.balances(now=now):
        colour = COLOURS["broken" if balance.astray else "well"]
        click.secho(f"{site.name}, {conservation.TOLD_DAYS} days: {balance.sentence}", fg=colour)


def _strays(now: datetime) -> int:
    """Print whoever is counted nowhere, by ids alone; how many."""
    from survey.services import conservation

    strays = conservation.every_stray(now=now)
    for one in strays:
        about = f"check-in {one.invitation_id}, {one.state}" if one.invitation_id else "without a check-in"
        click.secho(f"counted nowhere: procedure {one.procedure_id}, {about}, due {one.day}", fg=COLOURS["broken"])
    click.echo(f"{len(strays)} counted nowhere, of all that was ever enrolled.")
    return len(strays)


COLOURS = {"well": "green", "warning": "yellow", "broken": "red"}

COMMANDS = (migrate, doctor)
