"""A manager's look at how others are paged: who can be, and ways added that only their owners can verify."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.services import reach
from survey.web import guard, reach_pages
from survey.web.forms.contact_methods import MethodForm

blueprint = Blueprint("reach", __name__, url_prefix="/reach")

THEIRS = reach_pages.Place(endpoints="reach", person=True)


@blueprint.get("")
@guard.requires(Permission.ONCALL_WRITE)
def index() -> ResponseReturnValue:
    """Everybody who may be on call."""
    return render_template("pages/reach/index.html", people=reach.people(), now=clock.now())


@blueprint.get("/<uuid:user_id>")
@guard.requires(Permission.ONCALL_WRITE)
def show(user_id: UUID) -> ResponseReturnValue:
    """How somebody is paged."""
    return reach_pages.page(user_id, THEIRS)


@blueprint.post("/<uuid:user_id>/methods")
@guard.requires(Permission.ONCALL_WRITE)
def add(user_id: UUID) -> ResponseReturnValue:
    """One more way; its owner verifies it."""
    form = MethodForm()
    if reach_pages.added(user_id, form) is None:
        return reach_pages.page(user_id, THEIRS, method_form=form, status=422)
    flash("Added. It is not paged until its owner has signed in, had a code sent and typed it in.")
    return redirect(url_for("reach.show", user_id=user_id), code=303)


@blueprint.get("/<uuid:user_id>/methods/<uuid:method_id>/remove")
@guard.requires(Permission.ONCALL_WRITE)
def ask_to_remove(user_id: UUID, method_id: UUID) -> ResponseReturnValue:
    """Are you sure?"""
    return reach_pages.question(user_id, method_id, THEIRS)


@blueprint.post("/<uuid:user_id>/methods/<uuid:method_id>/remove")
@guard.requires(Permission.ONCALL_WRITE)
def remove(user_id: UUID, method_id: UUID) -> ResponseReturnValue:
    """Never page them there again."""
    return reach_pages.remove(user_id, method_id, THEIRS)


@blueprint.post("/<uuid:user_id>/rules")
@guard.requires(Permission.ONCALL_WRITE)
def add_rule(user_id: UUID) -> ResponseReturnValue:
    """Use a way at that time."""
    return reach_pages.add_rule(user_id, THEIRS)


@blueprint.post("/<uuid:user_id>/rules/<uuid:rule_id>/remove")
@guard.requires(Permission.ONCALL_WRITE)
def remove_rule(user_id: UUID, rule_id: UUID) -> ResponseReturnValue:
    """Not at that time any more."""
    return reach_pages.remove_rule(user_id, rule_id, THEIRS)
