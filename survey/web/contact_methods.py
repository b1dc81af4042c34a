"""How I am paged: my own ways, proved by codes and test pages, and the order in which they are used."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import NotFound, Refused
from survey.services import contact_methods, contact_proofs
from survey.web import guard, reach_pages
from survey.web.forms import put_beside
from survey.web.forms.contact_methods import CodeForm, MethodForm

blueprint = Blueprint("contact_methods", __name__)

MINE = reach_pages.Place(endpoints="contact_methods", person=False)


@blueprint.get("/me/reach")
@guard.requires(Permission.ALERT_TAKE)
def show() -> ResponseReturnValue:
    """My ways, and the order."""
    return reach_pages.page(guard.person().id, MINE)


@blueprint.post("/me/reach/methods")
@guard.requires(Permission.ALERT_TAKE)
def add() -> ResponseReturnValue:
    """One more way; a code is sent there at once."""
    form = MethodForm()
    new = reach_pages.added(guard.person().id, form)
    if new is None:
        return reach_pages.page(guard.person().id, MINE, method_form=form, status=422)
    contact_methods.ask_code(new.id, by=guard.actor(), now=clock.now())
    flash("A code is on its way there. Type it in below.")
    return _back()


@blueprint.post("/me/reach/methods/<uuid:method_id>/code")
@guard.requires(Permission.ALERT_TAKE)
def send_code(method_id: UUID) -> ResponseReturnValue:
    """Send a new code."""
    return _do(lambda: contact_methods.ask_code(method_id, by=guard.actor(), now=clock.now()), "A code is on its way.")


@blueprint.post("/me/reach/methods/<uuid:method_id>/verify")
@guard.requires(Permission.ALERT_TAKE)
def verify(method_id: UUID) -> ResponseReturnValue:
    """Type the code in."""
    form = CodeForm()
    try:
        if form.is_valid():
            contact_methods.type_code(method_id, form.code.data, by=guard.actor(), now=clock.now())
            flash("Verified. Pages go there from now on.")
            return _back()
    except Refused as refused:
        put_beside(form, refused)
    return reach_pages.page(guard.person().id, MINE, code_form=form, code_for=method_id, status=422)


@blueprint.post("/me/reach/methods/<uuid:method_id>/test")
@guard.requires(Permission.ALERT_TAKE)
def send_test(method_id: UUID) -> ResponseReturnValue:
    """Send me a test page now."""
    words = "A test page is on its way. Answer it as you would answer a page."
    return _do(lambda: contact_methods.ask_test(method_id, by=guard.actor(), now=clock.now()), words)


@blueprint.get("/me/reach/methods/<uuid:method_id>/remove")
@guard.requires(Permission.ALERT_TAKE)
def ask_to_remove(method_id: UUID) -> ResponseReturnValue:
    """Are you sure?"""
    return reach_pages.question(guard.person().id, method_id, MINE)


@blueprint.post("/me/reach/methods/<uuid:method_id>/remove")
@guard.requires(Permission.ALERT_TAKE)
def remove(method_id: UUID) -> ResponseReturnValue:
    """Never page me there again."""
    return reach_pages.remove(guard.person().id, method_id, MINE)


@blueprint.post("/me/reach/rules")
@guard.requires(Permission.ALERT_TAKE)
def add_rule() -> ResponseReturnValue:
    """Use a way at that time."""
    return reach_pages.add_rule(guard.person().id, MINE)


@blueprint.post("/me/reach/rules/<uuid:rule_id>/remove")
@guard.requires(Permission.ALERT_TAKE)
def remove_rule(rule_id: UUID) -> ResponseReturnValue:
    """Not at that time any more."""
    return reach_pages.remove_rule(guard.person().id, rule_id, MINE)


# ---- the link in a test page


@blueprint.get("/t/<token>")
@guard.public("The link in a test page: it tells nothing, and looking at it changes nothing.")
def test_page(token: str) -> ResponseReturnValue:
    """The button that says that pages arrive."""
    try:
        test = contact_proofs.look(token, now=clock.now())
    except NotFound as unknown:
        return render_template("pages/alerts/unknown.html", message=unknown.message), 404
    signed_in = guard.person_or_none() is not None
    return render_template("pages/reach/test.html", test=test, token=token, signed_in=signed_in)


@blueprint.post("/t/<token>")
@guard.public("Confirming is allowed to whoever holds the phone that was tested; a mail's link asks for a sign-in.")
def answer_test(token: str) -> ResponseReturnValue:
    """It has arrived."""
    person = guard.person_or_none()
    try:
        contact_proofs.confirm(token, by=person.id if person else None, now=clock.now())
    except Refused as refused:
        flash(refused.message)
    except NotFound as unknown:
        return render_template("pages/alerts/unknown.html", message=unknown.message), 404
    return redirect(url_for("contact_methods.test_page", token=token), code=303)


def _do(act: Callable[[], None], words: str) -> ResponseReturnValue:
    try:
        act()
        flash(words)
    except (Refused, NotFound) as refused:
        flash(refused.message)
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("contact_methods.show"), code=303)
