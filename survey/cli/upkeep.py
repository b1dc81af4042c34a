"""Looking after a running system: the schema, and every check of health and invariants in words."""

import sys

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
def doctor(quiet: bool) -> None:
    """Check everything: settings, database, Redis, workers, providers, on-call cover, and the invariants.

    Exit code 0 when all is well, 1 when a check failed. A warning does not fail.
    """
    place.connect(patience_s=5)
    from survey.services import health

    found = health.examine(clock.now())
    for check in found:
        if not (quiet and check.state is health.State.WELL):
            click.secho(f"{check.state.value:7} {check.name}: {check.sentence}", fg=COLOURS[check.state.value])
    sys.exit(1 if any(check.state is health.State.BROKEN for check in found) else 0)


COLOURS = {"well": "green", "warning": "yellow", "broken": "red"}

COMMANDS = (migrate, doctor)
