"""The page of a day's texts and emails."""

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.sends import WORDS
from survey.services import access, sends, sites
from survey.web import guard
from survey.web.forms import sends as filters

blueprint = Blueprint("sends", __name__)


@blueprint.get("/sends")
@guard.requires(Permission.WORKLIST_READ)
def show() -> ResponseReturnValue:
    """Who is asked on that day, by the hour; what is held back; who cannot be asked, and what can be done about it."""
    now = clock.now()
    access.note_read("sends.read", None, by=guard.actor(), now=now)
    known = sites.every()
    today = (known[0].local(now) if known else now).date()
    asked = filters.read(request.args, today=today)
    return render_template(
        "pages/sends/show.html",
        asked=asked,
        day=sends.look(asked.wanted, page=asked.page),
        sites=known,
        words=WORDS,
        today=today,
        a_day=timedelta(days=1),
        now=now,
    )
