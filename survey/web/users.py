"""The accounts page: who may sign in, as what, and since when."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission, Role
from survey.domain.errors import Refused
from survey.services import accounts
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.accounts import NewUserForm

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("")
@guard.requires(Permission.USER_WRITE)
def index() -> ResponseReturnValue:
    """All accounts, and the form for one more."""
    return _page(NewUserForm(), 200)


@blueprint.post("")
@guard.requires(Permission.USER_WRITE)
def add() -> ResponseReturnValue:
    """Make an account."""
    form = NewUserForm()
    if not form.is_valid():
        return _page(form, 422)
    try:
        _create(form)
    except Refused as refused:
        put_beside(form, refused)
        return _page(form, 422)
    flash(f"{form.name.data} can sign in now.")
    if form.pager.data:
        flash("No page goes to the number until its owner has signed in, had a code sent and typed it in.")
    return redirect(url_for("users.index"), code=303)


@blueprint.post("/<uuid:user_id>/disable")
@guard.requires(Permission.USER_WRITE)
def disable(user_id: UUID) -> ResponseReturnValue:
    """Shut somebody out at once."""
    accounts.disable(user_id, by=guard.actor(), now=clock.now())
    flash("The account is disabled. Its sessions are over.")
    return redirect(url_for("users.index"), code=303)


@blueprint.post("/<uuid:user_id>/enable")
@guard.requires(Permission.USER_WRITE)
def enable(user_id: UUID) -> ResponseReturnValue:
    """Let somebody in again."""
    accounts.enable(user_id, by=guard.actor(), now=clock.now())
    flash("The account works again.")
    return redirect(url_for("users.index"), code=303)


def _create(form: NewUserForm) -> None:
    accounts.create_user(
        form.email.data,
        form.name.data,
        Role(form.role.data),
        form.password.data,
        by=guard.actor(),
        now=clock.now(),
        pager=form.pager.data or None,
    )


def _page(form: NewUserForm, status: int) -> ResponseReturnValue:
    return render_template("pages/users/index.html", form=form, users=accounts.users()), status
