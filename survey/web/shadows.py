"""A candidate in shadow: start it, and see what it would have said so far."""

from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.domain.versions import Version
from survey.services import access, protocols, shadows, versions
from survey.web import comparisons, guard
from survey.web import protocols as pages
from survey.web.forms import put_beside
from survey.web.forms.shadows import USUAL_DAYS, ShadowForm

blueprint = Blueprint("shadows", __name__, url_prefix="/protocols")

DAY = timedelta(days=1)


@blueprint.get("/<string:slug>/<int:version>/shadow")
@guard.requires(Permission.PROTOCOL_WRITE)
def show(slug: str, version: int) -> ResponseReturnValue:
    """Where the candidate stands, and what it would have said."""
    return _page(protocols.numbered(slug, version), ShadowForm(data={"days": USUAL_DAYS}), 200)


@blueprint.post("/<string:slug>/<int:version>/shadow")
@guard.requires(Permission.PROTOCOL_WRITE)
def start(slug: str, version: int) -> ResponseReturnValue:
    """Let it score new responses from now on."""
    one, form = protocols.numbered(slug, version), ShadowForm()
    if not form.is_valid():
        return _page(one, form, 422)
    try:
        versions.shadow(one.id, days=form.days.data, by=guard.actor(), now=clock.now())
    except Refused as refused:
        put_beside(form, refused)
        return _page(one, form, 422)
    flash(f"{one.name} scores new responses from now on. Nobody is shown what it says, and nobody is paged by it.")
    return _back(one)


@blueprint.post("/<string:slug>/<int:version>/shadow/end")
@guard.requires(Permission.PROTOCOL_WRITE)
def end(slug: str, version: int) -> ResponseReturnValue:
    """Let it score no more."""
    one = protocols.numbered(slug, version)
    try:
        versions.end_shadow(one.id, by=guard.actor(), now=clock.now())
        flash("The shadow has ended. What it found stays on this page.")
    except Refused as refused:
        flash(refused.message)
    return _back(one)


def _back(one: Version) -> ResponseReturnValue:
    return redirect(url_for("shadows.show", slug=one.slug, version=one.version), code=303)


def _page(one: Version, form: ShadowForm, status: int) -> ResponseReturnValue:
    now, shadow = clock.now(), shadows.comparison(one.id)
    if shadow.moves:
        access.note_read("shadow.read", one.id, by=guard.actor(), now=now)
    return render_template(
        "pages/shadows/show.html",
        one=shadow.version,
        shadow=shadow,
        form=form,
        days=days(shadow.version, now),
        why=comparisons.rules_known_to(shadow.version),
        load=comparisons.pages_a_week(shadow.tally),
        listed=shadows.LISTED,
        zone=pages.zone(),
        now=now,
    ), status


def days(one: Version, now: datetime) -> tuple[int, int] | None:
    """Which day of how many it is, both from 1; None for a version that was never in shadow."""
    if one.in_shadow is None:
        return None
    since, until = one.in_shadow
    total = max(1, round((until - since) / DAY))
    return min(total, (now - since) // DAY + 1), total
