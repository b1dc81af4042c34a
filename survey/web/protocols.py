"""The protocols to read: which versions there are, one version in words, and what differs between two."""

from collections.abc import Mapping
from itertools import groupby
from zoneinfo import ZoneInfo

from babel import Locale
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from survey import clock
from survey.domain import condition_words, protocol_words
from survey.domain.accounts import Permission
from survey.domain.proof_words import CLAIMS
from survey.domain.protocol import Protocol, Tier
from survey.domain.protocol_diff import changes, pieces
from survey.domain.versions import Version
from survey.services import accounts, protocols
from survey.web import clinic, guard

blueprint = Blueprint("protocols", __name__, url_prefix="/protocols")

MOST_SERIOUS_FIRST = tuple(reversed(Tier))
BLANKS: Mapping[str, Markup] = {
    name: Markup('<var lang="en">{}</var>').format(meaning)
    for name, meaning in {
        "date": "date of the procedure",
        "day": "day of the call",
        "emergency": "emergency number",
        "most": "highest number",
        "number": "number chosen",
        "phone": "clinic’s number",
        "time": "time of the call",
    }.items()
}
"""What stands on this page for a placeholder that is filled when a patient reads the text."""


@blueprint.get("")
@guard.requires(Permission.PROTOCOL_READ)
def index() -> ResponseReturnValue:
    """Each protocol with its versions, newest first."""
    by_slug = {slug: tuple(found) for slug, found in groupby(protocols.every(), key=lambda one: one.slug)}
    people = accounts.names()
    return render_template("pages/protocols/index.html", protocols=by_slug, people=people, zone=zone())


@blueprint.get("/<string:slug>/<int:version>")
@guard.requires(Permission.PROTOCOL_READ)
def show(slug: str, version: int) -> ResponseReturnValue:
    """A version in words: what patients are asked, what each answer leads to, and where that comes from."""
    return page(protocols.numbered(slug, version))


def page(one: Version, *, refused: str | None = None) -> ResponseReturnValue:
    """The page of a version; with `refused`, after something that could not be done with it, and why."""
    pack = protocols.pack(one.id)
    return render_template(
        "pages/protocols/show.html",
        one=one,
        refused=refused,
        pack=pack,
        others=[other for other in protocols.every() if other.slug == one.slug and other.id != one.id],
        people=accounts.names(),
        zone=zone(),
        rules={tier: [rule for rule in pack.rules if rule.tier is tier] for tier in MOST_SERIOUS_FIRST},
        blanks=BLANKS,
        claims=CLAIMS,
        language_name=language_name,
        **_in_words(pack),
    ), 422 if refused else 200


@blueprint.get("/<string:slug>/<int:version>/diff/<int:other>")
@guard.requires(Permission.PROTOCOL_READ)
def diff(slug: str, version: int, other: int) -> ResponseReturnValue:
    """What `version` has other than `other`, whichever of the two is the newer."""
    before, after = protocols.numbered(slug, other), protocols.numbered(slug, version)
    found = changes(protocols.pack(before.id), protocols.pack(after.id))
    return render_template(
        "pages/protocols/diff.html",
        before=before,
        after=after,
        total=len(found),
        sections=[(section, list(group)) for section, group in groupby(found, key=lambda change: change.section)],
        pieces=pieces,
        language_name=language_name,
    )


def language_name(code: str) -> str:
    """`Spanish` for es; the code itself for one that nobody named."""
    return str(Locale("en").languages.get(code.partition("-")[0], code))


def _in_words(pack: Protocol) -> dict[str, object]:
    """What the page asks of the protocol, each as a function or a value ready to be shown."""
    return {
        "tree": lambda condition: condition_words.condition_lines(condition, pack),
        "plain": condition_words.plain,
        "set_name": condition_words.set_name,
        "meanings": lambda condition: protocol_words.meanings(condition, pack),
        "used_by": lambda derived: protocol_words.used_by(derived, pack),
        "answered": protocol_words.answered,
        "promise": lambda hazard: protocol_words.hazard_lines(hazard, pack),
        "exception": lambda each: protocol_words.exception_sentence(each, pack),
        "contact": lambda touch: protocol_words.touch_sentence(touch, pack),
        "settled": protocol_words.settled(pack),
        "notes": protocol_words.notes(pack),
    }


def zone() -> ZoneInfo:
    """The clinic's, for the dates of a version's life."""
    sites = clinic.known_sites(clock.now())
    return sites[0].tz if sites else ZoneInfo("UTC")
