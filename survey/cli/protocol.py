"""Protocols at the command line: which versions there are, one in words, what two differ in, and their lives."""

from datetime import datetime
from itertools import groupby
from pathlib import Path
from uuid import UUID

import click

from survey import clock
from survey.cli import place
from survey.domain.accounts import Actor, ActorKind
from survey.domain.errors import NotFound, Refused
from survey.domain.proofs import Checked, short
from survey.domain.versions import Version

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def protocol() -> None:
    """Protocol packs: the questions, rules, advice and translations that belong together."""


@protocol.command("verify")
@click.argument("pack", type=FILE)
@click.option("--seconds", type=click.FloatRange(min=1), default=120.0, show_default=True, help="Refuse after so long.")
def protocol_verify(pack: Path, seconds: float) -> None:
    """Prove PACK (YAML) over every answer set, or show the smallest case that speaks against it.

    Needs no database. Exits with 1 when the pack is refused.
    """
    from survey.domain.proof_words import CLAIMS, objection_in_words
    from survey.interop import protocol_yaml
    from survey.messaging import wordings
    from survey.proof import verify

    read = protocol_yaml.load(pack)
    proof = verify(read, wordings=wordings.at_longest(read.languages), seconds=seconds)
    click.echo(f"{read.slug} version {read.version}, {', '.join(touch.key for touch in read.touches)}")
    for tier, count in proof.tiers.items():
        click.echo(f"  {tier:10} {count:>30,} answer sets")
    for checked in proof.checks:
        click.echo(f"  {checked.check:10} {CLAIMS[checked.check]:40} {_said_of(checked)} {checked.seconds:6.2f} s")
        for objection in checked.objections:
            says, *case = objection_in_words(read, objection)
            click.echo("\n        ".join((f"      {says}", *case)))
    if not proof.holds:
        failed = ", ".join(checked.check for checked in proof.checks if checked.objections)
        raise Refused(f"refused: {failed}; {proof.answer_sets:,} answer sets, {proof.seconds:.1f} s")
    click.echo(f"  certificate {proof.certificate}")
    click.echo(f"proved: {proof.answer_sets:,} answer sets, {len(proof.checks)} checks, {proof.seconds:.1f} s")


def _said_of(checked: Checked) -> str:
    return "FAILS" if checked.objections else "holds"


@protocol.command("schema")
def protocol_schema() -> None:
    """The JSON Schema of a pack, for the completion of an editor."""
    from survey.interop.protocol_schema import as_text

    click.echo(as_text(), nl=False)


@protocol.command("publish")
@click.argument("pack", type=FILE, required=False)
@click.option("--author", required=True, metavar="EMAIL", help="Whoever wrote it: an account in use.")
@click.option("--approver", required=True, metavar="EMAIL", help="A manager's account, and not the author's.")
def protocol_publish(pack: Path | None, author: str, approver: str) -> None:
    """Prove and publish PACK (YAML), or every pack under config/protocols that is not published yet.

    Two people answer for a version: the author, and a manager who has read and approves it. The version before it is
    retired: surveys that began on it end on it, and those that were not sent yet move to the new one.
    """
    place.connect()
    from survey.interop import pack_files
    from survey.services import versions

    writes, approves = _account(author, "author"), _account(approver, "approver")
    for path in [pack] if pack else pack_files.every(pack_files.FOLDER):
        published = versions.publish_file(
            place.read(path), name=str(path), author=writes, approver=approves, now=clock.now()
        )
        click.echo(f"{published.slug} version {published.version}: {published.state}.")


@protocol.command("retire")
@click.argument("slug", metavar="PROTOCOL")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--by", required=True, metavar="EMAIL", help="A manager's account.")
def protocol_retire(slug: str, version: int, by: str) -> None:
    """Take VERSION of PROTOCOL out of force, with nothing in its place. This cannot be undone.

    Nobody can be enrolled with the protocol until another version is published. Surveys that began go on.
    """
    place.connect()
    from survey.services import protocols, versions

    retired = versions.retire(protocols.numbered(slug, version).id, by=_account(by, "by"), now=clock.now())
    click.echo(f"{retired.slug} version {retired.version}: {retired.state}.")


@protocol.command("discard")
@click.argument("slug", metavar="PROTOCOL")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--by", required=True, metavar="EMAIL", help="Its author's account.")
def protocol_discard(slug: str, version: int, by: str) -> None:
    """Throw VERSION of PROTOCOL away, which was never published, with what was tried with it."""
    place.connect()
    from survey.services import protocols, versions

    versions.discard(protocols.numbered(slug, version).id, by=_account(by, "by"), now=clock.now())
    click.echo(f"{slug} version {version}: discarded.")


@protocol.command("list")
def protocol_list() -> None:
    """Every version: state, who wrote and who approved it, when, and the first signs of its certificate."""
    place.connect()
    from survey.services import accounts, protocols

    people = {user.id: user.email for user in accounts.users()}
    found = protocols.every()
    if not found:
        click.echo("There is no protocol yet. Publish one with `daytwo protocol publish`.")
    for slug, group in groupby(found, key=lambda one: one.slug):
        click.echo(slug)
        for one in group:
            author = people[one.author] if one.author else "not known"
            click.echo(f"  v{one.version:<4} {one.state:10} {_dates(one)}")
            click.echo(f"        {_proof(one)}; by {author}{_approved(one, people)}")


@protocol.command("show")
@click.argument("slug", metavar="PROTOCOL")
@click.argument("version", type=click.IntRange(min=1), required=False)
def protocol_show(slug: str, version: int | None) -> None:
    """PROTOCOL in words: questions, rules as sentences, promises, schedule. Without VERSION, the published one."""
    place.connect()
    from survey.domain import protocol_words
    from survey.services import protocols

    one = protocols.numbered(slug, version or _published(slug))
    for line in protocol_words.in_words(protocols.pack(one.id)):
        if line.depth == 0:
            click.echo()
        click.secho("  " * line.depth + line.text, bold=line.depth == 0)


@protocol.command("diff")
@click.argument("slug", metavar="PROTOCOL")
@click.argument("before", type=click.IntRange(min=1), metavar="VERSION")
@click.argument("after", type=click.IntRange(min=1), metavar="VERSION")
def protocol_diff(slug: str, before: int, after: int) -> None:
    """What the second VERSION of PROTOCOL has other than the first, in words."""
    place.connect()
    from survey.domain.protocol_diff import changes
    from survey.services import protocols

    old, new = (protocols.pack(protocols.numbered(slug, number).id) for number in (before, after))
    found = changes(old, new)
    if not found:
        click.echo(f"Versions {before} and {after} of {slug} say the same.")
    for section, group in groupby(found, key=lambda change: change.section):
        click.secho(f"\n{section.value}", bold=True)
        for change in group:
            language = f", {change.language}" if change.language else ""
            click.echo(f"  {change.name} ({change.what}{language}): {change.kind}")
            _said("-", change.before, "red")
            _said("+", change.after, "green")


def _said(sign: str, text: str | None, colour: str) -> None:
    for line in (text or "").splitlines():
        click.secho(f"    {sign} {line}", fg=colour)


def _account(email: str, option: str) -> Actor:
    """Whose account that is. Raises Refused when nobody has it."""
    from survey.services import accounts

    found = next((user for user in accounts.users() if user.email == email.strip().lower()), None)
    if found is None:
        raise Refused(f"Nobody has the account {email} (--{option}). `daytwo user create` makes one.", field=option)
    return Actor(kind=ActorKind.USER, id=found.id, role=found.role)


def _published(slug: str) -> int:
    """Number of the version in force. Raises NotFound."""
    from survey.services import protocols

    found = protocols.published()
    for one in found:
        if one.slug == slug:
            return one.version
    names = ", ".join(one.slug for one in found) or "none; `daytwo protocol publish` publishes one"
    raise NotFound(f"No protocol “{slug}” is published. Published: {names}. A draft is shown with its version number.")


def _dates(one: Version) -> str:
    told = [("made", one.made_at), ("published", one.published_at), ("retired", one.retired_at)]
    if one.shadow_until is not None and one.published_at is None:
        told.append(("in shadow until", one.shadow_until))
    return ", ".join(f"{what} {_date(at)}" for what, at in told if at is not None)


def _date(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _proof(one: Version) -> str:
    if one.certificate is not None:
        return f"certificate {short(one.certificate)}"
    return "the proof fails" if one.objections else "not proved"


def _approved(one: Version, people: dict[UUID, str]) -> str:
    return f", approved by {people[one.published_by]}" if one.published_by else ""


COMMANDS = (protocol,)
