"""Stop all contact with a patient, and contact the patient again."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.domain.stops import Reason
from survey.services import stops, stories
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.calls import StopAllForm

blueprint = Blueprint("stops", __name__)


@blueprint.get("/procedures/<uuid:procedure_id>/stop-all")
@guard.requires(Permission.PATIENT_WRITE)
def ask(procedure_id: UUID) -> ResponseReturnValue:
    """What it ends, and why."""
    return _page(procedure_id, StopAllForm(), 200)


@blueprint.post("/procedures/<uuid:procedure_id>/stop-all")
@guard.requires(Permission.PATIENT_WRITE)
def stop(procedure_id: UUID) -> ResponseReturnValue:
    """Stop all contact with the patient of that procedure, whatever it is about."""
    form = StopAllForm()
    if not form.is_valid():
        return _page(procedure_id, form, 422)
    try:
        closed = _stop(procedure_id, form)
    except Refused as refused:
        put_beside(form, refused)
        return _page(procedure_id, form, 422)
    flash(f"All contact has stopped. {closed} open {'check-in is' if closed == 1 else 'check-ins are'} closed.")
    return redirect(url_for("patients.show", procedure_id=procedure_id), code=303)


@blueprint.post("/procedures/<uuid:procedure_id>/contact-again")
@guard.requires(Permission.PATIENT_WRITE)
def lift(procedure_id: UUID) -> ResponseReturnValue:
    """It was a mistake, or is over."""
    patient_id = stories.patient_of(procedure_id)
    if stops.lift(patient_id, by=guard.actor(), now=clock.now()):
        flash("The patient may be contacted again. Check-ins that were closed stay closed.")
    return redirect(url_for("patients.show", procedure_id=procedure_id), code=303)


def _stop(procedure_id: UUID, form: StopAllForm) -> int:
    patient_id = stories.patient_of(procedure_id)
    return stops.stop(
        patient_id,
        reason=Reason(form.reason.data),
        note=form.note.data,
        everywhere=form.everywhere.data,
        by=guard.actor(),
        now=clock.now(),
    )


def _page(procedure_id: UUID, form: StopAllForm, status: int) -> ResponseReturnValue:
    story = stories.of_procedure(procedure_id, now=clock.now())
    return render_template("pages/patients/stop.html", form=form, story=story, subject=story.subject), status
