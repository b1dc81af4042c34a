"""What the enrolling commands share: which site and protocol are meant, and how a plan reads in a terminal."""

from collections.abc import Mapping
from datetime import date, datetime

import click

from survey.domain.errors import Refused
from survey.domain.invitations import Plan
from survey.domain.patients import ConsentHow, ContactKind, Enrolment
from survey.domain.sites import Site
from survey.services import protocols, sites
from survey.services.imports import Preview, PreviewRow
from survey.services.intake import Result
from survey.store.imports import RowState

WORDS = {ContactKind.SMS: "text", ContactKind.EMAIL: "email"}
COLOURS = {RowState.READY: "green", RowState.BLOCKED: "yellow", RowState.KNOWN: "white", RowState.BAD: "red"}


def chosen_site(slug: str | None) -> Site:
    """The site of that short name; without one, the only site. Raises Refused."""
    every = sites.every()
    found = [site for site in every if slug in (None, site.slug)]
    if len(found) == 1:
        return found[0]
    if not every:
        raise Refused("There is no site yet. Add one with `daytwo site add`.", field="site")
    names = ", ".join(site.slug for site in every)
    asked = f"There is no site “{slug}”." if slug else "There are several sites."
    raise Refused(f"{asked} Choose with --site: {names}.", field="site")


def chosen_protocol(slug: str | None) -> str:
    """The protocol of that name; without one, the only protocol. Raises Refused."""
    known = sorted(protocols.titles(protocols.published()))
    if slug in known:
        return str(slug)
    if not known:
        raise Refused("No protocol is published. Run `daytwo protocol publish`.", field="protocol")
    if slug is None and len(known) == 1:
        return known[0]
    asked = f"No protocol “{slug}” is published." if slug else "There are several protocols."
    raise Refused(f"{asked} Choose with --protocol: {', '.join(known)}.", field="protocol")


def show_preview(preview: Preview, site: Site) -> None:
    """Print what each row of the file would do."""
    for row in preview.rows:
        click.secho(f"line {row.line:>4}  {row.state.value:8} {_told(row, site)}", fg=COLOURS.get(row.state))
    counts = ", ".join(f"{count} {state.value}" for state, count in preview.counts.items() if count)
    for note in (*preview.notes, *_ignored(preview)):
        click.echo(note)
    click.echo(f"{len(preview.rows)} rows: {counts}.")


def _ignored(preview: Preview) -> tuple[str, ...]:
    return (f"Columns that nobody reads: {', '.join(preview.ignored)}.",) if preview.ignored else ()


def _told(row: PreviewRow, site: Site) -> str:
    troubles = "; ".join(f"{one.column}: {one.reason}" if one.column else one.reason for one in row.problems)
    return troubles or (f"{row.name}: {plan_sentence(row.plan, site)}" if row.plan else row.name)


def show_result(result: Result) -> None:
    """Print what the import did."""
    click.echo(f"{result.added} enrolled, {result.known} known before, {result.refused} refused.")


def enrolment(given: Mapping[str, object]) -> Enrolment:
    """The enrolment of the options of `daytwo enrol`."""
    consent = bool(given["consent"])
    chosen = given["body_sites"]
    return Enrolment(
        given_name=str(given["given_name"]),
        family_name=str(given["family_name"]),
        born_on=_day(given["born"]),
        performed_on=_day(given["performed"]),
        language=str(given["language"]),
        mobile=_text(given["mobile"]),
        email=_text(given["email"]),
        consent=consent,
        consent_how=ConsentHow.SPOKEN if consent else None,
        body_sites=tuple(map(str, chosen)) if isinstance(chosen, tuple | list) else (),
    )


def _day(value: object) -> date:
    return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value))


def _text(value: object) -> str | None:
    return str(value) if value else None


def plan_sentence(plan: Plan, site: Site) -> str:
    """When the patient is asked and how, or why somebody has to call."""
    notes = "".join(f" {note}" for note in plan.notes)
    if plan.blocked or plan.channel is None:
        return f"cannot be asked by text or email: {plan.blocked}. Somebody has to call.{notes}"
    when = f"{site.local(plan.due_at):%A, %B %-d, %H:%M}"
    late = ", later than planned" if plan.late else ""
    return f"{WORDS[plan.channel]} on {when} ({site.zone}){late}.{notes}"
