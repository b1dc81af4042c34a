"""Pages of one patient's follow-up: enrol, the whole story, the survey by phone, closing and cancelling."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.confirmations import SENTENCES
from survey.domain.errors import Refused
from survey.domain.patients import NotEnrollable
from survey.domain.protocol import Protocol
from survey.domain.stops import REASON_WORDS
from survey.domain.stories import SCOPES, SOURCES
from survey.services import access, enrolments, patients, protocols, stops, stories
from survey.services.patients import Enrolled
from survey.web import clinic, frame, guard
from survey.web.forms import patients as forms
from survey.web.forms import put_beside
from survey.web.forms.patients import EnrolForm, StopForm

blueprint = Blueprint("patients", __name__)


@blueprint.get("/procedures/<uuid:procedure_id>")
@guard.requires(Permission.PATIENT_READ)
def show(procedure_id: UUID) -> ResponseReturnValue:
    """Everything about one procedure's follow-up, in order."""
    access.note_read("procedure.read", procedure_id, by=guard.actor(), now=clock.now())
    return _story(procedure_id, StopForm(), 200)


@blueprint.get("/enrol")
@guard.requires(Permission.PATIENT_WRITE)
def enrol() -> ResponseReturnValue:
    """The empty form, for the protocol that the address names or the one used last."""
    pack, sites, now = _pack(), clinic.known_sites(clock.now()), clock.now()
    if pack is None or not sites:
        return render_template("pages/patients/not_ready.html"), 503
    form = forms.enrol_form(pack, sites, today=sites[0].local(now).date())
    return _enrol_page(form, pack, 200)


@blueprint.post("/enrol")
@guard.requires(Permission.PATIENT_WRITE)
def add() -> ResponseReturnValue:
    """Enrol, and say who will be asked when."""
    pack = _pack()
    if pack is None:
        return render_template("pages/patients/not_ready.html"), 503
    form = forms.enrol_form(pack, clinic.known_sites(clock.now()))
    made = _enrol(form, pack) if form.is_valid() else None
    if made is None:
        return _enrol_page(form, pack, 422)
    flash(_told(form, made))
    page = "patients.show" if made.unconfirmed else "confirmations.show"
    return redirect(url_for(page, procedure_id=made.procedure_id), code=303)


@blueprint.get("/procedures/<uuid:procedure_id>/cancel")
@guard.requires(Permission.PATIENT_WRITE)
def ask_to_cancel(procedure_id: UUID) -> ResponseReturnValue:
    """Sure? It ends every message about the procedure."""
    return render_template("pages/patients/cancel.html", story=stories.of_procedure(procedure_id, now=clock.now()))


@blueprint.post("/procedures/<uuid:procedure_id>/cancel")
@guard.requires(Permission.PATIENT_WRITE)
def cancel(procedure_id: UUID) -> ResponseReturnValue:
    """The procedure did not take place, or all contact has to stop."""
    patients.cancel(procedure_id, by=guard.actor(), now=clock.now())
    flash("The procedure is cancelled. Nothing more is sent about it.")
    return redirect(url_for("patients.show", procedure_id=procedure_id), code=303)


@blueprint.post("/procedures/<uuid:procedure_id>/check-ins/<uuid:invitation_id>/stop")
@guard.requires(Permission.PATIENT_WRITE)
def stop(procedure_id: UUID, invitation_id: UUID) -> ResponseReturnValue:
    """Close one check-in with a reason."""
    form = StopForm()
    if not form.is_valid():
        return _story(procedure_id, form, 422)
    try:
        patients.stop(invitation_id, reason=form.reason.data, by=guard.actor(), now=clock.now())
    except Refused as refused:
        put_beside(form, refused)
        return _story(procedure_id, form, 422)
    flash("The check-in is closed.")
    return redirect(url_for("patients.show", procedure_id=procedure_id), code=303)


def _story(procedure_id: UUID, form: StopForm, status: int) -> ResponseReturnValue:
    now = clock.now()
    story = stories.of_procedure(procedure_id, now=now)
    return render_template(
        "pages/patients/show.html",
        story=story,
        subject=story.subject,
        form=form,
        stop=stops.standing(story.subject.patient.id),
        reasons=REASON_WORDS,
        sources=SOURCES,
        scopes=SCOPES,
        now=now,
    ), status


def _pack() -> Protocol | None:
    """The protocol that the address asks for, else the one that this person works with."""
    packs = _packs()
    asked = request.args.get("protocol")
    return next((pack for pack in packs if pack.slug == asked), packs[0] if packs else None)


def _packs() -> tuple[Protocol, ...]:
    return protocols.offered(to=guard.actor(), now=clock.now())


def _enrol(form: EnrolForm, pack: Protocol) -> Enrolled | None:
    """Enrol; None when it was refused, the reasons then beside the fields."""
    try:
        given, site_id, now = forms.enrolment(form), forms.site_of(form), clock.now()
        cautions = enrolments.cautions(given, site_id=site_id, protocol=pack.slug, now=now)
        if forms.show_cautions(form, cautions):
            return None
        by = guard.actor()
        return patients.enrol(given, site_id=site_id, protocol=pack.slug, by=by, now=now, confirm=True)
    except NotEnrollable as faults:
        forms.show_faults(form, faults)
    except Refused as refused:
        put_beside(form, refused)
    return None


def _told(form: EnrolForm, made: Enrolled) -> str:
    """The sentence after enrolling: who is asked when, or why a person has to call."""
    name = f"{form.given_name.data} {form.family_name.data}"
    if made.plan.blocked or made.plan.channel is None:
        return f"{name} is enrolled and is on the call list: {made.plan.blocked}."
    site = clinic.site(forms.site_of(form), clock.now())
    how = "texted" if made.plan.channel == "sms" else "mailed"
    notes = "".join(f" {note}" for note in (*made.plan.notes, *_unconfirmed(made)))
    return f"{name} is enrolled and will be {how} on {frame.moment(made.plan.due_at, site.tz)}.{notes}"


def _unconfirmed(made: Enrolled) -> tuple[str, ...]:
    """Why no text confirms the number, where the desk can do something with it."""
    return (SENTENCES[made.unconfirmed],) if made.unconfirmed in SENTENCES else ()


def _enrol_page(form: EnrolForm, pack: Protocol, status: int) -> ResponseReturnValue:
    flags = [field for field in form if field.name.startswith(forms.FLAG)]
    return render_template(
        "pages/patients/enrol.html",
        form=form,
        flags=flags,
        pack=pack,
        packs=_packs(),
        say={code: forms.consent_sentence(code) for code in pack.languages},
    ), status
