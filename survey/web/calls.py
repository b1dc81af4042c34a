"""Pages of calls: whom to call, what came of a call, and what the lead decides."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.calls import IN_VAIN, KINDS, RESULT_WORDS, Result
from survey.domain.errors import Refused
from survey.domain.stops import Reason
from survey.services import access, calls, sites
from survey.services.calls import Sheet
from survey.web import guard
from survey.web.forms import calls as forms
from survey.web.forms import put_beside
from survey.web.forms.calls import CallForm, DecideForm, OneTap

blueprint = Blueprint("calls", __name__)

TEXTED = " A text that we called goes out, unless this number had one of ours today."
NOT_TEXTED = " No text goes out: one goes out a day at most, and only in texting hours to a number that takes texts."


@blueprint.get("/calls")
@guard.requires(Permission.WORKLIST_READ)
def show() -> ResponseReturnValue:
    """Whom to call now, most urgent first."""
    now = clock.now()
    access.note_read("calls.read", None, by=guard.actor(), now=now)
    asked = forms.asked(request.args)
    return render_template(
        "pages/calls/show.html",
        asked=asked,
        list=calls.look(asked.wanted, page=asked.page, now=now),
        sites=sites.every(),
        kinds=KINDS,
        results=RESULT_WORDS,
        now=now,
    )


@blueprint.get("/check-ins/<uuid:invitation_id>/calls/new")
@guard.requires(Permission.PATIENT_WRITE)
def new(invitation_id: UUID) -> ResponseReturnValue:
    """What came of the call, with a note; the address may choose the result."""
    chosen = request.args.get("result", "")
    form = CallForm(data={"result": chosen if chosen in RESULT_WORDS else None})
    return _call_page(form, calls.sheet(invitation_id), 200)


@blueprint.post("/check-ins/<uuid:invitation_id>/calls")
@guard.requires(Permission.PATIENT_WRITE)
def note(invitation_id: UUID) -> ResponseReturnValue:
    """Keep what came of a call, from a button of the list or from the page."""
    if "note" not in request.form:
        tapped = OneTap()
        return _noted(invitation_id, tapped.result.data, None, text=tapped.text.data) if tapped.is_valid() else _back()
    form = CallForm()
    if not form.is_valid():
        return _call_page(form, calls.sheet(invitation_id), 422)
    return _noted(invitation_id, form.result.data, form.note.data, text=form.text.data)


@blueprint.get("/check-ins/<uuid:invitation_id>/decision")
@guard.requires(Permission.CALL_DECIDE)
def ask_to_decide(invitation_id: UUID) -> ResponseReturnValue:
    """What was tried, and the two ways on."""
    return _decide_page(DecideForm(), calls.sheet(invitation_id), 200)


@blueprint.post("/check-ins/<uuid:invitation_id>/decision")
@guard.requires(Permission.CALL_DECIDE)
def decide(invitation_id: UUID) -> ResponseReturnValue:
    """Close it with a reason."""
    form = DecideForm()
    if not form.is_valid():
        return _decide_page(form, calls.sheet(invitation_id), 422)
    try:
        reason = Reason(form.reason.data)
        calls.close(invitation_id, reason=reason, note=form.note.data, by=guard.actor(), now=clock.now())
    except Refused as refused:
        put_beside(form, refused)
        return _decide_page(form, calls.sheet(invitation_id), 422)
    flash("The check-in is closed with that reason.")
    return redirect(url_for("calls.show", kind="lead"), code=303)


@blueprint.post("/check-ins/<uuid:invitation_id>/another-try")
@guard.requires(Permission.CALL_DECIDE)
def send_back(invitation_id: UUID) -> ResponseReturnValue:
    """One more try."""
    calls.send_back(invitation_id, by=guard.actor(), now=clock.now())
    flash("It is back on the call list for another try.")
    return redirect(url_for("calls.show", kind="lead"), code=303)


def _noted(invitation_id: UUID, result: str, said: str | None, *, text: bool) -> ResponseReturnValue:
    came = Result(result)
    texted = calls.note(invitation_id, result=came, by=guard.actor(), now=clock.now(), note=said, text=text)
    wanted = text and came in IN_VAIN
    flash(f"Noted: {RESULT_WORDS[came].lower()}.{TEXTED if texted else NOT_TEXTED if wanted else ''}")
    return _back()


def _back() -> ResponseReturnValue:
    """Where the button stood."""
    return redirect(guard.own_path(request.form.get("back")) or url_for("calls.show"), code=303)


def _call_page(form: CallForm, sheet: Sheet, status: int) -> ResponseReturnValue:
    back = guard.own_path(request.values.get("back")) or url_for("calls.show")
    return render_template("pages/calls/new.html", form=form, sheet=sheet, results=RESULT_WORDS, back=back), status


def _decide_page(form: DecideForm, sheet: Sheet, status: int) -> ResponseReturnValue:
    return render_template("pages/calls/decision.html", form=form, sheet=sheet, results=RESULT_WORDS), status
