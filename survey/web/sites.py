"""The settings page: what the clinic sets of its sites, and each text as it then reads. No template is edited here."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused, Stale
from survey.domain.messages import Kind
from survey.domain.sites import Site
from survey.services import sites
from survey.web import clinic, guard
from survey.web.forms import put_beside
from survey.web.forms import sites as forms
from survey.web.forms.sites import SiteForm

blueprint = Blueprint("sites", __name__, url_prefix="/settings")

KINDS = {
    Kind.INVITATION: "The check-in",
    Kind.REMINDER: "Reminder",
    Kind.CONFIRM: "At the desk",
    Kind.FRESH_LINK: "Fresh link",
    Kind.CALLED: "We called",
    Kind.STOPPED: "After STOP",
    Kind.STARTED: "After START",
    Kind.HELP: "After HELP",
    Kind.WRONG_NUMBER: "After WRONG",
    Kind.CALL_BACK: "After CALL",
    Kind.NOT_WATCHED: "After any other reply",
}
"""When a patient gets each kind of text."""


@blueprint.get("")
@guard.requires(Permission.SITE_WRITE)
def index() -> ResponseReturnValue:
    """The sites, and whether each one's texts are in order."""
    found = [(site, _faults(site)) for site in sites.every()]
    return render_template("pages/sites/index.html", found=found, days=forms.days)


@blueprint.get("/<uuid:site_id>")
@guard.requires(Permission.SITE_WRITE)
def edit(site_id: UUID) -> ResponseReturnValue:
    """One site's form, and its texts."""
    site = sites.get(site_id)
    return _page(site, site, forms.filled(site), 200)


@blueprint.post("/<uuid:site_id>")
@guard.requires(Permission.SITE_WRITE)
def save(site_id: UUID) -> ResponseReturnValue:
    """Keep what was entered, or only show the texts with it (`look`)."""
    old, form = sites.get(site_id), SiteForm()
    new = _read(form, old) if form.is_valid() else None
    if new is None:
        return _page(old, old, form, 422)
    if "look" in request.form:
        return _page(old, new, form, 200)
    try:
        sites.change(new, seen=form.seen.data or "", by=guard.actor(), now=clock.now())
    except (Refused, Stale) as refused:
        put_beside(form, refused if isinstance(refused, Refused) else Refused(refused.message))
        return _page(old, new, form, 422)
    clinic.forget()
    flash(f"The settings of {new.name} are saved. Every page and text follows them within a minute.")
    return redirect(url_for("sites.index"), code=303)


def _read(form: SiteForm, old: Site) -> Site | None:
    """The site as entered; None when its phone is no number, which then stands beside the field."""
    try:
        return sites.with_phone(forms.changed(form, old), typed=form.phone.data, home=old.phone)
    except Refused as refused:
        put_beside(form, Refused(refused.message, field="phone"))
        return None


def _faults(site: Site) -> int:
    return sum(1 for text in sites.real_texts(site) if text.faults)


def _page(site: Site, shown: Site, form: SiteForm, status: int) -> ResponseReturnValue:
    texts = [text for text in sites.real_texts(shown) if text.channel == "sms" and text.kind in KINDS]
    return render_template("pages/sites/edit.html", site=site, form=form, texts=texts, kinds=KINDS), status
