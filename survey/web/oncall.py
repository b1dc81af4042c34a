"""The on-call page: who is paged now, who is next, and where nobody is."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.services import oncall, rosters
from survey.services.rosters import Board
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.oncall import ShiftForm

blueprint = Blueprint("oncall", __name__, url_prefix="/on-call")


@blueprint.get("")
@guard.requires(Permission.ONCALL_READ)
def show() -> ResponseReturnValue:
    """Now, the next two weeks, and the policy."""
    board = _board()
    return _page(board, _form(board), 200)


@blueprint.post("/shifts")
@guard.requires(Permission.ONCALL_WRITE)
def add_shift() -> ResponseReturnValue:
    """Put somebody on call."""
    board = _board()
    form = _form(board)
    if not form.is_valid() or not _add(board, form):
        return _page(board, form, 422)
    flash("The shift is on the roster.")
    return redirect(url_for("oncall.show"), code=303)


@blueprint.post("/shifts/<uuid:shift_id>/remove")
@guard.requires(Permission.ONCALL_WRITE)
def remove_shift(shift_id: UUID) -> ResponseReturnValue:
    """Take a shift off the roster."""
    try:
        oncall.remove_shift(shift_id, by=guard.actor(), now=clock.now())
        flash("The shift is off the roster.")
    except Refused as refused:
        flash(refused.message)
    return redirect(url_for("oncall.show"), code=303)


def _board() -> Board:
    return rosters.board(clock.now(), reader_id=guard.person().id)


def _form(board: Board) -> ShiftForm:
    form = ShiftForm()
    form.schedule_id.choices = {str(one.schedule.id): one.schedule.name for one in board.rosters}
    form.user_id.choices = {"": "Choose a person"} | {str(user_id): name for user_id, name in board.responders}
    return form


def _add(board: Board, form: ShiftForm) -> bool:
    """Whether it could be added; the reason stands beside its field if not."""
    zone = next(one.tz for one in board.rosters if one.schedule.id == form.schedule())
    starts_at, ends_at = form.times(zone)
    try:
        oncall.add_shift(
            form.schedule(), form.who(), starts_at=starts_at, ends_at=ends_at, by=guard.actor(), now=clock.now()
        )
    except Refused as refused:
        put_beside(form, refused)
        return False
    return True


def _page(board: Board, form: ShiftForm, status: int) -> ResponseReturnValue:
    return render_template("pages/oncall/show.html", board=board, form=form, now=clock.now()), status
