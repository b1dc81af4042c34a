"""The form by phone: what to say, the patient's own questions, and what to tell the patient at the end."""

from dataclasses import replace
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.calls import RESULT_WORDS
from survey.domain.responses import AnsweredBy, read_sheet
from survey.services import sheets
from survey.services.sheets import PhoneSheet
from survey.web import guard
from survey.web.forms import phone as forms

blueprint = Blueprint("phone", __name__)


@blueprint.get("/check-ins/<uuid:invitation_id>/phone")
@guard.requires(Permission.PATIENT_WRITE)
def show(invitation_id: UUID) -> ResponseReturnValue:
    """Call, say this, ask these; in the patient's language, or in the one that the address names."""
    sheet = _sheet(invitation_id)
    return _page(sheet, forms.new(sheet), 200)


@blueprint.post("/check-ins/<uuid:invitation_id>/phone")
@guard.requires(Permission.PATIENT_WRITE)
def save(invitation_id: UUID) -> ResponseReturnValue:
    """Save what was asked; it is scored at once like the patient's own answers."""
    sheet = _sheet(invitation_id)
    read = read_sheet(sheet.protocol, sheet.context, request.form.to_dict(flat=False), stands=sheet.answers)
    wrong = forms.problems(sheet, read, open_too="leave_open" not in request.form)
    if wrong:
        return _page(sheet, forms.again(sheet, request.form, wrong), 422)
    helped = AnsweredBy.HELPER if request.form.get("answered_by") == AnsweredBy.HELPER else AnsweredBy.SELF
    tier = sheets.enter_by_phone(
        invitation_id, read.answers, answered_by=helped, language=sheet.language, by=guard.actor(), now=clock.now()
    )
    flash(f"Saved. The answers score {tier}." + (" The clinician on call is being paged." if tier.pages else ""))
    return redirect(url_for("phone.said", invitation_id=invitation_id, language=sheet.language), code=303)


@blueprint.get("/check-ins/<uuid:invitation_id>/outcome")
@guard.requires(Permission.PATIENT_READ)
def said(invitation_id: UUID) -> ResponseReturnValue:
    """What to tell the patient before the call ends."""
    now = clock.now()
    outcome = sheets.outcome(invitation_id, now=now)
    sheet = _in_language(outcome.sheet)
    return render_template(
        "pages/patients/outcome.html", sheet=sheet, outcome=outcome, lines=forms.ending(outcome, sheet.language, now)
    )


def _sheet(invitation_id: UUID) -> PhoneSheet:
    return _in_language(sheets.sheet(invitation_id))


def _in_language(sheet: PhoneSheet) -> PhoneSheet:
    """The sheet in the language that the address names, if the protocol speaks it."""
    wanted = request.args.get("language")
    return replace(sheet, language=wanted) if wanted in sheet.protocol.languages else sheet


def _page(sheet: PhoneSheet, questions: tuple[forms.Question, ...], status: int) -> ResponseReturnValue:
    return render_template(
        "pages/patients/phone.html",
        sheet=sheet,
        script=forms.script(sheet),
        questions=questions,
        results=RESULT_WORDS,
        wrong=[(one.control, f"{one.item.label['en']}: {one.problem}") for one in questions if one.problem],
    ), status
