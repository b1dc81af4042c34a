"""Publishing a version: what was tried, the downgrades to sign, and the second person’s word."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.downgrades import LONGEST_REASON
from survey.domain.errors import Refused, Stale
from survey.domain.stories import OUTCOME_WORDS
from survey.domain.versions import Version
from survey.services import access, accounts, downgrades, protocols, publishing, versions
from survey.web import comparisons, guard
from survey.web import protocols as pages
from survey.web.forms import put_beside
from survey.web.forms.publishing import PublishForm, SignForm

blueprint = Blueprint("publishing", __name__, url_prefix="/protocols")

OLD_FORM = "That page was out of date. Here is the list as it stands now."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """A signature that was not taken: for which response, why, and the reason that was typed."""

    response: str = ""
    why: str = ""
    reason: str = ""


@blueprint.get("/<string:slug>/<int:version>/publish")
@guard.requires(Permission.PROTOCOL_WRITE)
def show(slug: str, version: int) -> ResponseReturnValue:
    """Everything to read before a version is published, and what is missing for it."""
    return _page(protocols.numbered(slug, version))


@blueprint.post("/<string:slug>/<int:version>/sign")
@guard.requires(Permission.PROTOCOL_APPROVE)
def sign(slug: str, version: int) -> ResponseReturnValue:
    """Sign one downgrade, with a reason."""
    one, form = protocols.numbered(slug, version), SignForm()
    if not form.is_valid():
        return _page(one, unsigned=Unsigned(why=OLD_FORM, reason=form.reason.data or ""))
    try:
        _sign(one, form)
    except (Refused, Stale) as refused:
        told = Unsigned(response=form.response.data, why=refused.message, reason=form.reason.data or "")
        return _page(one, unsigned=told)
    flash("Signed. Your name and the reason are kept with this version.")
    return redirect(url_for("publishing.show", slug=slug, version=version, _anchor="events"), code=303)


@blueprint.post("/<string:slug>/<int:version>/publish")
@guard.requires(Permission.PROTOCOL_APPROVE)
def publish(slug: str, version: int) -> ResponseReturnValue:
    """Put the version in force."""
    one, form = protocols.numbered(slug, version), PublishForm()
    if not form.is_valid():
        return _page(one, form)
    try:
        versions.publish(one.id, approver=guard.actor(), expected_sha256=form.sha256.data, now=clock.now())
    except Refused as refused:
        put_beside(form, refused)
        return _page(one, form)
    except Stale as stale:
        form.form_errors.append(stale.message)
        return _page(one, form)
    flash(f"{one.name} is in force. Whoever is enrolled from now on is asked with it.")
    return redirect(url_for("protocols.show", slug=slug, version=version), code=303)


def _sign(one: Version, form: SignForm) -> None:
    downgrades.sign(
        one.id,
        form.response_id(),
        terms=form.terms(),
        reason=form.reason.data or "",
        by=guard.actor(),
        now=clock.now(),
    )


def _page(one: Version, form: PublishForm | None = None, *, unsigned: Unsigned | None = None) -> ResponseReturnValue:
    listed = publishing.checklist(one.id, by=guard.actor())
    if listed.downgrades:
        access.note_read("downgrade.read", one.id, by=guard.actor(), now=clock.now())
    return render_template(
        "pages/publishing/show.html",
        one=listed.version,
        listed=listed,
        form=form or PublishForm(data={"sha256": listed.version.sha256}),
        unsigned=unsigned or Unsigned(),
        longest=LONGEST_REASON,
        why=comparisons.rules_known_to(listed.version),
        outcomes=OUTCOME_WORDS,
        people=accounts.names(),
        zone=pages.zone(),
    ), 422 if form or unsigned else 200
