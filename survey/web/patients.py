"""Pages of one patient's follow-up: enrol, the whole story, the survey by phone, closing and cancelling."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.domain.patients import NotEnrollable
from survey.domain.protocol import Protocol
from survey.domain.responses import AnsweredBy, read_sheet
from survey.domain.stories import CONTACT_WORDS
from survey.services import access, patients, protocols, sheets, stories
from survey.services.patients import Enrolled
from survey.services.sheets import PhoneSheet
from survey.web import clinic, frame, guard
from survey.web.forms import patients as forms
from survey.web.forms import phone, put_beside
from survey.web.forms.patients import CallForm, EnrolForm, StopForm

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
    return redirect(url_for("patients.show", procedure_id=made.procedure_id), code=303)


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


@blueprint.post("/procedures/<uuid:procedure_id>/calls")
@guard.requires(Permission.PATIENT_WRITE)
def note_call(procedure_id: UUID) -> ResponseReturnValue:
    """One tap: somebody called, and this came of it."""
    form = CallForm()
    if form.is_valid():
        stories.note_call(procedure_id, result=form.result.data, by=guard.actor(), now=clock.now())
        flash("The call is noted.")
    return redirect(url_for("patients.show", procedure_id=procedure_id), code=303)


@blueprint.get("/check-ins/<uuid:invitation_id>/phone")
@guard.requires(Permission.PATIENT_WRITE)
def phone_form(invitation_id: UUID) -> ResponseReturnValue:
    """The patient's questions on one page, to be asked on the phone."""
    sheet = sheets.sheet(invitation_id)
    return _phone_page(sheet, phone.new(sheet), 200)


@blueprint.post("/check-ins/<uuid:invitation_id>/phone")
@guard.requires(Permission.PATIENT_WRITE)
def enter_by_phone(invitation_id: UUID) -> ResponseReturnValue:
    """Save what was asked; it is scored at once like the patient's own answers."""
    sheet = sheets.sheet(invitation_id)
    read = read_sheet(sheet.protocol, sheet.context, request.form.to_dict(flat=False))
    wrong = phone.problems(sheet, read, open_too="leave_open" not in request.form)
    if wrong:
        return _phone_page(sheet, phone.again(sheet, request.form, wrong), 422)
    helped = AnsweredBy.HELPER if request.form.get("answered_by") == AnsweredBy.HELPER else AnsweredBy.SELF
    tier = sheets.enter_by_phone(invitation_id, read.answers, answered_by=helped, by=guard.actor(), now=clock.now())
    flash(f"Saved. The answers score {tier}." + (" The clinician on call is being paged." if tier.pages else ""))
    return redirect(url_for("patients.show", procedure_id=stories.procedure_of(invitation_id)), code=303)


def _story(procedure_id: UUID, form: StopForm, status: int) -> ResponseReturnValue:
    now = clock.now()
    story = stories.of_procedure(procedure_id, now=now)
    return render_template(
        "pages/patients/show.html", story=story, subject=story.subject, form=form, calls=CONTACT_WORDS, now=now
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
        return patients.enrol(
            forms.enrolment(form), site_id=forms.site_of(form), protocol=pack.slug, by=guard.actor(), now=clock.now()
        )
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
    notes = "".join(f" {note}" for note in made.plan.notes)
    return f"{name} is enrolled and will be {how} on {frame.moment(made.plan.due_at, site.tz)}.{notes}"


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


def _phone_page(sheet: PhoneSheet, questions: tuple[phone.Question, ...], status: int) -> ResponseReturnValue:
    return render_template(
        "pages/patients/phone.html",
        sheet=sheet,
        questions=questions,
        wrong=[(one.control, f"{one.item.label['en']}: {one.problem}") for one in questions if one.problem],
        procedure_id=stories.procedure_of(sheet.invitation_id),
    ), status
