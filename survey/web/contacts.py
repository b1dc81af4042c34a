"""The page on which a number, an address or a consent is put right after the enrolment."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.services import access, contacts
from survey.services.contacts import Mended, Reach
from survey.web import frame, guard
from survey.web.forms import contacts as forms
from survey.web.forms import put_beside
from survey.web.forms.contacts import ContactForm

blueprint = Blueprint("contacts", __name__)


@blueprint.get("/procedures/<uuid:procedure_id>/contact")
@guard.requires(Permission.PATIENT_WRITE)
def edit(procedure_id: UUID) -> ResponseReturnValue:
    """How the patient can be reached, and the form to put it right."""
    access.note_read("contact.read", procedure_id, by=guard.actor(), now=clock.now())
    return _page(contacts.look(procedure_id), ContactForm(), 200)


@blueprint.post("/procedures/<uuid:procedure_id>/contact")
@guard.requires(Permission.PATIENT_WRITE)
def correct(procedure_id: UUID) -> ResponseReturnValue:
    """Record it, and say what goes out now."""
    form = ContactForm()
    if form.is_valid():
        try:
            made = contacts.correct(procedure_id, forms.correction(form), by=guard.actor(), now=clock.now())
        except Refused as refused:
            put_beside(form, refused)
        else:
            flash(_told(contacts.look(procedure_id), made))
            return redirect(url_for("patients.show", procedure_id=procedure_id), code=303)
    return _page(contacts.look(procedure_id), form, 422)


def _told(reach: Reach, made: Mended) -> str:
    if made.blocked:
        return f"Saved. Nothing can be sent yet: {made.blocked}. Somebody has to call."
    if made.send_at is None:
        return "Saved. Nothing waits to be sent."
    how = "text" if made.channel == "sms" else "email"
    return f"Saved. The check-in goes out by {how} on {frame.moment(made.send_at, reach.site.tz)}."


def _page(reach: Reach, form: ContactForm, status: int) -> ResponseReturnValue:
    say = forms.consent_sentence(reach.patient.language)
    return render_template("pages/contacts/edit.html", reach=reach, form=form, say=say), status
