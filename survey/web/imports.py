"""Importing procedures from a file: upload, look at what each row would do, then confirm or discard."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.domain.protocol import in_language
from survey.services import imports, protocols
from survey.services.imports import Preview
from survey.web import clinic, guard
from survey.web.forms import put_beside
from survey.web.forms.imports import ImportForm

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

LOOK_EVERY_S = "3"
"""So often the page of a running import loads itself again, unless its reader has asked it to be still."""


@blueprint.get("/new")
@guard.requires(Permission.PATIENT_WRITE)
def new() -> ResponseReturnValue:
    """The upload form."""
    return _upload_page(_form(), 200)


@blueprint.post("")
@guard.requires(Permission.PATIENT_WRITE)
def upload() -> ResponseReturnValue:
    """Read the file and go on to its preview; nobody is enrolled by this."""
    form = _form()
    preview = _read(form) if form.is_valid() else None
    if preview is None:
        return _upload_page(form, 422)
    return redirect(url_for("imports.show", import_id=preview.id), code=303)


@blueprint.get("/<uuid:import_id>")
@guard.requires(Permission.PATIENT_WRITE)
def show(import_id: UUID) -> ResponseReturnValue:
    """What each row would do, or did; how far it has come while a worker imports the file."""
    running = imports.progress(import_id)
    if running is not None:
        headers = {} if "still" in request.args else {"Refresh": LOOK_EVERY_S}
        return render_template("pages/imports/running.html", import_id=import_id, running=running), headers
    preview = imports.get(import_id)
    site = clinic.site(preview.site_id, clock.now())
    return render_template("pages/imports/show.html", preview=preview, site=site)


@blueprint.post("/<uuid:import_id>/confirm")
@guard.requires(Permission.PATIENT_WRITE)
def confirm(import_id: UUID) -> ResponseReturnValue:
    """Enrol the good rows, or leave a large file to a worker; doing it again adds nothing."""
    result = imports.begin(import_id, by=guard.actor(), now=clock.now())
    if result is not None:
        flash(f"{result.added} enrolled, {result.known} known before, {result.refused} refused.")
    return redirect(url_for("imports.show", import_id=import_id), code=303)


@blueprint.post("/<uuid:import_id>/discard")
@guard.requires(Permission.PATIENT_WRITE)
def discard(import_id: UUID) -> ResponseReturnValue:
    """Forget the file."""
    imports.discard(import_id, by=guard.actor(), now=clock.now())
    flash("The file is forgotten. Nobody was enrolled.")
    return redirect(url_for("imports.new"), code=303)


def _form() -> ImportForm:
    form = ImportForm()
    form.site.choices = {str(site.id): site.name for site in clinic.known_sites(clock.now())}
    packs = protocols.offered(to=guard.actor(), now=clock.now())
    form.protocol.choices = {pack.slug: in_language(pack.title, "en") for pack in packs}
    return form


def _read(form: ImportForm) -> Preview | None:
    """The preview; None when the file was refused, the reason then beside its field."""
    try:
        return imports.preview(
            form.content(), site_id=form.site_id(), protocol=form.protocol.data, by=guard.actor(), now=clock.now()
        )
    except Refused as refused:
        put_beside(form, Refused(refused.message, field="file"))
        return None


def _upload_page(form: ImportForm, status: int) -> ResponseReturnValue:
    return render_template("pages/imports/new.html", form=form), status
