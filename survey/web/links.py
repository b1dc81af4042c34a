"""The patient's link: its first page, which changes nothing however often it is fetched, Start, and every end."""

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.errors import NotFound
from survey.domain.links import Link, LinkState, WayOn, bare
from survey.domain.responses import SESSION_LASTS
from survey.services import fresh_links, links, responses
from survey.web import clinic, errors, guard, limits, words
from survey.web.headers import csrf

blueprint = Blueprint("links", __name__)

NO_LINK = "-"
"""Stands in an address for a link that is not ours."""


@blueprint.get("/s/<path:token>")
@guard.patient_link
def show(token: str) -> ResponseReturnValue:
    """What the link opens now."""
    token = bare(token)
    link = links.look(token)
    if link is None:
        return _unknown()
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


@blueprint.get("/s/<token>/start")
@guard.patient_link
def back_to_start(token: str) -> ResponseReturnValue:
    """Somebody loaded the address of the button."""
    return redirect(url_for("links.show", token=token), code=303)


@blueprint.get("/s/<token>/not-me")
@guard.patient_link
def ask_whose(token: str) -> ResponseReturnValue:
    """Is it somebody else's? It cannot be undone, so it is asked once more."""
    link = links.look(token)
    if link is None or link.state(clock.now()) is not LinkState.LIVE:
        return redirect(url_for("links.show", token=token), code=303)
    words.speak(words.asked_for() or link.language)
    return render_template("pages/survey/not_me.html", token=token, link=link, site=link.site)


@blueprint.post("/s/<token>/not-me")
@guard.patient_link
def not_me(token: str) -> ResponseReturnValue:
    """The wrong person is let go, and the clinic hears of it."""
    words.speak(request.form.get("language"))
    try:
        responses.not_for_me(token, now=clock.now())
    except NotFound:
        return redirect(url_for("links.show", token=token), code=303)
    return forget(redirect(url_for("answers.closed", language=words.language()), code=303))


@blueprint.post("/s/<path:token>")
@guard.patient_link
def ask_for_fresh(token: str) -> ResponseReturnValue:
    """Send a fresh link in the place of this one, to what is on file; never to anything typed in.

    The form has no address of its own, so that the pages of unknown links are the same to the byte.
    """
    token = bare(token)
    link = fresh_links.ask(token, now=clock.now())
    if link is None:
        limits.spend_on_unknown_link()
        return redirect(url_for("links.fresh", token=NO_LINK, language=words.preferred()), code=303)
    spoken = words.asked_for() or link.language
    return redirect(url_for("links.fresh", token=token, language=spoken), code=303)


@blueprint.get("/s/<token>/fresh")
@guard.patient_link
def fresh(token: str) -> ResponseReturnValue:
    """What happens now, and what to do if nothing does."""
    now = clock.now()
    link = links.look(token)
    words.speak(words.preferred())
    way = fresh_links.way_on(link, now=now) if link else WayOn.LINK
    sites = (link.site,) if link else clinic.known_sites(now)
    return make_response(render_template("pages/survey/fresh.html", way=way, sites=sites))


for _view in (start, not_me, ask_for_fresh):
    csrf.exempt(_view)  # the token in the path is what these forms prove themselves by


def _unknown() -> ResponseReturnValue:
    """The same page for a link that was never made and for what could not be one."""
    words.speak(words.preferred())
    limits.spend_on_unknown_link()
    return errors.notice("unknown", 404, can_ask=True)


def _ended(link: Link) -> ResponseReturnValue | None:
    """The page of a link that opens nothing any more."""
    state = link.state(clock.now())
    if state is LinkState.LIVE:
        return None
    key = "revoked" if state is LinkState.REVOKED else "ended"
    return errors.notice(key, 410, sites=(link.site,), can_ask=True)


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
