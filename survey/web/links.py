"""The patient's link: the first page, which changes nothing however often it is fetched, and the Start button."""

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.errors import NotFound
from survey.domain.links import Link, LinkState
from survey.domain.responses import SESSION_LASTS
from survey.services import links, responses
from survey.web import errors, guard, limits, words
from survey.web.headers import csrf

blueprint = Blueprint("links", __name__)


@blueprint.get("/s/<token>")
@guard.patient_link
def show(token: str) -> ResponseReturnValue:
    """What the link opens now."""
    link = links.look(token)
    if link is None:
        words.speak(words.preferred())
        limits.spend_on_unknown_link()
        return errors.notice("unknown", 404)
    words.speak(words.asked_for() or link.language)
    return _ended(link) or _landing(token, link)


@blueprint.post("/s/<token>/start")
@guard.patient_link
def start(token: str) -> ResponseReturnValue:
    """Swap the link for a session cookie; no later address holds the token."""
    words.speak(request.form.get("language"))
    try:
        session_token = responses.start(token, language=words.language(), now=clock.now())
    except NotFound:
        return redirect(url_for("links.show", token=token), code=303)
    return remember(redirect(url_for("answers.resume"), code=303), session_token)


csrf.exempt(start)  # the token in the path is what this form proves itself by


@blueprint.get("/s/<token>/start")
@guard.patient_link
def back_to_start(token: str) -> ResponseReturnValue:
    """Somebody loaded the address of the button."""
    return redirect(url_for("links.show", token=token), code=303)


def _ended(link: Link) -> ResponseReturnValue | None:
    """The page of a link that opens nothing any more."""
    state = link.state(clock.now())
    if state is LinkState.LIVE:
        return None
    key = "revoked" if state is LinkState.REVOKED else "ended"
    return errors.notice(key, 410, sites=(link.site,))


def _landing(token: str, link: Link) -> ResponseReturnValue:
    if link.submitted_at is None:
        return render_template("pages/survey/start.html", token=token, link=link, site=link.site)
    return render_template("pages/survey/received.html", token=token, link=link, site=link.site)


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host and to https, where there is https."""
    return "__Host-daytwo-patient" if _is_secure() else "daytwo-patient"


def remember(answer: ResponseReturnValue, session_token: str) -> Response:
    """Set the cookie of a patient's session."""
    response = make_response(answer)
    response.set_cookie(
        cookie_name(),
        session_token,
        max_age=SESSION_LASTS,
        path="/",
        secure=_is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def forget(answer: ResponseReturnValue) -> Response:
    """Drop the cookie of a patient's session."""
    response = make_response(answer)
    response.delete_cookie(cookie_name(), path="/", secure=_is_secure(), httponly=True, samesite="Lax")
    return response


def _is_secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])
