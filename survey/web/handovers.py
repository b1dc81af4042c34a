"""The handover sheet of a roster: to read, to sign and to print, and those that were signed."""

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import NotFound, Refused, Stale
from survey.domain.handovers import Side
from survey.domain.stories import CONTACT_WORDS
from survey.services import access, handovers
from survey.services.handovers import Page
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.handovers import SignForm, change
from survey.web.forms.worklist import page_number

blueprint = Blueprint("handovers", __name__, url_prefix="/on-call")


@blueprint.get("/<uuid:schedule_id>/handover")
@guard.requires(Permission.ALERT_READ)
def show(schedule_id: UUID) -> ResponseReturnValue:
    """The sheet of the change at hand, or of the one in the address, and the signed ones below."""
    now = clock.now()
    access.note_read("handover.read", schedule_id, by=guard.actor(), now=now)
    return _page(schedule_id, _sheet(schedule_id, change(request.args), now), SignForm(), 200)


@blueprint.post("/<uuid:schedule_id>/handover")
@guard.requires(Permission.ALERT_TAKE)
def sign(schedule_id: UUID) -> ResponseReturnValue:
    """Put one's own name under it."""
    now, form = clock.now(), SignForm()
    at = change(request.form)
    try:
        if at is None:
            raise NotFound("This form cannot be read. Open the handover anew.")
        if form.is_valid():
            handovers.sign(schedule_id, at, note=form.note.data, by=guard.actor(), now=now)
            flash("Signed.")
            return redirect(url_for("handovers.show", schedule_id=schedule_id, at=at.isoformat()), code=303)
    except (Refused, Stale) as refused:
        put_beside(form, refused if isinstance(refused, Refused) else Refused(refused.message))
    return _page(schedule_id, _sheet(schedule_id, at, now), form, 422)


@blueprint.get("/handovers/<uuid:handover_id>")
@guard.requires(Permission.ALERT_READ)
def kept(handover_id: UUID) -> ResponseReturnValue:
    """A sheet that was signed."""
    now = clock.now()
    access.note_read("handover.read", handover_id, by=guard.actor(), now=now)
    page = handovers.get(handover_id, reader_id=guard.person().id, now=now)
    return _page(page.schedule.id, page, SignForm(), 200)


def _sheet(schedule_id: UUID, at: datetime | None, now: datetime) -> Page | None:
    return handovers.look(schedule_id, reader_id=guard.person().id, now=now, at=at)


def _page(schedule_id: UUID, sheet: Page | None, form: SignForm, status: int) -> ResponseReturnValue:
    if sheet is not None:
        form.at.data = sheet.boundary.at.isoformat()
    past = handovers.past(schedule_id, page=page_number(request.args.get("page", "")))
    words = {"contacts": CONTACT_WORDS, "sides": Side}
    return render_template(
        "pages/handovers/show.html", sheet=sheet, past=past, form=form, now=clock.now(), **words
    ), status
