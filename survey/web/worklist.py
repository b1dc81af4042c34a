"""The worklist page."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.worklist import KINDS
from survey.services import access, sites, worklist
from survey.web import guard
from survey.web.forms import worklist as filters

blueprint = Blueprint("worklist", __name__)


@blueprint.get("/")
@guard.public("The bare address only says where to go; it shows nothing.")
def start() -> ResponseReturnValue:
    """Send whoever typed the bare address to the sign-in page, or on to work."""
    person = guard.person_or_none()
    return redirect(guard.home(person.role) if person else url_for("sign_in.show"), code=303)


@blueprint.get("/worklist")
@guard.requires(Permission.WORKLIST_READ)
def show() -> ResponseReturnValue:
    """The four counts, and what is open, most urgent first."""
    now = clock.now()
    access.note_read("worklist.read", None, by=guard.actor(), now=now)
    asked = filters.worklist(request.args, me=guard.person().id)
    return render_template(
        "pages/worklist/show.html",
        asked=asked,
        list=worklist.look(asked.filter, days=asked.days, page=asked.page, now=now),
        sites=sites.every(),
        kinds=KINDS,
        periods=filters.PERIODS,
        now=now,
    )
