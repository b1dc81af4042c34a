"""The page of texts that patients sent: red first, whose it may be, what we answered, and one tap for done."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import DomainError
from survey.domain.stories import ANSWERS, MEANINGS
from survey.services import access, inbound, replies, sites
from survey.web import guard
from survey.web.forms import replies as forms
from survey.web.forms.replies import DoneForm

blueprint = Blueprint("replies", __name__, url_prefix="/replies")


@blueprint.app_context_processor
def _for_templates() -> dict[str, object]:
    return {"open_replies": open_replies}


def open_replies() -> int:
    """What the navigation counts; nothing while the database is away, for it stands on error pages too."""
    try:
        return replies.open_count()
    except DomainError:
        return 0


@blueprint.get("")
@guard.requires(Permission.WORKLIST_READ)
def show() -> ResponseReturnValue:
    """What is open, or what was seen to."""
    access.note_read("replies.read", None, by=guard.actor(), now=clock.now())
    return _page(DoneForm(), None, 200)


@blueprint.post("/<uuid:inbound_id>/done")
@guard.requires(Permission.PATIENT_WRITE)
def done(inbound_id: UUID) -> ResponseReturnValue:
    """Somebody has seen to it."""
    form = DoneForm()
    if not form.is_valid():
        return _page(form, inbound_id, 422)
    closed = replies.close(inbound_id, note=form.note.data, by=guard.actor(), now=clock.now())
    flash("Done. The reply stays in the patient’s story." if closed else "Somebody had marked it as done before you.")
    return _back()


@blueprint.post("/<uuid:inbound_id>/stop-texts")
@guard.requires(Permission.PATIENT_WRITE)
def stop_texts(inbound_id: UUID) -> ResponseReturnValue:
    """The text asks, in words of its own, for an end of the texts."""
    inbound.stop_texts(inbound_id, by=guard.actor(), now=clock.now())
    replies.close(inbound_id, note=None, by=guard.actor(), now=clock.now())
    flash("No more texts go to this number. If a check-in is open, it is on the call list.")
    return _back()


def _back() -> ResponseReturnValue:
    values: dict[str, Any] = {**forms.replies(request.args).values}
    return redirect(url_for("replies.show", **values), code=303)


def _page(form: DoneForm, about: UUID | None, status: int) -> ResponseReturnValue:
    """`form` is that of the reply `about`, kept as it was typed; the other replies have an empty one."""
    asked = forms.replies(request.args)
    now = clock.now()
    return render_template(
        "pages/replies/show.html",
        asked=asked,
        list=replies.look(site_id=asked.site_id, done=asked.done, page=asked.page, now=now),
        sites=sites.every(),
        form=form,
        about=about,
        answers=ANSWERS,
        meanings=MEANINGS,
        now=now,
    ), status
