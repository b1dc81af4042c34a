"""The page after enrolling: whether the text has arrived, while the patient is still at the desk."""

from uuid import UUID

from flask import Blueprint, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain import confirmations as rules
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.services import access, confirmations
from survey.services.confirmations import Look
from survey.web import guard, words
from survey.web.forms import put_beside
from survey.web.forms.confirmations import NumberForm

blueprint = Blueprint("confirmations", __name__, url_prefix="/procedures/<uuid:procedure_id>/confirmation")

LOOK_EVERY_S = 3


@blueprint.get("")
@guard.requires(Permission.PATIENT_READ)
def show(procedure_id: UUID) -> ResponseReturnValue:
    """How far the text has come; the page looks again by itself until it knows, or for two minutes."""
    now, found = clock.now(), confirmations.look(procedure_id)
    if "again" not in request.args:
        access.note_read("procedure.read", procedure_id, by=guard.actor(), now=now)
    looks = rules.is_open_question(found.progress) and now - found.queued_at < rules.LOOK_FOR
    if not looks or "still" in request.args:
        return _page(found, NumberForm(data={"mobile": words.phone(found.address)}), 200)
    for sentence in get_flashed_messages():
        flash(str(sentence))  # it must still stand there at the next look
    page, headers = _page(found, None, 200), {"Refresh": f"{LOOK_EVERY_S}; url={_address(procedure_id)}?again=1"}
    return *page, headers


@blueprint.post("")
@guard.requires(Permission.PATIENT_WRITE)
def send_again(procedure_id: UUID) -> ResponseReturnValue:
    """Text the number once more, or the right one in its place."""
    form = NumberForm()
    if form.is_valid():
        try:
            confirmations.again(procedure_id, form.mobile.data, by=guard.actor(), now=clock.now())
            return redirect(_address(procedure_id), code=303)
        except Refused as refused:
            put_beside(form, refused)
    return _page(confirmations.look(procedure_id), form, 422)


def _address(procedure_id: UUID) -> str:
    return url_for("confirmations.show", procedure_id=procedure_id)


def _page(found: Look, form: NumberForm | None, status: int) -> tuple[str, int]:
    """The page; with the form it stays as it is, without it looks again."""
    overdue = clock.now() - found.queued_at >= rules.SOON
    return render_template("pages/confirmations/show.html", found=found, form=form, overdue=overdue), status
