"""Signing in and out."""

from ipaddress import ip_address, ip_network

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission, Role, may
from survey.domain.errors import Refused
from survey.services import accounts, reach
from survey.services.accounts import Person
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.accounts import SignInForm

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@guard.public("Whoever is not signed in has to come in somewhere.")
def show() -> ResponseReturnValue:
    """The form; somebody who is signed in goes on."""
    person = guard.person_or_none()
    if person is not None:
        return redirect(_onwards(request.args.get("next"), person), code=303)
    form = SignInForm(data={"next": guard.own_path(request.args.get("next")) or ""})
    return _page(form, 200)


@blueprint.post("/sign-in")
@guard.public("Whoever is not signed in has to come in somewhere.")
def submit() -> ResponseReturnValue:
    """Check the password and open a session of its own; what session there was before is ended."""
    form = SignInForm()
    if not form.is_valid():
        return _page(form, 422)
    now = clock.now()
    try:
        token = accounts.sign_in(form.email.data, form.password.data, network=network(request.remote_addr), now=now)
    except Refused as refused:
        put_beside(form, refused)
        return _page(form, 422)
    _end_old_session()
    person = accounts.session(token, now=now)
    return _remember(make_response(redirect(_onwards(form.next.data, person), code=303)), token)


@blueprint.post("/sign-out")
@guard.public("Ends whatever session there is; an old one may be the reason to press it.")
def leave() -> ResponseReturnValue:
    """End the session at once and drop what the browser kept of its pages."""
    _end_old_session()
    response = make_response(redirect(url_for("sign_in.show"), code=303))
    response.delete_cookie(guard.cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def network(address: str | None) -> str:
    """Where a request comes from, coarse enough that a guesser cannot hop: /24 for IPv4, /56 for IPv6."""
    if not address:
        return "local"
    where = ip_address(address)
    return str(ip_network((where, 24 if where.version == 4 else 56), strict=False))


def _page(form: SignInForm, status: int) -> ResponseReturnValue:
    response = make_response(render_template("pages/accounts/sign_in.html", form=form), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _onwards(wanted: str | None, person: Person | None) -> str:
    return guard.own_path(wanted) or _first_page(person)


def _first_page(person: Person | None) -> str:
    """Whoever is to be paged and cannot be yet comes to where a code is typed in."""
    if person is None:
        return guard.home(Role.STAFF)
    if may(person.role, Permission.ALERT_TAKE) and reach.waits_for_code(person.id):
        return url_for("contact_methods.show")
    return guard.home(person.role)


def _end_old_session() -> None:
    token = request.cookies.get(guard.cookie_name())
    if token:
        accounts.sign_out(token, now=clock.now())


def _remember(response: Response, token: str) -> Response:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(guard.cookie_name(), token, path="/", secure=secure, httponly=True, samesite="Lax")
    return response
