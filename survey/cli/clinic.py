"""Setting a clinic up: sites, people, enrolment."""

from pathlib import Path
from uuid import uuid4
from zoneinfo import available_timezones

import click

from survey import clock
from survey.cli import place
from survey.domain.accounts import Role
from survey.domain.errors import Refused
from survey.domain.sites import Site

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def site() -> None:
    """The clinic's sites."""


@site.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As patients know it.")
@click.option("--sms-name", help="As texts are signed: neutral, at most 24 characters. Default: the name.")
@click.option("--zone", required=True, help="IANA time zone, e.g. America/New_York.")
@click.option("--phone", required=True, help="The number patients call.")
@click.option("--emergency", default="911", show_default=True, help="The emergency number.")
def site_add(slug: str, name: str, sms_name: str | None, zone: str, phone: str, emergency: str) -> None:
    """Add a site. Hours start as Monday to Friday, 08:00 to 18:00."""
    place.connect()
    from survey.interop import phones
    from survey.services import sites

    if zone not in available_timezones():
        raise Refused(f"“{zone}” is no time zone. Use an IANA name such as America/New_York.", field="zone")
    sites.add(
        new_site(
            slug, name=name, sms_name=sms_name or name, zone=zone, phone=phones.read(phone).e164, emergency=emergency
        ),
        by=place.OPERATOR,
        now=clock.now(),
    )
    click.echo(f"Site {slug} added.")


def new_site(slug: str, *, name: str, sms_name: str, zone: str, phone: str, emergency: str) -> Site:
    """A site with the usual hours."""
    from datetime import time

    return Site(
        id=uuid4(),
        slug=slug,
        name=name,
        sms_name=sms_name,
        zone=zone,
        phone=phone,
        emergency_number=emergency,
        opens=time(8),
        closes=time(18),
        workdays=(1, 2, 3, 4, 5),
    )


@click.group()
def user() -> None:
    """The people who sign in."""


@user.command("create")
@click.argument("email")
@click.option("--name", required=True, help="As colleagues know them.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What they may do.")
@click.option("--pager", help="Mobile number for pages (clinicians, managers). Its owner signs in and types a code in.")
@click.option("--vouched", is_flag=True, help="You have tried the pager's number: it is paged at once, without a code.")
@click.password_option(envvar="DAYTWO_PASSWORD", help="At least 15 characters; asked for when left out.")
def user_create(email: str, name: str, role: str, pager: str | None, vouched: bool, password: str) -> None:
    """Create an account."""
    if vouched and not pager:
        raise click.UsageError("--vouched goes with --pager: it is about that number.")
    place.connect()
    from survey.services import accounts

    accounts.create_user(
        email, name, Role(role), password, by=place.OPERATOR, now=clock.now(), pager=pager, vouched=vouched
    )
    click.echo(f"{role.capitalize()} {email} created.")
    if pager and not vouched:
        click.echo("No page goes to the number until its owner has signed in, had a code sent and typed it in.")


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--site", "slug", help="Short name of the site. Default: the only one.")
@click.option("--protocol", "protocol_slug", help="Protocol. Default: the only one.")
@click.option("--yes", is_flag=True, help="Import without asking.")
def import_(file: Path, slug: str | None, protocol_slug: str | None, yes: bool) -> None:
    """Import procedures from a CSV file: shows who will be texted when, and what is wrong, before it adds anything."""
    place.connect()
    from survey.cli import listing
    from survey.services import imports

    now = clock.now()
    target = listing.chosen_site(slug)
    with file.open("rb") as opened:
        content = opened.read(imports.MAX_BYTES + 1)  # enough to see that a file is too large
    preview = imports.preview(
        content,
        site_id=target.id,
        protocol=listing.chosen_protocol(protocol_slug),
        by=place.OPERATOR,
        now=now,
    )
    listing.show_preview(preview, target)
    if not yes and not click.confirm("Import the good rows?"):
        imports.discard(preview.id, by=place.OPERATOR, now=now)
        return
    listing.show_result(imports.confirm(preview.id, by=place.OPERATOR, now=clock.now()))


@click.command()
@click.option("--given-name", required=True)
@click.option("--family-name", required=True)
@click.option("--born", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--mobile", help="Where the link goes. With --consent only.")
@click.option("--email", help="Where the link goes when there is no mobile.")
@click.option("--consent", is_flag=True, help="The patient agreed to be texted or mailed.")
@click.option("--language", default="en", show_default=True)
@click.option("--performed", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of the procedure.")
@click.option("--body-site", "body_sites", multiple=True, help="As the protocol names it; may be repeated.")
@click.option("--site", "slug", help="Short name of the site. Default: the only one.")
@click.option("--protocol", "protocol_slug", help="Protocol. Default: the only one.")
def enrol(slug: str | None, protocol_slug: str | None, **given: object) -> None:
    """Enrol one patient and one procedure. Context flags that are not given count as unknown, hence as present."""
    place.connect()
    from survey.cli import listing
    from survey.services import patients

    target = listing.chosen_site(slug)
    enrolled = patients.enrol(
        listing.enrolment(given),
        site_id=target.id,
        protocol=listing.chosen_protocol(protocol_slug),
        by=place.OPERATOR,
        now=clock.now(),
    )
    click.echo(listing.plan_sentence(enrolled.plan, target))


COMMANDS = (site, user, import_, enrol)
